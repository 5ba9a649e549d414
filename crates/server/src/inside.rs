//! A server without its doors: what is started behind them, in which order, and how connections come in that were
//! accepted elsewhere.
//!
//! [`Server`](crate::serve::Server) puts listeners before it. A simulation puts its own network there, and its own
//! clock, chance, engine and backends below.

use std::{net::SocketAddr, sync::Arc};

use onair_adapters::Agents;
use onair_engine::Engine;
use onair_runtime::{
    Clock, Productions, TaskKind, Tasks,
    adapter::{Adapters, Report},
    backend::Backends,
    ticker, watchdog,
};
use onair_wire::{Actor, ProductionId};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    App, Config, agents,
    app::Parts,
    auth::Access,
    clients::Clients,
    net::Socket,
    serve::Error,
    session::{self, Sessions, sweeper},
    socket::{Connection, MESSAGE_BYTES_MAX},
    surroundings::Surroundings,
};

/// What a server is made of inside.
pub struct Inside {
    /// Where logs are.
    pub engine: Arc<dyn Engine>,
    /// What time it is.
    pub clock: Clock,
    /// Who is known.
    pub access: Access,
    /// How services are reached.
    pub adapters: Adapters,
    /// How backends are told.
    pub backends: Arc<dyn Backends>,
    /// Agents of services; one of `adapters`.
    pub agents: Agents,
    /// What adapters see.
    pub reports: mpsc::Receiver<Report>,
    /// Who starts tasks of connections.
    pub tasks: Tasks,
    /// Chance, for epochs, sessions, tokens and tickets.
    pub random: fn() -> u64,
}

/// What is spoken over a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// That of `GET /v1/sync`.
    Sync,
    /// That of `GET /v1/agents`.
    Agents,
}

impl Inside {
    /// Opens the default production, then starts what goes on by itself.
    ///
    /// # Errors
    /// [`Error::Production`].
    pub async fn begin(self, config: &Config) -> Result<App, Error> {
        let Self { engine, clock, access, adapters, backends, agents, reports, tasks, random } = self;
        let surroundings = Arc::new(Surroundings::new(config));
        let around: Arc<dyn onair_runtime::lookout::Surroundings> = Arc::<Surroundings>::clone(&surroundings);
        let productions = Productions::new(onair_runtime::Options {
            engine,
            clock,
            tasks: Tasks::new(),
            keep: config.keep(),
            random,
            adapters,
            backends: Some(backends),
            surroundings: Some(around),
        });
        open(&productions, &config.default_production).await?;
        let app = App::new(Parts {
            productions: productions.clone(),
            access,
            clients: Clients::default(),
            sessions: Sessions::default(),
            agents,
            tasks: tasks.clone(),
            default_production: config.default_production.clone(),
            random,
        });
        surroundings.see(&app);
        tasks.spawn(TaskKind::Sweeper, sweeper::run(app.clone()));
        let taking = watchdog::take_reports(productions.clone(), reports, tasks.cancelled());
        tasks.spawn(TaskKind::Watchdog, taking);
        tasks.spawn(TaskKind::Opener, go_on(productions.clone(), tasks.cancelled()));
        let asking = watchdog::ask(productions.clone(), tasks.clone(), tasks.cancelled());
        tasks.spawn(TaskKind::Watchdog, asking);
        let debounce = config.signals_debounce.into();
        tasks.spawn(TaskKind::Ticker, ticker::run(productions, debounce, tasks.cancelled()));
        Ok(app)
    }
}

/// Serves a connection behind its handshake, until it ends. The first message says who is there.
pub async fn attend(app: App, protocol: Protocol, socket: Box<dyn Socket>, peer: SocketAddr) {
    let connection = Connection::new(socket, &[], MESSAGE_BYTES_MAX, None);
    let caller = session::hello::Caller::unnamed(peer);
    match protocol {
        Protocol::Sync => session::run(app, connection, caller).await,
        Protocol::Agents => agents::run(app, connection, caller).await,
    }
}

/// What a crash left open goes on while the server serves already (row L12).
async fn go_on(productions: Productions, cancel: CancellationToken) {
    match cancel.run_until_cancelled(productions.go_on()).await {
        Some(Ok(0)) | None => {}
        Some(Ok(productions)) => tracing::info!(productions, "shows go on where they were"),
        Some(Err(error)) => tracing::error!(%error, "not every production could be looked at"),
    }
}

/// `serve` makes the default production when there is none (contract, section 2).
async fn open(productions: &Productions, id: &ProductionId) -> Result<(), Error> {
    let fail = |error| Error::Production { id: id.clone(), error };
    let begun = match productions.open(id).await {
        Ok(handle) => handle.state().manifest().is_some() || handle.read_only().is_some(),
        Err(onair_runtime::Error::NotFound(_)) => false,
        Err(error) => return Err(fail(error)),
    };
    if !begun {
        let actor = Actor::new("server:start").expect("an actor");
        productions.configure(id, actor, serde_json::Value::Null).await.map_err(fail)?;
    }
    Ok(())
}
