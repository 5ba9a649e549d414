//! What is seen of services without their being called (row S3): reports of adapters, and asking those that only answer.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use onair_core::{
    Intent, Observe, Production,
    service::{Seen, Service, Status},
};
use onair_wire::{Actor, Millis, TaskAction};
use serde_json::json;
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    adapter::{Call, Report},
    error::Error,
    handle::Handle,
    productions::Productions,
    tasks::{TaskKind, Tasks},
};

/// How often services are asked how they are that only answer.
pub const ASK_EVERY: Duration = Duration::from_secs(2);
/// How long such an answer may take.
pub const ANSWER_MAX: Duration = Duration::from_secs(2);

fn actor() -> Actor {
    Actor::new("server:watch").expect("an actor")
}

/// Hands what adapters saw to the productions, in order, until cancelled.
pub async fn take_reports(
    productions: Productions,
    mut reports: mpsc::Receiver<Report>,
    cancel: CancellationToken,
) {
    while let Some(Some(report)) = cancel.run_until_cancelled(reports.recv()).await {
        let Report { production, service, adapter, seen } = report;
        let taken = loop {
            let observe = Observe { service: service.to_string(), seen: seen.clone() };
            match productions.open(&production).await {
                Ok(handle) if !is_reached_by(&handle.state(), &service, adapter) => break Ok(()),
                Ok(handle) => match handle.execute(actor(), None, Intent::Observe(observe)).await {
                    // It is being replaced: what is in its place is to know.
                    Err(Error::Closing) if handle.has_ended() => {}
                    other => break other.map(drop),
                },
                Err(error) => break Err(error),
            }
        };
        match taken {
            Ok(()) | Err(Error::NotFound(_) | Error::Closing) => {}
            Err(error) => {
                tracing::warn!(%production, %service, %error, "what was seen of a service could not be kept");
            }
        }
    }
}

/// Whether the manifest reaches a service by this adapter: it may have been given to another since.
fn is_reached_by(state: &Production, service: &str, adapter: &str) -> bool {
    let known = state.manifest().and_then(|manifest| manifest.service(service));
    known.is_some_and(|known| known.adapter.get("type").is_some_and(|kind| kind == adapter))
}

/// Asks services how they are, until cancelled.
pub async fn ask(productions: Productions, tasks: Tasks, cancel: CancellationToken) {
    let mut ticks = interval(ASK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let asked: Asked = Arc::default();
    while cancel.run_until_cancelled(ticks.tick()).await.is_some() {
        for handle in productions.loaded() {
            if handle.shared().is_polled() {
                ask_services(&handle, &tasks, &asked);
            }
        }
    }
}

/// Those who have been asked and have not answered. Held for a look.
type Asked = Arc<Mutex<BTreeSet<(String, String)>>>;

fn ask_services(handle: &Handle, tasks: &Tasks, asked: &Asked) {
    let state = handle.state();
    for (name, service) in state.services() {
        let Some(adapter) = polled(handle, &state, &name, &service) else { continue };
        let key = (handle.id().to_string(), name.clone());
        if !asked.lock().expect("nothing panics while it holds the list").insert(key.clone()) {
            continue;
        }
        let (handle, asked) = (handle.clone(), Arc::clone(asked));
        tasks.spawn(TaskKind::Call, async move {
            let seen = health(&handle, &name, adapter).await;
            asked.lock().expect("nothing panics while it holds the list").remove(&key);
            let observe = Intent::Observe(Observe { service: name, seen });
            // A production that ends has nobody to tell.
            let _ = handle.execute(actor(), None, observe).await;
        });
    }
}

/// The adapter of a service that was made ready and only answers.
fn polled(handle: &Handle, state: &Production, name: &str, service: &Service) -> Option<serde_json::Value> {
    let adapter = &state.manifest()?.service(name)?.adapter;
    let up = matches!(service.status, Status::Ready | Status::Active) || service.is_away();
    (up && handle.shared().adapters.of(adapter)?.polled()).then(|| adapter.clone())
}

async fn health(handle: &Handle, name: &str, adapter: serde_json::Value) -> Seen {
    let now = handle.shared().clock.now();
    let Some(known) = handle.shared().adapters.of(&adapter).cloned() else {
        return Seen::Away { reason: "there is no such adapter".into() };
    };
    let limit = Millis(u64::try_from(ANSWER_MAX.as_millis()).unwrap_or(u64::MAX));
    let call = Call {
        production: handle.id().clone(),
        service: name.into(),
        adapter: Arc::new(adapter),
        action: TaskAction::Health,
        key: format!("{}:{name}:health:{}", handle.id(), now.as_millis()).into(),
        attempt: 1,
        deadline: now.plus(limit),
        params: Arc::new(json!({})),
    };
    match timeout(ANSWER_MAX, known.call(call)).await {
        Ok(Ok(answer)) => {
            let healthy = answer.get("healthy").and_then(serde_json::Value::as_bool).unwrap_or(true);
            Seen::Here { instance: None, healthy, details: answer.get("details").cloned() }
        }
        Ok(Err(error)) => Seen::Away { reason: error.message },
        Err(_) => Seen::Away { reason: format!("no answer within {} s", ANSWER_MAX.as_secs()) },
    }
}

impl Productions {
    /// Opens the productions in which something is under way or has to be watched, so that they go on (row L12). The
    /// others stay where they are.
    ///
    /// # Errors
    /// The engine's.
    pub async fn go_on(&self) -> Result<usize, Error> {
        const PAGE: usize = 500;
        let (mut after, mut opened) = (None, 0);
        loop {
            let page = self.engine().list(after.as_ref(), PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(opened) };
            after = Some(last.clone());
            for (id, _) in &page {
                match self.is_at_rest(id).await {
                    Ok(true) | Err(Error::NotFound(_)) => {}
                    Ok(false) => {
                        self.open(id).await?;
                        opened += 1;
                    }
                    Err(error) => {
                        tracing::error!(production = %id, %error, "a production cannot be looked at")
                    }
                }
            }
        }
    }
}
