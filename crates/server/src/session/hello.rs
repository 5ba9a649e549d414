//! The beginning of a session: who is there, and what they are told.

use std::{collections::BTreeMap, convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::extract::FromRequestParts;
use http::{header::AUTHORIZATION, request::Parts};
use onair_core::BATCH_MAX;
use onair_wire::{
    Code, Position, Problem,
    sync::{ClientMessage, Hello, Limits, Misunderstood, ServerMessage, Welcome},
};
use serde_json::Value;

use super::{Close, Entry, PENDING_MAX, SUBSCRIPTIONS_MAX, answer, sweeper::HEARTBEAT};
use crate::{
    App,
    auth::{Identity, Role},
    net::Peer,
    socket::{Connection, Incoming, MESSAGE_BYTES_MAX, Utf8Bytes},
};

/// How long a socket may take to say `hello` (contract, section 4).
const HELLO: Duration = Duration::from_secs(10);
/// How much of a client's name for itself is kept.
const NAME_LENGTH_MAX: usize = 64;

/// What the request said about who is there: `hello` may say it again, a browser's says it only there.
pub(crate) struct Caller {
    peer: SocketAddr,
    token: Option<String>,
    ticket: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<Peer>().map_or_else(|| ([127, 0, 0, 1], 0).into(), |peer| peer.0);
        let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = header
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let query = parts.uri.query().unwrap_or_default();
        let ticket = query.split('&').find_map(|pair| pair.strip_prefix("ticket="));
        let token = token.map(|(_, token)| token.trim().to_owned());
        Ok(Self { peer, token, ticket: ticket.map(str::to_owned) })
    }
}

impl Caller {
    /// Whoever connected without a request that says who.
    pub(crate) fn unnamed(peer: SocketAddr) -> Self {
        Self { peer, token: None, ticket: None }
    }

    pub(crate) fn identify(self, app: &App, said: Option<&str>) -> Result<Identity, Problem> {
        match (said, self.ticket) {
            (None, Some(ticket)) => app.access.redeem(&ticket, self.peer),
            (said, _) => app.access.identify(said.or(self.token.as_deref()), self.peer),
        }
    }
}

/// Waits for the first message, which may be anything: `late` when none comes in time, `order` when it is no message. A
/// server that stops does not wait.
pub(crate) async fn first_text(
    app: &App,
    connection: &mut Connection,
    late: Close,
    order: Close,
) -> Result<Utf8Bytes, Option<Close>> {
    let closing = app.tasks.cancelled();
    let first = closing.run_until_cancelled(tokio::time::timeout(HELLO, first(connection)));
    match first.await.ok_or(Some(Close::AWAY))?.map_err(|_| Some(late))? {
        Incoming::Text(text) => Ok(text),
        Incoming::Binary => Err(Some(Close::BINARY)),
        Incoming::Fault(fault) => Err(Some(Close { code: fault.close_code(), reason: "protocol error" })),
        Incoming::Closed(_) => Err(None),
        Incoming::Lagged(_) | Incoming::Overrun | Incoming::Drained => Err(Some(order)),
    }
}

/// Waits for `hello` and says who it was.
pub(super) async fn hear(
    app: &App,
    connection: &mut Connection,
    caller: Caller,
) -> Result<(Identity, Option<String>), Option<Close>> {
    let text = first_text(app, connection, Close::NO_HELLO, Close::ORDER).await?;
    let refuse = |problem: &Problem, close: Close| {
        app.productions.figures().refused(problem.code);
        connection.send(answer::problem(None, problem), None);
        Err(Some(close))
    };
    let hello = match ClientMessage::parse(text.as_bytes()) {
        Ok(ClientMessage::Hello(hello)) => hello,
        Ok(_) => {
            return refuse(
                &Problem::new(Code::Unauthenticated, "the first message is `hello`"),
                Close::ORDER,
            );
        }
        Err(Misunderstood { problem, .. }) => return refuse(&problem, Close::ORDER),
    };
    let Hello { token, client } = hello;
    match caller.identify(app, token.as_deref()) {
        Ok(identity) => Ok((identity, client.as_ref().and_then(name))),
        Err(problem) if problem.code == Code::TooManyRequests => refuse(&problem, Close::TOO_MANY),
        Err(problem) => refuse(&problem, Close::UNAUTHENTICATED),
    }
}

async fn first(connection: &mut Connection) -> Incoming {
    loop {
        match connection.next().await {
            Incoming::Drained => {}
            incoming => return incoming,
        }
    }
}

/// What a client calls itself: a text, or the `name` and `version` of an object.
pub(crate) fn name(client: &Value) -> Option<String> {
    let text = match client {
        Value::String(text) => text.clone(),
        Value::Object(members) => {
            let part = |name: &str| members.get(name).and_then(Value::as_str);
            [part("name"), part("version")].into_iter().flatten().collect::<Vec<_>>().join(" ")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => return None,
    };
    Some(text.chars().filter(|c| !c.is_control()).take(NAME_LENGTH_MAX).collect())
}

/// Answers `hello`.
pub(super) async fn welcome(app: &App, entry: &Arc<Entry>, connection: &Connection) {
    let mut positions = BTreeMap::new();
    let default = &app.default_production;
    if entry.identity.may(Role::Viewer, Some(default)).is_ok()
        && let Ok(handle) = app.productions.open(default).await
    {
        let position = Position { epoch: handle.epoch().clone(), revision: handle.state().revision() };
        positions.insert(default.clone(), position.to_string());
    }
    let welcome = Welcome {
        session: entry.session.clone(),
        heartbeat: u64::try_from(HEARTBEAT.as_millis()).unwrap_or(u64::MAX),
        role: entry.identity.role.to_string(),
        server: env!("CARGO_PKG_VERSION").to_owned(),
        positions,
        limits: Limits {
            message_bytes: MESSAGE_BYTES_MAX,
            subscriptions: SUBSCRIPTIONS_MAX,
            pending_mutations: PENDING_MAX,
            batch: BATCH_MAX,
        },
    };
    connection.send(answer::frame(&ServerMessage::Welcome(&welcome)), None);
}
