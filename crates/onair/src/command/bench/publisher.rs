//! The one who writes: as many updates a second as were asked for, or as many as the slowest subscriber lets it.

use std::{
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use onair_wire::ProductionId;
use tokio::time::{sleep, timeout};

use super::{
    COLLECTION, PATIENCE, WARM_UP, figures::whole, socket::Socket, stamp::Stamp, subscriber::Room,
    target::Target,
};

/// When the next update goes out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Pace {
    /// So many a second, whatever becomes of them: stamps carry the time that was due, so that who is late is late.
    Rate(f64),
    /// As long as no more than so many have not reached everybody.
    Window(u64),
}

/// What was published.
#[derive(Clone, Copy, Debug)]
pub(super) struct Published {
    /// All of it, that of the warm-up included.
    pub(super) all: u64,
    /// What was measured.
    pub(super) measured: u64,
    /// From the first measured update to the last delivery.
    pub(super) took: Duration,
}

/// Somebody who writes one document over and over.
pub(super) struct Publisher<'a> {
    socket: Socket,
    room: &'a Room,
    production: &'a ProductionId,
    subscribers: u64,
    bytes: usize,
    sent: u64,
}

impl<'a> Publisher<'a> {
    pub(super) async fn connect(
        target: &Target,
        room: &'a Room,
        production: &'a ProductionId,
        subscribers: u64,
        bytes: usize,
    ) -> anyhow::Result<Self> {
        let socket = Socket::open(target).await?;
        Ok(Self { socket, room, production, subscribers, bytes, sent: 0 })
    }

    /// Publishes at this pace, first to warm up, then for as long, and waits until everything has arrived.
    pub(super) async fn publish(mut self, pace: Pace, length: Duration) -> anyhow::Result<Published> {
        self.keep(pace, WARM_UP).await?;
        self.arrive().await?;
        let before = self.sent;
        self.room.measured_from.store(before + 1, Relaxed);
        let begun = Instant::now();
        self.keep(pace, length).await?;
        self.arrive().await?;
        // At a rate, the last update has the time up to the one that would be next.
        let took = match pace {
            Pace::Rate(_) => begun.elapsed().max(length),
            Pace::Window(_) => begun.elapsed(),
        };
        Ok(Published { all: self.sent, measured: self.sent - before, took })
    }

    async fn keep(&mut self, pace: Pace, length: Duration) -> anyhow::Result<()> {
        let (begun_us, end) = (self.room.now_us(), Instant::now() + length);
        let mut sent = 0_u64;
        while Instant::now() < end {
            let wait = match pace {
                Pace::Rate(rate) => {
                    let due = |number: u64| begun_us + whole(number as f64 / rate * 1e6);
                    let now_us = self.room.now_us();
                    while due(sent) <= now_us {
                        self.queue(due(sent));
                        sent += 1;
                    }
                    Duration::from_micros(due(sent).saturating_sub(self.room.now_us()))
                }
                Pace::Window(window) => {
                    let arrived = self.room.delivered.load(Relaxed) / self.subscribers;
                    while self.sent < arrived + window {
                        self.queue(self.room.now_us());
                    }
                    self.room.awaited.store((arrived + 1) * self.subscribers, Relaxed);
                    // What arrived before it was awaited tells nobody.
                    if self.room.delivered.load(Relaxed) >= (arrived + 1) * self.subscribers {
                        continue;
                    }
                    PATIENCE
                }
            };
            self.socket.flush().await?;
            let wait = wait.min(end.saturating_duration_since(Instant::now()));
            tokio::select! {
                () = sleep(wait) => {}
                () = self.room.reached.notified() => {}
                heard = self.socket.hear() => { heard?; self.answers()?; }
            }
        }
        Ok(())
    }

    fn queue(&mut self, at_us: u64) {
        self.sent += 1;
        let number = self.sent;
        let document = Stamp { number, at_us }.document(self.bytes);
        self.socket.queue(&format!(
            r#"{{"type":"mutate","id":"p-{number}","production":"{}","mutations":[{{"op":"put","collection":"{COLLECTION}","document":"cue","value":{document}}}]}}"#,
            self.production
        ));
    }

    /// Looks through the answers: a refusal ends the run.
    fn answers(&mut self) -> anyhow::Result<()> {
        const PROBLEM: &[u8] = br#""type":"problem""#;
        while let Some(text) = self.socket.next()? {
            if text.windows(PROBLEM.len()).any(|window| window == PROBLEM) {
                bail!("an update was refused: {}", String::from_utf8_lossy(text));
            }
        }
        Ok(())
    }

    /// Waits until everybody has everything. Who is told nothing for too long is not waited for: that is counted as lost.
    async fn arrive(&mut self) -> anyhow::Result<()> {
        let all = self.sent * self.subscribers;
        self.room.awaited.store(all, Relaxed);
        self.socket.flush().await.context("the last update was not written")?;
        let mut before = 0;
        loop {
            let delivered = self.room.delivered.load(Relaxed);
            if delivered >= all {
                return Ok(());
            }
            let waited = timeout(PATIENCE, async {
                tokio::select! {
                    () = self.room.reached.notified() => Ok(()),
                    heard = self.socket.hear() => heard,
                }
            });
            match waited.await {
                Ok(heard) => heard?,
                Err(_) if delivered == before => return Ok(()),
                Err(_) => before = delivered,
            }
            self.answers()?;
        }
    }
}
