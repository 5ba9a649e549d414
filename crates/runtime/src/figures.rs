//! What is counted, for metrics. Counters only: whoever reads them makes rates.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use onair_wire::Code;

/// Upper bounds of the buckets of append latency, in seconds.
pub const LATENCY_BOUNDS: [f64; 12] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0];

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
}

impl Figures {
    pub(crate) fn committed(&self, commits: u64, bytes: u64, took: Duration) {
        self.commits.fetch_add(commits, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.batches.fetch_add(1, Ordering::Relaxed);
        let seconds = took.as_secs_f64();
        let bucket =
            LATENCY_BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(LATENCY_BOUNDS.len());
        self.latency[bucket].fetch_add(1, Ordering::Relaxed);
        self.latency_us.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn image_saved(&self) {
        self.images.fetch_add(1, Ordering::Relaxed);
    }

    /// A subscriber got a snapshot in place of commits.
    pub fn fell_back(&self) {
        self.snapshot_fallbacks.fetch_add(1, Ordering::Relaxed);
    }

    /// A client came with a digest that differs.
    pub fn diverged(&self) {
        self.divergences.fetch_add(1, Ordering::Relaxed);
    }

    /// Something was refused.
    pub fn refused(&self, code: Code) {
        *self.refusals.lock().expect("nothing panics while it counts").entry(code).or_default() += 1;
    }

    /// What was counted so far.
    #[must_use]
    pub fn counted(&self) -> Counted {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        #[expect(clippy::cast_precision_loss, reason = "a sum of seconds for a graph")]
        let latency_sum = load(&self.latency_us) as f64 / 1e6;
        Counted {
            commits: load(&self.commits),
            batches: load(&self.batches),
            bytes: load(&self.bytes),
            images: load(&self.images),
            snapshot_fallbacks: load(&self.snapshot_fallbacks),
            divergences: load(&self.divergences),
            latency: self.latency.iter().map(load).collect(),
            latency_sum,
            refusals: self.refusals.lock().expect("nothing panics while it counts").clone(),
        }
    }
}
