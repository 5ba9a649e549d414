//! A client of the sync protocol that ten thousand of fit into one program: a socket, a buffer, and where it stands.
//!
//! It reads frames by hand and messages by their first words. What it does not check, the other clients do.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};

use anyhow::{Context, Result, bail, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

/// What a socket is read by.
const PIECE: usize = 16 << 10;
/// Masks nothing: the sum of a byte and zero.
const MASK: [u8; 4] = [0; 4];

/// One connection.
pub(super) struct Lean {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// What of the buffer was given out.
    taken: usize,
}

impl Lean {
    /// Connects, with so small a receive buffer if one is named, and without the handshake.
    pub(super) async fn knock(address: SocketAddr, receive_buffer: Option<u32>) -> io::Result<Self> {
        Self::knock_from(Ipv4Addr::UNSPECIFIED, address, receive_buffer).await
    }

    async fn knock_from(
        from: Ipv4Addr,
        address: SocketAddr,
        receive_buffer: Option<u32>,
    ) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((from, 0).into())?;
        if let Some(bytes) = receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        let stream = socket.connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::new(), taken: 0 })
    }

    /// Asks to be let in.
    pub(super) async fn ask(&mut self) -> Result<()> {
        let address = self.stream.peer_addr()?;
        let request = format!(
            "GET /v1/sync HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        Ok(self.stream.write_all(request.as_bytes()).await?)
    }

    /// Waits until it is in.
    pub(super) async fn answered(&mut self) -> Result<()> {
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break at;
            }
            self.fill().await?;
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]);
        ensure!(head.starts_with("HTTP/1.1 101"), "not let in: {}", head.lines().next().unwrap_or_default());
        self.taken = end + 4;
        Ok(())
    }

    /// Connects, is let in, and says `hello`.
    pub(super) async fn enter(address: SocketAddr, receive_buffer: Option<u32>) -> Result<Self> {
        Self::enter_from(Ipv4Addr::UNSPECIFIED, address, receive_buffer).await
    }

    /// The same from an address of one's own.
    pub(super) async fn enter_from(
        from: Ipv4Addr,
        address: SocketAddr,
        receive_buffer: Option<u32>,
    ) -> Result<Self> {
        let mut lean = Self::knock_from(from, address, receive_buffer).await?;
        lean.ask().await?;
        lean.answered().await?;
        lean.say(r#"{"type":"hello"}"#).await?;
        Ok(lean)
    }

    pub(super) async fn say(&mut self, text: &str) -> Result<()> {
        let frame = masked(1, text.as_bytes())?;
        Ok(self.stream.write_all(&frame).await?)
    }

    /// The next message. Nothing is lost when the future is dropped.
    pub(super) async fn hear(&mut self) -> Result<String> {
        loop {
            let Some((code, payload, end)) = frame(&self.buffer[self.taken..]) else {
                self.fill().await?;
                continue;
            };
            let at = self.taken;
            self.taken += end;
            let payload = &self.buffer[at + payload..at + end];
            match code {
                1 => return String::from_utf8(payload.to_vec()).context("a message is UTF-8"),
                // A sign of life is asked for; nothing is sent while something else is, so it is whole.
                9 => {
                    let pong = masked(10, payload)?;
                    self.stream.write_all(&pong).await?;
                }
                8 => bail!("closed: {}", String::from_utf8_lossy(payload.get(2..).unwrap_or_default())),
                _ => {}
            }
        }
    }

    async fn fill(&mut self) -> Result<()> {
        if self.taken > 0 {
            self.buffer.drain(..self.taken);
            self.taken = 0;
        }
        self.buffer.reserve(PIECE);
        ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the connection is gone");
        if self.buffer.capacity() > 4 * PIECE && self.buffer.len() < PIECE {
            self.buffer.shrink_to(PIECE);
        }
        Ok(())
    }

    /// Is gone at once, without a word.
    pub(super) fn reset(self) {
        // A socket that is gone already needs none.
        let _ = self.stream.set_zero_linger();
    }
}

/// A frame as a client sends it.
fn masked(code: u8, payload: &[u8]) -> Result<Vec<u8>> {
    let mut frame = vec![0x80 | code];
    match payload.len() {
        length @ 0..126 => frame.push(0x80 | u8::try_from(length)?),
        length => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&u16::try_from(length)?.to_be_bytes());
        }
    }
    frame.extend_from_slice(&MASK);
    frame.extend_from_slice(payload);
    Ok(frame)
}

/// The first frame: its code, where its payload begins, and where it ends.
fn frame(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (begin, length) = match *bytes.get(1)? {
        126 => (4, u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)),
        length => (2, u64::from(length)),
    };
    let end = begin + usize::try_from(length).ok()?;
    (bytes.len() >= end).then_some((bytes[0] & 0x0f, begin, end))
}

/// Where a client stands in a production, and how it came there.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    pub(super) epoch: String,
    pub(super) revision: u64,
    /// Where the server said that the log ends.
    pub(super) head: u64,
    pub(super) snapshots: u64,
    pub(super) commits: u64,
}

impl Place {
    /// What it says to go on.
    pub(super) fn subscribe(&self, production: &str, collections: Option<&str>) -> String {
        let mut text = format!(r#"{{"type":"subscribe","production":"{production}""#);
        if !self.epoch.is_empty() {
            text.push_str(&format!(r#","after":"{}:{}""#, self.epoch, self.revision));
        }
        if let Some(collection) = collections {
            text.push_str(&format!(r#","collections":["{collection}"]"#));
        }
        text + "}"
    }

    /// Takes a message over.
    ///
    /// # Errors
    /// A commit does not follow the one before, the log is another one, or the server has a problem.
    pub(super) fn hear(&mut self, message: &str) -> Result<()> {
        let is = |kind: &str| message[r#"{"type":""#.len()..].starts_with(kind);
        if is("commit\"") {
            let revision = number(message, "revision").context("a commit has a revision")?;
            ensure!(revision == self.revision + 1, "commit {revision} behind {}", self.revision);
            self.revision = revision;
            self.commits += 1;
        } else if is("snapshot\"") {
            self.revision = number(message, "revision").context("a snapshot has a revision")?;
            self.snapshots += 1;
        } else if is("subscribed\"") {
            let epoch = word(message, "epoch").context("an epoch")?;
            ensure!(self.epoch.is_empty() || self.epoch == epoch, "the epoch changed");
            epoch.clone_into(&mut self.epoch);
            self.head = number(message, "revision").context("a revision")?;
        } else if is("problem\"") {
            bail!("{message}");
        }
        Ok(())
    }

    /// Whether it has all that was there when it subscribed.
    pub(super) fn is_current(&self) -> bool {
        self.head > 0 && self.revision >= self.head
    }
}

/// The first member of that name that is a number.
pub(super) fn number(message: &str, name: &str) -> Option<u64> {
    let at = message.find(&format!("\"{name}\":"))? + name.len() + 3;
    let digits = message[at..].split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// The first member of that name that is a text.
fn word<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    let at = message.find(&format!("\"{name}\":\""))? + name.len() + 4;
    message[at..].split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_found_once_they_are_whole() {
        assert_eq!(frame(&[0x81, 2, b'o']), None);
        assert_eq!(frame(&[0x81, 2, b'o', b'n', 0x81]), Some((1, 2, 4)));
        let mut long = vec![0x81, 126, 1, 0];
        assert_eq!(frame(&long), None);
        long.extend([0; 256]);
        assert_eq!(frame(&long), Some((1, 4, 260)));
    }

    #[test]
    fn a_hole_is_noticed() {
        let mut place = Place::default();
        let commit =
            |revision: u64| format!(r#"{{"type":"commit","epoch":"e","revision":{revision},"at":1}}"#);
        place.hear(r#"{"type":"subscribed","production":"p","epoch":"e","revision":7}"#).unwrap();
        assert!(!place.is_current());
        place
            .hear(r#"{"type":"snapshot","production":"p","epoch":"e","revision":7,"documents":{}}"#)
            .unwrap();
        assert!(place.is_current());
        place.hear(&commit(8)).unwrap();
        assert_eq!(place.subscribe("p", None), r#"{"type":"subscribe","production":"p","after":"e:8"}"#);
        assert_eq!(place.hear(&commit(10)).unwrap_err().to_string(), "commit 10 behind 8");
        assert!(place.hear(r#"{"type":"problem"}"#).is_err());
    }
}
