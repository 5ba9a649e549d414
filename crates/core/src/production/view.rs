//! What a reader is shown: the snapshot of contract section 3, the stream state of row T1, documents for a cache.

use std::collections::BTreeMap;

use onair_wire::{Collection, Documents as CacheDocuments, Entry, sync::StreamFigures};
use serde_json::{Map, Value, json};

use super::{Production, server};
use crate::lifecycle::Phase;

/// How many transitions a snapshot shows, the newest of all.
pub(crate) const HISTORY_SHOWN: usize = 50;

/// What the shell knows beside the log.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// The stream's latest figures.
    pub stream: StreamFigures,
    /// How many watch.
    pub clients: usize,
    /// How many deliveries wait, by backend, as far as it was counted.
    pub lags: BTreeMap<String, u64>,
}

impl Production {
    /// The documents as a client's cache keeps them, those of the server included.
    #[must_use]
    pub fn cache_documents(&self, wanted: impl Fn(&Collection) -> bool) -> CacheDocuments {
        self.collections
            .iter()
            .filter(|(name, documents)| wanted(name) && !documents.is_empty())
            .map(|(name, documents)| (name.clone(), entries(documents)))
            .collect()
    }

    /// The documents of one of the server's collections by name.
    fn server_collection(&self, name: &str) -> Map<String, Value> {
        let documents = self.collection(name).into_iter().flat_map(super::Documents::iter);
        documents.map(|(id, document)| (id.to_string(), Value::clone(document.value()))).collect()
    }
}

fn entries(documents: &super::Documents) -> BTreeMap<onair_wire::DocumentId, Entry> {
    let entry =
        |document: &super::Document| Entry { revision: document.revision(), value: document.value().clone() };
    documents.iter().map(|(id, document)| (id.clone(), entry(document))).collect()
}

/// The snapshot of contract section 3.
#[must_use]
pub fn snapshot(production: &Production, observed: &Observed) -> Value {
    let documents = production.cache_documents(|name| !name.is_server());
    json!({
        "production": production.id,
        "epoch": production.epoch,
        "revision": production.revision,
        "at": production.at,
        "lifecycle": lifecycle(production),
        "services": production.server_collection(server::SERVICES),
        "stream": stream_state(production, &observed.stream),
        "settings": production.settings(),
        "can": crate::can::can(production),
        "documents": documents,
        "conflicts": open_conflicts(production),
        "findings": findings(production),
        "clients": observed.clients,
        "backends": backends(production, &observed.lags),
    })
}

/// The stream state of row T1.
#[must_use]
pub fn stream_state(production: &Production, figures: &StreamFigures) -> Value {
    let lifecycle = production.lifecycle();
    let live = lifecycle.phase == Phase::Live;
    json!({
        "isLive": live,
        "isPaused": live && lifecycle.paused,
        "fps": figures.fps.unwrap_or_default(),
        "targetFPS": figures.target_fps.unwrap_or_default(),
        "frameCount": figures.frame_count.unwrap_or_default(),
        "droppedFrames": figures.dropped_frames.unwrap_or_default(),
        "averageRenderTime": figures.average_render_time.unwrap_or_default(),
        "startTime": lifecycle.live_since.filter(|_| live),
        "error": lifecycle.error,
    })
}

/// The backends, with what waits for them by now.
#[must_use]
pub fn backends(production: &Production, lags: &BTreeMap<String, u64>) -> Map<String, Value> {
    let mut backends = production.server_collection(server::BACKENDS);
    for (name, backend) in &mut backends {
        if let Some(lag) = lags.get(name) {
            backend["lag"] = (*lag).into();
        }
    }
    backends
}

fn lifecycle(production: &Production) -> Value {
    let mut lifecycle = production
        .server_document(server::SYSTEM, "lifecycle")
        .map_or_else(|| json!({}), |document| Value::clone(document.value()));
    let transitions =
        production.collection(server::TRANSITIONS).into_iter().flat_map(super::Documents::by_age);
    let mut history: Vec<Value> =
        transitions.rev().take(HISTORY_SHOWN).map(|(_, document)| Value::clone(document.value())).collect();
    history.reverse();
    if let Some(members) = lifecycle.as_object_mut() {
        members.insert("history".into(), history.into());
    }
    lifecycle
}

fn open_conflicts(production: &Production) -> usize {
    let conflicts = production.collection(server::CONFLICTS).into_iter().flat_map(super::Documents::iter);
    conflicts.filter(|(_, document)| document.value().get("status") == Some(&json!("open"))).count()
}

fn findings(production: &Production) -> Value {
    let mut counts = BTreeMap::from([("error", 0), ("warning", 0), ("info", 0)]);
    for (_, document) in production.collection(server::FINDINGS).into_iter().flat_map(super::Documents::iter)
    {
        let value = document.value();
        let severity = value.get("severity").and_then(Value::as_str);
        if value.get("clearedAt").is_none_or(Value::is_null)
            && let Some(count) = severity.and_then(|severity| counts.get_mut(severity))
        {
            *count += 1;
        }
    }
    json!(counts)
}
