//! Where each log ends, in memory: pending ends, so that a late writer learns at once that it lost, and durable ends,
//! which is what readers see.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, RwLock},
};

use onair_engine::{Error, Head};
use onair_wire::{Epoch, ProductionId, Revision};

use crate::{
    index::Row,
    keys::LogId,
    record::{Seed, Sum},
};

/// One log that is open.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) production: ProductionId,
    pub(crate) id: LogId,
    pub(crate) epoch: Epoch,
    pub(crate) seed: Seed,
    // Held while a caller frames its records and hands them over, so that they are in the queue in their order.
    state: Mutex<State>,
}

/// What changes about a log.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) oldest: Revision,
    /// The checksum of the record before `oldest`.
    pub(crate) anchor: Sum,
    /// The last durable record.
    pub(crate) durable: Revision,
    /// The last record that was handed over, and its checksum.
    pub(crate) pending: Revision,
    pub(crate) tail: Sum,
    /// From where on the log cannot be trusted, and why.
    pub(crate) damage: Option<(Revision, String)>,
    /// Replaced or removed: what still waits for it finds nothing to append to.
    pub(crate) gone: bool,
}

impl Log {
    pub(crate) fn new(production: &ProductionId, row: &Row, last: Revision, tail: Sum) -> Self {
        let state = State {
            oldest: row.oldest,
            anchor: row.anchor,
            durable: last,
            pending: last,
            tail,
            damage: None,
            gone: false,
        };
        Self {
            production: production.clone(),
            id: row.log,
            epoch: row.epoch.clone(),
            seed: Seed::new(production, &row.epoch),
            state: Mutex::new(state),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds this lock")
    }

    pub(crate) fn head(&self) -> Head {
        let state = self.lock();
        Head { epoch: self.epoch.clone(), oldest: state.oldest, last: state.durable }
    }

    pub(crate) fn corrupt(&self, revision: Revision, detail: impl Into<String>) -> Error {
        Error::Corrupt { production: self.production.clone(), revision, detail: detail.into() }
    }

    /// Remembers that the log is damaged from `revision` on, so that nothing is appended behind the damage.
    pub(crate) fn mark(&self, revision: Revision, detail: impl Into<String>) {
        let mut state = self.lock();
        if state.damage.as_ref().is_none_or(|(known, _)| revision < *known) {
            state.damage = Some((revision, detail.into()));
        }
    }

    /// Whether somebody may append behind `expected`.
    pub(crate) fn admit(&self, state: &State, expected: Revision) -> Result<(), Error> {
        if state.gone {
            return Err(Error::Replaced { production: self.production.clone() });
        }
        if let Some((revision, detail)) = &state.damage {
            return Err(self.corrupt(*revision, detail.as_str()));
        }
        if state.pending == expected { Ok(()) } else { Err(Error::Moved { expected, last: state.pending }) }
    }
}

/// What the index has for a production.
#[derive(Clone, Debug)]
pub(crate) enum Slot {
    Sound(Arc<Log>),
    /// The row or the end of its log cannot be read.
    Broken(String),
}

/// All logs by production.
#[derive(Debug, Default)]
pub(crate) struct Logs(RwLock<BTreeMap<ProductionId, Slot>>);

impl Logs {
    pub(crate) fn slot(&self, production: &ProductionId) -> Option<Slot> {
        self.0.read().expect(NO_PANIC).get(production).cloned()
    }

    pub(crate) fn put(&self, production: ProductionId, slot: Slot) {
        self.0.write().expect(NO_PANIC).insert(production, slot);
    }

    pub(crate) fn remove(&self, production: &ProductionId) {
        self.0.write().expect(NO_PANIC).remove(production);
    }

    /// The log of `production`.
    pub(crate) fn find(&self, production: &ProductionId) -> Result<Arc<Log>, Error> {
        match self.slot(production) {
            Some(Slot::Sound(log)) => Ok(log),
            Some(Slot::Broken(detail)) => {
                Err(Error::Corrupt { production: production.clone(), revision: Revision::ZERO, detail })
            }
            None => Err(Error::NotFound { production: production.clone() }),
        }
    }

    /// The log of `production`, if that is the one the caller knows.
    pub(crate) fn find_epoch(&self, production: &ProductionId, epoch: &Epoch) -> Result<Arc<Log>, Error> {
        let log = self.find(production)?;
        if log.epoch == *epoch { Ok(log) } else { Err(Error::Replaced { production: production.clone() }) }
    }

    /// Sound logs behind `after` in the order of names.
    pub(crate) fn page(&self, after: Option<&ProductionId>, limit: usize) -> Vec<Arc<Log>> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let logs = self.0.read().expect(NO_PANIC);
        let sound =
            logs.range::<ProductionId, _>((from, Bound::Unbounded)).filter_map(|(_, slot)| match slot {
                Slot::Sound(log) => Some(log.clone()),
                Slot::Broken(_) => None,
            });
        sound.take(limit).collect()
    }
}

const NO_PANIC: &str = "nothing panics while it holds this lock";
