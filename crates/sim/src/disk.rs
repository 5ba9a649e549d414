//! A disk, and an engine over it: what is durable apart from what was only written.
//!
//! A machine that loses its power keeps the platters and forgets the rest; what was being written then is found there
//! as a whole or not at all, as promise 2 of the trait has it. Each time the disk is opened there is a new handle, and
//! the old one can do nothing any more, whoever still holds it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use onair_engine::memory::Log;
use onair_engine::{BoxFuture, Engine, Error, Figures, Head, Image, Limit, Record, assert_dense};
use onair_wire::{Epoch, ProductionId, Revision};

use crate::{chance::Dice, fault::Fault, ledger::Books};

/// How the disk is in one run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manners {
    /// A flush takes up to this.
    pub(crate) flush_ms: u64,
    /// One in a hundred flushes takes long.
    pub(crate) slow: bool,
    /// Flushes fail, in ten thousand.
    pub(crate) failing: u64,
}

/// Written, and not flushed.
#[derive(Debug)]
struct Pending {
    production: ProductionId,
    epoch: Epoch,
    records: Vec<Record>,
}

#[derive(Debug)]
struct Platters {
    logs: BTreeMap<ProductionId, Log>,
    pending: Vec<Pending>,
    /// Which handle is the living one.
    handle: u64,
    read_only: Option<String>,
    manners: Manners,
    dice: Dice,
}

/// The machine's disk.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    platters: Arc<Mutex<Platters>>,
    books: Books,
}

/// The disk, opened.
#[derive(Debug)]
pub(crate) struct Handle {
    disk: Disk,
    number: u64,
}

/// What becomes of what was being written when the power goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Torn {
    Lost,
    Kept,
}

impl Disk {
    pub(crate) fn new(manners: Manners, dice: Dice, books: Books) -> Self {
        let platters = Platters {
            logs: BTreeMap::new(),
            pending: Vec::new(),
            handle: 0,
            read_only: None,
            manners,
            dice,
        };
        Self { platters: Arc::new(Mutex::new(platters)), books }
    }

    fn lock(&self) -> MutexGuard<'_, Platters> {
        self.platters.lock().expect("nothing panics while it holds the disk")
    }

    /// Opens it anew.
    pub(crate) fn open(&self) -> Arc<Handle> {
        let mut platters = self.lock();
        platters.handle += 1;
        platters.read_only = None;
        Arc::new(Handle { disk: self.clone(), number: platters.handle })
    }

    /// The power goes. Says whether anything was being written.
    pub(crate) fn crash(&self, torn: Torn) -> bool {
        let mut platters = self.lock();
        platters.handle += 1;
        let pending = std::mem::take(&mut platters.pending);
        let any = !pending.is_empty();
        if torn == Torn::Kept {
            for written in pending {
                platters.keep(&self.books, &written);
            }
        }
        any
    }

    /// Saves an image and trims the log behind it, as the keeper of a long log does.
    pub(crate) fn trim(&self, production: &ProductionId, epoch: &Epoch, image: Image) {
        let mut platters = self.lock();
        let Ok(log) = found(&mut platters, production, epoch) else { return };
        let keep_from = image.revision.next();
        if log.head().oldest <= keep_from {
            log.save(image);
            log.trim(keep_from);
        }
    }

    /// Whether something is written and not flushed.
    pub(crate) fn is_writing(&self) -> bool {
        !self.lock().pending.is_empty()
    }

    /// From here on it does what it should.
    pub(crate) fn mend(&self) {
        self.lock().manners = Manners { flush_ms: 2, slow: false, failing: 0 };
    }

    /// Whether it must be opened anew before it takes anything.
    pub(crate) fn has_failed(&self) -> bool {
        self.lock().read_only.is_some()
    }
}

impl Platters {
    fn keep(&mut self, books: &Books, written: &Pending) {
        let Some(log) = self.logs.get_mut(&written.production) else { return };
        if *log.epoch() != written.epoch {
            return;
        }
        let mut books = books.lock();
        written.records.iter().for_each(|record| books.append(&written.epoch, record, false));
        log.append(written.records.iter().cloned());
        log.settle();
    }

    /// Behind everything that was written.
    fn pending_last(&self, production: &ProductionId, log: &Log) -> Revision {
        let of = |written: &&Pending| written.production == *production && written.epoch == *log.epoch();
        let last = self.pending.iter().rfind(of).and_then(|written| written.records.last());
        last.map_or(log.last(), |record| record.revision)
    }

    fn fail(&mut self) -> Error {
        let detail = "the simulated disk failed".to_owned();
        self.read_only = Some(detail.clone());
        Error::Unavailable { detail }
    }
}

/// What a flush comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flush {
    Done,
    Failed,
    Lost,
}

impl Handle {
    /// The disk, if this is still the living handle.
    fn alive(&self) -> Result<MutexGuard<'_, Platters>, Error> {
        let platters = self.disk.lock();
        if platters.handle == self.number { Ok(platters) } else { Err(Error::Closed) }
    }

    fn writable(&self) -> Result<MutexGuard<'_, Platters>, Error> {
        let platters = self.alive()?;
        match &platters.read_only {
            Some(detail) => Err(Error::ReadOnly { detail: detail.clone() }),
            None => Ok(platters),
        }
    }

    /// Draws how long the next flush takes, and what it comes to.
    fn draw(&self, may_fail: bool) -> (Duration, Flush) {
        let mut platters = self.disk.lock();
        let Manners { flush_ms, slow, failing } = platters.manners;
        let mut ms = platters.dice.between(0, flush_ms);
        if slow && platters.dice.percent(2) {
            ms = platters.dice.between(100, 2_500);
            self.disk.books.fired(Fault::SlowFlush);
        }
        let flush = match may_fail && platters.dice.below(10_000) < failing {
            true if platters.dice.percent(50) => Flush::Failed,
            true => Flush::Lost,
            false => Flush::Done,
        };
        (Duration::from_millis(ms), flush)
    }

    async fn write<T>(
        &self,
        change: impl FnOnce(&mut Platters) -> Result<T, Error> + Send,
    ) -> Result<T, Error> {
        let (wait, _) = self.draw(false);
        tokio::time::sleep(wait).await;
        change(&mut *self.writable()?)
    }

    async fn flush(
        &self,
        production: &ProductionId,
        epoch: &Epoch,
        expected: Revision,
        records: Vec<Record>,
    ) -> Result<Revision, Error> {
        let (last, _) = assert_dense(expected, &records);
        let (wait, flush) = self.draw(true);
        {
            let mut platters = self.writable()?;
            let log = find(&platters.logs, production, epoch)?;
            let at = platters.pending_last(production, log);
            if at != expected {
                return Err(Error::Moved { expected, last: at });
            }
            if flush != Flush::Failed {
                let (production, epoch) = (production.clone(), epoch.clone());
                platters.pending.push(Pending { production, epoch, records });
            }
        }
        tokio::time::sleep(wait).await;
        let mut platters = self.alive()?;
        // One flush for all that was written before it.
        for written in std::mem::take(&mut platters.pending) {
            platters.keep(&self.disk.books, &written);
        }
        find(&platters.logs, production, epoch)?;
        match flush {
            Flush::Done => Ok(last),
            Flush::Failed => {
                self.disk.books.fired(Fault::FlushFailed);
                Err(platters.fail())
            }
            Flush::Lost => {
                self.disk.books.fired(Fault::FlushLost);
                Err(platters.fail())
            }
        }
    }
}

fn find<'a>(
    logs: &'a BTreeMap<ProductionId, Log>,
    production: &ProductionId,
    epoch: &Epoch,
) -> Result<&'a Log, Error> {
    let log = logs.get(production).ok_or_else(|| Error::NotFound { production: production.clone() })?;
    if log.epoch() == epoch { Ok(log) } else { Err(Error::Replaced { production: production.clone() }) }
}

fn found<'a>(
    platters: &'a mut Platters,
    production: &ProductionId,
    epoch: &Epoch,
) -> Result<&'a mut Log, Error> {
    find(&platters.logs, production, epoch)?;
    Ok(platters.logs.get_mut(production).expect("it was found"))
}

impl Engine for Handle {
    fn name(&self) -> &'static str {
        "simulated"
    }

    fn create<'a>(&'a self, production: &'a ProductionId, epoch: &'a Epoch) -> BoxFuture<'a, Head> {
        Box::pin(self.write(move |platters| {
            if platters.logs.contains_key(production) {
                return Err(Error::Exists { production: production.clone() });
            }
            let log = Log::new(epoch, None, Vec::new());
            self.disk.books.lock().begin(epoch, None);
            let head = log.head();
            platters.logs.insert(production.clone(), log);
            Ok(head)
        }))
    }

    fn head<'a>(&'a self, production: &'a ProductionId) -> BoxFuture<'a, Option<Head>> {
        Box::pin(async move { Ok(self.alive()?.logs.get(production).map(Log::head)) })
    }

    fn append<'a>(
        &'a self,
        production: &'a ProductionId,
        epoch: &'a Epoch,
        expected: Revision,
        records: Vec<Record>,
    ) -> BoxFuture<'a, Revision> {
        Box::pin(self.flush(production, epoch, expected, records))
    }

    fn read<'a>(
        &'a self,
        production: &'a ProductionId,
        epoch: &'a Epoch,
        after: Revision,
        limit: Limit,
    ) -> BoxFuture<'a, Vec<Record>> {
        Box::pin(async move { Ok(find(&self.alive()?.logs, production, epoch)?.read(after, limit)) })
    }

    fn save<'a>(&'a self, production: &'a ProductionId, epoch: &'a Epoch, image: Image) -> BoxFuture<'a, ()> {
        Box::pin(self.write(move |platters| {
            found(platters, production, epoch)?.save(image);
            Ok(())
        }))
    }

    fn load<'a>(
        &'a self,
        production: &'a ProductionId,
        epoch: &'a Epoch,
        at: Revision,
    ) -> BoxFuture<'a, Option<Image>> {
        Box::pin(async move { Ok(find(&self.alive()?.logs, production, epoch)?.load(at)) })
    }

    fn trim<'a>(
        &'a self,
        production: &'a ProductionId,
        epoch: &'a Epoch,
        keep_from: Revision,
    ) -> BoxFuture<'a, Head> {
        Box::pin(self.write(move |platters| Ok(found(platters, production, epoch)?.trim(keep_from))))
    }

    fn replace<'a>(
        &'a self,
        production: &'a ProductionId,
        epoch: &'a Epoch,
        image: Option<Image>,
        records: Vec<Record>,
    ) -> BoxFuture<'a, Head> {
        let base = image.as_ref().map_or(Revision::ZERO, |image| image.revision);
        assert_dense(base, &records);
        Box::pin(self.write(move |platters| {
            let mut books = self.disk.books.lock();
            books.begin(epoch, image.as_ref());
            records.iter().for_each(|record| books.append(epoch, record, true));
            let log = Log::new(epoch, image, records);
            let head = log.head();
            platters.pending.retain(|written| written.production != *production);
            platters.logs.insert(production.clone(), log);
            Ok(head)
        }))
    }

    fn remove<'a>(&'a self, production: &'a ProductionId) -> BoxFuture<'a, ()> {
        Box::pin(self.write(move |platters| match platters.logs.remove(production) {
            Some(_) => Ok(()),
            None => Err(Error::NotFound { production: production.clone() }),
        }))
    }

    fn list<'a>(
        &'a self,
        after: Option<&'a ProductionId>,
        limit: usize,
    ) -> BoxFuture<'a, Vec<(ProductionId, Head)>> {
        Box::pin(async move {
            let platters = self.alive()?;
            let behind = platters.logs.iter().filter(|(name, _)| after.is_none_or(|after| *name > after));
            Ok(behind.take(limit).map(|(name, log)| (name.clone(), log.head())).collect())
        })
    }

    fn figures(&self) -> Figures {
        Figures { read_only: self.disk.lock().read_only.clone(), ..Figures::default() }
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let mut platters = self.disk.lock();
            if platters.handle == self.number {
                platters.handle += 1;
            }
            Ok(())
        })
    }
}
