//! How backends are told (rows B1, B2): a file for each type. `docs/backends.md` is for who is told.

mod convex;
mod webhook;

use std::time::Duration;

use onair_core::manifest::{self, BackendKind};
use onair_runtime::{
    Clock,
    adapter::{BoxFuture, Class, Misfit},
    backend::{Backends, Delivery, Undelivered},
};

use crate::outbound::{Outbound, Secret, Trouble};
pub use convex::Convex;
pub use webhook::Webhook;

/// How long one attempt may take (row E1).
const PATIENCE: Duration = Duration::from_secs(10);

/// A backend, ready to be told.
#[derive(Clone, Debug)]
pub enum Backend {
    /// Row B2.
    Webhook(Webhook),
    /// Row B1.
    Convex(Convex),
}

impl Backend {
    /// The backend that a manifest describes.
    ///
    /// # Errors
    /// The first place that is wrong, as a pointer into the backend.
    pub fn new(backend: &manifest::Backend, outbound: &Outbound) -> Result<Self, Misfit> {
        match backend.kind {
            BackendKind::Webhook => Webhook::new(backend, outbound).map(Self::Webhook),
            BackendKind::Convex => Convex::new(backend, outbound).map(Self::Convex),
        }
    }

    /// Tells it once, within ten seconds.
    ///
    /// # Errors
    /// It did not take it, or it is not known whether it did.
    ///
    /// # Cancellation
    /// Dropped, it may have been told all the same.
    pub async fn deliver(
        &self,
        outbound: &Outbound,
        clock: &Clock,
        delivery: &Delivery,
    ) -> Result<(), Undelivered> {
        match self {
            Self::Webhook(webhook) => webhook.deliver(outbound, clock, delivery).await,
            Self::Convex(convex) => convex.deliver(outbound, delivery).await,
        }
    }
}

/// The backends of manifests, reached by `outbound`. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Connectors {
    outbound: Outbound,
    clock: Clock,
}

impl Connectors {
    /// Connectors that call by `outbound`.
    #[must_use]
    pub fn new(outbound: Outbound, clock: Clock) -> Self {
        Self { outbound, clock }
    }
}

impl Backends for Connectors {
    fn check(&self, backend: &manifest::Backend) -> Result<(), Misfit> {
        Backend::new(backend, &self.outbound).map(|_| ())
    }

    fn deliver(
        &self,
        backend: &manifest::Backend,
        delivery: Delivery,
    ) -> BoxFuture<'static, Result<(), Undelivered>> {
        let Self { outbound, clock } = self.clone();
        // Made anew each time: it is a URL to parse, and a secret may have changed.
        let backend = Backend::new(backend, &outbound);
        Box::pin(async move {
            let backend = backend.map_err(|misfit| Undelivered {
                class: Class::Validation,
                message: format!("`{}` of the backend: {}", &misfit.pointer[1..], misfit.detail),
                retryable: false,
            })?;
            backend.deliver(&outbound, &clock, &delivery).await
        })
    }
}

fn misfit(member: &str, detail: impl Into<String>) -> Misfit {
    Misfit { pointer: format!("/{member}"), detail: detail.into() }
}

/// The secret that a member refers to.
fn secret(member: &str, reference: &str, outbound: &Outbound) -> Result<Secret, Misfit> {
    outbound.secret(reference).map_err(|error| misfit(member, error.to_string()))
}

fn undelivered(trouble: &Trouble) -> Undelivered {
    Undelivered { class: trouble.class(), message: trouble.to_string(), retryable: trouble.retryable() }
}
