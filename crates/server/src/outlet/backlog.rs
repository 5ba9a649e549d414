//! What waits for one client: the queue that its socket refused, and how far it is in each of its lanes.
//!
//! Everything here happens under the outlet's lock and never waits: it writes what the socket takes and keeps the rest.
//! Nothing of a subscription follows what was dropped of it but a new beginning.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    mem,
    sync::Arc,
    task::Waker,
};

use bytes::{Buf, Bytes};
use onair_runtime::hub::{Cursor, Lane, Tail};
use onair_wire::planted::{Bug, planted};

use super::{OVERRUN_BYTES, SubscriptionId, WRITE_BUFFER_BYTES};
use crate::net::Socket;

/// What is taken from a lane at once to catch up.
const CATCH_UP_BYTES: usize = 256 << 10;

/// Pieces given to the system at once.
const SLICES: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Backlog {
    pub(super) queue: VecDeque<Piece>,
    /// Bytes in the queue, or held back, that are this client's own doing.
    pub(super) owed: usize,
    pub(super) stage: Stage,
    /// The last frame is in the queue, or was.
    pub(super) closing: bool,
    /// More was owed than may be; not told, or told.
    pub(super) overrun: Option<bool>,
    /// The queue was emptied after the socket had refused something; not yet told.
    pub(super) drained: bool,
    pub(super) subscriptions: Vec<Subscription>,
    /// The task that drives the connection.
    pub(super) waker: Option<Waker>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
    /// The socket takes what it is given.
    #[default]
    Open,
    /// It refused; the connection's task waits until it takes more.
    Blocked,
    /// It is gone.
    Broken,
}

#[derive(Debug)]
pub(super) struct Piece {
    pub(super) bytes: Bytes,
    /// Counts as owed.
    pub(super) owed: bool,
    /// The socket took a part; the rest must follow.
    pub(super) begun: bool,
}

#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) id: SubscriptionId,
    pub(super) lane: Arc<Lane>,
    pub(super) cursor: Cursor,
    pub(super) lag: Option<Lag>,
}

/// A subscription that waits for a snapshot.
#[derive(Debug, Default)]
pub(super) struct Lag {
    pub(super) told: bool,
    /// Answers that may not be given before the commits they speak of.
    pub(super) held: Vec<Bytes>,
}

/// What the connection's task is to do next.
pub(crate) enum Work {
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

impl Backlog {
    pub(super) fn offer(&mut self, tail: &Tail<'_>, stream: &dyn Socket) {
        let on_lane = |subscription: &Subscription| subscription.lane.id() == tail.lane;
        let Some(index) = self.subscriptions.iter().position(on_lane) else { return };
        let subscription = &mut self.subscriptions[index];
        if self.stage != Stage::Open || subscription.lag.is_some() || subscription.cursor >= tail.end {
            return;
        }
        if subscription.cursor != tail.first || !self.queue.is_empty() {
            return self.pump(stream);
        }
        match stream.try_write(tail.bytes) {
            Ok(written) => {
                subscription.cursor = tail.end;
                if written < tail.bytes.len() && !planted(Bug::PartialWriteLost) {
                    let bytes = tail.bytes.slice(written..);
                    self.queue.push_back(Piece { bytes, owed: false, begun: true });
                    self.stage = Stage::Blocked;
                }
            }
            Err(error) => self.refused(&error),
        }
    }

    /// Writes what waits: the queue, then the lanes, until nothing waits or the socket takes no more.
    pub(super) fn pump(&mut self, stream: &dyn Socket) {
        while self.stage == Stage::Open {
            if !self.queue.is_empty() {
                self.write(stream);
            } else if !self.catch_up() {
                return;
            }
        }
    }

    pub(super) fn write(&mut self, stream: &dyn Socket) {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let mut count = 0;
        for (slice, piece) in slices.iter_mut().zip(&self.queue) {
            *slice = IoSlice::new(&piece.bytes);
            count += 1;
        }
        let offered: usize = slices[..count].iter().map(|slice| slice.len()).sum();
        let given = match &slices[..count] {
            [one] => stream.try_write(one),
            many => stream.try_write_vectored(many),
        };
        match given {
            Ok(written) => {
                self.consume(written);
                if written < offered {
                    self.stage = Stage::Blocked;
                }
            }
            Err(error) => self.refused(&error),
        }
    }

    pub(super) fn consume(&mut self, mut written: usize) {
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

    pub(super) fn owe(&mut self, bytes: usize) {
        self.owed += bytes;
        if self.owed > OVERRUN_BYTES && !planted(Bug::QueueUnbounded) {
            self.overrun.get_or_insert(false);
        }
    }

    pub(super) fn closed(&self) -> bool {
        self.closing || self.stage == Stage::Broken
    }

    pub(super) fn has_news(&self) -> bool {
        let lagged = |subscription: &Subscription| subscription.lag.as_ref().is_some_and(|lag| !lag.told);
        self.drained || self.overrun == Some(false) || self.subscriptions.iter().any(lagged)
    }

    pub(super) fn work(&mut self) -> Work {
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
    pub(super) fn catch_up(&mut self) -> bool {
        for index in 0..self.subscriptions.len() {
            self.take_from_lane(index, CATCH_UP_BYTES);
        }
        !self.queue.is_empty()
    }

    pub(super) fn take_from_lane(&mut self, index: usize, bytes_max: usize) {
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
            Err(_) if planted(Bug::LagUntold) => {}
            Err(_) => subscription.lag = Some(Lag::default()),
        }
    }

    /// Queues a message for this client alone, behind what its subscription `after` carries.
    pub(super) fn post(&mut self, frame: Bytes, after: Option<SubscriptionId>) {
        if self.closed() {
            return;
        }
        self.owe(frame.len());
        let after = after.filter(|_| !planted(Bug::AnswerOvertakes));
        if let Some(subscription) = after.and_then(|id| self.find(id)) {
            self.take_from_lane(subscription, usize::MAX);
            if let Some(lag) = &mut self.subscriptions[subscription].lag {
                lag.held.push(frame);
                return;
            }
        }
        self.push(frame, true);
    }

    pub(super) fn push(&mut self, bytes: Bytes, owed: bool) {
        if !bytes.is_empty() {
            self.queue.push_back(Piece { bytes, owed, begun: false });
        }
    }

    pub(super) fn find(&self, id: SubscriptionId) -> Option<usize> {
        self.subscriptions.iter().position(|subscription| subscription.id == id)
    }

    /// Ends a subscription; gives back what it held.
    pub(super) fn forget(&mut self, id: SubscriptionId) -> Vec<Bytes> {
        let Some(index) = self.find(id) else { return Vec::new() };
        self.subscriptions.swap_remove(index).lag.map(|lag| lag.held).unwrap_or_default()
    }

    pub(super) fn refused(&mut self, error: &io::Error) {
        match error.kind() {
            io::ErrorKind::WouldBlock => self.stage = Stage::Blocked,
            _ => self.fail(),
        }
    }

    pub(super) fn fail(&mut self) {
        self.stage = Stage::Broken;
        self.queue = VecDeque::new();
        self.owed = 0;
    }
}
