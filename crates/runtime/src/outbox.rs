//! The outbox (row B3): reads the log behind what a backend was told, and tells it, in order, until it has been.
//!
//! There is no second store. What is to be told is in the log, how far a backend has been told is a document of the
//! production, and whoever opens the log after a crash goes on from there; the last delivery may be made twice.

use std::{
    collections::VecDeque,
    sync::{Arc, Weak},
    time::Duration,
};

use onair_core::{Backend, Delivered, Delivery as State, Intent, Production, broadcast, delay, manifest};
use onair_wire::{
    Actor, Revision,
    planted::{Bug, planted},
};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    adapter::Class,
    archive::{READ, decode},
    backend::{Delivery, Undelivered},
    director::Request,
    error::Error,
    shared::Shared,
};

/// Failures of one delivery after which it is parked: with the default settings that is after about 20 minutes.
pub const FAILURES_MAX: u32 = 12;
/// The longest wait between two attempts.
pub const WAIT_MAX: Duration = Duration::from_secs(300);
/// The longest one attempt takes.
pub const ATTEMPT_MAX: Duration = Duration::from_secs(15);
/// Deliveries that are held ready; the others stay in the log. What waits beyond is not counted.
pub const WAITING_MAX: usize = 1_000;

/// One backend of one production.
pub(crate) struct Outbox {
    shared: Weak<Shared>,
    name: String,
    /// Read up to here.
    read: Revision,
    /// Told up to here, as the document says.
    delivered: Revision,
    failures: u32,
    waiting: VecDeque<Delivery>,
}

/// What to do next.
enum Next {
    Wait,
    Again(Duration),
    On,
}

impl Outbox {
    pub(crate) fn new(shared: &Arc<Shared>, name: &str) -> Self {
        let (name, waiting) = (name.to_owned(), VecDeque::new());
        let (read, delivered) = (Revision::ZERO, Revision::ZERO);
        Self { shared: Arc::downgrade(shared), name, read, delivered, failures: 0, waiting }
    }

    /// Until the production leaves memory, or the backend the manifest.
    pub(crate) async fn run(mut self, cancel: CancellationToken) {
        let Some(shown) = self.shared.upgrade().map(|shared| Arc::clone(&shared.shown)) else { return };
        loop {
            let seen = shown.is();
            let next = tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                next = self.step() => next,
            };
            let Some(next) = next else { return };
            tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                () = shown.beyond(seen), if matches!(next, Next::Wait) => {}
                () = wait(&next) => {}
            }
        }
    }

    /// `None` when there is nothing to do any more, ever.
    async fn step(&mut self) -> Option<Next> {
        let shared = self.shared.upgrade()?;
        let state = shared.hub.state();
        let declared = state.manifest()?.written.backends.iter().find(|backend| backend.name == self.name)?;
        let known = state.backend(&self.name)?;
        if known.delivered != self.delivered || self.read == Revision::ZERO {
            self.begin_at(&known);
        }
        if let Err(error) = self.look_ahead(&shared, &state, declared).await {
            tracing::warn!(production = %shared.id, backend = %self.name, %error, "what is to be delivered could not be read");
            return Some(Next::Again(Duration::from_secs(1)));
        }
        shared.set_lag(&self.name, self.waiting.len() as u64);
        if known.status == State::Parked {
            return Some(Next::Wait);
        }
        if known.status == State::Retrying && known.failures == 0 {
            self.failures = 0;
        }
        let Some(delivery) = self.waiting.front().cloned() else { return Some(Next::Wait) };
        Some(self.tell(&shared, &state, declared, &known, delivery).await)
    }

    fn begin_at(&mut self, known: &Backend) {
        (self.read, self.delivered, self.failures) = (known.delivered, known.delivered, known.failures);
        self.waiting.clear();
    }

    /// Holds ready what the log has behind what was read.
    async fn look_ahead(
        &mut self,
        shared: &Shared,
        state: &Production,
        backend: &manifest::Backend,
    ) -> Result<(), Error> {
        // What is no longer kept cannot be told; the log goes on with what is.
        self.read = self.read.max(state.oldest().previous());
        while self.read < state.revision() && self.waiting.len() < WAITING_MAX {
            for record in shared.archive.records(state, self.read, READ).await? {
                let commit = decode(state, &record)?;
                self.read = commit.revision;
                let Some(data) = broadcast::delivery(state, &commit, backend.kind) else { continue };
                let kind = serde_json::to_value(commit.cause.kind).ok();
                self.waiting.push_back(Delivery {
                    id: format!("{}:{}:{}", state.id(), state.epoch(), commit.revision),
                    production: state.id().clone(),
                    epoch: state.epoch().clone(),
                    revision: commit.revision,
                    at: commit.at,
                    kind: kind.as_ref().and_then(|kind| kind.as_str()).unwrap_or_default().to_owned(),
                    data,
                });
            }
        }
        Ok(())
    }

    async fn tell(
        &mut self,
        shared: &Arc<Shared>,
        state: &Production,
        backend: &manifest::Backend,
        known: &Backend,
        delivery: Delivery,
    ) -> Next {
        let revision = delivery.revision;
        let (id, attempt) = (delivery.id.clone(), shared.backends.as_ref());
        let told = match attempt {
            Some(backends) => timeout(ATTEMPT_MAX, backends.deliver(backend, delivery)).await,
            None => return Next::Wait,
        };
        let told = told.unwrap_or_else(|_| {
            let message = format!("no answer within {} s", ATTEMPT_MAX.as_secs());
            Err(Undelivered { class: Class::Timeout, message, retryable: true })
        });
        let told = if planted(Bug::DeliverySkipped) { Ok(()) } else { told };
        match told {
            Ok(()) => {
                self.waiting.pop_front();
                self.failures = 0;
                self.save(shared, known, revision, State::Ok, None).await;
                Next::On
            }
            Err(error) => {
                self.failures += 1;
                let parked = !error.retryable || self.failures >= FAILURES_MAX;
                let status = if parked { State::Parked } else { State::Retrying };
                tracing::warn!(production = %shared.id, backend = %self.name, failures = self.failures, parked, %error, "a backend could not be told");
                let before = self.delivered;
                self.save(shared, known, before, status, Some(error.message)).await;
                if parked {
                    return Next::Wait;
                }
                let wait: Duration = delay(&state.settings(), self.failures, &id).into();
                Next::Again(wait.min(WAIT_MAX))
            }
        }
    }

    async fn save(
        &mut self,
        shared: &Arc<Shared>,
        known: &Backend,
        delivered: Revision,
        status: State,
        error: Option<String>,
    ) {
        let lag = self.waiting.len() as u64;
        shared.set_lag(&self.name, lag);
        let parked = if status == State::Parked { lag } else { 0 };
        let last_error = error.or_else(|| known.last_error.clone().filter(|_| status != State::Ok));
        let state = Backend {
            kind: known.kind.clone(),
            status,
            delivered,
            lag,
            parked,
            failures: self.failures,
            last_error,
        };
        let intent = Intent::Delivered(Delivered { backend: self.name.clone(), state });
        let actor = Actor::new("server:outbox").expect("an actor");
        let (request, answered) = Request::answered(actor, intent);
        if shared.inbox.send(request).await.is_ok() && matches!(answered.await, Ok(Ok(_))) {
            self.delivered = delivered;
        }
    }
}

async fn wait(next: &Next) {
    match next {
        Next::Wait => std::future::pending().await,
        Next::Again(wait) => sleep(*wait).await,
        Next::On => {}
    }
}
