//! The server of a run: all of the real one behind its doors, over a simulated disk, backend and clock.

use std::{net::SocketAddr, sync::Arc};

use axum::{Router, body::Body};
use http::Request as HttpRequest;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use onair_adapters::{Agents, Builtin};
use onair_runtime::{
    Clock, Handle, Productions, Tasks,
    adapter::{Adapter, Adapters, REPORTS},
    transfer::Import,
};
use onair_server::{
    App, Config,
    auth::{Access, Guard, guard::protect},
    inside::{Inside, Protocol, attend},
    net::{Peer, Socket},
    routes,
};
use onair_wire::{Actor, ProductionId, Timestamp};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::{
    backend::Backend,
    chance,
    disk::Disk,
    ledger::Books,
    scene::{Request, Response},
};

/// Bytes of an answer that are read.
const ANSWER_MAX: usize = 16 << 20;

/// A server that runs.
pub(crate) struct Server {
    pub(crate) app: App,
    router: TowerToHyperService<Router>,
    engine: Arc<dyn onair_engine::Engine>,
}

fn peer() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 50_000))
}

impl Server {
    /// Begins one over the disk as it is.
    pub(crate) async fn begin(disk: &Disk, backend: &Backend, now: Timestamp) -> Result<Self, String> {
        let config = Config::default();
        let engine: Arc<dyn onair_engine::Engine> = disk.open();
        let (clock, tasks) = (Clock::paced(now), Tasks::new());
        let (to_reports, reports) = mpsc::channel(REPORTS);
        let agents = Agents::new(clock.clone(), to_reports, config.agents_heartbeat, &tasks);
        let adapters: [(&'static str, Arc<dyn Adapter>); 2] =
            [("agent", Arc::new(agents.clone())), ("builtin", Arc::new(Builtin))];
        let inside = Inside {
            engine: Arc::clone(&engine),
            clock,
            access: Access::default(),
            adapters: Adapters::new(adapters),
            backends: Arc::new(backend.clone()),
            agents,
            reports,
            tasks,
            random: chance::of_server,
        };
        let app = inside.begin(&config).await.map_err(|error| error.to_string())?;
        let guard = Guard::new(config.listen, &[] as &[&str], &[] as &[&str])?;
        let router = TowerToHyperService::new(protect(routes::router(app.clone()), &app, guard));
        Ok(Self { app, router, engine })
    }

    /// Gives it a manifest.
    pub(crate) async fn configure(&self, production: &ProductionId, manifest: Value) -> Result<(), String> {
        let actor = Actor::new("operator:simulation").expect("an actor");
        let configured = self.app.productions.configure(production, actor, manifest).await;
        configured.map(drop).map_err(|error| error.to_string())
    }

    pub(crate) async fn open(&self, production: &ProductionId) -> Result<Handle, String> {
        self.app.productions.open(production).await.map_err(|error| error.to_string())
    }

    /// Serves a connection until it ends.
    pub(crate) fn attend(&self, protocol: Protocol, socket: Box<dyn Socket>) {
        let session = attend(self.app.clone(), protocol, socket, peer());
        self.app.tasks.spawn(onair_runtime::TaskKind::Connection, session);
    }

    /// Answers a request, some time.
    pub(crate) fn answer(
        &self,
        request: &Request,
        books: &Books,
        told: impl FnOnce(Response) + Send + 'static,
    ) {
        let (router, number, books) = (self.router.clone(), request.number, books.clone());
        let mut http =
            HttpRequest::builder().method(request.method).uri(&request.path).extension(Peer(peer()));
        for (name, value) in &request.headers {
            http = http.header(*name, value);
        }
        let http = http.body(Body::from(request.body.clone())).expect("a request");
        self.app.tasks.spawn(onair_runtime::TaskKind::Connection, async move {
            let Ok(answer) = router.call(http).await;
            let status = answer.status().as_u16();
            let etag = answer.headers().get("etag").and_then(|tag| tag.to_str().ok()).map(str::to_owned);
            let body = axum::body::to_bytes(answer.into_body(), ANSWER_MAX).await;
            let body = body.map(Vec::from).unwrap_or_default();
            told(Response { number, status, etag, body, durable: books.durable() });
        });
    }

    /// Puts the log as it is in its own place, under a new epoch.
    pub(crate) async fn replace(productions: Productions, production: ProductionId) -> Result<(), String> {
        let handle = productions.open(&production).await.map_err(|error| error.to_string())?;
        let (mut pieces, mut file) = (handle.export(), Vec::new());
        while let Some(piece) = pieces.recv().await {
            file.extend_from_slice(&piece.map_err(|error| error.to_string())?);
        }
        let import = Import::read(&file.into()).map_err(|error| error.to_string())?;
        productions.import(&production, import).await.map(drop).map_err(|error| error.to_string())
    }

    pub(crate) fn engine(&self) -> Arc<dyn onair_engine::Engine> {
        Arc::clone(&self.engine)
    }

    /// Stops as a server does that is told to.
    pub(crate) async fn stop(app: App, engine: Arc<dyn onair_engine::Engine>) {
        app.tasks.cancel();
        let grace = Config::default().shutdown_grace.into();
        let _ = tokio::time::timeout(grace, app.tasks.ended()).await;
        app.productions.close().await;
        let _ = engine.close().await;
    }
}
