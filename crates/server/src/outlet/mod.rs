//! The write side of a connection: what is its own, and where it stands in the lanes it is subscribed to.
//!
//! Three kinds of bytes leave through it, in this order: what the socket refused before, messages for this client alone,
//! and what its lanes carry. The lanes' bytes are shared; a connection holds on to them only for the rest of a write
//! that the socket took in part. A client that does not read stands still in its lanes, and costs nothing until
//! the place where it stands is no longer kept: then it has *lagged*, and hears nothing more of that production before
//! a new snapshot.
//!
//! As long as the socket takes what it is given, the queue is empty outside the lock, but for what is about to be flushed.

mod backlog;

use std::{
    future::poll_fn,
    mem,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use onair_runtime::hub::{self, Cursor, Format, Lane, Tail};
use tokio::time::Instant;

pub(crate) use backlog::Work;
use backlog::{Backlog, Stage, Subscription};

use crate::net::Socket;

/// What may wait for one client before no more is read from it: its answers, mostly.
pub const WRITE_BUFFER_BYTES: usize = 1 << 20;

/// What may wait for one client at all; beyond it the client is given up.
pub const OVERRUN_BYTES: usize = 4 * WRITE_BUFFER_BYTES;

/// What a session calls a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(pub u32);

/// The write side of one connection; shared by its session, its lanes, and whoever answers it.
#[derive(Debug)]
pub struct Outlet {
    stream: Box<dyn Socket>,
    born: Instant,
    seen_ms: AtomicU64,
    /// Held over a write that does not wait: two writers must not mix, and a cursor moves with what was written.
    state: Mutex<Backlog>,
}

impl Outlet {
    pub(crate) fn new(stream: Box<dyn Socket>) -> Arc<Self> {
        let (born, seen_ms, state) = (Instant::now(), AtomicU64::default(), Mutex::default());
        Arc::new(Self { stream, born, seen_ms, state })
    }

    /// Sends a message for this client alone: a frame, as [`hub::Format::message`] makes it. `after` names the
    /// subscription whose commits so far must come first, as the answer to a mutation demands.
    pub fn send(&self, frame: Bytes, after: Option<SubscriptionId>) {
        self.with(|state, stream| {
            state.post(frame, after);
            state.pump(stream);
        });
    }

    /// Sends what the log has for it, which is not owed: as much as there is, it is no doing of this client.
    pub(crate) fn deliver(&self, commits: Bytes) {
        self.with(|state, stream| {
            if !state.closed() {
                state.push(commits, false);
                state.pump(stream);
            }
        });
    }

    /// [`Outlet::send`] without the write, which whoever posts asks for by [`hub::Outlet::flush`]: many messages, one
    /// write.
    pub fn post(&self, frame: Bytes, after: Option<SubscriptionId>) {
        self.with(|state, _| state.post(frame, after));
    }

    /// Asks the client for a sign of life.
    pub fn ping(&self) {
        self.send(Format::Socket.heartbeat(), None);
    }

    /// When the client was last heard of.
    pub fn last_seen(&self) -> Instant {
        self.born + Duration::from_millis(self.seen_ms.load(Ordering::Relaxed))
    }

    /// Bytes that wait because of what this client asked for.
    pub fn owed(&self) -> usize {
        self.lock().owed
    }

    pub(crate) fn stream(&self) -> &dyn Socket {
        &*self.stream
    }

    pub(crate) fn seen(&self) {
        let ms = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.seen_ms.store(ms, Ordering::Relaxed);
    }

    /// Sends `opening`, then what was held back, then the lane from `cursor` on; in place of what `id` was before.
    pub(crate) fn subscribe(&self, id: SubscriptionId, opening: &[Bytes], lane: Arc<Lane>, cursor: Cursor) {
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

    pub(crate) fn unsubscribe(&self, id: SubscriptionId) {
        self.with(|state, stream| {
            let held = state.forget(id);
            held.into_iter().for_each(|bytes| state.push(bytes, true));
            state.pump(stream);
        });
    }

    /// Nothing is taken from lanes any more, and nobody can send; `frame` is the last.
    pub(crate) fn close(&self, frame: Option<Bytes>) {
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
    fn is_done(&self) -> bool {
        let state = self.lock();
        state.queue.is_empty() || state.stage == Stage::Broken
    }

    /// What there is to do; `context` is woken when that changes.
    pub(crate) fn work(&self, context: &Context<'_>) -> Work {
        let mut state = self.lock();
        match &mut state.waker {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        state.work()
    }

    /// Until a socket that refused bytes takes some again, and has been given what waits, or is gone.
    pub(crate) fn poll_writable(&self, context: &mut Context<'_>) -> Poll<()> {
        match self.stream.poll_write_ready(context) {
            Poll::Ready(Ok(())) => self.writable(),
            Poll::Ready(Err(_)) => self.lock().fail(),
            Poll::Pending => return Poll::Pending,
        }
        Poll::Ready(())
    }

    /// Until nothing waits, or nothing can be written any more.
    pub(crate) async fn written(&self) {
        poll_fn(|context| {
            while !self.is_done() {
                if self.poll_writable(context).is_pending() {
                    return Poll::Pending;
                }
            }
            Poll::Ready(())
        })
        .await;
    }

    fn writable(&self) {
        self.with(|state, stream| {
            if state.stage == Stage::Blocked {
                state.stage = Stage::Open;
                state.pump(stream);
                state.drained = state.stage == Stage::Open;
            }
        });
    }

    /// Does it, and wakes the connection's task if there is something for it that was not there before.
    fn with<T>(&self, change: impl FnOnce(&mut Backlog, &dyn Socket) -> T) -> T {
        let mut state = self.lock();
        let before = state.stage;
        let result = change(&mut state, &*self.stream);
        let news = state.stage != before || state.has_news();
        let waker = if news { state.waker.take() } else { None };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        result
    }

    fn lock(&self) -> MutexGuard<'_, Backlog> {
        self.state.lock().expect("nothing panics while it holds an outlet")
    }
}

impl hub::Outlet for Outlet {
    fn offer(&self, tail: &Tail<'_>) {
        self.with(|state, stream| state.offer(tail, stream));
    }

    fn flush(&self) {
        self.with(|state, stream| state.pump(stream));
    }
}
