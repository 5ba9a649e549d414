//! How a backend is told (rows B1 to B3): what is delivered, and what came of it. Who tells it, in which order and how
//! often again, is the outbox; how it is reached stands in `onair-adapters`.

use std::fmt;

use onair_core::manifest::Backend;
use onair_wire::{Epoch, ProductionId, Revision, Timestamp};
use serde_json::Value;
use thiserror::Error;

use crate::adapter::{BoxFuture, Class, Misfit};

/// One thing that a backend is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// `production:epoch:revision`, as [`Delivery::id`] makes it: the same for each attempt.
    pub id: String,
    /// Of which production.
    pub production: ProductionId,
    /// Of which log.
    pub epoch: Epoch,
    /// By which commit.
    pub revision: Revision,
    /// When that commit was made.
    pub at: Timestamp,
    /// What happened: the kind of the commit's cause, `lifecycle.moved` say.
    pub kind: String,
    /// What is told: an object. Its member `broadcast` is what Convex gets (row B1): `sessionId` (text or null),
    /// `broadcastState`, `hostActive`, `producerActive`, `liveFeedActive`, `startTime` (RFC 3339 or null) and `duration`
    /// (milliseconds or null).
    pub data: Value,
}

impl Delivery {
    /// The id of what a commit has to tell.
    #[must_use]
    pub fn id(production: &ProductionId, epoch: &Epoch, revision: Revision) -> String {
        format!("{production}:{epoch}:{revision}")
    }
}

/// Why a delivery did not arrive, as far as is known: it may have arrived all the same, which its id makes harmless.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message}")]
pub struct Undelivered {
    /// Of which kind.
    pub class: Class,
    /// What happened, for people; never a secret.
    pub message: String,
    /// Whether another attempt may work without anybody changing anything.
    pub retryable: bool,
}

/// A way to tell backends.
pub trait Backends: fmt::Debug + Send + Sync + 'static {
    /// Whether a backend can be told as its manifest says, before that manifest is accepted.
    ///
    /// # Errors
    /// The first place that is wrong, as a pointer into the backend.
    fn check(&self, backend: &Backend) -> Result<(), Misfit>;

    /// Tells it once. Ends by itself, within a limit of its own.
    fn deliver(&self, backend: &Backend, delivery: Delivery) -> BoxFuture<'static, Result<(), Undelivered>>;
}
