//! What a director does about the show beside deciding: it has calls made, backends told, and looks again in time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use onair_core::{
    Intent, Production,
    service::{Seen, Service, Status},
};
use onair_wire::{Actor, Millis, Timestamp};
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Request, crew::Crew};
use crate::{clock::Clock, outbox::Outbox, shared::Shared, tasks::TaskKind};

/// The least time between two looks when nothing came of the first: a rule that asks to be asked again and then says
/// nothing would keep a core busy otherwise.
const LOOK_AGAIN: Millis = Millis(10);

/// How long nothing is begun after the log did not take what was decided. What is due would be decided again at once
/// otherwise, services asked again, and a core kept busy, for as long as the log takes nothing.
const TRY_AGAIN: Millis = Millis(1_000);

/// What is under way outside, for one production.
#[derive(Default)]
pub(super) struct Show {
    crew: Crew,
    /// When something happens by itself.
    wake_at: Option<Timestamp>,
    /// The log did not take what was decided; what is due waits.
    held: bool,
    outboxes: BTreeMap<String, DropGuard>,
}

impl Show {
    /// Brings what is under way outside in step with the state, which is on disk.
    pub(super) fn follow(&mut self, shared: &Arc<Shared>, state: &Production) {
        self.held = false;
        self.crew.follow(shared, state);
        self.wake_at = state.wake_at();
        self.follow_backends(shared, state);
        shared.set_polled(is_polled(shared, state));
    }

    /// Resolves when something happens by itself.
    pub(super) async fn due(&self, clock: &Clock) {
        let Some(at) = self.wake_at else { return std::future::pending().await };
        sleep(clock.now().until(at).into()).await;
    }

    /// Nothing came of looking: timers may fire a little early by the other clock.
    pub(super) fn postpone(&mut self, clock: &Clock) {
        self.wake_at = self.wake_at.map(|at| at.max(clock.now().plus(LOOK_AGAIN)));
    }

    /// The log did not take what was decided: nothing is begun before it was tried again, in a while.
    pub(super) fn hold(&mut self, clock: &Clock) {
        self.held = true;
        self.wake_at = Some(clock.now().plus(TRY_AGAIN));
    }

    pub(super) fn is_held(&self) -> bool {
        self.held
    }

    /// Nothing is under way any more.
    pub(super) fn stand_down(&mut self) {
        self.crew.stand_down();
        self.outboxes.clear();
        self.wake_at = None;
    }

    fn follow_backends(&mut self, shared: &Arc<Shared>, state: &Production) {
        if shared.backends.is_none() {
            return;
        }
        let Some(manifest) = state.manifest() else { return };
        let declared: BTreeSet<&str> =
            manifest.written.backends.iter().map(|backend| backend.name.as_str()).collect();
        self.outboxes.retain(|name, _| declared.contains(name.as_str()));
        for name in declared {
            if self.outboxes.contains_key(name) {
                continue;
            }
            let cancel = shared.ended.child_token();
            let guard: CancellationToken = cancel.clone();
            self.outboxes.insert(name.to_owned(), guard.drop_guard());
            shared.tasks.spawn(TaskKind::Outbox, Outbox::new(shared, name).run(cancel));
        }
    }
}

fn is_polled(shared: &Shared, state: &Production) -> bool {
    let Some(manifest) = state.manifest() else { return false };
    let up = |name: &str| state.service(name).is_some_and(|service| service.status != Status::Down);
    manifest.written.services.iter().any(|service| {
        shared.adapters.of(&service.adapter).is_some_and(|adapter| adapter.polled()) && up(&service.name)
    })
}

/// The command that goes on with what another server left open, or that tells of agents that are connected and that the
/// log knows nothing of, as one that was imported does; `None` when neither is.
pub(super) fn resumption(shared: &Shared, state: &Production) -> Option<Request> {
    let rests = state.rests();
    let manifest = state.manifest()?;
    let mut seen = BTreeMap::new();
    for (name, service) in state.services() {
        let adapter = manifest.service(&name).and_then(|service| shared.adapters.of(&service.adapter));
        let now = adapter.and_then(|adapter| adapter.seen(&shared.id, &name, service.is_on()));
        if let Some(now) = now
            && (!rests && service.status != Status::Down || is_news(&service, &now))
        {
            seen.insert(name, now);
        }
    }
    if rests && seen.is_empty() {
        return None;
    }
    let actor = Actor::new("server:start").expect("an actor");
    Some(Request::unanswered(actor, Intent::Resume(seen)))
}

/// Whether somebody is there who is not known. That nobody is there yet is no news when a server begins.
fn is_news(service: &Service, now: &Seen) -> bool {
    match now {
        Seen::Here { instance: Some(instance), healthy, .. } => {
            service.instance.as_ref() != Some(instance) || service.healthy != *healthy
        }
        Seen::Here { instance: None, .. } | Seen::Away { .. } => false,
    }
}
