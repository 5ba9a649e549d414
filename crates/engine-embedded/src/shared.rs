//! What the callers' side and the committer have in common: the logs, the counters, and whether writing is over.

use std::{
    fmt,
    sync::{
        Arc, Mutex, OnceLock, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use onair_engine::{Error, Figures};
use onair_wire::Revision;

use crate::{
    logs::{Log, Logs},
    record::Fault,
    store::Store,
};

/// The most reports that are kept: they are for people, and somebody who has not read a hundred reads no more.
const REPORTS_MAX: usize = 100;

/// Shared by the handle and the committer.
pub(crate) struct Shared {
    pub(crate) logs: Logs,
    /// Taken away when the engine closes, so that the lock on the folder goes.
    pub(crate) store: RwLock<Option<Arc<Store>>>,
    pub(crate) figures: Mutex<Figures>,
    /// The first failed write. Set once, and nothing is written after it (promise 7).
    pub(crate) failure: OnceLock<String>,
    pub(crate) closed: AtomicBool,
}

impl Shared {
    pub(crate) fn new(store: Arc<Store>, logs: Logs, reports: Vec<String>) -> Self {
        let shared = Self {
            logs,
            store: RwLock::new(Some(store)),
            figures: Mutex::default(),
            failure: OnceLock::new(),
            closed: AtomicBool::new(false),
        };
        reports.into_iter().for_each(|report| shared.report(report));
        shared
    }

    pub(crate) fn store(&self) -> Result<Arc<Store>, Error> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::Closed);
        }
        self.store.read().expect(NO_PANIC).clone().ok_or(Error::Closed)
    }

    /// Whether anything may be written at all.
    pub(crate) fn writable(&self) -> Result<(), Error> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::Closed);
        }
        self.intact()
    }

    /// Whether the committer may write: also what was handed over before closing.
    pub(crate) fn intact(&self) -> Result<(), Error> {
        self.failure.get().map_or(Ok(()), |detail| Err(Error::ReadOnly { detail: detail.clone() }))
    }

    /// Ends writing, and answers what the callers of this write are told.
    pub(crate) fn fail(&self, detail: String) -> Error {
        let first = self.failure.get_or_init(|| detail.clone());
        self.figures.lock().expect(NO_PANIC).read_only = Some(first.clone());
        Error::Unavailable { detail }
    }

    /// Adds a sentence for people, once.
    pub(crate) fn report(&self, report: String) {
        let reports = &mut self.figures.lock().expect(NO_PANIC).reports;
        if reports.len() < REPORTS_MAX && !reports.contains(&report) {
            reports.push(report);
        }
    }

    /// Tells of images that do not verify.
    pub(crate) fn report_images(&self, log: &Log, passed: Vec<(Revision, Fault)>) {
        for (revision, fault) in passed {
            let production = &log.production;
            self.report(format!("the image of {production} at {revision} was passed over: {fault}"));
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("failure", &self.failure)
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}

const NO_PANIC: &str = "nothing panics while it holds this lock";
