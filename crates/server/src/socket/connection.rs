//! A connection as its session sees it: what happens next, and a way to end it.
//!
//! One task drives a connection. It sleeps while the client is silent and takes what it is sent, however much that is;
//! it is woken by the client, by a socket that takes bytes again after it had refused some, and by a subscription
//! that has lagged. There is no timer in it: who must say `hello` in time is the session's business, and silence is noticed
//! by whoever looks at [`Outlet::last_seen`] of all connections now and then.

use std::{
    future::poll_fn,
    io,
    sync::{Arc, Weak},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use onair_runtime::hub::{Attached, Cursor, Format, Lane};
use tokio::time::Instant;
use tungstenite::Utf8Bytes;

use super::reader::{Fault, Heard, Reader};
use crate::{
    net::{Admission, Socket},
    outlet::{Outlet, SubscriptionId, Work},
};

/// How long a client may take to hear that the connection is closed, and to close it too.
pub const CLOSE_WAIT: Duration = Duration::from_secs(2);

/// After so many messages without a pause other tasks get a turn.
const MESSAGES_PER_TURN: u8 = 64;

/// What happened.
#[derive(Debug)]
pub enum Incoming {
    /// The client said something.
    Text(Utf8Bytes),
    /// The client sent what is no text; close with 1003 or 1008.
    Binary,
    /// The client broke the rules; close with [`Fault::close_code`].
    Fault(Fault),
    /// The client closed, with the code it gave; without one the connection is gone. Nothing follows.
    Closed(Option<u16>),
    /// The client was too slow for what is kept. It hears nothing more of this subscription, nor the answers that belong
    /// behind it, until [`Connection::subscribe`] begins it anew with a snapshot.
    Lagged(SubscriptionId),
    /// More waits for this client than may; close with 1008.
    Overrun,
    /// The socket had refused something, and has taken all of it now.
    Drained,
}

/// One client.
#[derive(Debug)]
pub struct Connection {
    outlet: Arc<Outlet>,
    reader: Reader,
    attached: Vec<(SubscriptionId, Attached)>,
    /// Messages since others had a turn.
    turn: u8,
    /// The client's part of the conversation is over: nothing to read.
    over: bool,
    /// It cannot be understood any more: nothing to read but bytes.
    faulty: bool,
    _admission: Option<Admission>,
}

impl Connection {
    /// Takes over a socket behind its handshake. `ahead` is what the client sent with it.
    #[must_use]
    pub fn new(
        stream: Box<dyn Socket>,
        ahead: &[u8],
        message_bytes_max: usize,
        admission: Option<Admission>,
    ) -> Self {
        let (outlet, reader) = (Outlet::new(stream), Reader::new(ahead, message_bytes_max));
        Self {
            outlet,
            reader,
            attached: Vec::new(),
            turn: 0,
            over: false,
            faulty: false,
            _admission: admission,
        }
    }

    /// The write side, for whoever answers from another task. It does not keep the connection: the socket closes when
    /// the session ends, whoever still has something to say.
    #[must_use]
    pub fn outlet(&self) -> Weak<Outlet> {
        Arc::downgrade(&self.outlet)
    }

    /// See [`Outlet::send`].
    pub fn send(&self, frame: Bytes, after: Option<SubscriptionId>) {
        self.outlet.send(frame, after);
    }

    /// See [`Outlet::ping`].
    pub fn ping(&self) {
        self.outlet.ping();
    }

    /// See [`Outlet::last_seen`].
    #[must_use]
    pub fn last_seen(&self) -> Instant {
        self.outlet.last_seen()
    }

    /// Sends `opening` (`subscribed`, and a snapshot or what the client lacks), then all that the lane carries from
    /// `cursor` on. A subscription of the same name ends with it; the answers that waited for it follow `opening`.
    pub fn subscribe(&mut self, id: SubscriptionId, opening: &[Bytes], lane: &Arc<Lane>, cursor: Cursor) {
        assert_eq!(lane.format(), Format::Socket, "a socket is given frames");
        self.attached.retain(|(known, _)| *known != id);
        // First attached, then read on from the cursor: what is published in between is offered, read, or both.
        let attached = lane.attach(Arc::clone(&self.outlet) as _);
        self.attached.push((id, attached));
        self.outlet.subscribe(id, opening, Arc::clone(lane), cursor);
    }

    /// Nothing more of it. What the client was to hear before is still sent.
    pub fn unsubscribe(&mut self, id: SubscriptionId) {
        self.attached.retain(|(known, _)| *known != id);
        self.outlet.unsubscribe(id);
    }

    /// What happens next.
    ///
    /// # Cancellation
    /// Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Incoming {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// What has happened already, [`Connection::next`] without waiting: for taking together what arrived together.
    pub fn try_next(&mut self) -> Option<Incoming> {
        if self.turn >= MESSAGES_PER_TURN {
            return None;
        }
        match self.poll_next(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(incoming) => Some(incoming),
            Poll::Pending => None,
        }
    }

    /// Ends the connection: closes with `code` and `reason` (at most 123 bytes), unless the client was first, and waits
    /// until the client has heard it, for [`CLOSE_WAIT`] at most.
    pub async fn close(mut self, code: u16, reason: &str) {
        let client_closed = self.over;
        self.reader.close(self.outlet.stream(), code, reason);
        self.attached.clear();
        self.outlet.close(self.reader.take_answers());
        let farewell = async {
            self.outlet.written().await;
            if !client_closed {
                self.silence().await;
            }
        };
        // Whoever does not listen is left alone.
        let _ = tokio::time::timeout(CLOSE_WAIT, farewell).await;
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Incoming> {
        if self.turn >= MESSAGES_PER_TURN {
            self.turn = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let incoming = self.poll_incoming(context);
        self.turn = if incoming.is_ready() { self.turn + 1 } else { 0 };
        incoming
    }

    fn poll_incoming(&mut self, context: &mut Context<'_>) -> Poll<Incoming> {
        loop {
            if self.over || self.faulty {
                return Poll::Ready(Incoming::Closed(None));
            }
            let (blocked, read) = match self.outlet.work(context) {
                Work::Lagged(id) => return Poll::Ready(Incoming::Lagged(id)),
                Work::Overrun => return Poll::Ready(Incoming::Overrun),
                Work::Drained => return Poll::Ready(Incoming::Drained),
                Work::Broken => return Poll::Ready(self.closed(None)),
                Work::Wait { blocked, read } => (blocked, read),
            };
            if blocked && self.outlet.poll_writable(context).is_ready() {
                continue;
            }
            if !read {
                return Poll::Pending;
            }
            match self.reader.read(self.outlet.stream()) {
                Some(heard) => {
                    if let Some(incoming) = self.heard(heard) {
                        return Poll::Ready(incoming);
                    }
                }
                None => match self.outlet.stream().poll_read_ready(context) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(_)) => return Poll::Ready(self.closed(None)),
                    Poll::Pending => return Poll::Pending,
                },
            }
        }
    }

    fn heard(&mut self, heard: Heard) -> Option<Incoming> {
        self.outlet.seen();
        if let Some(answers) = self.reader.take_answers() {
            self.outlet.send(answers, None);
        }
        Some(match heard {
            Heard::Text(text) => Incoming::Text(text),
            Heard::Binary => Incoming::Binary,
            Heard::Fault(fault) => {
                self.faulty = true;
                Incoming::Fault(fault)
            }
            Heard::Control => return None,
            Heard::Closing(code) => self.closed(code),
            Heard::Ended => self.closed(None),
        })
    }

    fn closed(&mut self, code: Option<u16>) -> Incoming {
        self.over = true;
        Incoming::Closed(code)
    }

    async fn readable(&self) -> io::Result<()> {
        poll_fn(|context| self.outlet.stream().poll_read_ready(context)).await
    }

    /// Reads on until the client has nothing more to say: a socket that is closed with bytes unread is reset, and the
    /// client might never see why.
    async fn silence(&mut self) {
        while !self.faulty {
            match self.reader.read(self.outlet.stream()) {
                Some(Heard::Closing(_) | Heard::Ended) => return,
                Some(Heard::Fault(_)) => self.faulty = true,
                Some(_) => {}
                None if self.readable().await.is_err() => return,
                None => {}
            }
        }
        let mut nowhere = [0; 1024];
        loop {
            match self.outlet.stream().try_read(&mut nowhere) {
                Ok(0) => return,
                Ok(_) => tokio::task::yield_now().await,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.readable().await.is_err() {
                        return;
                    }
                }
                Err(_) => return,
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // The lanes let go of the outlet, and the outlet of the lanes, whoever else still holds it.
        self.attached.clear();
        self.outlet.close(None);
    }
}
