//! What a client says, read by the rules of RFC 6455.
//!
//! The library `tungstenite` knows the rules: masks, fragments, UTF-8, control frames, the closing handshake. It is
//! given a socket that never waits, and a buffer for what it wants to answer (pongs, the echo of a close), which the
//! caller puts among the connection's own messages. It keeps a few hundred bytes; a read goes through memory that all
//! connections of a thread share, and only what a message left over is kept.

use std::{
    cell::RefCell,
    io::{self, Read, Write},
    mem,
};

use bytes::{Buf, Bytes};
use tungstenite::{
    Error, Message, Utf8Bytes,
    error::ProtocolError,
    protocol::{CloseFrame, Role, WebSocketConfig, WebSocketContext},
};

use crate::net::Socket;

/// Bytes of a message, and of a frame of it (contract, section 4).
pub const MESSAGE_BYTES_MAX: usize = 64 << 10;

/// What the library keeps per connection: a head and a small message.
const READ_BUFFER: usize = 256;

/// What one call to the system may bring.
const SCRATCH: usize = 16 << 10;

/// The longest reason in a close frame, which is a control frame of at most 125 bytes.
const REASON_BYTES_MAX: usize = 123;

thread_local! {
    static SHARED: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH].into());
}

/// How a client broke the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A frame that is not allowed, one without a mask say.
    Protocol,
    /// A text that is not UTF-8.
    NotUtf8,
    /// A message beyond [`MESSAGE_BYTES_MAX`].
    TooLarge,
}

impl Fault {
    /// The code to close with (RFC 6455, 7.4.1).
    #[must_use]
    pub fn close_code(self) -> u16 {
        match self {
            Self::Protocol => 1002,
            Self::NotUtf8 => 1007,
            Self::TooLarge => 1009,
        }
    }
}

/// One thing read.
#[derive(Debug)]
pub(super) enum Heard {
    Text(Utf8Bytes),
    Binary,
    /// Ping or pong; there may be an answer to send.
    Control,
    /// The client closes, with a code if it gave one. Nothing follows.
    Closing(Option<u16>),
    /// The connection ended, with or without a closing handshake.
    Ended,
    Fault(Fault),
}

#[derive(Debug)]
pub(super) struct Reader {
    context: WebSocketContext,
    /// Read from the socket, not yet asked for by the library.
    ahead: Bytes,
    answers: Vec<u8>,
}

impl Reader {
    /// Goes on behind the handshake; `ahead` is what came with it, mostly nothing.
    pub(super) fn new(ahead: &[u8], message_bytes_max: usize) -> Self {
        // A copy, for an empty rest would keep the 8 KiB that the head was read into.
        let ahead = Bytes::copy_from_slice(ahead);
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_message_size(Some(message_bytes_max))
            .max_frame_size(Some(message_bytes_max));
        Self { context: WebSocketContext::new(Role::Server, Some(config)), ahead, answers: Vec::new() }
    }

    /// The next thing the client said; nothing when the socket has nothing.
    pub(super) fn read(&mut self, stream: &dyn Socket) -> Option<Heard> {
        let Self { context, ahead, answers } = self;
        let mut wire = Wire { stream, ahead, answers };
        let heard = match context.read(&mut wire) {
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => return None,
            Ok(Message::Text(text)) => Heard::Text(text),
            Ok(Message::Binary(_)) => Heard::Binary,
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => Heard::Control,
            Ok(Message::Close(frame)) => Heard::Closing(frame.map(|frame| frame.code.into())),
            Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => Heard::Ended,
            Err(Error::Protocol(_)) => Heard::Fault(Fault::Protocol),
            Err(Error::Utf8(_)) => Heard::Fault(Fault::NotUtf8),
            Err(Error::Capacity(_)) => Heard::Fault(Fault::TooLarge),
            Err(_) => Heard::Ended,
        };
        if matches!(heard, Heard::Control | Heard::Closing(_)) {
            // Writes the answer into our buffer; the error says that a closing handshake is complete, as we know.
            let _ = context.flush(&mut wire);
        }
        Some(heard)
    }

    /// What the library wants to be sent, since the last time.
    pub(super) fn take_answers(&mut self) -> Option<Bytes> {
        (!self.answers.is_empty()).then(|| mem::take(&mut self.answers).into())
    }

    /// Begins the closing handshake; the frame is among the answers, unless the client was first.
    pub(super) fn close(&mut self, stream: &dyn Socket, code: u16, reason: &str) {
        let end = reason.floor_char_boundary(REASON_BYTES_MAX);
        let frame = CloseFrame { code: code.into(), reason: reason[..end].into() };
        let Self { context, ahead, answers } = self;
        // Neither can fail for lack of room, and a connection that is closed already needs no frame.
        let _ = context.close(&mut Wire { stream, ahead, answers }, Some(frame));
    }
}

/// The socket as the library sees it.
struct Wire<'a> {
    stream: &'a dyn Socket,
    ahead: &'a mut Bytes,
    answers: &'a mut Vec<u8>,
}

impl Read for Wire<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ahead.is_empty() {
            return SHARED.with_borrow_mut(|shared| {
                let read = self.stream.try_read(shared)?;
                let (now, later) = shared[..read].split_at(read.min(buffer.len()));
                buffer[..now.len()].copy_from_slice(now);
                *self.ahead = Bytes::copy_from_slice(later);
                Ok(now.len())
            });
        }
        let length = self.ahead.len().min(buffer.len());
        self.ahead.copy_to_slice(&mut buffer[..length]);
        if self.ahead.is_empty() {
            *self.ahead = Bytes::new();
        }
        Ok(length)
    }
}

impl Write for Wire<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.answers.extend_from_slice(buffer);
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
