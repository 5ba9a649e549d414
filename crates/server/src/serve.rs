//! The server as a whole: what is started, in which order, and how all of it ends.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use onair_engine::Engine;
use onair_runtime::{Clock, TaskKind, Tasks, adapter::REPORTS};
use onair_wire::ProductionId;
use thiserror::Error;
use tokio::{sync::mpsc, time::timeout};

use crate::{
    App,
    auth::{
        self, Access, Guard,
        guard::{protect, protect_host},
    },
    config::{Config, Finding},
    inside::Inside,
    metrics,
    net::{self, Listener},
    reach::Reach,
    routes,
};

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
    #[error("{0}")]
    Exposed(Finding),
    /// Tokens.
    #[error(transparent)]
    Access(#[from] auth::Error),
    /// Child processes cannot be guarded.
    #[error("processes cannot be guarded: {0}")]
    Processes(io::Error),
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
    metrics: SocketAddr,
    app: App,
    engine: Arc<dyn Engine>,
    grace: Duration,
}

impl Server {
    /// Binds first, then opens, then serves: a port that is taken is found before anything is touched.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn start(config: &Config, engine: Arc<dyn Engine>) -> Result<Self, Error> {
        let room = net::room(config.connections_max as usize);
        let (listener, api) = bind(config.listen, "--listen", room.clients)?;
        let (metrics_listener, metrics) = bind(config.metrics_listen, "--metrics-listen", room.metrics)?;
        let hosts: Vec<&str> = config.hosts.iter().map(AsRef::as_ref).collect();
        let origins: Vec<&str> = config.origins.iter().map(AsRef::as_ref).collect();
        let guard = |address| Guard::new(address, &hosts, &origins).map_err(Error::Guard);
        let (api_guard, metrics_guard) = (guard(api)?, guard(metrics)?);
        let clock = Clock::system();
        let access = Access::open(&config.data, clock.clone(), &config.rates())?;
        config.check_exposure(access.has_tokens()).map_err(Error::Exposed)?;
        let tasks = Tasks::new();
        let (to_reports, reports) = mpsc::channel(REPORTS);
        let reach = Reach::new(config, &clock, &to_reports, &tasks)?;
        let inside = Inside {
            engine: Arc::clone(&engine),
            clock,
            access,
            adapters: reach.adapters(),
            backends: reach.backends(),
            agents: reach.agents(),
            reports,
            tasks: tasks.clone(),
            random,
        };
        let app = inside.begin(config).await?;
        let counted = metrics::router(&app, listener.door());
        serve(&tasks, metrics_listener, protect_host(counted, metrics_guard));
        serve(&tasks, listener, protect(routes::router(app.clone()), &app, api_guard));
        Ok(Self { api, metrics, app, engine, grace: config.shutdown_grace.into() })
    }

    /// Where it serves.
    #[must_use]
    pub fn api(&self) -> SocketAddr {
        self.api
    }

    /// Where it serves metrics.
    #[must_use]
    pub fn metrics(&self) -> SocketAddr {
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

/// A listener, and the address with the port that the system chose.
fn bind(
    address: SocketAddr,
    flag: &'static str,
    connections_max: usize,
) -> Result<(Listener, SocketAddr), Error> {
    let limits = net::Options { connections_max, ..Default::default() };
    let fail = |error| Error::Listen { address, flag, error };
    let listener = Listener::bind(address, limits).map_err(fail)?;
    let bound = listener.address().map_err(fail)?;
    Ok((listener, bound))
}

fn serve(tasks: &Tasks, listener: Listener, router: Router) {
    tasks.spawn(TaskKind::Listener, listener.serve(router, tasks.tracker().clone(), tasks.cancelled()));
}

/// Chance of the system.
fn random() -> u64 {
    getrandom::u64().expect("the system has chance to give")
}
