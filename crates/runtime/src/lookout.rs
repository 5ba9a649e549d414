//! What is observed around one production for its checks (row A2): counted where it happens, summed up when a check asks.
//!
//! Counters only go up; a look compares them with what they were a minute ago. A production around which nothing
//! happens is not looked at: the first thing that does *stirs* the director, which looks within [`CHECK_EVERY`].

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use onair_core::{
    Production,
    rules::{self, Observation, Took, Unsaid, Verified},
};
use onair_wire::Timestamp;
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use crate::{director::INBOX, shared::Shared};

/// How often the rules look at a production around which something happens (row A2).
pub const CHECK_EVERY: Duration = Duration::from_secs(5);
/// How far back "lately" goes.
const LATELY: Duration = Duration::from_secs(60);

/// What is around productions and the runtime does not know: clients, agents, addresses.
pub trait Surroundings: Send + Sync + 'static {
    /// Fills in what it knows.
    fn observe(&self, production: &Production, observation: &mut Observation);
}

/// What a production's director and its handles count for its checks.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    appends: AtomicU64,
    append_us: AtomicU64,
    diverged: AtomicU64,
    fell_back: AtomicU64,
    foreign: AtomicU64,
    signals: AtomicU64,
    stirred: Notify,
    /// What the last look saw. Held to copy it.
    looked: Mutex<Looked>,
}

/// What was seen since it was last said.
#[derive(Clone, Debug, Default)]
pub struct Looked {
    /// How often the rules looked since the production came into memory.
    pub checks: u64,
    /// When they last did.
    pub at: Option<Timestamp>,
    /// What stands and was seen again since its document was written, by code.
    pub unsaid: BTreeMap<String, Unsaid>,
    /// What was observed then.
    pub(crate) last: Observation,
}

impl Counts {
    /// Something happened that a check may have to say something about.
    pub(crate) fn stir(&self) {
        self.stirred.notify_one();
    }

    /// Resolves when something happened since this was last asked.
    pub(crate) async fn stirred(&self) {
        self.stirred.notified().await;
    }

    pub(crate) fn appended(&self, took: Duration) {
        self.appends.fetch_add(1, Ordering::Relaxed);
        self.append_us.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn diverged(&self) {
        self.diverged.fetch_add(1, Ordering::Relaxed);
        self.stir();
    }

    pub(crate) fn fell_back(&self) {
        self.fell_back.fetch_add(1, Ordering::Relaxed);
        self.stir();
    }

    pub(crate) fn foreign(&self) {
        self.foreign.fetch_add(1, Ordering::Relaxed);
        self.stir();
    }

    pub(crate) fn signalled(&self) {
        self.signals.fetch_add(1, Ordering::Relaxed);
        self.stir();
    }

    pub(crate) fn looked(&self) -> Looked {
        self.looked.lock().expect("nothing panics while it copies").clone()
    }
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default)]
struct Sample {
    appends: u64,
    append_us: u64,
    flushes: u64,
    flush_us: u64,
    diverged: u64,
    fell_back: u64,
    foreign: u64,
    signals: u64,
    frames: u64,
    dropped: u64,
}

impl Sample {
    fn now(shared: &Shared) -> Self {
        let (counts, engine, stream) = (&shared.counts, shared.engine.figures(), shared.signals.latest());
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Self {
            appends: load(&counts.appends),
            append_us: load(&counts.append_us),
            flushes: engine.flushes,
            flush_us: u64::try_from(engine.flush_time.as_micros()).unwrap_or(u64::MAX),
            diverged: load(&counts.diverged),
            fell_back: load(&counts.fell_back),
            foreign: load(&counts.foreign),
            signals: load(&counts.signals),
            frames: stream.frame_count.unwrap_or_default(),
            dropped: stream.dropped_frames.unwrap_or_default(),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a mean for people")]
fn took(count: u64, us: u64) -> Took {
    Took { count, total_ms: us as f64 / 1e3 }
}

/// When a director looks, and what the counters were before.
#[derive(Debug)]
pub(crate) struct Lookout {
    /// What the counters were, oldest first; the first of them a minute ago, or when last looked if that is longer.
    samples: VecDeque<(Instant, Sample)>,
    due: Option<Instant>,
}

impl Lookout {
    pub(crate) fn new(shared: &Shared) -> Self {
        // A production that comes into memory is looked at once: what befell it before may stand.
        let now = Instant::now();
        Self { samples: VecDeque::from([(now, Sample::now(shared))]), due: Some(now + CHECK_EVERY) }
    }

    /// Resolves when it is time to look.
    pub(crate) async fn due(&self) {
        match self.due {
            Some(at) => sleep_until(at).await,
            None => std::future::pending().await,
        }
    }

    /// Whether nobody looks until something happens.
    pub(crate) fn is_idle(&self) -> bool {
        self.due.is_none()
    }

    /// Nobody looks any more: what is found could not be kept.
    pub(crate) fn rest(&mut self) {
        self.due = None;
    }

    /// Something happened.
    pub(crate) fn stir(&mut self) {
        self.due.get_or_insert_with(|| Instant::now() + CHECK_EVERY);
    }

    /// What is to be seen around `state` now.
    pub(crate) fn observe(
        &mut self,
        shared: &Shared,
        state: &Production,
        verified: Option<Verified>,
    ) -> Observation {
        let (at, now) = (Instant::now(), Sample::now(shared));
        while self.samples.get(1).is_some_and(|(then, _)| at.duration_since(*then) >= LATELY) {
            self.samples.pop_front();
        }
        let then = self.samples.front().map_or(now, |(_, sample)| *sample);
        let last = self.samples.back().map_or(now, |(_, sample)| *sample);
        self.samples.push_back((at, now));
        let mut observation = Observation {
            now: shared.clock.now(),
            stream: (now.signals > last.signals).then(|| shared.signals.latest()),
            // A renderer that begins again begins at none.
            frames: now.frames.saturating_sub(then.frames),
            dropped: now.dropped.saturating_sub(then.dropped),
            appends: took(now.appends - then.appends, now.append_us - then.append_us),
            flushes: took(
                now.flushes.saturating_sub(then.flushes),
                now.flush_us.saturating_sub(then.flush_us),
            ),
            waiting: INBOX - shared.inbox.capacity(),
            room: INBOX,
            diverged: now.diverged - then.diverged,
            fell_back: now.fell_back - then.fell_back,
            foreign: now.foreign - then.foreign,
            lags: shared.lags(),
            damage: shared.read_only(),
            mended: shared.engine.figures().reports,
            verified,
            unsaid: shared.counts.looked().unsaid,
            ..Observation::default()
        };
        if let Some(surroundings) = &shared.surroundings {
            surroundings.observe(state, &mut observation);
        }
        observation
    }

    /// The rules have looked at `state`, which has what they said.
    pub(crate) fn looked(&mut self, shared: &Shared, state: &Production, observation: Observation) {
        let now = observation.at(state);
        let mut looked = shared.counts.looked.lock().expect("nothing panics while it copies");
        looked.checks += 1;
        looked.at = Some(now);
        let before = std::mem::take(&mut looked.unsaid);
        let mut passes = false;
        for finding in state.findings().filter(|finding| finding.stands()) {
            let Some(rule) = rules::rule(&finding.code) else { continue };
            passes |= rule.passes();
            let again = before.get(&finding.code).map_or(0, |unsaid| unsaid.count);
            if finding.last_seen < now && (observation.verified.is_some() || !rule.is_thorough()) {
                let unsaid = Unsaid { count: again + 1, last_seen: now };
                looked.unsaid.insert(finding.code, unsaid);
            } else if let Some(unsaid) = before.get(&finding.code).filter(|_| finding.last_seen < now) {
                looked.unsaid.insert(finding.code, *unsaid);
            }
        }
        looked.last = observation;
        drop(looked);
        self.due = (passes || !state.rests()).then(|| Instant::now() + CHECK_EVERY);
    }
}
