//! What the committer does to a whole log: images, trims, replacements, removals, and the sweeping behind them.
//!
//! Data first, then the row, then the old data. A replacement is written under a number of its own while the former
//! log is still in place; one durable batch switches the row; what is then of no use is swept when nobody waits, or
//! after the next start: the `doomed` rows remember it.

use std::sync::Arc;

use onair_engine::{Error, Head, Image, Record};
use onair_wire::{Epoch, ProductionId, Revision};

use crate::{
    committer::{Committer, GROUP_BYTES_MAX, Request, answer},
    image,
    index::Row,
    keys::{self, LogId},
    logs::{Log, Slot},
    read,
    record::{self, Seed, Sum},
};

/// Keys deleted in one batch: short enough that an append that comes in meanwhile does not notice.
const SWEEP_KEYS: usize = 2048;

/// A range of keys to be deleted, and the row to be deleted with the last of them.
pub(crate) struct Sweep {
    from: Vec<u8>,
    to: Vec<u8>,
    then: Option<LogId>,
}

impl Sweep {
    /// All data of a log, and last its `doomed` row. In the order in which they are popped: the last is done first.
    pub(crate) fn log(log: LogId) -> [Self; 2] {
        let zero = Revision::ZERO;
        let images =
            Self::new(&keys::image(log, zero, 0), &keys::image(log, keys::LAST, u32::MAX), Some(log));
        let records = Self::new(&keys::record(log, zero), &keys::record(log, keys::LAST), None);
        [images, records]
    }

    fn new(from: &[u8], to: &[u8], then: Option<LogId>) -> Self {
        Self { from: from.to_vec(), to: to.to_vec(), then }
    }
}

impl Committer {
    /// Does what is not an append or a creation, and answers.
    pub(crate) fn whole(&mut self, request: Request) {
        match request {
            Request::Save { log, image, reply } => answer(reply, self.save(&log, &image)),
            Request::Trim { log, keep_from, reply } => answer(reply, self.trim(&log, keep_from)),
            Request::Replace { production, epoch, image, records, reply } => {
                answer(reply, self.replace(&production, &epoch, image, &records));
            }
            Request::Remove { production, reply } => answer(reply, self.remove(&production)),
            Request::Append { .. } | Request::Create { .. } | Request::Close { .. } => {
                unreachable!("the loop keeps these")
            }
        }
    }

    fn save(&mut self, log: &Log, image: &Image) -> Result<(), Error> {
        self.present(log)?;
        let chunks = image::split(log.seed, image.revision, &image.body);
        let key = |chunk| keys::image(log.id, image.revision, chunk);
        let former = self
            .store
            .keys(&key(0), &key(u32::MAX), usize::MAX)
            .map_err(|detail| self.shared.fail(detail))?;
        let mut batch = self.store.batch(self.group + 1, true);
        for old in former.iter().skip(chunks.len()) {
            batch.remove(old);
        }
        for (chunk, stored) in (0..).zip(&chunks) {
            batch.put(&key(chunk), stored);
        }
        self.commit(batch)
    }

    fn trim(&mut self, log: &Log, keep_from: Revision) -> Result<Head, Error> {
        self.present(log)?;
        let oldest = log.lock().oldest;
        let from = oldest.previous();
        if keep_from <= from {
            return Ok(log.head());
        }
        let (base, passed) = image::newest(&self.store, log.id, log.seed, from, keep_from.previous());
        self.shared.report_images(log, passed);
        let Some(base) = base.map(|image| image.revision).filter(|base| *base >= oldest) else {
            return Ok(log.head());
        };
        let anchor = read::sum(&self.store, log, base)?;
        let row = Row { log: log.id, epoch: log.epoch.clone(), oldest: base.next(), anchor };
        let mut batch = self.store.batch(self.group + 1, true);
        batch.put(&keys::index(&log.production), &row.encode(&log.production));
        self.commit(batch)?;
        {
            let mut state = log.lock();
            state.oldest = row.oldest;
            state.anchor = row.anchor;
        }
        let zero = Revision::ZERO;
        let images = (keys::image(log.id, zero, 0), keys::image(log.id, base.previous(), u32::MAX));
        let records = (keys::record(log.id, zero), keys::record(log.id, base));
        self.sweeps.push(Sweep::new(&images.0, &images.1, None));
        self.sweeps.push(Sweep::new(&records.0, &records.1, None));
        Ok(log.head())
    }

    fn replace(
        &mut self,
        production: &ProductionId,
        epoch: &Epoch,
        image: Option<Image>,
        records: &[Record],
    ) -> Result<Head, Error> {
        let base = image.as_ref().map_or(Revision::ZERO, |image| image.revision);
        let row = Row { log: self.number(), epoch: epoch.clone(), oldest: base.next(), anchor: Sum::ORIGIN };
        let seed = Seed::new(production, epoch);
        let mut puts: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        if let Some(image) = image {
            let chunks = (0..).zip(image::split(seed, base, &image.body));
            puts.extend(chunks.map(|(chunk, stored)| (keys::image(row.log, base, chunk).to_vec(), stored)));
        }
        let (mut last, mut tail) = (base, Sum::ORIGIN);
        for record in records {
            let (stored, sum) = record::frame(seed, record.revision, tail, &record.body);
            puts.push((keys::record(row.log, record.revision).to_vec(), stored));
            (last, tail) = (record.revision, sum);
        }
        self.write_aside(row.log, &puts)?;

        let former = self.shared.logs.slot(production);
        let mut batch = self.store.batch(self.group + 1, true);
        batch.put(&keys::index(production), &row.encode(production));
        batch.remove(&keys::doomed(row.log));
        if let Some(Slot::Sound(former)) = &former {
            batch.put(&keys::doomed(former.id), b"");
        }
        self.commit(batch)?;
        let log = Arc::new(Log::new(production, &row, last, tail));
        self.shared.logs.put(production.clone(), Slot::Sound(log.clone()));
        self.note([(row.log, last)]);
        self.end(former);
        Ok(log.head())
    }

    /// Writes the data of a log that is not in place yet, in batches that go with the next flush. The `doomed` row
    /// goes first: should the process die on the way, the next start sweeps what there is.
    fn write_aside(&mut self, log: LogId, puts: &[(Vec<u8>, Vec<u8>)]) -> Result<(), Error> {
        let mut batch = self.store.batch(self.group + 1, false);
        batch.put(&keys::doomed(log), b"");
        let mut size = 0;
        for (key, value) in puts {
            if size >= GROUP_BYTES_MAX {
                self.commit(batch)?;
                batch = self.store.batch(self.group + 1, false);
                size = 0;
            }
            batch.put(key, value);
            size += key.len() + value.len();
        }
        self.commit(batch)
    }

    fn remove(&mut self, production: &ProductionId) -> Result<(), Error> {
        let Some(former) = self.shared.logs.slot(production) else {
            return Err(Error::NotFound { production: production.clone() });
        };
        let mut batch = self.store.batch(self.group + 1, true);
        batch.remove(&keys::index(production));
        if let Slot::Sound(log) = &former {
            batch.put(&keys::doomed(log.id), b"");
        }
        self.commit(batch)?;
        self.shared.logs.remove(production);
        self.end(Some(former));
        Ok(())
    }

    /// A log is no longer in place: who waits for it is told, and its data is swept.
    fn end(&mut self, former: Option<Slot>) {
        if let Some(Slot::Sound(log)) = former {
            log.lock().gone = true;
            let cleared = self.witness.clear(log.id);
            self.witnessed(cleared);
            self.sweeps.extend(Sweep::log(log.id));
        }
    }

    /// Deletes a little of what nobody needs.
    pub(crate) fn sweep(&mut self) {
        let Some(Sweep { from, to, then }) = self.sweeps.pop() else { return };
        let swept = self.store.keys(&from, &to, SWEEP_KEYS).map_err(|detail| {
            self.shared.report(format!("old data could not be deleted: {detail}"));
        });
        let Ok(keys) = swept else { return };
        let mut batch = self.store.batch(self.group + 1, false);
        keys.iter().for_each(|key| batch.remove(key));
        let more = keys.len() == SWEEP_KEYS;
        if let (Some(log), false) = (then, more) {
            batch.remove(&keys::doomed(log));
        }
        if self.commit(batch).is_ok() && more {
            self.sweeps.push(Sweep { from, to, then });
        }
    }
}
