//! The server as a whole: what is started, in which order, and how all of it ends.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use onair_engine::Engine;
use onair_runtime::{Clock, Keep, Productions, TaskKind, Tasks, ticker};
use onair_wire::{Actor, ProductionId};
use thiserror::Error;
use tokio::time::timeout;

use crate::{
    App,
    app::Parts,
    auth::{self, Access, Guard, Rates},
    clients::Clients,
    net::{self, Listener},
    routes,
    session::{Sessions, sweeper},
};

/// What a server is told.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it serves; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where it serves metrics, if at all.
    pub metrics: Option<SocketAddr>,
    /// Where tokens are kept.
    pub data: PathBuf,
    /// Names under which it is called, beside loopback's.
    pub hosts: Vec<String>,
    /// Origins of web pages that may call, beside its own.
    pub origins: Vec<String>,
    /// How much one caller may ask.
    pub rates: Rates,
    /// How much of a log is kept.
    pub keep: Keep,
    /// How often signals are sent at most.
    pub debounce: Duration,
    /// How long connections may take to end.
    pub grace: Duration,
    /// The production that `/stream` acts on, begun when there is none.
    pub default_production: ProductionId,
}

/// Why a server does not start.
#[derive(Debug, Error)]
pub enum Error {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {error}; choose another with {flag}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// The flag that names it.
        flag: &'static str,
        /// What the system says.
        error: io::Error,
    },
    /// Hosts or origins are not what they should be.
    #[error("{0}")]
    Guard(String),
    /// Everybody could reach it, and nobody would have to say who they are.
    #[error(
        "{0} is reached from outside this machine, and no token is configured; \
         make one with `onair token create` while serving on 127.0.0.1, or listen on 127.0.0.1"
    )]
    Open(SocketAddr),
    /// Tokens.
    #[error(transparent)]
    Access(#[from] auth::Error),
    /// The default production.
    #[error("production {id} cannot be opened: {error}")]
    Production {
        /// Which.
        id: ProductionId,
        /// Why.
        error: onair_runtime::Error,
    },
}

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All connections finished what they did.
    Gracefully,
    /// Some did not within the grace period, and were cut.
    Forced,
}

/// A server that runs.
pub struct Server {
    api: SocketAddr,
    metrics: Option<SocketAddr>,
    app: App,
    engine: Arc<dyn Engine>,
    grace: Duration,
}

impl Server {
    /// Binds first, then opens, then serves: a port that is taken is found before anything is touched.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn start(options: Options, engine: Arc<dyn Engine>) -> Result<Self, Error> {
        let Options {
            listen,
            metrics,
            data,
            hosts,
            origins,
            rates,
            keep,
            debounce,
            grace,
            default_production,
        } = options;
        let listener = bind(listen, "--listen")?;
        let api =
            listener.address().map_err(|error| Error::Listen { address: listen, flag: "--listen", error })?;
        let metrics_listener = metrics.map(|address| bind(address, "--metrics-listen")).transpose()?;
        let guard = Guard::new(api, &hosts, &origins).map_err(Error::Guard)?;
        let clock = Clock::system();
        let access = open_access(&data, clock.clone(), &rates, api)?;
        let productions = Productions::new(onair_runtime::Options {
            engine: Arc::clone(&engine),
            clock,
            tasks: Tasks::new(),
            keep,
            random,
        });
        begin(&productions, &default_production).await?;
        let tasks = Tasks::new();
        let app = App::new(Parts {
            productions: productions.clone(),
            access,
            clients: Clients::default(),
            sessions: Sessions::default(),
            tasks: tasks.clone(),
            default_production,
            random,
        });
        tasks.spawn(TaskKind::Sweeper, sweeper::run(app.clone()));
        tasks.spawn(TaskKind::Ticker, ticker::run(productions, debounce, tasks.cancelled()));
        let metrics = metrics_listener.as_ref().map(Listener::address).transpose().ok().flatten();
        if let (Some(listener), Some(address)) = (metrics_listener, metrics) {
            let guard = Guard::new(address, &hosts, &origins).map_err(Error::Guard)?;
            let router = axum::Router::new();
            serve(&tasks, listener, auth::guard::protect_host(router, guard));
        }
        let router = auth::guard::protect(routes::router(app.clone()), &app, guard);
        serve(&tasks, listener, router);
        Ok(Self { api, metrics, app, engine, grace })
    }

    /// Where it serves.
    #[must_use]
    pub fn api(&self) -> SocketAddr {
        self.api
    }

    /// Where it serves metrics.
    #[must_use]
    pub fn metrics(&self) -> Option<SocketAddr> {
        self.metrics
    }

    /// What handlers have at hand.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Refuses new work, lets what runs finish within the grace period, ends the directors behind their batches, and
    /// closes the engine.
    pub async fn stop(self) -> Ended {
        self.app.tasks.cancel();
        let ended = match timeout(self.grace, self.app.tasks.ended()).await {
            Ok(()) => Ended::Gracefully,
            Err(_) => Ended::Forced,
        };
        self.app.productions.close().await;
        if let Err(error) = self.engine.close().await {
            tracing::error!(%error, "the engine did not close as it should");
        }
        ended
    }
}

fn bind(address: SocketAddr, flag: &'static str) -> Result<Listener, Error> {
    Listener::bind(address, net::Options::default()).map_err(|error| Error::Listen { address, flag, error })
}

fn serve(tasks: &Tasks, listener: Listener, router: axum::Router) {
    tasks.spawn(TaskKind::Listener, listener.serve(router, tasks.tracker().clone(), tasks.cancelled()));
}

/// Whoever serves more than this machine knows its callers.
fn open_access(data: &Path, clock: Clock, rates: &Rates, api: SocketAddr) -> Result<Access, Error> {
    let access = Access::open(data, clock, rates)?;
    if !api.ip().is_loopback() && !access.has_tokens() {
        return Err(Error::Open(api));
    }
    Ok(access)
}

/// `serve` makes the default production when there is none (contract, section 2).
async fn begin(productions: &Productions, id: &ProductionId) -> Result<(), Error> {
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

/// Chance of the system.
fn random() -> u64 {
    getrandom::u64().expect("the system has chance to give")
}
