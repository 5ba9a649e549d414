//! What a session needs of a socket: to take and to give bytes without waiting, and to say when that is worth a try.
//!
//! It is a trait, so that a simulation puts a network of its own below the same sessions. Behind a system call one
//! indirect call is nothing.

use std::{
    fmt,
    io::{self, IoSlice},
    task::{Context, Poll},
};

use rustix::net::{RecvFlags, recv};
use tokio::{io::Interest, net::TcpStream};

/// Both directions of a connection. The calls promise what those of [`TcpStream`] of the same names do: an error of
/// [`io::ErrorKind::WouldBlock`] ends the readiness that was told before, and each direction has one waker.
pub trait Socket: fmt::Debug + Send + Sync + 'static {
    /// Takes what has arrived; 0 when nothing follows.
    ///
    /// # Errors
    /// `WouldBlock` when nothing is there, any other when the connection is gone.
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Gives as many bytes as are taken.
    ///
    /// # Errors
    /// `WouldBlock` when none are, any other when the connection is gone.
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize>;

    /// Gives several pieces at once.
    ///
    /// # Errors
    /// As [`Socket::try_write`].
    fn try_write_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Whether reading is worth a try.
    fn poll_read_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Whether writing is worth a try.
    fn poll_write_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>>;
}

impl Socket for TcpStream {
    /// A read that leaves room has emptied the socket, so the readiness ends with it, and nobody asks the system once more
    /// only to hear so. What arrives meanwhile makes it ready again; that the client has closed never ends.
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut read = 0;
        let result = self.try_io(Interest::READABLE, || {
            read = recv(self, &mut *buffer, RecvFlags::empty())?.0;
            if 0 < read && read < buffer.len() { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(read) }
        });
        match result {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && read > 0 => Ok(read),
            other => other,
        }
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.try_write(bytes)
    }

    fn try_write_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.try_write_vectored(pieces)
    }

    fn poll_read_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_read_ready(context)
    }

    fn poll_write_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_write_ready(context)
    }
}
