//! Somebody who is told: over a socket or an event stream, and what came of it.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use anyhow::{Context as _, ensure};
use clap::ValueEnum;
use onair_wire::ProductionId;
use serde_json::json;
use tokio::{sync::Notify, time::timeout};

use super::{
    COLLECTION, PATIENCE,
    figures::Latencies,
    socket::{Socket, Wire},
    stamp::Stamp,
    target::Target,
};

/// How a subscriber is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Transport {
    /// The sync protocol
    Socket,
    /// Server-sent events
    Events,
}

impl Transport {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Socket => "socket",
            Self::Events => "events",
        }
    }
}

/// What publisher and subscribers share.
#[derive(Debug)]
pub(super) struct Room {
    /// Stamps count from here.
    pub(super) begun: Instant,
    /// Updates from this number on are measured.
    pub(super) measured_from: AtomicU64,
    /// How many deliveries there were, to all together.
    pub(super) delivered: AtomicU64,
    /// Who waits for so many is told.
    pub(super) awaited: AtomicU64,
    pub(super) reached: Notify,
}

impl Room {
    pub(super) fn new() -> Self {
        Self {
            begun: Instant::now(),
            measured_from: AtomicU64::new(u64::MAX),
            delivered: AtomicU64::new(0),
            awaited: AtomicU64::new(u64::MAX),
            reached: Notify::new(),
        }
    }

    pub(super) fn now_us(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// What a subscriber was told. Numbers begin with 1.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// The newest update.
    pub(super) last: u64,
    /// What was passed over, less what came late.
    pub(super) missing: u64,
    pub(super) doubled: u64,
    pub(super) reordered: u64,
    pub(super) latencies: Latencies,
}

impl Told {
    /// Notes an update; whether it was a delivery, and not the same again.
    fn note(&mut self, stamp: Stamp, now_us: u64, measured_from: u64) -> bool {
        let Stamp { number, at_us } = stamp;
        if number == self.last {
            self.doubled += 1;
            return false;
        }
        if number < self.last {
            // Nobody keeps which of them were passed over: an old one is late, or here again. Both are wrong.
            self.reordered += 1;
            self.missing = self.missing.saturating_sub(1);
            return true;
        }
        self.missing += number - self.last - 1;
        self.last = number;
        if number >= measured_from {
            self.latencies.note(now_us.saturating_sub(at_us));
        }
        true
    }
}

enum Link {
    Socket(Socket),
    /// What is around a stamp, lengths of pieces included, is passed over: an event is one piece.
    Events(Wire),
}

/// Somebody who is told.
pub(super) struct Subscriber {
    link: Link,
    pub(super) told: Arc<Mutex<Told>>,
}

impl Subscriber {
    /// Subscribes to the collection, and is in step.
    pub(super) async fn connect(
        target: &Target,
        production: &ProductionId,
        transport: Transport,
    ) -> anyhow::Result<Self> {
        let link = match transport {
            Transport::Socket => {
                let mut socket = Socket::open(target).await?;
                let subscribe =
                    json!({ "type": "subscribe", "production": production, "collections": [COLLECTION] });
                socket.queue(&subscribe.to_string());
                socket.until("snapshot").await?;
                Link::Socket(socket)
            }
            Transport::Events => Link::Events(events(target, production).await?),
        };
        Ok(Self { link, told: Arc::default() })
    }

    /// Notes what comes, for as long as it is let.
    pub(super) async fn listen(mut self, room: Arc<Room>) -> anyhow::Result<()> {
        loop {
            match &mut self.link {
                Link::Socket(socket) => socket.hear().await?,
                Link::Events(wire) => wire.hear().await?,
            }
            let (now_us, measured_from) = (room.now_us(), room.measured_from.load(Relaxed));
            let mut came = 0;
            {
                let mut told = self.told.lock().expect("nobody panics with it");
                let mut note = |stamp| came += u64::from(told.note(stamp, now_us, measured_from));
                match &mut self.link {
                    Link::Socket(socket) => {
                        while let Some(text) = socket.next()? {
                            Stamp::find(text, 0).into_iter().for_each(|(stamp, _)| note(stamp));
                        }
                    }
                    Link::Events(wire) => {
                        let mut from = 0;
                        while let Some((stamp, end)) = Stamp::find(wire.unread(), from) {
                            note(stamp);
                            from = end;
                        }
                        wire.take(from);
                        wire.take(Stamp::may_begin(wire.unread()));
                    }
                }
            }
            let delivered = room.delivered.fetch_add(came, Relaxed) + came;
            if delivered >= room.awaited.load(Relaxed) {
                room.reached.notify_one();
            }
        }
    }
}

/// An event stream behind its snapshot.
///
/// A token is brought only where it is asked for: a server bounds the streams of one token, as no audience has one.
async fn events(target: &Target, production: &ProductionId) -> anyhow::Result<Wire> {
    let path = format!("/v1/productions/{production}/events?collections={COLLECTION}");
    let accept = "accept: text/event-stream\r\n";
    let (mut wire, mut status) = Wire::ask(target, &target.get(&path, accept)).await?;
    if let (401, Some(token)) = (status, &target.token) {
        let headers = format!("{accept}authorization: Bearer {token}\r\n");
        (wire, status) = Wire::ask(target, &target.get(&path, &headers)).await?;
    }
    let begins = async {
        while !wire.unread().windows(8).any(|window| window == b"snapshot") {
            // The body of a refusal says why; it is there by then.
            ensure!(status == 200, "{status}: {}", String::from_utf8_lossy(wire.unread()));
            wire.hear().await?;
        }
        Ok(())
    };
    timeout(PATIENCE, begins).await.context("no snapshot came")??;
    wire.take(wire.unread().len());
    Ok(wire)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d4_what_is_missing_twice_or_late_is_noted() {
        // The numbers as they come; missing, doubled, reordered, latencies noted.
        let table: [(&[u64], [u64; 3]); 5] = [
            (&[1, 2, 3], [0, 0, 0]),
            (&[1, 3], [1, 0, 0]),
            (&[1, 2, 2, 3], [0, 1, 0]),
            (&[1, 3, 2], [0, 0, 1]),
            (&[2, 3], [1, 0, 0]),
        ];
        for (numbers, expected) in table {
            let mut told = Told::default();
            for number in numbers {
                told.note(Stamp { number: *number, at_us: 5 }, 7, 1);
            }
            assert_eq!([told.missing, told.doubled, told.reordered], expected, "{numbers:?}");
        }
    }
}
