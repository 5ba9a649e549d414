//! Sockets from outside: a real listener on port 0, a client that is only bytes, and the connection in our hand.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod fanout;
mod handshake;
mod reading;

use std::{net::SocketAddr, sync::Arc};

use axum::{Router, extract::State, routing::get};
use bytes::Bytes;
use onair_runtime::hub::{Format, Hub, Pass, Published, Subscription};
use onair_server::{
    net::{Door, Listener, Options},
    socket::{Connection, Incoming, Upgrade},
};
use onair_wire::{Actor, CauseKind, Commit, Epoch, ProductionId, Revision, Timestamp};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A server whose only route gives the connection to the test.
struct Stage {
    address: SocketAddr,
    door: Arc<Door>,
    connections: mpsc::UnboundedReceiver<Connection>,
    hub: Hub<Revision>,
    tasks: TaskTracker,
    cancel: CancellationToken,
}

#[derive(Clone)]
struct Hand(TaskTracker, mpsc::UnboundedSender<Connection>);

impl Stage {
    fn new() -> Self {
        Self::with(Options::default())
    }

    fn with(options: Options) -> Self {
        let (tasks, cancel) = (TaskTracker::new(), CancellationToken::new());
        let (sender, connections) = mpsc::unbounded_channel();
        let listener = Listener::bind(([127, 0, 0, 1], 0).into(), options).unwrap();
        let (address, door) = (listener.address().unwrap(), listener.door());
        let take = async |State(Hand(tasks, sender)): State<Hand>, upgrade: Upgrade| {
            upgrade.accept(&tasks, async move |connection| drop(sender.send(connection)))
        };
        let router = Router::new().route("/", get(take)).with_state(Hand(tasks.clone(), sender));
        tasks.spawn(listener.serve(router, tasks.clone(), cancel.clone()));
        let (of_hub, stop) = (tasks.clone(), cancel.clone());
        let start = move |pass: Pass| drop(of_hub.spawn(pass.run(stop.clone())));
        let (production, epoch) = (ProductionId::new("main").unwrap(), Epoch::new("k3f9").unwrap());
        let hub = Hub::new(production, epoch, Arc::new(Revision::ZERO), start);
        Self { address, door, connections, hub, tasks, cancel }
    }

    async fn connect(&mut self) -> (Client, Connection) {
        let mut client = Client::new(self.address).await;
        client.say(upgrade("").as_bytes()).await;
        let head = client.head().await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        (client, self.connections.recv().await.unwrap())
    }

    fn subscribe(&self) -> Subscription<Revision> {
        self.hub.subscribe(Format::Socket, &None).unwrap()
    }

    /// The next commit, with so many bytes of filling.
    fn publish(&self, filling: usize) -> Revision {
        let revision = self.hub.state().next();
        let commit = Commit {
            revision,
            at: Timestamp::EPOCH,
            actor: Actor::new("test").unwrap(),
            mutation: None,
            fingerprint: None,
            cause: onair_wire::Cause::from(CauseKind::DocumentPut).with("filling", "x".repeat(filling)),
            changes: Vec::new(),
        };
        let body = commit.encode().into();
        self.hub.publish(Arc::new(revision), &[Published { commit: Arc::new(commit), body }]);
        revision
    }

    async fn stop(self) {
        self.cancel.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

fn upgrade(more: &str) -> String {
    format!(
        "GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
    )
}

/// A frame as a client sends it: masked.
fn masked(head: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [1, 2, 3, 4];
    let mut frame = vec![head];
    match payload.len() {
        short @ 0..126 => frame.push(0x80 | u8::try_from(short).unwrap()),
        middle => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(middle as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    async fn new(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), buffer: Vec::new() }
    }

    async fn say(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    async fn head(&mut self) -> String {
        loop {
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                return String::from_utf8(self.buffer.drain(..end + 4).collect()).unwrap();
            }
            assert!(self.more().await, "closed within the head");
        }
    }

    async fn more(&mut self) -> bool {
        self.stream.read_buf(&mut self.buffer).await.unwrap_or(0) > 0
    }

    /// The next frame: its first byte and payload; nothing at the end of the stream.
    async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some((head, length)) = whole(&self.buffer) {
                let first = self.buffer[0];
                let frame: Vec<u8> = self.buffer.drain(..head + length).collect();
                return Some((first, frame[head..].to_vec()));
            }
            if !self.more().await {
                return None;
            }
        }
    }

    async fn text(&mut self) -> String {
        let (head, payload) = self.frame().await.expect("a text, not the end");
        assert_eq!(head, 0x81, "{payload:?}");
        String::from_utf8(payload).unwrap()
    }

    /// The revision of the next message, which is a commit.
    async fn revision(&mut self) -> u64 {
        revision(&self.text().await).expect("a commit")
    }

    /// The code of the close frame, which comes next.
    async fn close_code(&mut self) -> u16 {
        let (head, payload) = self.frame().await.expect("a close frame, not the end");
        assert_eq!(head, 0x88, "{payload:?}");
        u16::from_be_bytes([payload[0], payload[1]])
    }
}

/// How long head and payload of the first frame are, if it is all there.
fn whole(buffer: &[u8]) -> Option<(usize, usize)> {
    let (head, length) = match *buffer.get(1)? {
        126 => (4, u64::from(u16::from_be_bytes(buffer.get(2..4)?.try_into().unwrap()))),
        127 => (10, u64::from_be_bytes(buffer.get(2..10)?.try_into().unwrap())),
        short => (2, u64::from(short)),
    };
    let length = usize::try_from(length).unwrap();
    (buffer.len() >= head + length).then_some((head, length))
}

fn revision(text: &str) -> Option<u64> {
    let (_, rest) =
        text.strip_prefix(r#"{"type":"commit","production":"main","epoch":"k3f9","#)?.split_at(11);
    rest.split(',').next()?.parse().ok()
}

fn text(message: &str) -> Bytes {
    Format::Socket.message("", message.as_bytes())
}

async fn heard(connection: &mut Connection) -> String {
    match connection.next().await {
        Incoming::Text(text) => text.to_string(),
        other => panic!("{other:?}"),
    }
}
