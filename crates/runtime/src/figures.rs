//! What is counted, for metrics. Counters only: whoever reads them makes rates.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use onair_core::{
    Phase, Production,
    lifecycle::Transition,
    production::server,
    sequence::{Kind, Sequence, SequenceStatus, Step},
};
use onair_wire::{Code, Commit, Op};
use serde::Deserialize;
use serde_json::Value;

/// Upper bounds of the buckets of append latency, in seconds.
pub const LATENCY_BOUNDS: [f64; 12] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0];

/// Upper bounds of the buckets of what steps took, in seconds.
pub const STEP_BOUNDS: [f64; 11] = [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Counters over all productions.
#[derive(Debug, Default)]
pub struct Figures {
    commits: AtomicU64,
    batches: AtomicU64,
    bytes: AtomicU64,
    images: AtomicU64,
    snapshot_fallbacks: AtomicU64,
    divergences: AtomicU64,
    latency: [AtomicU64; LATENCY_BOUNDS.len() + 1],
    latency_us: AtomicU64,
    /// A few codes, touched only when something is refused.
    refusals: Mutex<BTreeMap<Code, u64>>,
    /// A few numbers, touched only when a show moves.
    show: Mutex<Show>,
    checks: AtomicU64,
    check_us: AtomicU64,
    /// A few codes, touched only when a rule begins to fire.
    findings: Mutex<BTreeMap<String, u64>>,
}

/// What was counted of shows.
#[derive(Clone, Debug, Default)]
pub struct Show {
    /// Sequences that ended, by what they were for and how they ended.
    pub sequences: BTreeMap<(Kind, SequenceStatus), u64>,
    /// Moves, by the phase they led to.
    pub transitions: BTreeMap<Phase, u64>,
    /// Steps that were done, by what they took: one count for each of [`STEP_BOUNDS`], and one beyond.
    pub steps: [u64; STEP_BOUNDS.len() + 1],
    /// Seconds of those in all.
    pub steps_sum: f64,
}

impl Show {
    /// Counts what `commit` says, which is about to follow on `before`.
    pub(crate) fn count(&mut self, before: &Production, commit: &Commit) {
        for change in &commit.changes {
            let Op::Put(value) = &change.op else { continue };
            match change.collection.as_str() {
                server::TRANSITIONS => {
                    if let Ok(Transition { to, .. }) = Transition::deserialize(&**value) {
                        *self.transitions.entry(to).or_default() += 1;
                    }
                }
                server::SEQUENCES => self.sequence(before.sequence(change.id.as_str()).as_ref(), value),
                _ => {}
            }
        }
    }

    fn sequence(&mut self, before: Option<&Sequence>, value: &Value) {
        let Ok(sequence) = Sequence::deserialize(value) else { return };
        if !sequence.is_running() && before.is_none_or(Sequence::is_running) {
            *self.sequences.entry((sequence.kind, sequence.status)).or_default() += 1;
        }
        let ended_before =
            |step: &Step| before.and_then(|before| before.step(&step.name)).is_some_and(Step::has_ended);
        for step in sequence.steps.iter().filter(|step| step.has_ended() && !ended_before(step)) {
            let (Some(began), Some(ended)) = (step.started_at, step.ended_at) else { continue };
            let seconds = std::time::Duration::from(began.until(ended)).as_secs_f64();
            self.steps[bucket(&STEP_BOUNDS, seconds)] += 1;
            self.steps_sum += seconds;
        }
    }

    /// Adds what was counted meanwhile.
    fn add(&mut self, other: &Self) {
        for (ended, count) in &other.sequences {
            *self.sequences.entry(*ended).or_default() += count;
        }
        for (to, count) in &other.transitions {
            *self.transitions.entry(*to).or_default() += count;
        }
        self.steps.iter_mut().zip(other.steps).for_each(|(all, more)| *all += more);
        self.steps_sum += other.steps_sum;
    }
}

fn bucket(bounds: &[f64], seconds: f64) -> usize {
    bounds.iter().position(|bound| seconds <= *bound).unwrap_or(bounds.len())
}

/// The counters at one moment.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    /// Commits made.
    pub commits: u64,
    /// Appends that carried them.
    pub batches: u64,
    /// Bytes of commits.
    pub bytes: u64,
    /// Images saved.
    pub images: u64,
    /// Subscribers that got a snapshot because they were too slow, or their place was no longer kept.
    pub snapshot_fallbacks: u64,
    /// Clients that said their digest differs.
    pub divergences: u64,
    /// Appends by latency: one count for each of [`LATENCY_BOUNDS`], and one beyond.
    pub latency: Vec<u64>,
    /// Seconds of appends in all.
    pub latency_sum: f64,
    /// Refusals by code.
    pub refusals: BTreeMap<Code, u64>,
    /// Shows.
    pub show: Show,
    /// Checks made.
    pub checks: u64,
    /// Seconds of those in all.
    pub checks_sum: f64,
    /// Findings that were opened, by code.
    pub findings: BTreeMap<String, u64>,
}

impl Figures {
    pub(crate) fn committed(&self, commits: u64, bytes: u64, took: Duration) {
        self.commits.fetch_add(commits, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.batches.fetch_add(1, Ordering::Relaxed);
        let seconds = took.as_secs_f64();
        self.latency[bucket(&LATENCY_BOUNDS, seconds)].fetch_add(1, Ordering::Relaxed);
        self.latency_us.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Commits that move a show are on disk.
    pub(crate) fn showed(&self, show: &Show) {
        self.show.lock().expect("nothing panics while it counts").add(show);
    }

    pub(crate) fn image_saved(&self) {
        self.images.fetch_add(1, Ordering::Relaxed);
    }

    /// A subscriber got a snapshot in place of commits.
    pub(crate) fn fell_back(&self) {
        self.snapshot_fallbacks.fetch_add(1, Ordering::Relaxed);
    }

    /// A client came with a digest that differs.
    pub(crate) fn diverged(&self) {
        self.divergences.fetch_add(1, Ordering::Relaxed);
    }

    /// Something was refused.
    pub fn refused(&self, code: Code) {
        *self.refusals.lock().expect("nothing panics while it counts").entry(code).or_default() += 1;
    }

    /// The rules looked at a production.
    pub(crate) fn checked(&self, took: Duration) {
        self.checks.fetch_add(1, Ordering::Relaxed);
        self.check_us.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// A finding is on disk.
    pub(crate) fn found(&self, code: &str) {
        *self.findings.lock().expect("nothing panics while it counts").entry(code.to_owned()).or_default() +=
            1;
    }

    /// What was counted so far.
    #[must_use]
    pub fn counted(&self) -> Counted {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        #[expect(clippy::cast_precision_loss, reason = "a sum of seconds for a graph")]
        let sum = |us: &AtomicU64| load(us) as f64 / 1e6;
        Counted {
            commits: load(&self.commits),
            batches: load(&self.batches),
            bytes: load(&self.bytes),
            images: load(&self.images),
            snapshot_fallbacks: load(&self.snapshot_fallbacks),
            divergences: load(&self.divergences),
            latency: self.latency.iter().map(load).collect(),
            latency_sum: sum(&self.latency_us),
            checks: load(&self.checks),
            checks_sum: sum(&self.check_us),
            findings: self.findings.lock().expect("nothing panics while it counts").clone(),
            refusals: self.refusals.lock().expect("nothing panics while it counts").clone(),
            show: self.show.lock().expect("nothing panics while it counts").clone(),
        }
    }
}
