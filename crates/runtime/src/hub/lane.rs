//! A lane: everybody who wants the same bytes, and the bytes.
//!
//! There is one lane per format and filter. Sockets *attach* and are offered what is new, many to a pass; event streams
//! *follow* and wake by themselves. Both stand at a [`Cursor`], and neither costs the publisher anything.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use bytes::{Bytes, BytesMut};
use onair_wire::{Collection, Revision};
use tokio::sync::Notify;

use super::{
    Cursor, Format, Lagged,
    pass::{Outlet, Outlets},
    ring::Ring,
};

/// Which collections; nothing means all, those of the server included.
pub type Filter = Option<Arc<BTreeSet<Collection>>>;

/// What a follower is given at once at most, and what one write to an event stream comes to.
const FOLLOW_BYTES: usize = 256 << 10;

/// Tells lanes apart, over all productions, for as long as the process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneId(u64);

/// Made by the hub on demand; gone with the last `Arc` that a subscriber holds.
pub struct Lane {
    id: LaneId,
    format: Format,
    filter: Filter,
    /// Held for a few pushes or clones; publishers come with the hub's lock, outlets with their own.
    ring: Mutex<Ring>,
    snapshot: Mutex<Option<CachedSnapshot>>,
    /// What the last pass offered, for followers that stand where it begins.
    offered: Mutex<Option<Piece>>,
    pub(super) outlets: Outlets,
    followers: Notify,
    /// How many follow, and how many of them took something since the last offer.
    following: AtomicUsize,
    served: AtomicUsize,
    /// Shared with the pass, which must learn that the lane is gone.
    pub(super) wake: Arc<Notify>,
}

/// What a pass offered: everything from one place to another, as one piece of memory.
pub(super) struct Piece {
    pub(super) first: Cursor,
    pub(super) end: Cursor,
    pub(super) bytes: Bytes,
}

/// Whoever comes first encodes, the others wait for the cell rather than for the lane.
type CachedSnapshot = (Revision, Arc<OnceLock<Bytes>>);

impl Lane {
    pub(super) fn new(format: Format, filter: Filter) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Arc::new(Self {
            id: LaneId(NEXT.fetch_add(1, Ordering::Relaxed)),
            format,
            filter,
            ring: Mutex::default(),
            snapshot: Mutex::default(),
            offered: Mutex::default(),
            outlets: Outlets::default(),
            followers: Notify::new(),
            following: AtomicUsize::new(0),
            served: AtomicUsize::new(0),
            wake: Arc::new(Notify::new()),
        })
    }

    /// Which one it is.
    #[must_use]
    pub fn id(&self) -> LaneId {
        self.id
    }

    /// How its bytes look.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// What they are about.
    #[must_use]
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Behind the last entry.
    #[must_use]
    pub fn end(&self) -> Cursor {
        self.ring().end()
    }

    /// Gives `take` the entries from `cursor` on, at least one if one waits and then up to `bytes_max` bytes; says
    /// where to go on.
    ///
    /// # Errors
    /// [`Lagged`] when the place is no longer kept.
    pub fn read(&self, cursor: Cursor, bytes_max: usize, take: impl FnMut(&Bytes)) -> Result<Cursor, Lagged> {
        self.ring().read(cursor, bytes_max, take)
    }

    /// From now on `outlet` is offered what is new, until what is returned is dropped. Whoever attaches reads what
    /// waits from its cursor *afterwards*, so that nothing falls between.
    pub fn attach(self: &Arc<Self>, outlet: Arc<dyn Outlet>) -> Attached {
        Attached { key: self.outlets.insert(outlet), lane: Arc::clone(self) }
    }

    /// How many are attached.
    #[must_use]
    pub fn attached(&self) -> usize {
        self.outlets.len()
    }

    /// Reads on from `cursor`, waiting when there is nothing.
    #[must_use]
    pub fn follow(self: &Arc<Self>, cursor: Cursor) -> Follower {
        self.following.fetch_add(1, Ordering::Relaxed);
        Follower { lane: Arc::clone(self), cursor }
    }

    /// The encoded snapshot of `revision` for this lane, made once however many ask at the same time.
    pub fn snapshot(&self, revision: Revision, make: impl FnOnce() -> Bytes) -> Bytes {
        let cell = {
            let mut cached = self.snapshot.lock().expect(LOCK);
            match &*cached {
                Some((at, cell)) if *at == revision => Arc::clone(cell),
                Some((at, _)) if *at > revision => Arc::default(),
                _ => Arc::clone(&cached.insert((revision, Arc::default())).1),
            }
        };
        cell.get_or_init(make).clone()
    }

    /// Appends; whoever publishes calls [`Lane::ring_bell`] when it holds no lock any more.
    pub(super) fn push(&self, entry: Bytes, is_commit: bool) {
        if entry.is_empty() {
            return;
        }
        self.ring().push(entry);
        if is_commit {
            self.snapshot.lock().expect(LOCK).take();
        }
    }

    /// Lets go of everything, so that every place is gone.
    pub(super) fn strand(&self) {
        self.ring().strand();
    }

    /// Keeps what a pass offers and wakes those who follow: all of them send the same piece of memory.
    pub(super) fn offer(&self, piece: Piece) {
        *self.offered.lock().expect(LOCK) = Some(piece);
        self.served.store(0, Ordering::Relaxed);
        self.followers.notify_waiters();
    }

    /// Whether as many took something since the last offer as follow. An estimate: some are slow, some took it twice.
    pub(super) fn has_served(&self) -> bool {
        self.served.load(Ordering::Relaxed) >= self.following.load(Ordering::Relaxed)
    }

    /// What waits from `cursor` on, as one piece, and where it ends; `None` when nothing does.
    fn piece(&self, cursor: Cursor) -> Result<Option<(Bytes, Cursor)>, Lagged> {
        if let Some(piece) = &*self.offered.lock().expect(LOCK)
            && piece.first == cursor
        {
            return Ok(Some((piece.bytes.clone(), piece.end)));
        }
        let mut entries = Vec::new();
        let end = self.read(cursor, FOLLOW_BYTES, |entry| entries.push(entry.clone()))?;
        Ok(joined(entries).map(|bytes| (bytes, end)))
    }

    pub(super) fn ring_bell(&self) {
        self.wake.notify_one();
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().expect(LOCK)
    }
}

/// Entries in one piece of memory; none when there are none.
pub(super) fn joined(mut entries: Vec<Bytes>) -> Option<Bytes> {
    if entries.len() <= 1 {
        return entries.pop();
    }
    let mut bytes = BytesMut::with_capacity(entries.iter().map(Bytes::len).sum());
    entries.iter().for_each(|entry| bytes.extend_from_slice(entry));
    Some(bytes.freeze())
}

const LOCK: &str = "nothing panics while it holds a lock of a lane";

impl Drop for Lane {
    fn drop(&mut self) {
        self.wake.notify_one();
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, format, filter, .. } = self;
        f.debug_struct("Lane")
            .field("id", id)
            .field("format", format)
            .field("filter", filter)
            .finish_non_exhaustive()
    }
}

/// An outlet's place among those who are offered what is new; dropping it gives the place up.
#[derive(Debug)]
#[must_use = "dropping it detaches the outlet"]
pub struct Attached {
    lane: Arc<Lane>,
    key: usize,
}

impl Drop for Attached {
    fn drop(&mut self) {
        // The outlet may go with it, and with the outlet a socket: not under the lock.
        drop(self.lane.outlets.remove(self.key));
    }
}

/// A reader of a lane that waits by itself: an event stream.
#[derive(Debug)]
pub struct Follower {
    lane: Arc<Lane>,
    cursor: Cursor,
}

impl Follower {
    /// Everything that waits, up to 256 KiB, in one piece; waits for something if nothing does.
    ///
    /// # Errors
    /// [`Lagged`] when its place is no longer kept; it will not be again, a new snapshot is due.
    ///
    /// # Cancellation
    /// Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Result<Bytes, Lagged> {
        loop {
            let news = self.lane.followers.notified();
            tokio::pin!(news);
            news.as_mut().enable();
            if let Some((bytes, end)) = self.lane.piece(self.cursor)? {
                self.cursor = end;
                self.lane.served.fetch_add(1, Ordering::Relaxed);
                return Ok(bytes);
            }
            news.await;
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.lane.following.fetch_sub(1, Ordering::Relaxed);
    }
}
