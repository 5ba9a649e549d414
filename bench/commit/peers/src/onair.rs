//! onair by its sync protocol: WebSocket frames by hand, one connection a client.
//!
//! Compare-and-set is a `put` of the production's one document with `ifRevision`; `flow` is plain `put`s, so many under way,
//! each with a mutation id, each client with a document of its own.

use std::collections::VecDeque;
use std::time::Instant;

use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{hist, payload, Head};

/// Makes production `p{p}`; the token of an admin is in the environment.
pub async fn create(addr: &str, p: u64) {
    let token = std::env::var("ONAIR_TOKEN").expect("ONAIR_TOKEN: the token in DIR/admin.token");
    let mut stream = TcpStream::connect(addr).await.expect("onair listens");
    let head = format!(
        "PUT /v1/productions/p{p} HTTP/1.1\r\nhost: {addr}\r\nauthorization: Bearer {token}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).await.unwrap();
    assert!(said.starts_with("HTTP/1.1 20"), "{said}");
}

pub struct Onair {
    stream: TcpStream,
    heard: Vec<u8>,
    /// Of this client, in ids.
    name: String,
    asked: u64,
}

impl Onair {
    pub async fn connect(addr: &str, name: String) -> Self {
        let stream = TcpStream::connect(addr).await.expect("onair listens");
        stream.set_nodelay(true).unwrap();
        let mut onair = Self { stream, heard: Vec::new(), name, asked: 0 };
        let upgrade = format!(
            "GET /v1/sync HTTP/1.1\r\nhost: {addr}\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        onair.stream.write_all(upgrade.as_bytes()).await.unwrap();
        while !onair.heard.ends_with(b"\r\n\r\n") {
            onair.hear().await;
        }
        onair.heard.clear();
        let mut hello = Vec::new();
        frame(&mut hello, r#"{"type":"hello"}"#);
        onair.stream.write_all(&hello).await.unwrap();
        let said = onair.message().await;
        assert!(said.contains("\"welcome\""), "{said}");
        onair
    }

    async fn hear(&mut self) {
        self.heard.reserve(16 * 1024);
        assert!(self.stream.read_buf(&mut self.heard).await.unwrap() > 0, "onair closed");
    }

    /// The next message that was read, if it is whole.
    fn next(&mut self) -> Option<String> {
        let b = &self.heard;
        let (length, at) = match *b.get(1)? {
            126 => (u16::from_be_bytes([*b.get(2)?, *b.get(3)?]) as usize, 4),
            127 => panic!("a message of more than 64 KiB"),
            short => (short as usize, 2),
        };
        let text = String::from_utf8_lossy(b.get(at..at + length)?).into_owned();
        self.heard.drain(..at + length);
        Some(text)
    }

    async fn message(&mut self) -> String {
        loop {
            if let Some(text) = self.next() {
                return text;
            }
            self.hear().await;
        }
    }

    fn mutate(&mut self, out: &mut Vec<u8>, p: u64, document: &str, body: &str, condition: &str) {
        self.asked += 1;
        let (name, asked) = (&self.name, self.asked);
        frame(
            out,
            &format!(
                r#"{{"type":"mutate","id":"{name}-{asked}","production":"p{p}","mutations":[{{"op":"put","collection":"bench","document":"{document}","value":{body}{condition}}}]}}"#
            ),
        );
    }

    async fn put(&mut self, p: u64, body: &str, condition: &str) -> Result<Head, Head> {
        let mut out = Vec::new();
        self.mutate(&mut out, p, "head", body, condition);
        self.stream.write_all(&out).await.unwrap();
        let said = self.message().await;
        if said.contains(r#""type":"result""#) {
            return Ok(Head { rev: number(&said, r#""revision":"#) });
        }
        assert!(said.contains("revision-mismatch"), "{said}");
        Err(Head { rev: number(&said, r#""current":{"revision":"#) })
    }

    /// Learns the head as a client does that does not mind: it writes.
    pub async fn head(&mut self, p: u64) -> Head {
        self.put(p, &payload(p, 0), "").await.expect("nothing was asked for that could be refused")
    }

    pub async fn commit(&mut self, p: u64, e: Head, body: &str) -> Result<Head, Head> {
        self.put(p, body, &format!(r#","ifRevision":{}"#, e.rev)).await
    }

    /// Keeps `depth` mutations under way until `end`, then waits for the rest: latencies, and how many were answered in time.
    pub async fn flow(&mut self, p: u64, depth: u64, end: Instant) -> (Histogram<u64>, u64) {
        let document = self.name.clone();
        let (mut h, mut sent, mut done, mut counted) = (hist(), 0, 0, 0);
        let mut begun = VecDeque::new();
        loop {
            let mut out = Vec::new();
            while sent < done + depth && Instant::now() < end {
                self.mutate(&mut out, p, &document, &payload(p, sent), "");
                begun.push_back(Instant::now());
                sent += 1;
            }
            if sent == done {
                return (h, counted);
            }
            self.stream.write_all(&out).await.unwrap();
            self.hear().await;
            while let Some(said) = self.next() {
                assert!(said.contains(r#""type":"result""#), "{said}");
                let begun: Instant = begun.pop_front().unwrap();
                done += 1;
                if Instant::now() < end {
                    counted += 1;
                    h.record(begun.elapsed().as_micros() as u64).unwrap();
                }
            }
        }
    }
}

fn number(text: &str, behind: &str) -> u64 {
    let at = text.find(behind).unwrap_or_else(|| panic!("no {behind} in {text}")) + behind.len();
    text[at..].chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
}

/// A masked text frame whose mask is zero.
fn frame(out: &mut Vec<u8>, text: &str) {
    out.push(0x81);
    if text.len() < 126 {
        out.push(0x80 | text.len() as u8);
    } else {
        out.push(0x80 | 126);
        out.extend_from_slice(&u16::try_from(text.len()).unwrap().to_be_bytes());
    }
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(text.as_bytes());
}
