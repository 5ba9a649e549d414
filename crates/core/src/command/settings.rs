//! Changing settings at run time (row L11).

use std::sync::Arc;

use onair_wire::{CauseKind, Collection, DocumentId, Op, json::JsonError};
use serde_json::{Map, Value};

use super::{Context, Draft};
use crate::{
    production::{Production, server},
    refusal::Refusal,
};

pub(super) fn decide(
    production: &Production,
    context: &Context<'_>,
    patch: &Map<String, Value>,
) -> Result<Draft, Refusal> {
    if patch.is_empty() {
        return Err(Refusal::invalid("", "there is no setting to change"));
    }
    production.settings().patched(patch).map_err(|error| match error {
        JsonError::Invalid { pointer, detail } => Refusal::invalid(pointer, detail),
        error @ JsonError::Syntax { .. } => Refusal::invalid("", error.to_string()),
    })?;
    let collection = Collection::new(server::SYSTEM).expect("a collection's name");
    let id = DocumentId::new("settings").expect("a document's name");
    let op = Op::Patch(Arc::new(Value::Object(patch.clone())));
    Ok(Draft::applied(CauseKind::SettingsChanged, vec![context.change(&collection, &id, op)]))
}
