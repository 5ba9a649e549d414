//! A TCP connection that HTTP and a handler share: HTTP reads requests and writes heads, and the handler of an answer
//! without end writes its body itself, as sockets are written to.
//!
//! Through HTTP every piece of a body wakes a task, passes three layers and is put into chunks anew, for each of a
//! thousand clients who hear the same. Who writes past it must not overtake the head, so it waits for [`Line::head_left`]
//! first; while its body gives nothing HTTP writes nothing either.

use std::{
    fmt,
    io::{self, ErrorKind, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, ready},
};

use rustix::net::{Shutdown, shutdown};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::Socket;

/// Nobody waits for a head.
const NONE: u8 = 0;
/// A body waits until the head before it has left.
const AWAITED: u8 = 1;
/// It has left.
const LEFT: u8 = 2;

/// The connection.
pub(crate) struct Line {
    stream: TcpStream,
    head: AtomicU8,
}

impl Line {
    pub(crate) fn new(stream: TcpStream) -> Arc<Self> {
        Arc::new(Self { stream, head: AtomicU8::new(NONE) })
    }

    /// Until the head of an answer has been given to the system. Only the body of that answer may ask, before it gives
    /// anything: HTTP polls it in the task that then writes the head, and is what wakes it.
    pub(crate) async fn head_left(&self) {
        self.head.store(AWAITED, Ordering::Relaxed);
        std::future::poll_fn(|_| {
            match self.head.compare_exchange(LEFT, NONE, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => Poll::Ready(()),
                Err(_) => Poll::Pending,
            }
        })
        .await;
    }

    /// The stream alone, when nobody shares it any more.
    pub(crate) fn into_socket(self: Arc<Self>) -> Box<dyn Socket> {
        match Arc::try_unwrap(self) {
            Ok(line) => Box::new(line.stream),
            Err(shared) => Box::new(shared),
        }
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stream.fmt(f)
    }
}

impl Socket for Arc<Line> {
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Socket::try_read(&self.stream, buffer)
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.try_write(bytes)
    }

    fn try_write_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.stream.try_write_vectored(pieces)
    }

    fn poll_read_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_read_ready(context)
    }

    fn poll_write_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_write_ready(context)
    }
}

/// The side of a line that HTTP reads and writes.
#[derive(Debug)]
pub(crate) struct HttpSide(pub(crate) Arc<Line>);

impl AsyncRead for HttpSide {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let stream = &self.0.stream;
        loop {
            match Socket::try_read(stream, buffer.initialize_unfilled()) {
                Ok(read) => {
                    buffer.advance(read);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    ready!(stream.poll_read_ready(context))?;
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl HttpSide {
    /// Writes when the stream takes something.
    fn poll_with(
        &self,
        context: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            match write(&self.0.stream) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    ready!(self.0.stream.poll_write_ready(context))?;
                }
                result => return Poll::Ready(result),
            }
        }
    }
}

impl AsyncWrite for HttpSide {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_with(context, |stream| stream.try_write(bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_with(context, |stream| stream.try_write_vectored(pieces))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// HTTP flushes when it has written all it had, so here the head has left.
    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let head = &self.0.head;
        if head.compare_exchange(AWAITED, LEFT, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            context.waker().wake_by_ref();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(shutdown(&self.0.stream, Shutdown::Write).map_err(Into::into))
    }
}
