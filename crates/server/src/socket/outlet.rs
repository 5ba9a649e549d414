//! The write side of a connection: what is its own, and where it stands in the lanes it is subscribed to.
//!
//! Three kinds of bytes leave through it, in this order: what the socket refused before, messages for this client alone,
//! and what its lanes carry. The lanes' bytes are shared; a connection holds on to them only for the rest of a write
//! that the socket took in part. A client that does not read stands still in its lanes, and costs nothing until
//! the place where it stands is no longer kept: then it has *lagged*, and hears nothing more of that production before
//! a new snapshot.
//!
//! As long as the socket takes what it is given, the queue is empty outside the lock.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    mem,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Waker},
    time::Duration,
};

use bytes::{Buf, Bytes};
use onair_runtime::hub::{self, Cursor, Format, Lane, Tail};
use tokio::{net::TcpStream, time::Instant};

/// What may wait for one client before no more is read from it: its answers, mostly.
pub const WRITE_BUFFER_BYTES: usize = 1 << 20;

/// What may wait for one client at all; beyond it the client is given up.
pub const OVERRUN_BYTES: usize = 4 * WRITE_BUFFER_BYTES;

/// What is taken from a lane at once to catch up.
const CATCH_UP_BYTES: usize = 256 << 10;

/// Pieces given to the system at once.
const SLICES: usize = 64;

/// An unmasked ping without payload (RFC 6455, 5.5.2).
const PING: Bytes = Bytes::from_static(&[0x89, 0]);

/// What a session calls a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(pub u32);

/// The write side of one connection; shared by its session, its lanes, and whoever answers it.
#[derive(Debug)]
pub struct Outlet {
    stream: TcpStream,
    born: Instant,
    seen_ms: AtomicU64,
    /// Held over a write that does not wait: two writers must not mix, and a cursor moves with what was written.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Piece>,
    /// Bytes in the queue, or held back, that are this client's own doing.
    owed: usize,
    stage: Stage,
    /// The last frame is in the queue, or was.
    closing: bool,
    /// More was owed than may be; not told, or told.
    overrun: Option<bool>,
    /// The queue was emptied after the socket had refused something; not yet told.
    drained: bool,
    subscriptions: Vec<Subscription>,
    /// The task that drives the connection.
    waker: Option<Waker>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// The socket takes what it is given.
    #[default]
    Open,
    /// It refused; the connection's task waits until it takes more.
    Blocked,
    /// It is gone.
    Broken,
}

#[derive(Debug)]
struct Piece {
    bytes: Bytes,
    /// Counts as owed.
    owed: bool,
    /// The socket took a part; the rest must follow.
    begun: bool,
}

#[derive(Debug)]
struct Subscription {
    id: SubscriptionId,
    lane: Arc<Lane>,
    cursor: Cursor,
    lag: Option<Lag>,
}

/// A subscription that waits for a snapshot.
#[derive(Debug, Default)]
struct Lag {
    told: bool,
    /// Answers that may not be given before the commits they speak of.
    held: Vec<Bytes>,
}

/// What the connection's task is to do next.
pub(super) enum Work {
    Lagged(SubscriptionId),
    Overrun,
    Drained,
    Broken,
    /// Wait for the client, and for the socket if it is blocked; read only if not too much is owed.
    Wait {
        blocked: bool,
        read: bool,
    },
}

impl Outlet {
    pub(super) fn new(stream: TcpStream) -> Arc<Self> {
        let (born, seen_ms, state) = (Instant::now(), AtomicU64::default(), Mutex::default());
        Arc::new(Self { stream, born, seen_ms, state })
    }

    /// Sends a message for this client alone: a frame, as [`hub::Format::message`] makes it. `after` names the
    /// subscription whose commits so far must come first, as the answer to a mutation demands.
    pub fn send(&self, frame: Bytes, after: Option<SubscriptionId>) {
        self.with(|state, stream| {
            if state.closed() {
                return;
            }
            state.owe(frame.len());
            if let Some(subscription) = after.and_then(|id| state.find(id)) {
                state.take_from_lane(subscription, usize::MAX);
                if let Some(lag) = &mut state.subscriptions[subscription].lag {
                    lag.held.push(frame);
                    return;
                }
            }
            state.push(frame, true);
            state.pump(stream);
        });
    }

    /// Asks the client for a sign of life.
    pub fn ping(&self) {
        self.send(PING, None);
    }

    /// When the client was last heard of.
    pub fn last_seen(&self) -> Instant {
        self.born + Duration::from_millis(self.seen_ms.load(Ordering::Relaxed))
    }

    /// Bytes that wait because of what this client asked for.
    pub fn owed(&self) -> usize {
        self.lock().owed
    }

    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    pub(super) fn seen(&self) {
        let ms = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.seen_ms.store(ms, Ordering::Relaxed);
    }

    /// Sends `opening`, then what was held back, then the lane from `cursor` on; in place of what `id` was before.
    pub(super) fn subscribe(&self, id: SubscriptionId, opening: &[Bytes], lane: Arc<Lane>, cursor: Cursor) {
        assert_eq!(lane.format(), Format::Socket, "a socket is given frames");
        self.with(|state, stream| {
            let held = state.forget(id);
            if state.closed() {
                return;
            }
            opening.iter().for_each(|bytes| state.push(bytes.clone(), false));
            held.into_iter().for_each(|bytes| state.push(bytes, true));
            state.subscriptions.push(Subscription { id, lane, cursor, lag: None });
            state.pump(stream);
        });
    }

    pub(super) fn unsubscribe(&self, id: SubscriptionId) {
        self.with(|state, stream| {
            let held = state.forget(id);
            held.into_iter().for_each(|bytes| state.push(bytes, true));
            state.pump(stream);
        });
    }

    /// Nothing is taken from lanes any more, and nobody can send; `frame` is the last.
    pub(super) fn close(&self, frame: Option<Bytes>) {
        let closed = self.with(|state, stream| {
            let subscriptions = mem::take(&mut state.subscriptions);
            state.closing = true;
            if state.owed > WRITE_BUFFER_BYTES {
                // It does not read; what it began to read must end, or the close frame would be nonsense.
                state.queue.retain(|piece| piece.begun);
                state.owed = 0;
                state.queue.iter_mut().for_each(|piece| piece.owed = false);
            }
            frame.into_iter().for_each(|frame| state.push(frame, false));
            state.pump(stream);
            subscriptions
        });
        drop(closed);
    }

    /// Nothing waits, or nothing can be written.
    pub(super) fn is_done(&self) -> bool {
        let state = self.lock();
        state.queue.is_empty() || state.stage == Stage::Broken
    }

    /// What there is to do; `context` is woken when that changes.
    pub(super) fn work(&self, context: &Context<'_>) -> Work {
        let mut state = self.lock();
        match &mut state.waker {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        state.work()
    }

    /// The socket takes bytes again.
    pub(super) fn writable(&self) {
        self.with(|state, stream| {
            if state.stage == Stage::Blocked {
                state.stage = Stage::Open;
                state.pump(stream);
                state.drained = state.stage == Stage::Open;
            }
        });
    }

    pub(super) fn broken(&self) {
        self.lock().fail();
    }

    /// Does it, and wakes the connection's task if there is something for it that was not there before.
    fn with<T>(&self, change: impl FnOnce(&mut State, &TcpStream) -> T) -> T {
        let mut state = self.lock();
        let before = state.stage;
        let result = change(&mut state, &self.stream);
        let news = state.stage != before || state.has_news();
        let waker = if news { state.waker.take() } else { None };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        result
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds an outlet")
    }
}

impl hub::Outlet for Outlet {
    fn offer(&self, tail: &Tail<'_>) {
        self.with(|state, stream| state.offer(tail, stream));
    }
}

impl State {
    fn offer(&mut self, tail: &Tail<'_>, stream: &TcpStream) {
        let on_lane = |subscription: &Subscription| subscription.lane.id() == tail.lane;
        let Some(index) = self.subscriptions.iter().position(on_lane) else { return };
        let subscription = &mut self.subscriptions[index];
        if self.stage != Stage::Open || subscription.lag.is_some() || subscription.cursor >= tail.end {
            return;
        }
        if subscription.cursor != tail.first {
            return self.pump(stream);
        }
        match stream.try_write(tail.bytes) {
            Ok(written) => {
                subscription.cursor = tail.end;
                if written < tail.bytes.len() {
                    let bytes = tail.bytes.slice(written..);
                    self.queue.push_back(Piece { bytes, owed: false, begun: true });
                    self.stage = Stage::Blocked;
                }
            }
            Err(error) => self.refused(&error),
        }
    }

    /// Writes what waits: the queue, then the lanes, until nothing waits or the socket takes no more.
    fn pump(&mut self, stream: &TcpStream) {
        while self.stage == Stage::Open {
            if !self.queue.is_empty() {
                self.write(stream);
            } else if !self.catch_up() {
                return;
            }
        }
    }

    fn write(&mut self, stream: &TcpStream) {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let mut count = 0;
        for (slice, piece) in slices.iter_mut().zip(&self.queue) {
            *slice = IoSlice::new(&piece.bytes);
            count += 1;
        }
        let offered: usize = slices[..count].iter().map(|slice| slice.len()).sum();
        match stream.try_write_vectored(&slices[..count]) {
            Ok(written) => {
                self.consume(written);
                if written < offered {
                    self.stage = Stage::Blocked;
                }
            }
            Err(error) => self.refused(&error),
        }
    }

    fn consume(&mut self, mut written: usize) {
        while let Some(front) = self.queue.front_mut() {
            let part = front.bytes.len().min(written);
            written -= part;
            if front.owed {
                self.owed -= part;
            }
            if part < front.bytes.len() {
                front.bytes.advance(part);
                front.begun |= part > 0;
                return;
            }
            self.queue.pop_front();
        }
        // A burst is over: keep what the next message needs, not what the burst needed.
        self.queue.shrink_to(4);
    }

    fn owe(&mut self, bytes: usize) {
        self.owed += bytes;
        if self.owed > OVERRUN_BYTES {
            self.overrun.get_or_insert(false);
        }
    }

    fn closed(&self) -> bool {
        self.closing || self.stage == Stage::Broken
    }

    fn has_news(&self) -> bool {
        let lagged = |subscription: &Subscription| subscription.lag.as_ref().is_some_and(|lag| !lag.told);
        self.drained || self.overrun == Some(false) || self.subscriptions.iter().any(lagged)
    }

    fn work(&mut self) -> Work {
        if self.stage == Stage::Broken {
            return Work::Broken;
        }
        if self.overrun == Some(false) {
            self.overrun = Some(true);
            return Work::Overrun;
        }
        for subscription in &mut self.subscriptions {
            if let Some(lag) = &mut subscription.lag
                && !mem::replace(&mut lag.told, true)
            {
                return Work::Lagged(subscription.id);
            }
        }
        if mem::take(&mut self.drained) {
            return Work::Drained;
        }
        Work::Wait { blocked: self.stage == Stage::Blocked, read: self.owed <= WRITE_BUFFER_BYTES }
    }

    /// Moves what waits in the lanes to the queue; says whether there was anything.
    fn catch_up(&mut self) -> bool {
        for index in 0..self.subscriptions.len() {
            self.take_from_lane(index, CATCH_UP_BYTES);
        }
        !self.queue.is_empty()
    }

    fn take_from_lane(&mut self, index: usize, bytes_max: usize) {
        let Self { queue, subscriptions, .. } = self;
        let subscription = &mut subscriptions[index];
        if subscription.lag.is_some() {
            return;
        }
        let take = |bytes: &Bytes| {
            queue.push_back(Piece { bytes: bytes.clone(), owed: false, begun: false });
        };
        match subscription.lane.read(subscription.cursor, bytes_max, take) {
            Ok(next) => subscription.cursor = next,
            Err(_) => subscription.lag = Some(Lag::default()),
        }
    }

    fn push(&mut self, bytes: Bytes, owed: bool) {
        if !bytes.is_empty() {
            self.queue.push_back(Piece { bytes, owed, begun: false });
        }
    }

    fn find(&self, id: SubscriptionId) -> Option<usize> {
        self.subscriptions.iter().position(|subscription| subscription.id == id)
    }

    /// Ends a subscription; gives back what it held.
    fn forget(&mut self, id: SubscriptionId) -> Vec<Bytes> {
        let Some(index) = self.find(id) else { return Vec::new() };
        self.subscriptions.swap_remove(index).lag.map(|lag| lag.held).unwrap_or_default()
    }

    fn refused(&mut self, error: &io::Error) {
        match error.kind() {
            io::ErrorKind::WouldBlock => self.stage = Stage::Blocked,
            _ => self.fail(),
        }
    }

    fn fail(&mut self) {
        self.stage = Stage::Broken;
        self.queue = VecDeque::new();
        self.owed = 0;
    }
}
