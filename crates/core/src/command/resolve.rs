//! Choosing in a conflict (row K2): the local value, the server's, or a third one.

use std::sync::Arc;

use onair_wire::{Cause, CauseKind, Change, Collection, DocumentId, Op, json};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Context, Draft, limits};
use crate::{
    conflict::{ConflictStatus, Resolved},
    pointer,
    production::{Production, server},
    refusal::Refusal,
};

/// What somebody chooses.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Resolve {
    /// In which conflict.
    pub conflict: DocumentId,
    /// Which value.
    pub choose: Choice,
    /// The third one, for `merge`.
    pub value: Option<Value>,
}

/// Which value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    /// That of the late edit.
    Local,
    /// The one that stands.
    Server,
    /// Another one.
    Merge,
}

/// What of a conflict's record is needed to act on it.
#[derive(Deserialize)]
struct Record {
    collection: Collection,
    document: DocumentId,
    path: String,
    #[serde(default, deserialize_with = "json::present")]
    local: Option<Value>,
    #[serde(default)]
    deleted: Option<String>,
    status: String,
}

pub(super) fn decide(
    production: &Production,
    context: &Context<'_>,
    resolve: &Resolve,
) -> Result<Draft, Refusal> {
    let conflicts = Collection::new(server::CONFLICTS).expect("a collection's name");
    let missing = || Refusal::NotFound { collection: conflicts.clone(), id: resolve.conflict.clone() };
    let open = production.document(&conflicts, &resolve.conflict).ok_or_else(missing)?;
    let record: Record = serde_json::from_value(Value::clone(open.value())).map_err(|error| {
        Refusal::not_allowed(format!("the record of the conflict does not read: {error}"))
    })?;
    if record.status != "open" {
        let reason = format!("conflict {} is resolved already", resolve.conflict);
        return Err(Refusal::not_allowed(reason));
    }
    let mut changes = Vec::new();
    match resolve.choose {
        Choice::Server => {}
        Choice::Local => {
            let local = record.local.clone().filter(|_| record.deleted.as_deref() != Some("local"));
            changes.extend(write(production, context, &record, local)?);
        }
        Choice::Merge => {
            let Some(value) = resolve.value.clone() else {
                return Err(Refusal::invalid("/value", "`merge` carries the value that is to stand"));
            };
            changes.extend(write(production, context, &record, Some(value))?);
        }
    }
    let mut resolved = Value::clone(open.value());
    resolved["status"] = serde_json::json!(ConflictStatus::Resolved);
    resolved["resolution"] = serde_json::json!(Resolved::from(resolve.choose));
    resolved["resolvedAt"] = serde_json::json!(context.at);
    resolved["resolvedBy"] = context.actor.as_str().into();
    changes.push(context.change(&conflicts, &resolve.conflict, Op::Put(Arc::new(resolved))));
    let cause = Cause::from(CauseKind::ConflictResolved)
        .with("conflict", resolve.conflict.as_str())
        .with("resolution", serde_json::json!(resolve.choose));
    Ok(Draft::applied(cause, changes))
}

/// The document with `chosen` at the conflict's place, or without anything there; no change when it is so already.
fn write(
    production: &Production,
    context: &Context<'_>,
    record: &Record,
    chosen: Option<Value>,
) -> Result<Option<Change>, Refusal> {
    let Record { collection, document: id, path, .. } = record;
    let current = production.document(collection, id);
    if path.is_empty() {
        return match chosen {
            Some(value) => {
                check(production, collection, &value)?;
                Ok(Some(context.change(collection, id, Op::Put(Arc::new(value)))))
            }
            None => Ok(current.map(|_| context.change(collection, id, Op::Delete))),
        };
    }
    let missing = || Refusal::NotFound { collection: collection.clone(), id: id.clone() };
    let mut value = Value::clone(current.ok_or_else(missing)?.value());
    let done = match chosen {
        Some(chosen) => pointer::set(&mut value, path, chosen),
        None => pointer::remove(&mut value, path).map(drop),
    };
    done.map_err(|error| {
        Refusal::not_allowed(format!("{collection}/{id} has no place {path} any more: {error}"))
    })?;
    check(production, collection, &value)?;
    Ok(Some(context.change(collection, id, Op::Put(Arc::new(value)))))
}

fn check(production: &Production, collection: &Collection, value: &Value) -> Result<(), Refusal> {
    limits::check(value)?;
    let rules = production.manifest().and_then(|manifest| manifest.rules(collection));
    match rules.and_then(|rules| rules.schema.as_ref()).map(|schema| schema.check(value)) {
        Some(Err(error)) => Err(Refusal::invalid("/value", error.to_string())),
        Some(Ok(())) | None => Ok(()),
    }
}
