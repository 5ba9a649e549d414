//! The one thread that writes: what waits becomes one batch with one flush, then everybody in it is answered.
//!
//! Appends and creations share groups. What touches a whole log (an image, a trim, a replacement, a removal) goes by
//! itself, between two groups, in `whole`; so it never has to look into a batch that is not written yet.

use std::{fs::File, sync::Arc, thread, time::Instant};

use onair_engine::{Error, Head, Image, Record};
use onair_wire::{Epoch, ProductionId, Revision};
use tokio::sync::{
    mpsc::{Receiver, error::TryRecvError},
    oneshot,
};

use crate::{
    crowd::{Crowd, GATHER, GATHERS_MAX},
    index::Row,
    keys::{self, LogId},
    logs::{Log, Slot},
    record::Sum,
    shared::Shared,
    store::{Batch, Store},
    whole::Sweep,
    witness::{Seen, Witness},
};

/// Requests that wait for the committer; who comes then waits for room. Each production has one append under way, so
/// this is productions that write at the same moment.
pub(crate) const QUEUE_MAX: usize = 1024;

/// Bytes after which a group is written even if more waits: what one flush may cost those who wait for the next.
pub(crate) const GROUP_BYTES_MAX: usize = 32 * 1024 * 1024;

pub(crate) type Reply<T> = oneshot::Sender<Result<T, Error>>;

/// What the committer is asked to do.
pub(crate) enum Request {
    /// Records that are framed and admitted behind the pending head.
    Append {
        log: Arc<Log>,
        frames: Vec<(Revision, Vec<u8>)>,
        bytes: usize,
        last: Revision,
        reply: Reply<Revision>,
    },
    Create {
        production: ProductionId,
        epoch: Epoch,
        reply: Reply<Head>,
    },
    Save {
        log: Arc<Log>,
        image: Image,
        reply: Reply<()>,
    },
    Trim {
        log: Arc<Log>,
        keep_from: Revision,
        reply: Reply<Head>,
    },
    Replace {
        production: ProductionId,
        epoch: Epoch,
        image: Option<Image>,
        records: Vec<Record>,
        reply: Reply<Head>,
    },
    Remove {
        production: ProductionId,
        reply: Reply<()>,
    },
    Close {
        reply: Reply<()>,
    },
}

/// The committer's side of the engine.
pub(crate) struct Committer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) store: Arc<Store>,
    pub(crate) witness: Witness,
    pub(crate) inbox: Receiver<Request>,
    /// The last group that was written.
    pub(crate) group: u64,
    pub(crate) next_log: u64,
    pub(crate) crowd: Crowd,
    /// What is to be deleted when nobody waits.
    pub(crate) sweeps: Vec<Sweep>,
    /// The lock on the folder.
    pub(crate) lock: File,
}

/// A group that is being put together.
#[derive(Default)]
struct Group {
    batch: Option<Batch>,
    bytes: usize,
    records: u64,
    bodies: u64,
    appends: Vec<(Arc<Log>, Revision, Reply<Revision>)>,
    created: Vec<(Arc<Log>, Reply<Head>)>,
}

impl Committer {
    /// Runs until the engine is closed or dropped.
    pub(crate) fn run(mut self) {
        let mut closing = Vec::new();
        while let Some(first) = self.wait() {
            let mut group = Group::default();
            let mut next = Some(first);
            let enough = self.crowd.enough(Instant::now());
            for left in (0..=GATHERS_MAX).rev() {
                let mut taken = 0;
                while group.bytes < GROUP_BYTES_MAX
                    && let Some(request) = next.take().or_else(|| self.inbox.try_recv().ok())
                {
                    taken += 1;
                    if let Request::Close { reply } = request {
                        self.inbox.close(); // what is in it already is still finished
                        closing.push(reply);
                        continue;
                    }
                    self.take(&mut group, request);
                }
                let full = group.appends.len() >= enough || group.bytes >= GROUP_BYTES_MAX;
                if taken == 0 || full || left == 0 {
                    break;
                }
                thread::sleep(GATHER);
            }
            self.flush(group);
        }
        let _ = self.witness.sync(); // a help, and a clean end should leave it exact
        self.shared.store.write().expect("nothing panics while it holds this lock").take();
        let Self { shared, store, lock, .. } = self;
        drop(store);
        drop(lock); // before anybody is told that it is closed, so that it can be opened again at once
        let last = || {
            shared.failure.get().map_or(Ok(()), |detail| Err(Error::Unavailable { detail: detail.clone() }))
        };
        closing.into_iter().for_each(|reply| _ = reply.send(last()));
    }

    /// The next request; sweeps while there is none.
    fn wait(&mut self) -> Option<Request> {
        while !self.sweeps.is_empty() && self.shared.writable().is_ok() {
            match self.inbox.try_recv() {
                Ok(request) => return Some(request),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => self.sweep(),
            }
        }
        self.inbox.blocking_recv()
    }

    fn take(&mut self, group: &mut Group, request: Request) {
        match request {
            Request::Append { log, frames, bytes, last, reply } => {
                if let Err(error) = self.shared.intact().and_then(|()| self.present(&log)) {
                    return answer(reply, Err(error));
                }
                self.crowd.saw(log.id);
                let batch = group.batch.get_or_insert_with(|| self.store.batch(self.group + 1, true));
                for (revision, stored) in &frames {
                    batch.put(&keys::record(log.id, *revision), stored);
                    group.bytes += stored.len();
                }
                group.records += frames.len() as u64;
                group.bodies += bytes as u64;
                group.appends.push((log, last, reply));
            }
            Request::Create { production, epoch, reply } => {
                let twice = group.created.iter().any(|(log, _)| log.production == production);
                if twice || self.shared.logs.slot(&production).is_some() {
                    return answer(reply, Err(Error::Exists { production }));
                }
                let row = Row { log: self.number(), epoch, oldest: Revision(1), anchor: Sum::ORIGIN };
                let batch = group.batch.get_or_insert_with(|| self.store.batch(self.group + 1, true));
                batch.put(&keys::index(&production), &row.encode(&production));
                let log = Log::new(&production, &row, Revision::ZERO, Sum::ORIGIN);
                group.created.push((Arc::new(log), reply));
            }
            whole => {
                self.flush(std::mem::take(group));
                self.whole(whole);
            }
        }
    }

    /// Writes the group, then tells everybody in it.
    fn flush(&mut self, group: Group) {
        let Some(batch) = group.batch else { return };
        let outcome = self.commit(batch);
        if outcome.is_ok() {
            let appended = group.appends.iter().map(|(log, last, _)| (log.id, *last));
            let created = group.created.iter().map(|(log, _)| (log.id, Revision::ZERO));
            self.note(appended.chain(created));
            for (log, last, _) in &group.appends {
                log.lock().durable = *last;
            }
            for (log, _) in &group.created {
                self.shared.logs.put(log.production.clone(), Slot::Sound(log.clone()));
            }
            let mut figures = self.shared.figures.lock().expect("nothing panics while it holds this lock");
            figures.records += group.records;
            figures.bytes += group.bodies;
        }
        for (_, last, reply) in group.appends {
            answer(reply, outcome.clone().map(|()| last));
        }
        for (log, reply) in group.created {
            answer(reply, outcome.clone().map(|()| log.head()));
        }
    }

    /// Writes a batch, durably or for the next flush to make durable. After a failure nothing is written any more:
    /// the outcome is unknown, and a later flush that goes well says nothing about the pages of this one.
    pub(crate) fn commit(&mut self, batch: Batch) -> Result<(), Error> {
        self.shared.intact()?;
        let begun = Instant::now();
        let durable = batch.durable;
        self.store.commit(batch).map_err(|detail| self.shared.fail(detail))?;
        self.group += 1;
        if !durable {
            return Ok(());
        }
        let mut figures = self.shared.figures.lock().expect("nothing panics while it holds this lock");
        figures.flushes += 1;
        figures.flush_time += begun.elapsed();
        Ok(())
    }

    /// Tells the witness. It is a help: that it cannot be written is reported and stops nothing.
    pub(crate) fn note(&mut self, ends: impl IntoIterator<Item = (LogId, Revision)>) {
        let group = self.group;
        let seen = ends.into_iter().map(|(log, revision)| (log, Seen { revision, group })).collect();
        let noted = self.witness.note(seen);
        self.witnessed(noted);
    }

    pub(crate) fn witnessed(&self, noted: std::io::Result<()>) {
        if let Err(error) = noted {
            self.shared
                .report(format!("the witness could not be written ({error}); a loss might go unnoticed"));
        }
    }

    /// A number that no log ever had.
    pub(crate) fn number(&mut self) -> LogId {
        let log = LogId(self.next_log);
        self.next_log += 1;
        log
    }

    /// Whether `log` is still the one of its production: it may have ended while the request waited.
    pub(crate) fn present(&self, log: &Log) -> Result<(), Error> {
        if !log.lock().gone {
            return Ok(());
        }
        self.shared.logs.find(&log.production)?;
        Err(Error::Replaced { production: log.production.clone() })
    }
}

/// Answers; the caller may have gone, which is its right.
pub(crate) fn answer<T>(reply: Reply<T>, result: Result<T, Error>) {
    let _ = reply.send(result);
}
