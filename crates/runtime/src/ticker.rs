//! What is sent at a rate of its own rather than per commit: signals, presence, digests.
//!
//! One task for all productions in memory, at a cost that those without news do not have.

use std::{collections::BTreeMap, sync::atomic::Ordering, time::Duration};

use onair_core::{Intent, Phase};
use onair_wire::{Actor, Collection, ProductionId, sync::ServerMessage};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::{handle::Handle, productions::Productions};

/// How often presence is sent at most.
pub const PRESENCE_EVERY: Duration = Duration::from_secs(1);
/// How often digests are sent at most (row Y6): a client that went astray learns of it within this time.
pub const DIGEST_EVERY: Duration = Duration::from_secs(5);

/// How often figures are kept in the log at most, while a show is live (row T1): a trace of them, not a record.
pub const SAMPLE_EVERY: Duration = Duration::from_secs(10);

/// Runs until cancelled; signals are sent every `debounce` at most.
pub async fn run(productions: Productions, debounce: Duration, cancel: CancellationToken) {
    let mut ticks = interval(debounce.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut ticker = Ticker::default();
    let (mut presence, mut digests, mut samples) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    while cancel.run_until_cancelled(ticks.tick()).await.is_some() {
        presence += debounce;
        digests += debounce;
        samples += debounce;
        let with_samples = samples >= SAMPLE_EVERY;
        let (with_presence, with_digests) = (presence >= PRESENCE_EVERY, digests >= DIGEST_EVERY);
        let loaded = productions.loaded();
        for handle in &loaded {
            signals(handle);
            if with_presence {
                ticker.presence(handle);
            }
            if with_digests {
                self::digests(handle);
            }
            if with_samples {
                sample(handle);
            }
        }
        if with_presence {
            presence = Duration::ZERO;
            ticker.shown.retain(|id, _| loaded.iter().any(|handle| handle.id() == id));
        }
        if with_digests {
            digests = Duration::ZERO;
        }
        if with_samples {
            samples = Duration::ZERO;
        }
    }
}

/// What was last said.
#[derive(Default)]
struct Ticker {
    shown: BTreeMap<ProductionId, usize>,
}

impl Ticker {
    fn presence(&mut self, handle: &Handle) {
        let clients = handle.shared().watching();
        if self.shown.insert(handle.id().clone(), clients) != Some(clients) {
            let message = ServerMessage::Presence { production: handle.id(), clients };
            handle.shared().hub.tell("presence", &message.encode());
        }
    }
}

fn signals(handle: &Handle) {
    if let Some(stream) = handle.shared().signals.take() {
        let message = ServerMessage::Signal { production: handle.id(), stream: &stream };
        handle.shared().hub.tell("signal", &message.encode());
    }
}

fn sample(handle: &Handle) {
    if !handle.shared().signals.take_unsampled() || handle.state().phase() != Phase::Live {
        return;
    }
    let actor = Actor::new("server:ticker").expect("an actor");
    let figures = handle.observed().stream;
    // The next sample is as good when this one finds no room.
    let _ = handle.submit(actor, None, Intent::Sample(figures), |_| None);
}

fn digests(handle: &Handle) {
    if !handle.shared().dirty.swap(false, Ordering::Relaxed) {
        return;
    }
    handle.shared().hub.tell_each("digest", |filter, state| {
        let wanted = |collection: &Collection| filter.as_ref().is_none_or(|set| set.contains(collection));
        let (production, revision, digest) = (state.id(), state.revision(), state.digest(wanted));
        Some(ServerMessage::Digest { production, revision, digest }.encode())
    });
}
