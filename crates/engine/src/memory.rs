//! The memory engine: the promises of [`Engine`] with nothing else in the way.
//!
//! It is what tests and `memory:` run on, and what a reader compares another engine with. "Durable" means here
//! that a record survives closing: [`Storage`] stands for the disk, [`Memory`] for the process that has it open.
//! For tests and rehearsals it can be told to fail, to be away, and to hold appends as a slow disk does.

mod log;
mod rehearsal;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use onair_wire::{Epoch, ProductionId, Revision};

use crate::{APPEND_BYTES_MAX, BoxFuture, Engine, Error, Figures, Head, Image, Limit, Record, assert_dense};
pub use log::Log;
use rehearsal::{Failure, State};

/// What survives closing: the disk of this engine. A clone is the same disk.
#[derive(Clone, Debug, Default)]
pub struct Storage(Arc<Mutex<Logs>>);

type Logs = BTreeMap<ProductionId, Log>;

/// A [`Storage`] that is open.
#[derive(Debug, Default)]
pub struct Memory {
    storage: Storage,
    // Taken before the storage's lock, never over an await.
    state: Mutex<State>,
}

impl Memory {
    /// An engine over a new, empty storage.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens what an earlier engine left behind. Records it held were never durable and are gone, as after a crash.
    #[must_use]
    pub fn open(storage: &Storage) -> Self {
        for log in lock(&storage.0).values_mut() {
            log.forget_held();
        }
        Self { storage: storage.clone(), state: Mutex::default() }
    }

    /// The storage, to open it again later.
    #[must_use]
    pub fn storage(&self) -> Storage {
        self.storage.clone()
    }

    fn begin_append(
        &self,
        production: &ProductionId,
        epoch: &Epoch,
        expected: Revision,
        records: Vec<Record>,
    ) -> Result<Revision, Error> {
        let (last, size) = assert_dense(expected, &records);
        self.writing(|state, logs| {
            let log = find(logs, production, epoch)?;
            if size > APPEND_BYTES_MAX {
                return Err(Error::TooLarge { bytes: size, limit: APPEND_BYTES_MAX });
            }
            if log.last() != expected {
                return Err(Error::Moved { expected, last: log.last() });
            }
            let failure = state.failure.take();
            if !matches!(failure, Some(Failure::BeforeWriting)) {
                state.figures.records += records.len() as u64;
                state.figures.bytes += size as u64;
                log.append(records);
                if !state.held {
                    log.settle();
                }
            }
            failure.map_or(Ok(last), |_| Err(state.fail()))
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nothing panics while it holds this lock but on a broken precondition")
}

fn find<'a>(logs: &'a mut Logs, production: &ProductionId, epoch: &Epoch) -> Result<&'a mut Log, Error> {
    let log = logs.get_mut(production).ok_or_else(|| Error::NotFound { production: production.clone() })?;
    if log.epoch() == epoch { Ok(log) } else { Err(Error::Replaced { production: production.clone() }) }
}

impl Engine for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn create<'a>(&'a self, production: &'a ProductionId, epoch: &'a Epoch) -> BoxFuture<'a, Head> {
        self.writes(move |_, logs| {
            if logs.contains_key(production) {
                return Err(Error::Exists { production: production.clone() });
            }
            let log = Log::new(epoch, None, Vec::new());
            Ok(logs.entry(production.clone()).or_insert(log).head())
        })
    }

    fn head<'a>(&'a self, production: &'a ProductionId) -> BoxFuture<'a, Option<Head>> {
        self.reads(move |logs| Ok(logs.get(production).map(Log::head)))
    }

    fn append<'a>(
        &'a self,
        production: &'a ProductionId,
        epoch: &'a Epoch,
        expected: Revision,
        records: Vec<Record>,
    ) -> BoxFuture<'a, Revision> {
        Box::pin(async move {
            let last = self.begin_append(production, epoch, expected, records)?;
            self.released().await;
            Ok(last)
        })
    }

    fn read<'a>(
        &'a self,
        production: &'a ProductionId,
        epoch: &'a Epoch,
        after: Revision,
        limit: Limit,
    ) -> BoxFuture<'a, Vec<Record>> {
        self.reads(move |logs| Ok(find(logs, production, epoch)?.read(after, limit)))
    }

    fn save<'a>(&'a self, production: &'a ProductionId, epoch: &'a Epoch, image: Image) -> BoxFuture<'a, ()> {
        self.writes(move |_, logs| {
            find(logs, production, epoch)?.save(image);
            Ok(())
        })
    }

    fn load<'a>(
        &'a self,
        production: &'a ProductionId,
        epoch: &'a Epoch,
        at: Revision,
    ) -> BoxFuture<'a, Option<Image>> {
        self.reads(move |logs| Ok(find(logs, production, epoch)?.load(at)))
    }

    fn trim<'a>(
        &'a self,
        production: &'a ProductionId,
        epoch: &'a Epoch,
        keep_from: Revision,
    ) -> BoxFuture<'a, Head> {
        self.writes(move |_, logs| Ok(find(logs, production, epoch)?.trim(keep_from)))
    }

    fn replace<'a>(
        &'a self,
        production: &'a ProductionId,
        epoch: &'a Epoch,
        image: Option<Image>,
        records: Vec<Record>,
    ) -> BoxFuture<'a, Head> {
        Box::pin(async move {
            assert_dense(image.as_ref().map_or(Revision::ZERO, |image| image.revision), &records);
            self.writing(|_, logs| {
                let log = Log::new(epoch, image, records);
                let head = log.head();
                logs.insert(production.clone(), log);
                Ok(head)
            })
        })
    }

    fn remove<'a>(&'a self, production: &'a ProductionId) -> BoxFuture<'a, ()> {
        self.writes(move |_, logs| match logs.remove(production) {
            Some(_) => Ok(()),
            None => Err(Error::NotFound { production: production.clone() }),
        })
    }

    fn list<'a>(
        &'a self,
        after: Option<&'a ProductionId>,
        limit: usize,
    ) -> BoxFuture<'a, Vec<(ProductionId, Head)>> {
        self.reads(move |logs| {
            let behind = logs.iter().filter(|(name, _)| after.is_none_or(|after| *name > after));
            Ok(behind.take(limit).map(|(name, log)| (name.clone(), log.head())).collect())
        })
    }

    fn figures(&self) -> Figures {
        lock(&self.state).figures.clone()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.release();
            lock(&self.state).closed = true;
            Ok(())
        })
    }
}
