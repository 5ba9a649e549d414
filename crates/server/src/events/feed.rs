//! One event stream: what it has sent, and what comes next.

use std::{future::poll_fn, sync::Arc, task::Poll, time::Duration};

use http::{HeaderMap, Version, header};
use onair_core::Production;
use onair_runtime::{
    Handle, Resume,
    archive::READ,
    hub::{Attached, Filter, Format, Subscription},
};
use onair_wire::{After, Code, ProductionId, Revision, Timestamp};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use crate::{
    App,
    auth::Identity,
    clients::{Client, Joined, Look},
    extract::{On, Viewer},
    net::Line,
    outlet::{Outlet, SubscriptionId, Work},
    problem::Failure,
    socket::CLOSE_WAIT,
};

/// How often a stream gives a sign of life: proxies cut what is silent for a minute.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often it is asked whether its token still holds: whoever lost it is gone within 5 s.
const RECHECK: Duration = Duration::from_secs(2);
/// Streams of one production that one token may hold: a wall of monitors, and not what exhausts the server.
pub const STREAMS_PER_TOKEN_MAX: usize = 256;
/// Characters of what a client calls itself that are shown.
const NAME_CHARS: usize = 64;
/// A stream has one subscription.
const STREAM: SubscriptionId = SubscriptionId(0);

/// A stream. Its lane writes to it; what is here says where it begins, and when it ends.
pub(super) struct Feed {
    app: App,
    caller: Identity,
    filter: Filter,
    format: Format,
    handle: Handle,
    begin: Option<Begin>,
    outlet: Arc<Outlet>,
    line: Arc<Line>,
    attached: Option<Attached>,
    _joined: Joined,
}

/// Where a stream begins: all of the state, or the commits behind a revision.
type Begin = (Subscription<Production>, Resume);

/// The stream cannot be ended as a stream is: its client is gone, or does not read.
#[derive(Debug, thiserror::Error)]
#[error("the client is gone")]
pub(super) struct Gone;

impl Feed {
    /// A stream from `after` on, over a connection that is used for nothing else until it ends.
    pub(super) async fn open(
        on: On<Viewer>,
        filter: Filter,
        after: Option<After>,
        line: Arc<Line>,
        head: &Head,
    ) -> Result<Self, Failure> {
        let handle = on.open().await?;
        let On { app, caller, .. } = on;
        let outlet = Outlet::new(Box::new(Arc::clone(&line)));
        let client = client(&app, &caller, &head.headers);
        if caller.token.is_some() {
            within_limit(&app, handle.id(), &client)?;
        }
        // What speaks HTTP/1.0 knows no chunks.
        let format = if head.version < Version::HTTP_11 { Format::EventStream } else { Format::EventChunks };
        let subscription = handle.subscribe(format, &filter)?;
        let resume = handle.resume(after.as_ref(), &subscription.state);
        Ok(Self {
            _joined: app.clients.join(handle.id(), Arc::new(Listed(client))),
            app,
            caller,
            filter,
            format,
            handle,
            begin: Some((subscription, resume)),
            outlet,
            line,
            attached: None,
        })
    }

    /// Carries the stream to its end.
    ///
    /// # Errors
    /// [`Gone`] when the connection must end with it.
    pub(super) async fn run(mut self) -> Result<(), Gone> {
        self.line.head_left().await;
        let (app, caller) = (self.app.clone(), self.caller.clone());
        let closing = app.tasks.cancelled();
        tokio::select! {
            biased;
            () = closing.cancelled() => {}
            () = revoked(&app, &caller) => {}
            carried = self.carry() => carried?,
        }
        self.attached = None;
        self.outlet.close(None);
        // What follows is the last chunk, so what was begun must be at its end.
        tokio::time::timeout(CLOSE_WAIT, self.outlet.written()).await.map_err(|_| Gone)
    }

    async fn carry(&mut self) -> Result<(), Gone> {
        let mut heartbeat = every(HEARTBEAT);
        loop {
            if let Some((subscription, resume)) = self.begin.take() {
                self.start(&subscription, resume).await;
            }
            tokio::select! {
                biased;
                work = self.work() => match work {
                    Work::Lagged(_) => {
                        let Some(again) = self.again().await else { return Ok(()) };
                        self.begin = Some((again, Resume::Snapshot));
                    }
                    Work::Broken | Work::Overrun => return Err(Gone),
                    Work::Drained | Work::Wait { .. } => {}
                },
                _ = heartbeat.tick() => self.outlet.send(self.format.heartbeat(), None),
            }
        }
    }

    /// Sends where the client begins, and keeps it in step from there.
    async fn start(&mut self, subscription: &Subscription<Production>, resume: Resume) {
        let caught_up = match resume {
            Resume::Snapshot => false,
            Resume::After(revision) => self.catch_up(subscription, revision).await,
        };
        let opening = if caught_up { None } else { Some(self.handle.snapshot(subscription)) };
        // First attached, then read on from the cursor: what is published in between is offered, read, or both.
        self.attached = Some(subscription.lane.attach(Arc::clone(&self.outlet) as _));
        let (lane, cursor) = (Arc::clone(&subscription.lane), subscription.cursor);
        self.outlet.subscribe(STREAM, opening.as_slice(), lane, cursor);
    }

    /// Sends the commits behind `after`, each piece when the one before has left; whether all of them could be read.
    async fn catch_up(&self, subscription: &Subscription<Production>, mut after: Revision) -> bool {
        loop {
            match self.handle.catch_up(subscription, after, READ).await {
                Ok(Some((commits, last))) => {
                    self.outlet.deliver(commits);
                    self.outlet.written().await;
                    after = last;
                }
                Ok(None) => return true,
                // They were forgotten meanwhile, or cannot be read: the state can.
                Err(_) => {
                    self.handle.fell_back();
                    return false;
                }
            }
        }
    }

    /// What there is to know of the write side, which is driven meanwhile.
    async fn work(&self) -> Work {
        poll_fn(|context| {
            loop {
                match self.outlet.work(context) {
                    Work::Wait { blocked: true, .. } if self.outlet.poll_writable(context).is_ready() => {}
                    Work::Wait { .. } => return Poll::Pending,
                    work => return Poll::Ready(work),
                }
            }
        })
        .await
    }

    /// A place in the production that stands under this name now; `None` when there is none.
    async fn again(&mut self) -> Option<Subscription<Production>> {
        self.handle.fell_back();
        if self.handle.has_ended() {
            self.handle = self.app.productions.open(self.handle.id()).await.ok()?;
        }
        self.handle.subscribe(self.format, &self.filter).ok()
    }
}

/// That the token of `client` may have one more stream.
fn within_limit(app: &App, production: &ProductionId, client: &Client) -> Result<(), Failure> {
    let streams = app.clients.list(production).into_iter();
    let own = streams.filter(|other| other.kind == client.kind && other.actor == client.actor).count();
    if own < STREAMS_PER_TOKEN_MAX {
        return Ok(());
    }
    let detail = format!("this token has {own} event streams, the limit is {STREAMS_PER_TOKEN_MAX}");
    Err(Failure::new(Code::TooManyRequests, detail))
}

/// What a stream needs to know of its request.
pub(super) struct Head {
    pub(super) version: Version,
    pub(super) headers: HeaderMap,
}

/// Until the token that a stream was opened with holds no more.
async fn revoked(app: &App, caller: &Identity) {
    let mut recheck = every(RECHECK);
    while app.access.still_valid(caller) {
        recheck.tick().await;
    }
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
