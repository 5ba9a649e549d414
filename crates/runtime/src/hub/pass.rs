//! The fan-out of a lane: one task that offers what is new to every outlet, many times faster than a task per outlet.
//!
//! A pass begins at once when something is published and nothing is under way, so an idle lane adds no delay. What is
//! published during a pass waits for the next one, which merges it: the busier the lane, the fewer and larger the
//! writes. Behind a long pass it rests a little: who publishes in answer to what was sent gets into the next pass, rather
//! than a moment too late for it. What waits is joined into *one* piece of memory, once, so that each outlet needs one
//! write of one slice.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, Weak},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{Cursor, Lane, LaneId};

/// What one pass offers at most: enough to merge, and not more than a socket takes at once.
const PASS_BYTES: usize = 256 << 10;

/// After so many outlets others get a turn, publishers and readers: about a millisecond of writes.
const OUTLETS_PER_TURN: usize = 128;

/// What is new in a lane.
#[derive(Clone, Copy, Debug)]
pub struct Tail<'a> {
    /// In which lane.
    pub lane: LaneId,
    /// The first entry of it.
    pub first: Cursor,
    /// Behind its last entry.
    pub end: Cursor,
    /// All of it, in one piece.
    pub bytes: &'a Bytes,
}

/// A pass of less than this is followed by the next at once.
const LONG_PASS: Duration = Duration::from_millis(4);

/// The share of a long pass that the rest behind it takes: so much is added to what anybody waits, and where publishers wait
/// to be heard a pass carries a third more for it.
const REST_SHARE: u32 = 8;

/// The longest rest.
const REST_MAX: Duration = Duration::from_millis(5);

/// Whoever is offered what is new: the write side of a connection.
pub trait Outlet: Send + Sync {
    /// Takes what it can without waiting. What it does not take it reads from the lane later, from where it stands.
    fn offer(&self, tail: &Tail<'_>);

    /// Writes what was posted to it and not written yet.
    fn flush(&self);
}

/// The outlets of a lane, at fixed places so that coming and going cost nothing and a pass can be interrupted.
#[derive(Default)]
pub(super) struct Outlets(Mutex<Slots>);

#[derive(Default)]
struct Slots {
    places: Vec<Option<Arc<dyn Outlet>>>,
    free: Vec<usize>,
}

impl Outlets {
    pub(super) fn insert(&self, outlet: Arc<dyn Outlet>) -> usize {
        let mut slots = self.lock();
        if let Some(key) = slots.free.pop() {
            slots.places[key] = Some(outlet);
            return key;
        }
        slots.places.push(Some(outlet));
        slots.places.len() - 1
    }

    pub(super) fn remove(&self, key: usize) -> Option<Arc<dyn Outlet>> {
        let mut slots = self.lock();
        let outlet = slots.places[key].take();
        assert!(outlet.is_some(), "place {key} given up twice");
        slots.free.push(key);
        outlet
    }

    pub(super) fn len(&self) -> usize {
        let slots = self.lock();
        slots.places.len() - slots.free.len()
    }

    /// Puts the outlets of the next places into `turn`, which was emptied before; says where to go on.
    fn turn(&self, from: usize, turn: &mut Vec<Arc<dyn Outlet>>) -> Option<usize> {
        let slots = self.lock();
        let rest = slots.places.get(from..).filter(|rest| !rest.is_empty())?;
        let places = &rest[..rest.len().min(OUTLETS_PER_TURN)];
        turn.extend(places.iter().flatten().cloned());
        Some(from + places.len())
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.0.lock().expect("nothing panics while it holds the places")
    }
}

/// The task of one lane, not yet running.
#[derive(Debug)]
pub struct Pass {
    lane: Weak<Lane>,
    wake: Arc<Notify>,
}

impl Pass {
    pub(super) fn new(lane: &Arc<Lane>) -> Self {
        Self { lane: Arc::downgrade(lane), wake: Arc::clone(&lane.wake) }
    }

    /// Runs until the lane is gone or `cancel` is called.
    pub async fn run(self, cancel: CancellationToken) {
        cancel.run_until_cancelled(self.passes()).await;
    }

    async fn passes(self) {
        let mut offered = Cursor::default();
        let mut turn = Vec::with_capacity(OUTLETS_PER_TURN);
        loop {
            self.wake.notified().await;
            let Some(lane) = self.lane.upgrade() else { return };
            while let Some((end, bytes)) = tail(&lane, &mut offered) {
                let tail = Tail { lane: lane.id(), first: offered, end, bytes: &bytes };
                offered = end;
                let begun = Instant::now();
                offer(&lane.outlets, &tail, &mut turn).await;
                rest(begun.elapsed()).await;
            }
        }
    }
}

async fn offer(outlets: &Outlets, tail: &Tail<'_>, turn: &mut Vec<Arc<dyn Outlet>>) {
    let mut from = 0;
    while let Some(next) = outlets.turn(from, turn) {
        if from > 0 {
            tokio::task::yield_now().await;
        }
        from = next;
        turn.drain(..).for_each(|outlet| outlet.offer(tail));
    }
}

/// Waits a little behind a pass that took so long.
async fn rest(pass: Duration) {
    if pass >= LONG_PASS {
        sleep((pass / REST_SHARE).min(REST_MAX)).await;
    }
}

/// What waits from `offered` on, in one piece; when that place is gone already, what is left: the outlets know where
/// they stand and will say that they were too slow.
fn tail(lane: &Lane, offered: &mut Cursor) -> Option<(Cursor, Bytes)> {
    let mut entries = Vec::new();
    let end = loop {
        match lane.read(*offered, PASS_BYTES, |entry| entries.push(entry.clone())) {
            Ok(end) => break end,
            Err(lagged) => *offered = lagged.first,
        }
    };
    joined(entries).map(|bytes| (end, bytes))
}

/// Entries in one piece of memory; none when there are none.
fn joined(mut entries: Vec<Bytes>) -> Option<Bytes> {
    if entries.len() <= 1 {
        return entries.pop();
    }
    let mut bytes = BytesMut::with_capacity(entries.iter().map(Bytes::len).sum());
    entries.iter().for_each(|entry| bytes.extend_from_slice(entry));
    Some(bytes.freeze())
}

impl fmt::Debug for Outlets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} outlets", self.len())
    }
}
