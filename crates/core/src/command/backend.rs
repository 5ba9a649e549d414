//! The outbox (row B3): how far each backend has been told, and from where it is to be told again.

use onair_wire::{Cause, CauseKind, Collection, DocumentId, Revision};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Context, Draft};
use crate::{
    manifest,
    production::{Production, server},
    refusal::Refusal,
};

/// How delivery to a backend goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Delivery {
    /// What there was to tell was told.
    #[default]
    Ok,
    /// It failed, and is tried again.
    Retrying,
    /// It failed too often: somebody must look, and let it be tried again.
    Parked,
}

/// The document `_backends/{name}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Backend {
    /// `webhook` or `convex`.
    #[serde(rename = "type")]
    pub kind: String,
    /// How it goes.
    pub status: Delivery,
    /// Everything up to this revision was told.
    pub delivered: Revision,
    /// How many deliveries wait.
    pub lag: u64,
    /// How many of them were parked.
    pub parked: u64,
    /// How often the next one failed.
    pub failures: u32,
    /// Why.
    pub last_error: Option<String>,
}

/// What came of delivering.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivered {
    /// To which backend.
    pub backend: String,
    /// How it is now; `type` is left as it is.
    pub state: Backend,
}

/// To tell a backend again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Replay {
    /// Which.
    pub backend: String,
    /// From this revision on; nothing means from where it stands.
    pub from: Option<Revision>,
}

/// `None`: it is known already, or the backend is not declared any more.
pub(super) fn delivered(
    production: &Production,
    context: &Context<'_>,
    delivered: &Delivered,
) -> Option<Draft> {
    let known = production.backend(&delivered.backend)?;
    let mut state = Backend { kind: known.kind.clone(), ..delivered.state.clone() };
    if known.delivered > state.delivered
        || (known.status == Delivery::Parked && state.status != Delivery::Parked)
    {
        // Somebody has moved it meanwhile, by a replay.
        return None;
    }
    state.last_error = state.last_error.map(|error| error.chars().take(500).collect());
    (state != known).then(|| put(context, &delivered.backend, &state))
}

pub(super) fn replay(
    production: &Production,
    context: &Context<'_>,
    replay: &Replay,
) -> Result<Draft, Refusal> {
    let missing = || match DocumentId::new(replay.backend.as_str()) {
        Ok(id) => {
            let collection = Collection::new(server::BACKENDS).expect("a collection's name");
            Refusal::NotFound { collection, id }
        }
        Err(error) => Refusal::invalid("", error.to_string()),
    };
    let known = production.backend(&replay.backend).ok_or_else(missing)?;
    let delivered = match replay.from {
        None => known.delivered,
        Some(from) if from > production.revision().next() => {
            let detail =
                format!("revision {from} is in the future, the production is at {}", production.revision());
            return Err(Refusal::invalid("/from", detail));
        }
        Some(from) if from < production.oldest() => {
            return Err(Refusal::Compacted { wanted: from, oldest: production.oldest() });
        }
        Some(from) => from.previous(),
    };
    let status = if known.lag > 0 || replay.from.is_some() { Delivery::Retrying } else { Delivery::Ok };
    let state = Backend { delivered, status, failures: 0, parked: 0, ..known };
    Ok(put(context, &replay.backend, &state))
}

fn put(context: &Context<'_>, name: &str, state: &Backend) -> Draft {
    let cause = Cause::from(CauseKind::BackendChanged).with("backend", name);
    Draft::applied(cause, vec![context.put(server::BACKENDS, name, json!(state))])
}

/// A document for each backend that is declared: a new one is told from here on.
pub(super) fn declared(
    production: &Production,
    context: &Context<'_>,
    backends: &[manifest::Backend],
) -> Vec<onair_wire::Change> {
    let mut changes = Vec::new();
    for backend in backends {
        let kind = backend.kind.as_str().to_owned();
        let state = match production.backend(&backend.name) {
            Some(known) if known.kind == kind => continue,
            _ => Backend { kind, delivered: context.revision, ..Backend::default() },
        };
        changes.push(context.put(server::BACKENDS, &backend.name, json!(state)));
    }
    let documents = production.collection(server::BACKENDS).into_iter().flat_map(crate::Documents::iter);
    let gone = documents.filter(|(id, _)| !backends.iter().any(|backend| backend.name == id.as_str()));
    let collection = Collection::new(server::BACKENDS).expect("a collection's name");
    changes.extend(gone.map(|(id, _)| context.change(&collection, id, onair_wire::Op::Delete)));
    changes
}

impl Production {
    /// A backend that is declared.
    #[must_use]
    pub fn backend(&self, name: &str) -> Option<Backend> {
        let document = self.server_document(server::BACKENDS, name)?;
        serde_json::from_value(Value::clone(document.value())).ok()
    }
}
