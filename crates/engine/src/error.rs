//! What can go wrong with a log, and what the caller learns to do about it.

use onair_wire::{ProductionId, Revision};
use thiserror::Error;

/// Why an engine did not do what it was asked.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The log is not where the caller thinks: somebody else appended, nothing was written. Read again.
    #[error("expected revision {expected}, the log is at {last}")]
    Moved {
        /// What the caller named.
        expected: Revision,
        /// Where the log is, appends still under way included.
        last: Revision,
    },
    /// The log has another epoch than the caller knows: it was replaced or removed and begun again.
    #[error("the log of {production} has begun anew since it was opened")]
    Replaced {
        /// Whose log.
        production: ProductionId,
    },
    /// There is no such production.
    #[error("there is no log of {production}")]
    NotFound {
        /// Whose log.
        production: ProductionId,
    },
    /// There is such a production already.
    #[error("there is a log of {production} already")]
    Exists {
        /// Whose log.
        production: ProductionId,
    },
    /// A record, or an append as a whole, is over the engine's limit; nothing was written.
    #[error("{bytes} bytes in one append, the limit is {limit}")]
    TooLarge {
        /// What was asked.
        bytes: usize,
        /// What is allowed.
        limit: usize,
    },
    /// The outcome is unknown: the write or flush failed under way. Read the head before trying again.
    #[error("the log could not be written: {detail}")]
    Unavailable {
        /// The cause, without paths.
        detail: String,
    },
    /// An earlier write or flush failed, so nothing more is accepted on this handle; reads go on.
    #[error(
        "the log is read-only since a write failed: {detail}; start the server again once the disk is well"
    )]
    ReadOnly {
        /// The first cause, without paths.
        detail: String,
    },
    /// Stored bytes do not verify. They were not served.
    #[error("the log of {production} is damaged at revision {revision}: {detail}")]
    Corrupt {
        /// Whose log.
        production: ProductionId,
        /// The first revision that cannot be trusted.
        revision: Revision,
        /// What does not verify.
        detail: String,
    },
    /// The engine was closed.
    #[error("the engine is closed")]
    Closed,
}

impl Error {
    /// Whether the same call may succeed later without anybody mending anything.
    #[must_use]
    pub fn retryable(&self) -> bool {
        matches!(self, Self::Moved { .. } | Self::Unavailable { .. })
    }
}
