//! A connection: two directions of bytes with what can befall them, behind the server's [`Socket`].
//!
//! The server side is called from within the server's tasks and never waits; what it wrote is carried on by the world,
//! which is told by [`Bell`] that there is something to carry. Whatever takes time takes it in the world.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    mem,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
};

use onair_server::net::Socket;
use tokio::sync::Notify;

use crate::{chance::Dice, ledger::Books};

/// What one connection is called, in the order in which they came about.
pub(crate) type LineId = u64;

/// Tells the world that lines have something for it.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung: Mutex<Vec<LineId>>,
    pub(crate) notify: Notify,
}

impl Bell {
    pub(crate) fn ring(&self, line: LineId) {
        self.rung.lock().expect("a list").push(line);
        self.notify.notify_one();
    }

    pub(crate) fn take(&self) -> Vec<LineId> {
        let mut rung = mem::take(&mut *self.rung.lock().expect("a list"));
        rung.dedup();
        rung
    }
}

/// What the server wrote at once, and what was durable then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp {
    /// Bytes of the stream up to the end of this write.
    pub(crate) end: u64,
    /// Commits of all logs that were on disk.
    pub(crate) durable: u64,
}

#[derive(Debug)]
struct State {
    to_server: VecDeque<u8>,
    /// The client says no more.
    finished: bool,
    reset: bool,
    /// Taken by the server's system, and not on its way.
    outgoing: Vec<u8>,
    room: usize,
    written: u64,
    stamps: VecDeque<Stamp>,
    /// The server's program has let go of it.
    let_go: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
    dice: Dice,
    partial: bool,
    /// Writes that were taken in part.
    partials: u64,
}

/// One connection, as the world sees it.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) id: LineId,
    state: Arc<Mutex<State>>,
}

/// The same, as the server sees it.
#[derive(Debug)]
pub(crate) struct ServerSide {
    line: Line,
    bell: Arc<Bell>,
    books: Books,
}

/// What there is to carry to the client.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    pub(crate) bytes: Vec<u8>,
    pub(crate) stamps: Vec<Stamp>,
    /// Nothing follows.
    pub(crate) ended: bool,
}

impl Line {
    /// A line whose buffers hold `room` bytes; `partial` says whether its writes are taken in part at times.
    pub(crate) fn new(id: LineId, room: usize, partial: bool, dice: Dice) -> Self {
        let state = State {
            to_server: VecDeque::new(),
            finished: false,
            reset: false,
            outgoing: Vec::new(),
            room,
            written: 0,
            stamps: VecDeque::new(),
            let_go: false,
            reader: None,
            writer: None,
            dice,
            partial,
            partials: 0,
        };
        Self { id, state: Arc::new(Mutex::new(state)) }
    }

    pub(crate) fn server_side(&self, bell: &Arc<Bell>, books: &Books) -> Box<ServerSide> {
        Box::new(ServerSide { line: self.clone(), bell: Arc::clone(bell), books: books.clone() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds a line")
    }

    /// Bytes of the client arrive.
    pub(crate) fn arrive(&self, bytes: &[u8]) {
        let mut state = self.lock();
        if !state.finished && !state.reset {
            state.to_server.extend(bytes);
        }
        let reader = state.reader.take();
        drop(state);
        reader.into_iter().for_each(Waker::wake);
    }

    /// The client says no more.
    pub(crate) fn finish(&self) {
        let mut state = self.lock();
        state.finished = true;
        let reader = state.reader.take();
        drop(state);
        reader.into_iter().for_each(Waker::wake);
    }

    /// Both sides learn that it is gone.
    pub(crate) fn reset(&self) {
        let mut state = self.lock();
        state.reset = true;
        state.outgoing.clear();
        let wakers = [state.reader.take(), state.writer.take()];
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    /// Takes what the server wrote; `most` bytes of it.
    pub(crate) fn carry(&self, most: usize) -> Carried {
        let mut state = self.lock();
        let length = state.outgoing.len().min(most);
        let rest = state.outgoing.split_off(length);
        let bytes = mem::replace(&mut state.outgoing, rest);
        let sent = state.written - state.outgoing.len() as u64;
        let mut stamps = Vec::new();
        while let Some(stamp) = state.stamps.front().copied() {
            stamps.push(stamp);
            if stamp.end > sent {
                break;
            }
            state.stamps.pop_front();
        }
        let ended = (state.let_go || state.reset) && state.outgoing.is_empty();
        let writer = if bytes.is_empty() { None } else { state.writer.take() };
        drop(state);
        writer.into_iter().for_each(Waker::wake);
        Carried { bytes, stamps, ended }
    }

    /// Bytes that wait to be carried.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().outgoing.len()
    }

    pub(crate) fn take_partials(&self) -> u64 {
        mem::take(&mut self.lock().partials)
    }
}

impl State {
    fn write(&mut self, length: usize) -> io::Result<usize> {
        if self.reset || self.let_go {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let mut room = self.room.saturating_sub(self.outgoing.len()).min(length);
        if room == 0 && length > 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if self.partial && room > 1 && self.dice.percent(10) {
            room = self.dice.place(room - 1) + 1;
            self.partials += 1;
        }
        Ok(room)
    }
}

impl Socket for ServerSide {
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.line.lock();
        if state.reset {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        if state.to_server.is_empty() {
            return if state.finished { Ok(0) } else { Err(io::ErrorKind::WouldBlock.into()) };
        }
        let length = state.to_server.len().min(buffer.len());
        for (place, byte) in buffer.iter_mut().zip(state.to_server.drain(..length)) {
            *place = byte;
        }
        Ok(length)
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.try_write_vectored(&[IoSlice::new(bytes)])
    }

    fn try_write_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut state = self.line.lock();
        let taken = state.write(pieces.iter().map(|piece| piece.len()).sum())?;
        let mut rest = taken;
        for piece in pieces {
            let part = piece.len().min(rest);
            state.outgoing.extend_from_slice(&piece[..part]);
            rest -= part;
        }
        state.written += taken as u64;
        let stamp = Stamp { end: state.written, durable: self.books.durable() };
        state.stamps.push_back(stamp);
        drop(state);
        self.bell.ring(self.line.id);
        Ok(taken)
    }

    fn poll_read_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.line.lock();
        if state.reset || state.finished || !state.to_server.is_empty() {
            return Poll::Ready(Ok(()));
        }
        state.reader = Some(context.waker().clone());
        Poll::Pending
    }

    fn poll_write_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.line.lock();
        if state.reset || state.outgoing.len() < state.room {
            return Poll::Ready(Ok(()));
        }
        state.writer = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for ServerSide {
    fn drop(&mut self) {
        self.line.lock().let_go = true;
        self.bell.ring(self.line.id);
    }
}
