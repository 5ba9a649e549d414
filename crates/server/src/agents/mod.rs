//! An agent: one program or browser tab on `GET /v1/agents`, from `register` to the close. Contract, section 4.
//!
//! The session carries words between the socket and the registry of agents, which decides; it watches for signs of life.

mod register;
mod say;

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use onair_adapters::agent::{Arrival, Order, Registration, Seat};
use onair_runtime::Handle;
use onair_wire::{
    Code, Problem,
    agent::{AgentMessage, Registered, ServerMessage},
    sync::Misunderstood,
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App, Failure,
    clients::Joined,
    openapi,
    session::{CHATTER_MAX, Chatter, Close, Entry, Listed, Verdict, hello::Caller},
    socket::{Connection, Incoming, Upgrade},
};
use register::Applicant;

/// It came back over another connection.
const REPLACED: Close = Close { code: 1008, reason: "came back over another connection" };

/// The one route of agents.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(agents))
}

/// The protocol of agents, over a WebSocket.
///
/// JSON text messages, one connection for one service of a production; the first message is `register`, which may carry
/// the token that a browser cannot send as a header. Then the server gives tasks.
#[utoipa::path(
    get,
    path = "/v1/agents",
    tag = "synchronization",
    operation_id = "agents",
    params(("ticket" = Option<String>, Query, description = "A ticket, in place of a token in `register`")),
    responses(
        (status = 101, description = "The protocol is spoken from here on"),
        openapi::Upgraded,
    ),
)]
async fn agents(State(app): State<App>, caller: Caller, upgrade: Upgrade) -> Response {
    if app.tasks.cancelled().is_cancelled() {
        return Failure::new(Code::Closing, "the server is stopping, come back soon").into_response();
    }
    let tracker = app.tasks.tracker().clone();
    upgrade.accept(&tracker, move |connection| run(app, connection, caller))
}

pub(crate) async fn run(app: App, mut connection: Connection, caller: Caller) {
    let close = match register::hear(&app, &mut connection, caller).await {
        Ok(applicant) => serve(&app, &mut connection, applicant).await,
        Err(close) => close,
    };
    if let Some(Close { code, reason }) = close {
        connection.close(code, reason).await;
    }
}

/// How a session ended.
struct End {
    /// How to close; nothing when the agent did.
    close: Option<Close>,
    /// What others are told.
    why: &'static str,
}

impl From<Close> for End {
    fn from(close: Close) -> Self {
        let why = match close {
            Close::SILENT => "the agent gave no sign of life",
            Close::UNAUTHENTICATED => "the agent's token is valid no longer",
            Close::AWAY => "the server is stopping",
            Close::OVERRUN => "the agent did not take what it was told",
            _ => "the agent's connection was closed, it broke the rules",
        };
        Self { close: Some(close), why }
    }
}

/// From the registration to the end.
async fn serve(app: &App, connection: &mut Connection, applicant: Applicant) -> Option<Close> {
    let mut session = match Session::begin(app, connection, applicant).await {
        Ok(session) => session,
        Err(close) => return Some(close),
    };
    let Err(End { close, why }) = session.run().await;
    session.seat.leave(why);
    close
}

/// What one agent has.
struct Session<'a> {
    app: &'a App,
    connection: &'a mut Connection,
    entry: Arc<Entry>,
    /// The production and the service that it is for.
    handle: Handle,
    service: Arc<str>,
    seat: Seat,
    orders: mpsc::Receiver<Order>,
    /// When it is asked for a sign of life.
    next_ping: Instant,
    chatter: Chatter,
    /// On the sweeper's list.
    _listed: Listed,
    /// On the list of the production's clients.
    _joined: Joined,
}

impl<'a> Session<'a> {
    async fn begin(
        app: &'a App,
        connection: &'a mut Connection,
        applicant: Applicant,
    ) -> Result<Self, Close> {
        let Applicant { identity, name, handle, service, instance } = applicant;
        let production = handle.id().clone();
        let entry = Entry::new(app, "agent", identity, name, connection.outlet());
        let registration = Registration {
            production: production.clone(),
            service: Arc::clone(&service),
            session: entry.session.as_str().into(),
            instance,
        };
        let Arrival { seat, active, orders } =
            app.agents.register(registration).await.map_err(|problem| {
                say::refuse(app, connection, None, &problem);
                Close::TOO_MANY
            })?;
        let listed = app.sessions.list(Arc::clone(&entry));
        let joined = app.clients.join(&production, Arc::clone(&entry) as _);
        let heartbeat = app.agents.heartbeat();
        let registered = Registered {
            production,
            service: service.as_ref().to_owned(),
            session: entry.session.clone(),
            active,
            heartbeat: u64::try_from(heartbeat.as_millis()).unwrap_or(u64::MAX),
        };
        say::message(connection, &ServerMessage::Registered(&registered));
        if app.tasks.cancelled().is_cancelled() {
            entry.close(Close::AWAY);
        }
        let now = Instant::now();
        let (next_ping, chatter) = (now + heartbeat, Chatter::new(now));
        Ok(Self {
            app,
            connection,
            entry,
            handle,
            service,
            seat,
            orders,
            next_ping,
            chatter,
            _listed: listed,
            _joined: joined,
        })
    }

    /// Until somebody ends it.
    async fn run(&mut self) -> Result<std::convert::Infallible, End> {
        loop {
            let due = self.next_ping.min(self.cut_at());
            tokio::select! {
                biased;
                close = self.entry.told_to_close() => return Err(close.into()),
                // Before the timer: a sign of life that has arrived counts, however long this task had to wait.
                incoming = self.connection.next() => self.incoming(incoming).await?,
                order = self.orders.recv() => self.pass_on(order.as_ref())?,
                () = sleep_until(due) => self.watch().await?,
            }
        }
    }

    async fn incoming(&mut self, incoming: Incoming) -> Result<(), End> {
        match incoming {
            Incoming::Text(text) => self.hear(text.as_bytes()).await,
            Incoming::Binary => Err(Close::BINARY.into()),
            Incoming::Fault(fault) => {
                Err(Close { code: fault.close_code(), reason: "protocol error" }.into())
            }
            Incoming::Overrun => Err(Close::OVERRUN.into()),
            Incoming::Drained | Incoming::Lagged(_) => Ok(()),
            Incoming::Closed(Some(_)) => Err(End { close: None, why: "the agent closed its connection" }),
            Incoming::Closed(None) => Err(End { close: None, why: "the agent's connection broke" }),
        }
    }

    async fn hear(&mut self, text: &[u8]) -> Result<(), End> {
        self.chatter()?;
        let message = match AgentMessage::parse(text) {
            Ok(message) => message,
            Err(Misunderstood { id, problem }) => {
                self.refuse(id.as_deref(), &problem);
                return Ok(());
            }
        };
        match message {
            AgentMessage::Done(done) => {
                let id = done.id.clone();
                self.answered(&id, self.seat.done(done));
            }
            AgentMessage::Failed(failed) => {
                let id = failed.id.clone();
                self.answered(&id, self.seat.failed(failed));
            }
            AgentMessage::Status(status) => self.seat.status(status).await,
            AgentMessage::Ping => say::message(self.connection, &ServerMessage::Pong),
            AgentMessage::Register(_) => {
                let problem = Problem::new(Code::Invalid, "register was said already");
                self.refuse(None, &problem.at("/type", "register"));
            }
        }
        Ok(())
    }

    /// An answer that was not taken is told; the name of the task comes from outside and is repeated as it came.
    fn answered(&self, id: &str, answered: Result<(), Problem>) {
        if let Err(problem) = answered {
            self.refuse(Some(id), &problem);
        }
    }

    /// An agent that talks without end is told once in a second, and then closed.
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

    /// Tells the agent what the registry wants it to know.
    fn pass_on(&self, order: Option<&Order>) -> Result<(), Close> {
        let message = match order {
            Some(Order::Task(task)) => ServerMessage::Task(task),
            Some(Order::Cancel(id)) => ServerMessage::Cancel { id },
            Some(Order::Active) => ServerMessage::Active,
            Some(Order::Standby) => ServerMessage::Standby,
            Some(Order::Replaced) => return Err(REPLACED),
            None => return Err(Close::OVERRUN),
        };
        say::message(self.connection, &message);
        Ok(())
    }

    /// Asks for a sign of life when it is time, and gives up an agent that gives none, or whose service is gone.
    async fn watch(&mut self) -> Result<(), Close> {
        let now = Instant::now();
        if now >= self.cut_at() {
            return Err(Close::SILENT);
        }
        if now >= self.next_ping {
            self.next_ping = now + self.app.agents.heartbeat();
            self.connection.ping();
            register::still(self.app, &mut self.handle, &self.service).await?;
        }
        Ok(())
    }

    /// When it has been silent for too long.
    fn cut_at(&self) -> Instant {
        self.connection.last_seen() + self.app.agents.silence()
    }

    fn refuse(&self, id: Option<&str>, problem: &Problem) {
        say::refuse(self.app, self.connection, id, problem);
    }
}
