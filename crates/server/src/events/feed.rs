//! One event stream: what it has sent, and what comes next.

use std::{pin::Pin, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, header};
use onair_core::Production;
use onair_runtime::{
    Handle, Resume, Watching,
    archive::READ,
    hub::{Filter, Follower, Format, Subscription},
};
use onair_wire::{After, Code, Revision, Timestamp};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::{
    App,
    auth::Identity,
    clients::{Client, Joined, Look},
    extract::{On, Viewer},
    problem::Failure,
};

/// How often a stream gives a sign of life: proxies cut what is silent for a minute.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often it is asked whether its token still holds: whoever lost it is gone within 5 s.
const RECHECK: Duration = Duration::from_secs(2);
/// Streams of one production that one token may hold: a wall of monitors, and not what exhausts the server.
pub const STREAMS_PER_TOKEN_MAX: usize = 256;
/// Characters of what a client calls itself that are shown.
const NAME_CHARS: usize = 64;

/// A stream.
pub(super) struct Feed {
    app: App,
    caller: Identity,
    filter: Filter,
    handle: Handle,
    stage: Stage,
    heartbeat: Interval,
    recheck: Interval,
    closing: CancellationToken,
    /// Kept from one piece to the next, or every stream would enlist anew with each.
    closed: Pin<Box<WaitForCancellationFutureOwned>>,
    _watching: Watching,
    _joined: Joined,
}

/// What is sent next.
enum Stage {
    /// Everything.
    Snapshot(Subscription<Production>),
    /// The commits behind this, up to where the subscription begins.
    CatchUp(Subscription<Production>, Revision),
    /// What is new.
    Live(Follower),
}

impl Feed {
    /// A stream from `after` on.
    pub(super) async fn open(
        on: On<Viewer>,
        filter: Filter,
        after: Option<After>,
        headers: &HeaderMap,
    ) -> Result<Self, Failure> {
        let handle = on.open().await?;
        let On { app, caller, .. } = on;
        let client = client(&app, &caller, headers);
        let streams = app.clients.list(handle.id()).into_iter();
        let own = streams.filter(|other| other.kind == client.kind && other.actor == client.actor).count();
        if caller.token.is_some() && own >= STREAMS_PER_TOKEN_MAX {
            let detail = format!("this token has {own} event streams, the limit is {STREAMS_PER_TOKEN_MAX}");
            return Err(Failure::new(Code::TooManyRequests, detail));
        }
        let watching = handle.watch();
        let subscription = handle.subscribe(Format::EventStream, &filter)?;
        let stage = match handle.resume(after.as_ref(), &subscription.state) {
            Resume::Snapshot => Stage::Snapshot(subscription),
            Resume::After(revision) => Stage::CatchUp(subscription, revision),
        };
        Ok(Self {
            _joined: app.clients.join(handle.id(), std::sync::Arc::new(Listed(client))),
            _watching: watching,
            heartbeat: every(HEARTBEAT),
            recheck: every(RECHECK),
            closed: Box::pin(app.tasks.cancelled().cancelled_owned()),
            closing: app.tasks.cancelled(),
            app,
            caller,
            filter,
            handle,
            stage,
        })
    }

    /// The next piece; `None` when the stream is at its end.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.closing.is_cancelled() {
                return None;
            }
            match &mut self.stage {
                Stage::Snapshot(subscription) => {
                    let snapshot = self.handle.snapshot(subscription);
                    self.stage = follow(subscription);
                    return Some(snapshot);
                }
                Stage::CatchUp(subscription, after) => {
                    if !self.app.access.still_valid(&self.caller) {
                        return None;
                    }
                    match self.handle.catch_up(subscription, *after, READ).await {
                        Ok(Some((commits, last))) => {
                            *after = last;
                            return Some(commits);
                        }
                        Ok(None) => self.stage = follow(subscription),
                        // They were forgotten meanwhile, or cannot be read: the state can.
                        Err(_) => self.begin_again().await?,
                    }
                }
                Stage::Live(follower) => {
                    tokio::select! {
                        biased;
                        () = &mut self.closed => return None,
                        _ = self.recheck.tick() => {
                            if !self.app.access.still_valid(&self.caller) {
                                return None;
                            }
                        }
                        news = follower.next() => match news {
                            Ok(piece) => return Some(piece),
                            Err(_) => self.begin_again().await?,
                        },
                        _ = self.heartbeat.tick() => return Some(Bytes::from_static(b": heartbeat\n\n")),
                    }
                }
            }
        }
    }

    /// Goes on with a snapshot, of the production that stands under this name now; `None` when there is none.
    async fn begin_again(&mut self) -> Option<()> {
        self.handle.fell_back();
        if self.handle.has_ended() {
            self.handle = self.app.productions.open(self.handle.id()).await.ok()?;
            self._watching = self.handle.watch();
        }
        self.stage = Stage::Snapshot(self.handle.subscribe(Format::EventStream, &self.filter).ok()?);
        Some(())
    }
}

/// The state is let go of: only the lane is needed from here on.
fn follow(subscription: &Subscription<Production>) -> Stage {
    Stage::Live(subscription.lane.follow(subscription.cursor))
}

fn every(period: Duration) -> Interval {
    let mut ticks = interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// A stream in the list of clients.
struct Listed(Client);

impl Look for Listed {
    fn look(&self) -> Client {
        self.0.clone()
    }
}

fn client(app: &App, caller: &Identity, headers: &HeaderMap) -> Client {
    let agent = headers.get(header::USER_AGENT).map(|agent| String::from_utf8_lossy(agent.as_bytes()));
    let since: Timestamp = app.productions.clock().now();
    Client {
        id: format!("e-{:016x}", (app.random)()),
        kind: "stream",
        name: agent.map(|agent| agent.chars().filter(|c| !c.is_control()).take(NAME_CHARS).collect()),
        actor: caller.actor().to_string(),
        since,
        last_ping: None,
        lag: 0,
        quality: None,
        diverged: 0,
    }
}
