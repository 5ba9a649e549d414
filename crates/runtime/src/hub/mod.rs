//! The hub of a production: the published state, and the lanes that carry what is new to its subscribers.
//!
//! The director hands over each batch of commits once, with the state behind it. A subscriber takes a state *and* a
//! place in a lane under one lock, so that what it hears next is exactly what that state lacks. The hub knows bytes
//! and outlets; it knows no sockets, no requests, and not what a state is.
//!
//! Intuition: a lane is a tape that everybody reads at their own pace, and the [`Pass`] is a hand that runs along the
//! readers who are at its end and shows each of them the newest piece.

mod format;
mod lane;
mod pass;
mod ring;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, Weak},
};

use bytes::Bytes;
use onair_wire::{Commit, Epoch, ProductionId};
use thiserror::Error;

pub use format::{Envelope, Format};
pub use lane::{Attached, Filter, Lane, LaneId};
pub use pass::{Outlet, Pass, Tail};
pub use ring::{Cursor, Lagged, RING_BYTES, RING_ENTRIES};

/// Lanes of a production at once. Each keeps up to [`RING_BYTES`] and costs an encoding per commit; a front end has a
/// handful of views, and each view is one set of collections.
pub const LANES_MAX: usize = 64;

/// A commit that is on disk, and its JSON as it is there.
#[derive(Clone, Debug)]
pub struct Published {
    /// What it says; read only for filtered lanes.
    pub commit: Arc<Commit>,
    /// The same, encoded.
    pub body: Bytes,
}

/// Where a subscriber begins: everything up to `state`, then the lane from `cursor` on.
#[derive(Debug)]
pub struct Subscription<S> {
    /// The state that all entries of the lane before `cursor` led to.
    pub state: Arc<S>,
    /// Holding it keeps the lane.
    pub lane: Arc<Lane>,
    /// Where to read on.
    pub cursor: Cursor,
}

/// There are as many distinct subscriptions as there may be; one like those that are there is still possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a production has at most {LANES_MAX} distinct sets of collections subscribed to")]
pub struct TooManyLanes;

/// Starts the task of a lane that was just made.
type Start = Box<dyn Fn(Pass) + Send + Sync>;

/// One per production and epoch. `S` is the published state.
pub struct Hub<S> {
    production: ProductionId,
    epoch: Epoch,
    envelope: Envelope,
    start: Start,
    /// State and lanes move together, that is the whole point of it. Held for a push per lane, never while encoding;
    /// locks of lanes are taken under it, never the other way round.
    inner: Mutex<Inner<S>>,
}

struct Inner<S> {
    state: Arc<S>,
    lanes: Vec<Weak<Lane>>,
}

impl<S> Hub<S> {
    /// A hub without subscribers. `start` runs the task of each lane that comes to be, until its end.
    pub fn new(
        production: ProductionId,
        epoch: Epoch,
        state: Arc<S>,
        start: impl Fn(Pass) + Send + Sync + 'static,
    ) -> Self {
        let envelope = Envelope::new(&production, &epoch);
        let inner = Mutex::new(Inner { state, lanes: Vec::new() });
        Self { production, epoch, envelope, start: Box::new(start), inner }
    }

    /// Of what.
    #[must_use]
    pub fn production(&self) -> &ProductionId {
        &self.production
    }

    /// Of which log.
    #[must_use]
    pub fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// For the commits that a subscriber lacks.
    #[must_use]
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// The state as published last.
    #[must_use]
    pub fn state(&self) -> Arc<S> {
        Arc::clone(&self.lock().state)
    }

    /// How many are subscribed: outlets of all lanes.
    #[must_use]
    pub fn attached(&self) -> usize {
        self.lanes().iter().map(|lane| lane.attached()).sum()
    }

    /// Takes a state and the place behind it, in the lane for `format` and `filter`.
    ///
    /// # Errors
    /// [`TooManyLanes`] when it would need a lane more.
    pub fn subscribe(&self, format: Format, filter: &Filter) -> Result<Subscription<S>, TooManyLanes> {
        let mut inner = self.lock();
        let state = Arc::clone(&inner.state);
        let wanted = |lane: &Arc<Lane>| lane.format() == format && lane.filter() == filter;
        if let Some(lane) = inner.lanes.iter().filter_map(Weak::upgrade).find(wanted) {
            let cursor = lane.end();
            return Ok(Subscription { state, lane, cursor });
        }
        inner.lanes.retain(|lane| lane.strong_count() > 0);
        if inner.lanes.len() >= LANES_MAX {
            return Err(TooManyLanes);
        }
        let lane = Lane::new(format, filter.clone());
        inner.lanes.push(Arc::downgrade(&lane));
        drop(inner);
        (self.start)(Pass::new(&lane));
        Ok(Subscription { state, lane, cursor: Cursor::default() })
    }

    /// Shows `state` and sends the commits that led to it. The director alone calls this, with the next commits each
    /// time.
    pub fn publish(&self, state: Arc<S>, commits: &[Published]) {
        let mut bodies = Bodies { commits, filtered: Vec::new() };
        let known = self.lanes();
        let encoded: Vec<_> = known.iter().map(|lane| self.encode(lane, &mut bodies)).collect();
        let lanes = {
            let mut inner = self.lock();
            inner.state = state;
            let lanes = inner.live();
            for lane in &lanes {
                // A lane that was made in between is rare, and is encoded for under the lock.
                let entry = match known.iter().position(|known| Arc::ptr_eq(known, lane)) {
                    Some(index) => encoded[index].clone(),
                    None => self.encode(lane, &mut bodies),
                };
                lane.push(entry, true);
            }
            lanes
        };
        lanes.iter().for_each(|lane| lane.ring_bell());
    }

    /// Sends a message that is no commit to everybody. `event` is its name in event streams, `json` its text.
    pub fn tell(&self, event: &str, json: &[u8]) {
        let entries = Format::ALL.map(|format| format.message(event, json));
        let inner = self.lock();
        let lanes = inner.live();
        for lane in &lanes {
            lane.push(entries[lane.format() as usize].clone(), false);
        }
        drop(inner);
        lanes.iter().for_each(|lane| lane.ring_bell());
    }

    /// Sends a message that differs by filter, made once per filter; nothing where `make` has nothing to say. It is
    /// dropped when another state was published meanwhile, for it would come behind commits that it does not know.
    pub fn tell_each(&self, event: &str, mut make: impl FnMut(&Filter, &S) -> Option<Vec<u8>>) {
        let (state, lanes) = {
            let inner = self.lock();
            (Arc::clone(&inner.state), inner.live())
        };
        let mut made: Vec<(&Filter, Option<Vec<u8>>)> = Vec::new();
        let mut entries = Vec::with_capacity(lanes.len());
        for lane in &lanes {
            let filter = lane.filter();
            let index = made.iter().position(|(known, _)| *known == filter).unwrap_or_else(|| {
                made.push((filter, make(filter, &state)));
                made.len() - 1
            });
            entries.push(made[index].1.as_ref().map(|json| lane.format().message(event, json)));
        }
        let inner = self.lock();
        if !Arc::ptr_eq(&inner.state, &state) {
            return;
        }
        for (lane, entry) in lanes.iter().zip(entries) {
            lane.push(entry.unwrap_or_default(), false);
        }
        drop(inner);
        lanes.iter().for_each(|lane| lane.ring_bell());
    }

    /// Nothing more will come: every subscriber finds that its place is gone, asks for the production anew, and learns
    /// whether it was replaced or removed.
    pub fn end(&self) {
        let lanes = self.lanes();
        lanes.iter().for_each(|lane| lane.strand());
        lanes.iter().for_each(|lane| lane.ring_bell());
    }

    fn encode(&self, lane: &Lane, bodies: &mut Bodies<'_>) -> Bytes {
        let mut out = Vec::new();
        bodies.each(lane.filter(), |published, body| {
            self.envelope.commit(lane.format(), &mut out, body, published.commit.revision);
        });
        // It stays for as long as the ring keeps it, so without the room that a growing vector has.
        out.into_boxed_slice().into()
    }

    fn lanes(&self) -> Vec<Arc<Lane>> {
        self.lock().live()
    }

    fn lock(&self) -> MutexGuard<'_, Inner<S>> {
        self.inner.lock().expect("nothing panics while it holds the hub")
    }
}

impl<S> Inner<S> {
    fn live(&self) -> Vec<Arc<Lane>> {
        self.lanes.iter().filter_map(Weak::upgrade).collect()
    }
}

/// The commits of a batch as JSON, encoded again once per distinct filter.
struct Bodies<'a> {
    commits: &'a [Published],
    filtered: Vec<(Filter, Vec<Vec<u8>>)>,
}

impl Bodies<'_> {
    fn each(&mut self, filter: &Filter, mut put: impl FnMut(&Published, &[u8])) {
        let Some(wanted) = filter else {
            self.commits.iter().for_each(|published| put(published, &published.body));
            return;
        };
        let index = self.filtered.iter().position(|(known, _)| known == filter).unwrap_or_else(|| {
            let only = |published: &Published| {
                // The envelope stays even when no change is left: a client counts revisions.
                published.commit.only(|collection| wanted.contains(collection)).encode()
            };
            self.filtered.push((filter.clone(), self.commits.iter().map(only).collect()));
            self.filtered.len() - 1
        });
        self.commits.iter().zip(&self.filtered[index].1).for_each(|(published, body)| put(published, body));
    }
}

impl<S> fmt::Debug for Hub<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { production, epoch, .. } = self;
        f.debug_struct("Hub").field("production", production).field("epoch", epoch).finish_non_exhaustive()
    }
}
