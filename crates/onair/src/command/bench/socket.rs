//! A connection to the server as cheap as there can be: one buffer, frames by hand, a mask of zeros (RFC 6455).

use std::io;

use anyhow::{Context as _, bail, ensure};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{PATIENCE, target::Target};

/// How much is read at once: what a subscriber is sent in one write, in a run that saturates the server.
const READ_BYTES: usize = 16 * 1024;
/// The longest head of an answer that is taken for one.
const HEAD_BYTES_MAX: usize = 16 * 1024;

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// Bytes in both directions, of a request that was answered.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    /// What was read; the first `done` bytes are done with.
    heard: Vec<u8>,
    done: usize,
    /// What is still to be written.
    out: Vec<u8>,
}

impl Wire {
    /// Sends `head` to the server and reads the head of its answer: its status.
    pub(super) async fn ask(target: &Target, head: &str) -> anyhow::Result<(Self, u16)> {
        let connecting = TcpStream::connect(&target.authority);
        let stream = timeout(PATIENCE, connecting).await.map_err(io::Error::from)?;
        let stream = stream.with_context(|| format!("no connection to {}", target.authority))?;
        stream.set_nodelay(true)?;
        let mut wire = Self { stream, heard: Vec::new(), done: 0, out: head.as_bytes().to_vec() };
        let status = timeout(PATIENCE, wire.head()).await.map_err(io::Error::from)??;
        Ok((wire, status))
    }

    async fn head(&mut self) -> anyhow::Result<u16> {
        const END: &[u8] = b"\r\n\r\n";
        loop {
            if let Some(end) = self.unread().windows(END.len()).position(|window| window == END) {
                let head = String::from_utf8_lossy(&self.unread()[..end]).into_owned();
                self.take(end + END.len());
                let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
                return status.with_context(|| format!("the server answered {head:?}"));
            }
            ensure!(
                self.unread().len() < HEAD_BYTES_MAX,
                "the server answered with a head that does not end"
            );
            self.hear().await?;
        }
    }

    /// What was read and is not taken yet.
    pub(super) fn unread(&self) -> &[u8] {
        &self.heard[self.done..]
    }

    /// Is done with so many bytes.
    pub(super) fn take(&mut self, bytes: usize) {
        self.done += bytes;
    }

    /// Writes what there is to write, and waits for more to read. A wait that is given up loses nothing.
    pub(super) async fn hear(&mut self) -> anyhow::Result<()> {
        self.flush().await?;
        self.heard.drain(..self.done);
        self.done = 0;
        self.heard.reserve(READ_BYTES);
        ensure!(self.stream.read_buf(&mut self.heard).await? > 0, "the server closed the connection");
        Ok(())
    }

    async fn flush(&mut self) -> io::Result<()> {
        while !self.out.is_empty() {
            let written = self.stream.write(&self.out).await?;
            self.out.drain(..written);
        }
        Ok(())
    }
}

/// A session of the sync protocol.
#[derive(Debug)]
pub(super) struct Socket {
    wire: Wire,
}

impl Socket {
    /// Connects and says hello.
    pub(super) async fn open(target: &Target) -> anyhow::Result<Self> {
        let upgrade = "upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n\
                       sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let (wire, status) = Wire::ask(target, &target.get("/v1/sync", upgrade)).await?;
        ensure!(status == 101, "the server answered {status} where 101 was due");
        let mut socket = Self { wire };
        let mut hello = json!({ "type": "hello", "client": "onair bench" });
        if let Some(token) = &target.token {
            hello["token"] = token.as_str().into();
        }
        socket.queue(&hello.to_string());
        socket.until("welcome").await?;
        Ok(socket)
    }

    /// Waits for a message of this type; those before it are passed over, except a refusal.
    pub(super) async fn until(&mut self, kind: &str) -> anyhow::Result<()> {
        let heard = async {
            loop {
                while let Some(text) = self.next()? {
                    let said: serde_json::Value = serde_json::from_slice(text)?;
                    match said["type"].as_str() {
                        Some(it) if it == kind => return Ok(()),
                        Some("problem") => bail!("the server refused: {said}"),
                        _ => {}
                    }
                }
                self.hear().await?;
            }
        };
        timeout(PATIENCE, heard).await.with_context(|| format!("no `{kind}` came"))?
    }

    /// Has this message written with the next [`Socket::hear`] or [`Socket::flush`].
    pub(super) fn queue(&mut self, text: &str) {
        frame(&mut self.wire.out, TEXT, text.as_bytes());
    }

    /// Writes what was queued.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        self.wire.flush().await
    }

    /// Writes what was queued, and waits for more to read. A wait that is given up loses nothing.
    pub(super) async fn hear(&mut self) -> anyhow::Result<()> {
        self.wire.hear().await
    }

    /// The next message that was read whole; pings are answered by the way.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<&[u8]>> {
        loop {
            let Some((kind, from, to)) = frame_in(self.wire.unread())? else { return Ok(None) };
            let begins = self.wire.done;
            self.wire.take(to);
            let payload = begins + from..begins + to;
            match kind {
                TEXT => return Ok(Some(&self.wire.heard[payload])),
                PING => {
                    let pong = self.wire.heard[payload].to_vec();
                    frame(&mut self.wire.out, PONG, &pong);
                }
                CLOSE => {
                    let why = self.wire.heard[payload].get(2..).unwrap_or_default();
                    bail!("the server closed the session: {}", String::from_utf8_lossy(why));
                }
                _ => {}
            }
        }
    }
}

/// The first frame of `bytes`, if all of it is there: its kind, and where its payload begins and ends.
fn frame_in(bytes: &[u8]) -> anyhow::Result<Option<(u8, usize, usize)>> {
    let &[first, second, ..] = bytes else { return Ok(None) };
    ensure!(first & 0x80 != 0, "a message in pieces, which the server never sends");
    let (length, from) = match (second & 0x7f, bytes) {
        (126, &[_, _, a, b, ..]) => (u64::from(u16::from_be_bytes([a, b])), 4),
        (127, &[_, _, a, b, c, d, e, f, g, h, ..]) => (u64::from_be_bytes([a, b, c, d, e, f, g, h]), 10),
        (126 | 127, _) => return Ok(None),
        (short, _) => (u64::from(short), 2),
    };
    let to = usize::try_from(length)?.saturating_add(from);
    Ok((bytes.len() >= to).then_some((first & 0x0f, from, to)))
}

/// Writes a frame behind `out`, masked with zeros, so that its payload stays as it is.
fn frame(out: &mut Vec<u8>, kind: u8, payload: &[u8]) {
    out.push(0x80 | kind);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short), _) if short < 126 => out.push(0x80 | short),
        (_, Ok(medium)) => {
            out.push(0x80 | 126);
            out.extend_from_slice(&medium.to_be_bytes());
        }
        _ => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the server would write it: without the mask.
    fn unmasked(payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        frame(&mut out, TEXT, payload);
        let mask = out.len() - payload.len() - 4;
        out.drain(mask..mask + 4);
        out[1] &= 0x7f;
        out
    }

    #[test]
    fn frames_of_every_length_are_read_back_and_not_before_they_are_whole() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536] {
            let payload = vec![b'x'; length];
            let bytes = unmasked(&payload);
            let from = bytes.len() - length;
            assert_eq!(frame_in(&bytes).unwrap(), Some((TEXT, from, bytes.len())), "{length}");
            for cut in [0, 1, 2, from, bytes.len() - 1] {
                if cut < bytes.len() {
                    assert_eq!(frame_in(&bytes[..cut]).unwrap(), None, "{length} cut to {cut}");
                }
            }
        }
        assert!(frame_in(&[TEXT, 0]).is_err(), "not the last piece");
    }
}
