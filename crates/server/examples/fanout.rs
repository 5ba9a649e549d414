//! The hub and its sockets alone, to be measured: every text that comes in at `/pub` is one commit for all of `/sub`.
//!
//! `fanout [port] [--workers N]`; without `--workers` everything runs on one thread.

use std::{
    future::pending,
    sync::{Arc, Mutex},
};

use axum::{Router, extract::State, response::Response, routing::get};
use bytes::Bytes;
use onair_runtime::hub::{Format, Hub, Published};
use onair_server::{
    net::{Listener, Options},
    socket::{Connection, Incoming, SubscriptionId, Upgrade},
};
use onair_wire::{Actor, CauseKind, Commit, Epoch, ProductionId, Revision, Timestamp};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

#[derive(Clone)]
struct Site(Arc<Shared>);

struct Shared {
    hub: Hub<Revision>,
    /// The director's part: one publication after the other.
    last: Mutex<Revision>,
    tasks: TaskTracker,
}

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let port: u16 = arguments.get(1).and_then(|text| text.parse().ok()).unwrap_or(9001);
    let workers = arguments.iter().position(|word| word == "--workers").and_then(|at| arguments.get(at + 1));
    let mut builder = match workers.and_then(|count| count.parse().ok()) {
        None => tokio::runtime::Builder::new_current_thread(),
        Some(count) => {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            builder.worker_threads(count);
            builder
        }
    };
    builder.enable_all().build()?.block_on(serve(port))
}

async fn serve(port: u16) -> std::io::Result<()> {
    let listener = Listener::bind(([127, 0, 0, 1], port).into(), Options::default())?;
    let (tasks, cancel) = (TaskTracker::new(), CancellationToken::new());
    let start = {
        let (tasks, cancel) = (tasks.clone(), cancel.clone());
        move |pass: onair_runtime::hub::Pass| drop(tasks.spawn(pass.run(cancel.clone())))
    };
    let production = ProductionId::new("main").expect("a name");
    let epoch = Epoch::new("k3f9").expect("an epoch");
    let hub = Hub::new(production, epoch, Arc::new(Revision::ZERO), start);
    let shared = Shared { hub, last: Mutex::default(), tasks: tasks.clone() };
    let router = Router::new()
        .route("/sub", get(subscribe))
        .route("/pub", get(publish))
        .with_state(Site(Arc::new(shared)));
    eprintln!("a connection has {} bytes", size_of::<Connection>());
    listener.serve(router, tasks, cancel).await;
    pending().await
}

async fn subscribe(State(site): State<Site>, upgrade: Upgrade) -> Response {
    let tasks = site.0.tasks.clone();
    upgrade.accept(&tasks, move |connection| listen(site, connection))
}

async fn listen(site: Site, mut connection: Connection) {
    if let Ok(found) = site.0.hub.subscribe(Format::Socket, &None) {
        connection.subscribe(SubscriptionId(0), &[], &found.lane, found.cursor);
    }
    loop {
        match connection.next().await {
            Incoming::Closed(_) => return,
            Incoming::Lagged(_) => {
                eprintln!("lagged");
                return connection.close(1008, "too slow").await;
            }
            _ => {}
        }
    }
}

async fn publish(State(site): State<Site>, upgrade: Upgrade) -> Response {
    let tasks = site.0.tasks.clone();
    upgrade.accept(&tasks, move |connection| speak(site, connection))
}

async fn speak(site: Site, mut connection: Connection) {
    let mut batch = Vec::new();
    loop {
        let mut incoming = Some(connection.next().await);
        while let Some(Incoming::Text(text)) = incoming {
            batch.push(Bytes::from(text));
            incoming = connection.try_next();
        }
        site.publish(batch.drain(..));
        if let Some(Incoming::Closed(_)) = incoming {
            return;
        }
    }
}

impl Site {
    fn publish(&self, bodies: impl Iterator<Item = Bytes>) {
        let mut last = self.0.last.lock().expect("nothing panics while it publishes");
        let commits: Vec<_> = bodies
            .map(|body| {
                *last = last.next();
                Published { commit: Arc::new(commit(*last)), body }
            })
            .collect();
        if !commits.is_empty() {
            self.0.hub.publish(Arc::new(*last), &commits);
        }
    }
}

/// Only its revision is looked at.
fn commit(revision: Revision) -> Commit {
    Commit {
        revision,
        at: Timestamp::EPOCH,
        actor: Actor::new("bench").expect("a name"),
        mutation: None,
        fingerprint: None,
        cause: CauseKind::DocumentPut.into(),
        changes: Vec::new(),
    }
}
