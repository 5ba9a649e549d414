//! What a log must promise.
//!
//! An engine keeps one log per production: records with dense revisions, and now and then an *image*, a saved
//! state from which a reader can start. It does not know what the bytes mean.
//!
//! # Promises
//!
//! Every engine keeps these; each is a named test of the `conformance` suite.
//!
//! 1. **Compare and set.** [`Engine::append`] writes behind `expected` or not at all. Of two appends that name
//!    the same revision one fails with [`Error::Moved`], at once, from the pending head: a late writer does not
//!    wait for the winner's flush to learn that it lost.
//! 2. **All or none.** The records of one append are all there or none is, also after a crash.
//! 3. **Durable when answered.** When `append`, `create`, `replace`, `remove`, `save` or `trim` answers, the result
//!    survives the end of the process and the loss of power.
//! 4. **Dense.** Revisions are `oldest..=last` without a hole; none is ever used twice within an epoch.
//! 5. **One flush for many.** Appends that wait at the same time, to one production or to many, share a flush.
//! 6. **What was read was written.** A record or image whose bytes do not verify is [`Error::Corrupt`], named by
//!    production and revision, and never served; other productions go on. A torn tail that was never acknowledged
//!    is cut, and the cut is reported.
//! 7. **Failure closes the handle.** After a write or flush with unknown outcome nothing more is acknowledged
//!    ([`Error::ReadOnly`]) until the engine was opened anew; reads go on, and what was acknowledged stays.
//! 8. **Epochs separate logs.** A log that was created, replaced or removed and created again has another epoch;
//!    a call that names an old epoch is [`Error::Replaced`] and does nothing.
//! 9. **Images are a help, not the truth.** [`Engine::trim`] never removes a record that the oldest kept image
//!    does not cover.
//!
//! Futures may be dropped at any time: an append that was handed over is then finished or not, as after a crash.

mod error;
pub mod memory;

#[cfg(feature = "conformance")]
pub mod conformance;

use std::{fmt, pin::Pin, time::Duration};

use bytes::Bytes;
use onair_wire::{Epoch, ProductionId, Revision};

pub use error::Error;

/// What the methods of [`Engine`] return: boxed, since the engine is chosen by URL at run time.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// The most bytes one append may carry: a batch larger than this is refused, not split, because it is all or none.
pub const APPEND_BYTES_MAX: usize = 16 * 1024 * 1024;

/// One commit as it lies in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its revision.
    pub revision: Revision,
    /// Its bytes, at least one.
    pub body: Bytes,
}

/// A saved state: everything up to and including `revision`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The last revision it contains.
    pub revision: Revision,
    /// Its bytes.
    pub body: Bytes,
}

/// Where a log begins and ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Which log this is.
    pub epoch: Epoch,
    /// The first revision that can be read; one more than `last` when there is no record.
    pub oldest: Revision,
    /// The last revision; zero when there never was one.
    pub last: Revision,
}

/// How much one [`Engine::read`] answers at most; at least one record is answered if there is one.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// Records.
    pub records: usize,
    /// Bytes of bodies.
    pub bytes: usize,
}

/// Counters of an engine since it was opened, for metrics.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Flushes to stable storage.
    pub flushes: u64,
    /// Time spent in them.
    pub flush_time: Duration,
    /// Records appended.
    pub records: u64,
    /// Bytes of bodies appended.
    pub bytes: u64,
    /// What opening found and mended or could not mend, one sentence each (a torn tail that was cut, say).
    pub reports: Vec<String>,
    /// Why nothing more is accepted, if so.
    pub read_only: Option<String>,
}

/// Checks what the caller of [`Engine::append`] and [`Engine::replace`] owes: revisions behind `before` without a hole.
/// Answers the last one and the bytes of all bodies. Public for engines.
///
/// # Panics
/// When there is a hole or an empty body: our bug, and worse if it were stored.
pub fn assert_dense(before: Revision, records: &[Record]) -> (Revision, usize) {
    let mut last = before;
    let mut bytes = 0;
    for record in records {
        assert_eq!(record.revision, last.next(), "a hole in the records of one call");
        assert!(!record.body.is_empty(), "revision {} has no body", record.revision);
        last = record.revision;
        bytes += record.body.len();
    }
    (last, bytes)
}

/// A store of logs. See the promises above.
pub trait Engine: fmt::Debug + Send + Sync + 'static {
    /// What it is, for people and metrics: `embedded`, `memory`.
    fn name(&self) -> &'static str;

    /// Begins an empty log.
    ///
    /// # Errors
    /// [`Error::Exists`]; [`Error::ReadOnly`], [`Error::Unavailable`], [`Error::Closed`] as everywhere.
    fn create<'a>(&'a self, production: &'a ProductionId, epoch: &'a Epoch) -> BoxFuture<'a, Head>;

    /// Where the log begins and ends; durable records only. `None` when there is no such production.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when that cannot be told.
    fn head<'a>(&'a self, production: &'a ProductionId) -> BoxFuture<'a, Option<Head>>;

    /// Appends `records` behind revision `expected`, all or none; answers the last revision once they are durable.
    /// `records` is not empty, and its revisions follow `expected` without a hole (a panic otherwise: our bug).
    ///
    /// # Errors
    /// [`Error::Moved`]: nothing was written. [`Error::Replaced`], [`Error::NotFound`], [`Error::TooLarge`] likewise.
    /// [`Error::Unavailable`]: the outcome is unknown.
    fn append<'a>(
        &'a self,
        production: &'a ProductionId,
        epoch: &'a Epoch,
        expected: Revision,
        records: Vec<Record>,
    ) -> BoxFuture<'a, Revision>;

    /// The records behind `after`, in order, as many as `limit` allows; none when `after` is the last.
    /// When `after` is before `oldest - 1` reading begins at `oldest`: the caller compares.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the first record to be answered does not verify; records before a damaged one
    /// are answered.
    fn read<'a>(
        &'a self,
        production: &'a ProductionId,
        epoch: &'a Epoch,
        after: Revision,
        limit: Limit,
    ) -> BoxFuture<'a, Vec<Record>>;

    /// Saves an image; the images before it stay until [`Engine::trim`].
    ///
    /// # Errors
    /// As [`Engine::append`], but for [`Error::Moved`].
    fn save<'a>(&'a self, production: &'a ProductionId, epoch: &'a Epoch, image: Image) -> BoxFuture<'a, ()>;

    /// The newest image that verifies and is at or before `at`. One that does not verify is passed over and reported.
    ///
    /// # Errors
    /// [`Error::Replaced`], [`Error::NotFound`].
    fn load<'a>(
        &'a self,
        production: &'a ProductionId,
        epoch: &'a Epoch,
        at: Revision,
    ) -> BoxFuture<'a, Option<Image>>;

    /// Forgets as much as lies wholly before the newest image at or before `keep_from - 1`: with no such image
    /// nothing. Answers the new head.
    ///
    /// # Errors
    /// As [`Engine::save`].
    fn trim<'a>(
        &'a self,
        production: &'a ProductionId,
        epoch: &'a Epoch,
        keep_from: Revision,
    ) -> BoxFuture<'a, Head>;

    /// Puts a whole log in the place of the one there is, or of none, in one step. `records` follow `image` without
    /// a hole, or begin at 1 when there is no image.
    ///
    /// # Errors
    /// As [`Engine::create`], but for [`Error::Exists`]; the log there was stays when this fails.
    fn replace<'a>(
        &'a self,
        production: &'a ProductionId,
        epoch: &'a Epoch,
        image: Option<Image>,
        records: Vec<Record>,
    ) -> BoxFuture<'a, Head>;

    /// Ends a log. Its space is given back later.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    fn remove<'a>(&'a self, production: &'a ProductionId) -> BoxFuture<'a, ()>;

    /// Productions behind `after` in the order of their names, at most `limit`.
    ///
    /// # Errors
    /// [`Error::Closed`].
    fn list<'a>(
        &'a self,
        after: Option<&'a ProductionId>,
        limit: usize,
    ) -> BoxFuture<'a, Vec<(ProductionId, Head)>>;

    /// Counters since opening.
    fn figures(&self) -> Figures;

    /// Finishes what was handed over, then refuses everything with [`Error::Closed`]. Twice is harmless.
    ///
    /// # Errors
    /// The failure of the last flush, if it was one.
    fn close(&self) -> BoxFuture<'_, ()>;
}
