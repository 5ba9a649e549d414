//! The log on fjall: one folder, one committer thread, one flush for all who wait.
//!
//! Callers find out by themselves whether they may append, from the pending heads in memory; a loser never waits for
//! a disk. What was admitted goes through a queue to the committer, which writes everything that waits in one
//! batch with one flush and answers. Reads do not pass through it: they go to the store on the caller's thread, are
//! bounded by the durable head, and every record is verified before it is served. `docs/format.md` draws what lies
//! on disk and says what each kind of damage leads to.

mod committer;
mod crowd;
mod engine;
mod image;
mod index;
mod journal;
mod keys;
#[cfg(feature = "laws")]
pub mod laws;
mod logs;
mod manifest;
mod open;
mod read;
mod record;
mod recover;
mod salvage;
mod shared;
mod store;
mod whole;
mod witness;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, atomic::Ordering},
    thread::{self, JoinHandle},
};

use onair_engine::Error;
use tokio::sync::{mpsc, oneshot};

use committer::{Committer, QUEUE_MAX, Reply, Request};
use shared::Shared;

pub use open::OpenError;

/// How to open.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder; made if it is not there.
    pub path: PathBuf,
    /// Memory for blocks of the store that were read, in bytes.
    pub cache_bytes: u64,
    /// Memory after which what was written goes from the journal into tables, in bytes. Takes effect when the folder
    /// is made.
    pub memtable_bytes: u64,
    /// Files of tables that are kept open; others are opened when they are read.
    pub files_max: usize,
}

impl Options {
    /// The defaults for a folder.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        const MIB: u64 = 1024 * 1024;
        Self { path: path.into(), cache_bytes: 64 * MIB, memtable_bytes: 64 * MIB, files_max: 256 }
    }
}

/// The embedded engine.
#[derive(Debug)]
pub struct Embedded {
    shared: Arc<Shared>,
    // Locked for a clone or a take, never over an await.
    inbox: Mutex<Option<mpsc::Sender<Request>>>,
    committer: Mutex<Option<JoinHandle<()>>>,
}

impl Embedded {
    /// Opens the folder, mends what can be mended, and starts the committer. Blocks; what was found is in
    /// [`onair_engine::Engine::figures`].
    ///
    /// # Errors
    /// [`OpenError`], which says what to do.
    pub fn open(options: &Options) -> Result<Self, OpenError> {
        let damaged = |detail| OpenError::Damaged { path: options.path.clone(), detail };
        let opened = open::open(options)?;
        let store = Arc::new(opened.store);
        let found = recover::recover(&store, &opened.testimony, &opened.mended).map_err(damaged)?;
        let reports = [opened.mended.reports, found.reports].concat();
        let shared = Arc::new(Shared::new(store.clone(), found.logs, reports));
        let (sender, inbox) = mpsc::channel(QUEUE_MAX);
        let committer = Committer {
            shared: shared.clone(),
            store,
            witness: opened.witness,
            inbox,
            group: found.group,
            next_log: found.next_log,
            crowd: crowd::Crowd::new(std::time::Instant::now()),
            sweeps: found.sweeps,
            lock: opened.lock,
        };
        let thread = thread::Builder::new().name("committer".to_owned()).spawn(|| committer.run());
        let thread = thread.map_err(|cause| OpenError::Io { path: options.path.clone(), cause })?;
        Ok(Self { shared, inbox: Mutex::new(Some(sender)), committer: Mutex::new(Some(thread)) })
    }

    /// For tests and rehearsals: the next write fails as a full or broken disk would make it fail.
    pub fn fail_next_write(&self) {
        if let Ok(store) = self.shared.store() {
            store.fail_next.store(true, Ordering::Relaxed);
        }
    }

    /// Room in the queue, and then the request that `make` makes at that moment.
    async fn ask<T>(&self, make: impl FnOnce(Reply<T>) -> Result<Request, Error>) -> Result<T, Error> {
        self.shared.writable()?;
        let inbox = self.inbox.lock().expect(NO_PANIC).clone().ok_or(Error::Closed)?;
        let room = inbox.reserve().await.map_err(|_| self.ended())?;
        let (reply, answer) = oneshot::channel();
        room.send(make(reply)?);
        answer.await.unwrap_or_else(|_| Err(self.ended()))
    }

    /// Why the committer does not answer any more.
    fn ended(&self) -> Error {
        match self.shared.writable() {
            Err(Error::Closed) => Error::Closed,
            _ => self.shared.fail("the committer has died, which is a bug".to_owned()),
        }
    }
}

const NO_PANIC: &str = "nothing panics while it holds this lock";

impl Drop for Embedded {
    /// Finishes what was handed over and gives the folder back, blocking; [`onair_engine::Engine::close`] waits.
    fn drop(&mut self) {
        self.inbox.lock().expect(NO_PANIC).take();
        self.shared.store.write().expect(NO_PANIC).take();
        if let Some(thread) = self.committer.lock().expect(NO_PANIC).take() {
            let _ = thread.join(); // a panic in it was told to everybody who waited
        }
    }
}
