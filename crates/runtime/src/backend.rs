//! How backends are told (rows B1, B2): what a delivery is, and what whoever carries it out has to say.
//!
//! The outbox decides what is delivered when, and how often it is tried; an implementation makes one request and says
//! what came of it.

use std::fmt;

use onair_core::manifest;
use onair_wire::{Epoch, ProductionId, Revision, Timestamp};
use serde_json::Value;
use thiserror::Error;

use crate::adapter::{BoxFuture, Class, Misfit};

/// One thing to tell a backend.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// `production:epoch:revision`: the same for every attempt.
    pub id: String,
    /// Of which production.
    pub production: ProductionId,
    /// Of which log.
    pub epoch: Epoch,
    /// The commit that made it true.
    pub revision: Revision,
    /// When.
    pub at: Timestamp,
    /// The kind of its cause, `lifecycle.moved` say.
    pub kind: String,
    /// What is told; its member `broadcast` has what row B1 names, where that changed.
    pub data: Value,
}

/// Why a backend was not told.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message}")]
pub struct Undelivered {
    /// Of which kind.
    pub class: Class,
    /// What happened, for people; never a secret.
    pub message: String,
    /// Whether another attempt may work.
    pub retryable: bool,
}

/// Whoever can tell backends.
pub trait Backends: fmt::Debug + Send + Sync + 'static {
    /// Whether a backend can be told as the manifest says.
    ///
    /// # Errors
    /// The first place that is wrong, as a pointer into the backend.
    fn check(&self, backend: &manifest::Backend) -> Result<(), Misfit>;

    /// Tells it, once.
    fn deliver(
        &self,
        backend: &manifest::Backend,
        delivery: Delivery,
    ) -> BoxFuture<'static, Result<(), Undelivered>>;
}
