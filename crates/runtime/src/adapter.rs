//! How a service is reached (row S2): one trait, an implementation for each type of adapter.
//!
//! What is to be asked is read off the state of the production after it is on disk; what is answered comes back as a
//! command. An adapter decides nothing: it carries a call out, says what came of it, and reports what it sees.
//!
//! The promises of an [`Adapter`]:
//! - A call is carried out at most once for one key as far as the adapter can tell, and asked again with the same key
//!   when the outcome of the first is not known.
//! - A call ends: with an answer, with an error, or because its future was dropped. It may take the deadline as its
//!   limit, and need not: whoever waits drops it soon after.
//! - An error says whether the thing may have happened all the same ([`CallError::unknown`]).
//! - Whoever appears or vanishes is reported ([`Report`]) where the adapter can see it; where it can not,
//!   [`Adapter::polled`] says so and `health` is called now and then.

use std::{collections::BTreeMap, fmt, pin::Pin, sync::Arc};

use onair_core::{Manifest, Refusal, service::Seen};
use onair_wire::{ProductionId, TaskAction, Timestamp};
use serde_json::Value;
use thiserror::Error;
use tokio::sync::mpsc;

/// A future in a box.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Reports that may wait to be taken over: whoever has more to say waits.
pub const REPORTS: usize = 1_024;

/// One call to a service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Call {
    /// Of which production.
    pub production: ProductionId,
    /// Which service.
    pub service: Arc<str>,
    /// How it is reached: the service's `adapter` of the manifest.
    pub adapter: Arc<Value>,
    /// What is asked.
    pub action: TaskAction,
    /// Makes a repetition harmless: 1 to 400 printable ASCII characters, the same for each attempt.
    pub key: Arc<str>,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// When nobody waits for the answer any more.
    pub deadline: Timestamp,
    /// With what: an object. `force: true` in a stop means at once, without a graceful end.
    pub params: Arc<Value>,
}

impl Call {
    /// Whether there is no time for a graceful end (row L7).
    #[must_use]
    pub fn is_forced(&self) -> bool {
        self.params.get("force") == Some(&Value::Bool(true))
    }
}

/// The classes of errors (row E1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// It could not be reached, or was lost.
    Network,
    /// It did not answer in time.
    Timeout,
    /// It is in a state that does not allow it.
    Conflict,
    /// It did not understand what was asked.
    Validation,
    /// It does not let us.
    Permission,
    /// It failed.
    Server,
}

impl Class {
    /// The word of row E1.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Timeout => "timeout",
            Self::Conflict => "conflict",
            Self::Validation => "validation",
            Self::Permission => "permission",
            Self::Server => "server",
        }
    }
}

/// Why a call did not work.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message}")]
pub struct CallError {
    /// Of which kind.
    pub class: Class,
    /// What happened, for people; never a secret.
    pub message: String,
    /// Whether another attempt may work.
    pub retryable: bool,
    /// Whether it may have happened all the same.
    pub unknown: bool,
}

/// What an adapter saw by itself.
#[derive(Clone, Debug)]
pub struct Report {
    /// Of which production.
    pub production: ProductionId,
    /// Of which service.
    pub service: Arc<str>,
    /// By which adapter, as the `type` of a manifest says it: what another sees of a service is nobody's.
    pub adapter: &'static str,
    /// What.
    pub seen: Seen,
}

/// Where adapters put what they see.
pub type Reports = mpsc::Sender<Report>;

/// What is wrong with the `adapter` of a service in a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Where: a JSON pointer into the adapter, `/url` say.
    pub pointer: String,
    /// What is wrong, and what to do.
    pub detail: String,
}

/// A way to reach services.
pub trait Adapter: fmt::Debug + Send + Sync + 'static {
    /// Whether services can be reached as `adapter` says, before a manifest that says so is accepted.
    ///
    /// # Errors
    /// The first place that is wrong.
    fn check(&self, adapter: &Value) -> Result<(), Misfit>;

    /// Carries a call out.
    fn call(&self, call: Call) -> BoxFuture<'static, Result<Value, CallError>>;

    /// What is known of a service now, without asking it; `None` when nothing can be known without asking. `on`: whether
    /// the production takes it for on, for services that are only there while they are.
    fn seen(&self, production: &ProductionId, service: &str, on: bool) -> Option<Seen>;

    /// Whether only asking (`health`) tells how a service is.
    fn polled(&self) -> bool;
}

/// The adapters there are, by the `type` of a manifest. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Adapters(Arc<BTreeMap<&'static str, Arc<dyn Adapter>>>);

impl Adapters {
    /// These, and no others.
    #[must_use]
    pub fn new(adapters: impl IntoIterator<Item = (&'static str, Arc<dyn Adapter>)>) -> Self {
        Self(Arc::new(adapters.into_iter().collect()))
    }

    /// The one of a service's `adapter`.
    #[must_use]
    pub fn of(&self, adapter: &Value) -> Option<&Arc<dyn Adapter>> {
        self.0.get(adapter.get("type")?.as_str()?)
    }

    /// Whether every service of a manifest can be reached as it says.
    ///
    /// # Errors
    /// The first that cannot, with its place in the manifest.
    pub fn check(&self, manifest: &Manifest) -> Result<(), Refusal> {
        for (place, service) in manifest.written.services.iter().enumerate() {
            let misfit = match self.of(&service.adapter) {
                Some(adapter) => adapter.check(&service.adapter).err(),
                None => Some(Misfit {
                    pointer: "/type".into(),
                    detail: format!(
                        "this server has no such adapter, only `{}`",
                        self.0.keys().copied().collect::<Vec<_>>().join("`, `")
                    ),
                }),
            };
            if let Some(Misfit { pointer, detail }) = misfit {
                let pointer = format!("/services/{place}/adapter{pointer}");
                return Err(Refusal::Invalid { pointer, detail });
            }
        }
        Ok(())
    }
}
