//! A session: one client on `GET /v1/sync`, from `hello` to the close. Contract, section 4.
//!
//! The session hears and decides; it does not carry commits. Those go from the hub to the socket without it.

mod action;
mod answer;
mod chatter;
mod entry;
pub(crate) mod hello;
mod subscribe;
pub mod sweeper;

use std::sync::{Arc, atomic::Ordering};

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use onair_runtime::{Handle, hub::Format};
use onair_wire::{
    Code, Problem, ProductionId,
    planted::{Bug, planted},
    sync::{ClientMessage, Misunderstood, Mutate, ServerMessage, Signal, Unsubscribe},
};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App, Failure,
    auth::{Identity, Role},
    openapi,
    socket::{Connection, Incoming, SubscriptionId, Upgrade},
};

pub use chatter::CHATTER_MAX;
pub(crate) use chatter::{Chatter, Verdict};
pub(crate) use entry::Listed;
pub use entry::{Entry, Sessions};
use subscribe::Subscribed;

/// Productions one connection may be subscribed to.
pub const SUBSCRIPTIONS_MAX: usize = 128;
/// Mutations and actions of one connection that may be under way.
pub const PENDING_MAX: usize = 1_024;

/// How a connection is ended (contract, section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close {
    /// The code.
    pub code: u16,
    /// Why, at most 123 bytes.
    pub reason: &'static str,
}

impl Close {
    /// The server is going away.
    pub const AWAY: Self = Self { code: 1001, reason: "the server is stopping, come back soon" };
    /// Binary where text belongs.
    pub const BINARY: Self = Self { code: 1003, reason: "messages are text" };
    /// No sign of life.
    pub const SILENT: Self = Self { code: 1008, reason: "no sign of life" };
    /// More waits than may.
    pub const OVERRUN: Self = Self { code: 1008, reason: "too slow for what it asks" };
    /// Something else before `hello`.
    pub const ORDER: Self = Self { code: 1008, reason: "hello comes first" };
    /// Too many messages.
    pub const CHATTER: Self = Self { code: 1008, reason: "too many messages" };
    /// The token is not known, or no longer.
    pub const UNAUTHENTICATED: Self = Self { code: 4401, reason: "unauthenticated" };
    /// The token does not reach this; do not come back with it.
    pub const FORBIDDEN: Self = Self { code: 4403, reason: "forbidden" };
    /// No `hello` in time.
    pub const NO_HELLO: Self = Self { code: 4408, reason: "no hello in time" };
    /// Too many; come back later.
    pub const TOO_MANY: Self = Self { code: 4429, reason: "too many, come back later" };
}

/// The one route of sessions.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(sync))
}

/// The sync protocol, over a WebSocket.
///
/// JSON text messages, one connection for any number of productions; the first message is `hello`, which may carry the
/// token that a browser cannot send as a header.
#[utoipa::path(
    get,
    path = "/v1/sync",
    tag = "synchronization",
    operation_id = "sync",
    params(("ticket" = Option<String>, Query, description = "A ticket, in place of a token in `hello`")),
    responses(
        (status = 101, description = "The protocol is spoken from here on"),
        openapi::Upgraded,
    ),
)]
async fn sync(State(app): State<App>, caller: hello::Caller, upgrade: Upgrade) -> Response {
    if app.tasks.cancelled().is_cancelled() {
        return Failure::new(Code::Closing, "the server is stopping, come back soon").into_response();
    }
    let tracker = app.tasks.tracker().clone();
    upgrade.accept(&tracker, move |connection| run(app, connection, caller))
}

pub(crate) async fn run(app: App, mut connection: Connection, caller: hello::Caller) {
    let close = match hello::hear(&app, &mut connection, caller).await {
        Ok((identity, name)) => {
            let mut session = Session::begin(app, connection, identity, name).await;
            let close = session.run().await;
            connection = session.connection;
            close
        }
        Err(close) => close,
    };
    if let Some(Close { code, reason }) = close {
        connection.close(code, reason).await;
    }
}

/// What one session has.
struct Session {
    app: App,
    connection: Connection,
    entry: Arc<Entry>,
    subscribed: Vec<Subscribed>,
    /// The production last written to, so that a stream of mutations does not look it up each time.
    last: Option<Handle>,
    next_subscription: u32,
    chatter: Chatter,
    /// Ends what waits for an answer to this session when it does.
    gone: CancellationToken,
    _gone: DropGuard,
    /// Takes the session off the sweeper's list.
    _listed: Listed,
}

impl Session {
    async fn begin(app: App, connection: Connection, identity: Identity, name: Option<String>) -> Self {
        let entry = Entry::new(&app, "socket", identity, name, connection.outlet());
        let listed = app.sessions.list(Arc::clone(&entry));
        hello::welcome(&app, &entry, &connection).await;
        if app.tasks.cancelled().is_cancelled() {
            entry.close(Close::AWAY);
        }
        let chatter = Chatter::new(Instant::now());
        let (subscribed, last, gone) = (Vec::new(), None, CancellationToken::new());
        let _gone = gone.clone().drop_guard();
        Self {
            app,
            connection,
            entry,
            subscribed,
            last,
            next_subscription: 0,
            chatter,
            gone,
            _gone,
            _listed: listed,
        }
    }

    /// Until somebody ends it; `None` when the client did.
    async fn run(&mut self) -> Option<Close> {
        loop {
            let incoming = tokio::select! {
                biased;
                close = self.entry.told_to_close() => return Some(close),
                incoming = self.connection.next() => incoming,
            };
            match incoming {
                Incoming::Text(text) => {
                    if let Err(close) = self.hear(text.as_bytes()).await {
                        return Some(close);
                    }
                }
                Incoming::Lagged(id) => self.begin_again(id).await,
                Incoming::Binary => return Some(Close::BINARY),
                Incoming::Fault(fault) => {
                    return Some(Close { code: fault.close_code(), reason: "protocol error" });
                }
                Incoming::Overrun => return Some(Close::OVERRUN),
                Incoming::Drained => {}
                Incoming::Closed(_) => return None,
            }
        }
    }

    async fn hear(&mut self, text: &[u8]) -> Result<(), Close> {
        let message = match ClientMessage::parse(text) {
            Ok(message) => message,
            Err(Misunderstood { id, problem }) => {
                self.chatter()?;
                self.refuse(id.as_deref(), &problem);
                return Ok(());
            }
        };
        match message {
            ClientMessage::Mutate(mutate) => self.mutate(mutate).await,
            ClientMessage::Signal(signal) => self.signal(&signal).await,
            other => {
                self.chatter()?;
                match other {
                    ClientMessage::Subscribe(subscribe) => self.subscribe(subscribe).await,
                    ClientMessage::Unsubscribe(unsubscribe) => self.unsubscribe(&unsubscribe),
                    ClientMessage::Action(action) => self.action(action).await,
                    ClientMessage::Ping => self.say(&ServerMessage::Pong),
                    ClientMessage::Hello(_) => {
                        self.refuse(
                            None,
                            &Problem::new(Code::Invalid, "hello was said already").at("/type", "hello"),
                        );
                    }
                    ClientMessage::Mutate(_) | ClientMessage::Signal(_) => unreachable!("handled above"),
                }
            }
        }
        Ok(())
    }

    /// A client that talks without end is told once per message, and then not at all.
    fn chatter(&mut self) -> Result<(), Close> {
        match self.chatter.heard(Instant::now()) {
            Verdict::Listen => {}
            Verdict::Warn => {
                let detail = format!(
                    "more than {CHATTER_MAX} messages in a second; the connection is closed at twice that"
                );
                self.refuse(None, &Problem::new(Code::TooManyRequests, detail).with("retryAfter", 1));
            }
            Verdict::Close => return Err(Close::CHATTER),
        }
        Ok(())
    }

    async fn mutate(&mut self, mutate: Mutate) {
        let Mutate { id, production, mutations } = mutate;
        let handle = match self.writable(&production, Role::Operator).await {
            Ok(handle) => handle,
            Err(problem) => return self.refuse(Some(id.as_str()), &problem),
        };
        if let Err(problem) = self.admit() {
            return self.refuse(Some(id.as_str()), &problem);
        }
        let after = self.behind(&production);
        let (outlet, entry, name) = (self.connection.outlet(), Arc::clone(&self.entry), id.clone());
        let submitted =
            handle.submit(self.entry.actor.clone(), Some(id), onair_core::Intent::Mutate(mutations), {
                let name = name.clone();
                move |result| {
                    entry.pending.fetch_sub(1, Ordering::Relaxed);
                    // Whoever is gone hears nothing; the mutation is done all the same.
                    let outlet = outlet.upgrade()?;
                    outlet.post(answer::result(&name, result), after);
                    Some(outlet)
                }
            });
        if let Err(error) = submitted {
            self.entry.pending.fetch_sub(1, Ordering::Relaxed);
            self.refuse(Some(name.as_str()), &error.problem());
        }
    }

    /// Counts what is under way; whoever is answered is counted off.
    fn admit(&self) -> Result<(), Problem> {
        if self.entry.pending.fetch_add(1, Ordering::Relaxed) < PENDING_MAX {
            return Ok(());
        }
        self.entry.pending.fetch_sub(1, Ordering::Relaxed);
        let detail = format!("{PENDING_MAX} mutations and actions are under way, wait for their results");
        Err(Problem::new(Code::TooManyRequests, detail).with("retryAfter", 1))
    }

    /// The subscription behind whose commits an answer about `production` comes.
    fn behind(&self, production: &ProductionId) -> Option<SubscriptionId> {
        self.subscribed.iter().find(|s| s.production() == production).map(Subscribed::id)
    }

    async fn signal(&mut self, signal: &Signal) {
        let handle = match self.writable(&signal.production, Role::Agent).await {
            Ok(handle) => handle,
            Err(problem) => return self.refuse(None, &problem),
        };
        if let Some(name) = signal.stream.negative() {
            let problem = Problem::new(Code::Invalid, format!("{name} is below zero"));
            return self.refuse(None, &problem.at(format!("/stream/{name}"), "below zero"));
        }
        handle.signal(&signal.stream);
    }

    fn unsubscribe(&mut self, unsubscribe: &Unsubscribe) {
        if let Some(index) = self.subscribed.iter().position(|s| *s.production() == unsubscribe.production) {
            let subscribed = self.subscribed.swap_remove(index);
            self.connection.unsubscribe(subscribed.id());
        }
    }

    /// A production that the client may do something in.
    async fn writable(&mut self, production: &ProductionId, role: Role) -> Result<Handle, Problem> {
        if !planted(Bug::RoleOnConnectOnly) {
            self.entry.identity.may(role, Some(production))?;
        }
        if let Some(handle) =
            self.last.as_ref().filter(|handle| handle.id() == production && !handle.has_ended())
        {
            return Ok(handle.clone());
        }
        let handle = self.app.productions.open(production).await.map_err(|error| error.problem())?;
        self.last = Some(handle.clone());
        Ok(handle)
    }

    fn refuse(&self, id: Option<&str>, problem: &Problem) {
        self.app.productions.figures().refused(problem.code);
        self.connection.send(answer::problem(id, problem), None);
    }

    fn say(&self, message: &ServerMessage<'_>) {
        self.connection.send(answer::frame(message), None);
    }
}

/// A text frame with a message.
pub(crate) fn frame(json: &[u8]) -> Bytes {
    Format::Socket.message("", json)
}
