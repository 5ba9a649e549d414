//! What is kept: images now and then, so that opening is short, and no more commits than asked for.
//!
//! An image is due when replaying what lies behind the last one would take noticeably longer than reading it. It is
//! written beside the director, from a state that costs nothing to hold, one at a time; after it the log is trimmed.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use onair_core::Production;
use onair_engine::{Engine, Head, Image, Limit};
use onair_wire::{Epoch, ProductionId, Revision, Timestamp};

use super::batch::Written;
use crate::{archive, error::Error, productions::Keep, shared::Shared, tasks::TaskKind};

/// Commits behind the last image that make another one due: a quarter of a second of replay.
pub(super) const IMAGE_COMMITS: u64 = 50_000;
/// Bytes of commits likewise, when they are more than four times the last image: writing images then costs at most a
/// quarter of what the commits cost.
pub(super) const IMAGE_BYTES: u64 = 8 * 1024 * 1024;

/// What one production has written since its last image.
pub(super) struct Keeper {
    since: Written,
    image_bytes: u64,
    job: Arc<Job>,
    told: Revision,
}

/// What the saving task reports.
#[derive(Debug, Default)]
struct Job {
    busy: AtomicBool,
    bytes: AtomicU64,
    oldest: AtomicU64,
}

impl Keeper {
    /// What stands behind an image of so many bytes when a production is opened.
    pub(super) fn new(since: Written, image_bytes: u64, head: &Head) -> Self {
        Self { since, image_bytes, job: Arc::default(), told: head.oldest }
    }

    /// The oldest revision kept, when that has changed.
    pub(super) fn trimmed(&mut self) -> Option<Revision> {
        let oldest = Revision(self.job.oldest.load(Ordering::Acquire));
        if oldest <= self.told {
            return None;
        }
        self.told = oldest;
        Some(oldest)
    }

    /// Counts, and saves an image when one is due.
    pub(super) fn wrote(&mut self, shared: &Arc<Shared>, state: &Production, written: Written) {
        self.since.commits += written.commits;
        self.since.bytes += written.bytes;
        self.image_bytes = self.image_bytes.max(self.job.bytes.load(Ordering::Acquire));
        let heavy = self.since.bytes >= IMAGE_BYTES.max(4 * self.image_bytes);
        if !(heavy || self.since.commits >= IMAGE_COMMITS) || self.job.busy.swap(true, Ordering::AcqRel) {
            return;
        }
        self.since = Written::default();
        let (job, state, shared) = (Arc::clone(&self.job), state.clone(), Arc::clone(shared));
        let tasks = shared.tasks.clone();
        tasks.spawn(TaskKind::Keeper, async move {
            if let Err(error) = save(&job, &shared, state).await {
                tracing::warn!(production = %shared.id, %error, "an image could not be saved, opening will take longer");
            }
            job.busy.store(false, Ordering::Release);
        });
    }
}

async fn save(job: &Job, shared: &Shared, state: Production) -> Result<(), Error> {
    let revision = state.revision();
    let body = encode(state.clone()).await;
    job.bytes.store(body.len() as u64, Ordering::Release);
    shared.engine.save(&shared.id, &shared.epoch, Image { revision, body }).await?;
    shared.figures.image_saved();
    let log = Log { engine: shared.engine.as_ref(), id: &shared.id, epoch: &shared.epoch };
    let head = log.trim(&state, &shared.keep, shared.clock.now()).await?;
    job.oldest.store(head.oldest.0, Ordering::Release);
    Ok(())
}

/// Off the task's thread: a large state takes long to write down.
async fn encode(state: Production) -> bytes::Bytes {
    let encoded = tokio::task::spawn_blocking(move || state.image().encode()).await;
    encoded.expect("writing an image down does not panic").into()
}

/// The log that is trimmed.
struct Log<'a> {
    engine: &'a dyn Engine,
    id: &'a ProductionId,
    epoch: &'a Epoch,
}

impl Log<'_> {
    /// Forgets what is beyond the count or the age that is kept, whichever forgets more.
    async fn trim(&self, state: &Production, keep: &Keep, now: Timestamp) -> Result<Head, Error> {
        let last = state.revision();
        let by_count = Revision(last.0.saturating_sub(keep.commits) + 1);
        let horizon = Timestamp::from_millis(now.as_millis().saturating_sub_unsigned(keep.age.0));
        let by_age = self.first_since(state, horizon).await?;
        Ok(self.engine.trim(self.id, self.epoch, by_count.max(by_age)).await?)
    }

    /// The first commit at or after `horizon`, by halving: times do not go back within a log.
    async fn first_since(&self, state: &Production, horizon: Timestamp) -> Result<Revision, Error> {
        let (mut low, mut high) = (state.oldest(), state.revision().next());
        while low < high {
            let middle = Revision(low.0 + (high.0 - low.0) / 2);
            let records = self
                .engine
                .read(self.id, self.epoch, middle.previous(), Limit { records: 1, bytes: 0 })
                .await?;
            let Some(record) = records.first() else { break };
            if archive::decode(state, record)?.at < horizon {
                low = middle.next();
            } else {
                high = middle;
            }
        }
        Ok(low)
    }
}
