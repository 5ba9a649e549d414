//! One run of a command: how far it is, who waits for it, and what it is told. Its supervisor moves it on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use onair_core::service::Seen;
use onair_runtime::adapter::{CallError, Class};
use tokio::sync::watch;

/// How far a run is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Not on yet.
    Starting,
    /// On.
    On {
        /// Whether it gives its signs of life.
        healthy: bool,
    },
    /// On its way off, and why.
    Ending(String),
    /// Nothing of it is left, and why; the error is for whoever waited for it to be on.
    Gone(String, CallError),
}

/// What a run is told; a later one goes over those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Order {
    /// Go on.
    Go,
    /// End gracefully.
    Stop,
    /// End at once.
    Kill,
}

/// One run of a command.
#[derive(Debug)]
pub(super) struct Run {
    /// Tells it from every other run.
    pub(super) instance: String,
    stage: watch::Sender<Stage>,
    order: watch::Sender<Order>,
    /// Who wants it. Held for a few lines, so that nobody claims what has just been given up.
    claims: Mutex<Claims>,
}

#[derive(Debug, Default)]
struct Claims {
    waiting: u32,
    /// Somebody was told that it is on: it stays on until it is told to stop.
    answered: bool,
}

impl Run {
    pub(super) fn new(instance: String) -> Arc<Self> {
        let (stage, order) = (watch::Sender::new(Stage::Starting), watch::Sender::new(Order::Go));
        Arc::new(Self { instance, stage, order, claims: Mutex::default() })
    }

    fn claims(&self) -> MutexGuard<'_, Claims> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves it on.
    pub(super) fn is(&self, stage: Stage) {
        self.stage.send_replace(stage);
    }

    pub(super) fn stage(&self) -> Stage {
        self.stage.borrow().clone()
    }

    pub(super) fn is_gone(&self) -> bool {
        std::matches!(&*self.stage.borrow(), Stage::Gone(..))
    }

    /// Tells it something; what was said before and is stronger stays.
    pub(super) fn tell(&self, order: Order) {
        let _claims = self.claims();
        self.order.send_if_modified(|known| {
            let stronger = order > *known;
            *known = order.max(*known);
            stronger
        });
    }

    /// What it is told, from now on.
    pub(super) fn orders(&self) -> watch::Receiver<Order> {
        self.order.subscribe()
    }

    /// A claim on a run that goes on or is on; none on one that is on its way off.
    pub(super) fn claim(self: &Arc<Self>) -> Option<Claim> {
        let mut claims = self.claims();
        let goes = *self.order.borrow() == Order::Go;
        match &*self.stage.borrow() {
            Stage::Starting | Stage::On { .. } if goes => claims.waiting += 1,
            _ => return None,
        }
        Some(Claim(Arc::clone(self)))
    }

    /// Waits until nothing of it is left.
    pub(super) async fn gone(&self) {
        // The sender is a field of this value.
        let _ = self.stage.subscribe().wait_for(|stage| std::matches!(stage, Stage::Gone(..))).await;
    }

    /// What is known of it.
    pub(super) fn seen(&self) -> Seen {
        match self.stage() {
            Stage::Starting => Seen::Away { reason: "is not on yet".into() },
            Stage::On { healthy } => self.here(healthy),
            Stage::Ending(reason) | Stage::Gone(reason, _) => Seen::Away { reason },
        }
    }

    pub(super) fn here(&self, healthy: bool) -> Seen {
        Seen::Here { instance: Some(self.instance.clone()), healthy, details: None }
    }
}

/// Somebody waits for a run to be on. When all of them give up before one was answered, it is told to stop.
#[derive(Debug)]
pub(super) struct Claim(Arc<Run>);

impl Claim {
    /// Waits until it is on; answers which run it is.
    pub(super) async fn on(self) -> Result<String, CallError> {
        let mut stage = self.0.stage.subscribe();
        let settled = stage.wait_for(|stage| std::matches!(stage, Stage::On { .. } | Stage::Gone(..))).await;
        match settled.as_deref() {
            Ok(Stage::On { .. }) => {}
            Ok(Stage::Gone(_, error)) => return Err(error.clone()),
            Ok(_) | Err(_) => return Err(error(Class::Server, "its supervisor is gone", true)),
        }
        drop(settled);
        self.0.claims().answered = true;
        Ok(self.0.instance.clone())
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut claims = self.0.claims();
        claims.waiting -= 1;
        let abandoned = claims.waiting == 0 && !claims.answered;
        if abandoned {
            // Within the lock: whoever claims next sees it.
            self.0.order.send_if_modified(|order| {
                let changed = *order == Order::Go;
                *order = Order::Stop.max(*order);
                changed
            });
        }
    }
}

/// An error of a call whose outcome is known.
pub(super) fn error(class: Class, message: impl Into<String>, retryable: bool) -> CallError {
    CallError { class, message: message.into(), retryable, unknown: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on() -> Stage {
        Stage::On { healthy: true }
    }

    #[tokio::test]
    async fn l12_a_run_that_nobody_waits_for_any_more_is_told_to_stop() {
        let run = Run::new("a".into());
        let (one, other) = (run.claim().expect("it goes"), run.claim().expect("it goes"));
        drop(one);
        assert_eq!(*run.order.borrow(), Order::Go);
        run.is(on());
        drop(other);
        assert_eq!(*run.order.borrow(), Order::Stop, "it was on, and nobody was told");
        assert!(run.claim().is_none(), "somebody claims what ends");
    }

    #[tokio::test]
    async fn l12_a_run_that_was_answered_stays() {
        let run = Run::new("a".into());
        let (one, other) = (run.claim().expect("it goes"), run.claim().expect("it goes"));
        run.is(on());
        assert_eq!(one.on().await, Ok("a".to_owned()));
        drop(other);
        assert_eq!(*run.order.borrow(), Order::Go);
        run.tell(Order::Kill);
        run.tell(Order::Stop);
        assert_eq!(*run.order.borrow(), Order::Kill, "what is weaker went over what is stronger");
    }
}
