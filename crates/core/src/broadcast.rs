//! What backends are told (rows L2, B1): the document `_system/broadcast`, in three states.
//!
//! It is written by the commit that makes it true, so the log is the outbox: whoever delivers reads on from where it
//! was, and a crash between the two cannot happen.

use onair_wire::{CauseKind, Commit, Op, Timestamp};
use serde_json::{Value, json};

use crate::{
    lifecycle::{Lifecycle, Phase},
    manifest::BackendKind,
    production::{Production, server},
};

/// The document's name in `_system`.
pub const ID: &str = "broadcast";

/// What is to be told now; `None` when it was told already.
pub(crate) fn told(
    before: Option<&Value>,
    lifecycle: &Lifecycle,
    active: impl Fn(&str) -> bool,
    now: Timestamp,
) -> Option<Value> {
    // The last step of a start tells what is about to be true: the services are on, and the phase follows at once.
    let on = matches!(lifecycle.phase, Phase::Live | Phase::Starting);
    let state = match lifecycle.phase {
        Phase::Live if lifecycle.paused => "paused",
        _ if on => "live",
        _ => "idle",
    };
    let earlier = |name: &str| before.and_then(|before| before.get(name)).cloned().unwrap_or_default();
    let same_show = before.is_some()
        && earlier("broadcastState") != "idle"
        && earlier("sessionId") == json!(lifecycle.session_id);
    let (session, start) = if on && !same_show {
        (json!(lifecycle.session_id), json!(lifecycle.live_since.unwrap_or(now)))
    } else {
        (earlier("sessionId"), earlier("startTime"))
    };
    let told = json!({
        "sessionId": session,
        "broadcastState": state,
        "hostActive": active("host"),
        "producerActive": active("producer"),
        "liveFeedActive": active("livefeed"),
        "startTime": start,
    });
    // A production that never was on air has nothing to tell.
    if before.is_none() && !on {
        return None;
    }
    let same = |name: &str| told[name] == earlier(name);
    let names = ["sessionId", "broadcastState", "hostActive", "producerActive", "liveFeedActive"];
    if names.into_iter().all(same) {
        return None;
    }
    let began: Option<Timestamp> = serde_json::from_value(told["startTime"].clone()).ok();
    let mut told = told;
    told["duration"] = json!(began.map(|began| began.until(now)));
    Some(told)
}

/// Kinds of causes that a webhook is told of unless it says otherwise.
const TOLD: [CauseKind; 3] = [CauseKind::LifecycleMoved, CauseKind::FindingOpened, CauseKind::FindingCleared];

/// What `commit` has to tell a backend of this kind; `None`: nothing. Nobody is told of an emergency stop (row L7).
#[must_use]
pub fn delivery(production: &Production, commit: &Commit, kind: BackendKind) -> Option<Value> {
    if commit.cause.details.get("forced") == Some(&Value::Bool(true)) {
        return None;
    }
    let written = |collection: &str, id: Option<&str>| {
        let mut changes = commit.changes.iter();
        let found = changes.find(|change| {
            change.collection.as_str() == collection && id.is_none_or(|id| change.id.as_str() == id)
        })?;
        match &found.op {
            Op::Put(value) => Some(Value::clone(value)),
            Op::Patch(_) | Op::Delete | Op::Restore(_) => None,
        }
    };
    let broadcast = written(server::SYSTEM, Some(ID));
    let told = match kind {
        BackendKind::Convex => broadcast.is_some(),
        BackendKind::Webhook => broadcast.is_some() || TOLD.contains(&commit.cause.kind),
    };
    told.then(|| {
        let mut told = json!({
            "production": production.id(),
            "epoch": production.epoch(),
            "revision": commit.revision,
            "at": commit.at,
            "actor": commit.actor,
            "cause": commit.cause,
            "transition": written(server::TRANSITIONS, None),
            "broadcast": broadcast,
        });
        let findings = findings(commit);
        if !findings.is_empty() {
            told["findings"] = findings.into();
        }
        told
    })
}

/// The findings that a commit opened or cleared; what only went on under another name is no news.
fn findings(commit: &Commit) -> Vec<Value> {
    let codes = commit.cause.details.get("codes").and_then(Value::as_array);
    let news = |id: &str| codes.is_some_and(|codes| codes.iter().any(|code| code == id));
    let findings = commit.changes.iter().filter_map(|change| match &change.op {
        Op::Put(value) if change.collection.as_str() == server::FINDINGS && news(change.id.as_str()) => {
            Some(Value::clone(value))
        }
        _ => None,
    });
    findings.collect()
}
