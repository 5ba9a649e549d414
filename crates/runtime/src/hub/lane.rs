//! A lane: everybody who wants the same bytes, and the bytes.
//!
//! There is one lane per format and filter. Connections *attach* and are offered what is new, many to a pass; each stands at
//! a [`Cursor`] of its own and reads on from there when it was slow. None costs the publisher anything.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use onair_wire::{Collection, Revision};
use tokio::sync::Notify;

use super::{
    Cursor, Format, Lagged,
    pass::{Outlet, Outlets},
    ring::Ring,
};

/// Which collections; nothing means all, those of the server included.
pub type Filter = Option<Arc<BTreeSet<Collection>>>;

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
    pub(super) outlets: Outlets,
    /// Shared with the pass, which must learn that the lane is gone.
    pub(super) wake: Arc<Notify>,
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
            outlets: Outlets::default(),
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

    pub(super) fn ring_bell(&self) {
        self.wake.notify_one();
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().expect(LOCK)
    }
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
