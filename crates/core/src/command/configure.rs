//! Beginning a production, or giving it another manifest.

use onair_wire::{CauseKind, Change, Collection, DocumentId, Op, json::JsonError};
use serde_json::{Value, json};

use super::{Context, Draft, backend};
use crate::{
    lifecycle::Lifecycle,
    manifest::{Manifest, Rules, Service},
    production::{Production, server},
    refusal::Refusal,
    service::Status,
};

pub(super) fn decide(
    production: &Production,
    context: &Context<'_>,
    manifest: &Value,
) -> Result<Draft, Refusal> {
    let manifest = Manifest::new(manifest.clone()).map_err(refused)?;
    let mut changes = vec![context.put(server::SYSTEM, "manifest", manifest.to_value())];
    if production.server_document(server::SYSTEM, "lifecycle").is_none() {
        changes.push(context.put(server::SYSTEM, "lifecycle", Lifecycle::begun(context.at)));
        changes.push(context.put(server::SYSTEM, "settings", manifest.settings.to_value()));
    } else {
        manifest
            .collections()
            .try_for_each(|(collection, rules)| check_documents(production, collection, rules))?;
        changes.extend(changed_settings(production, context, &manifest)?);
    }
    check_services(production, &manifest.written.services)?;
    changes.extend(services(production, context, &manifest.written.services));
    changes.extend(backend::declared(production, context, &manifest.written.backends));
    Ok(Draft::applied(CauseKind::ManifestChanged, changes))
}

fn refused(error: JsonError) -> Refusal {
    match error {
        JsonError::Invalid { pointer, detail } => Refusal::invalid(pointer, detail),
        error @ JsonError::Syntax { .. } => Refusal::invalid("", error.to_string()),
    }
}

/// A schema that documents already break is refused: nothing that is kept is ever against its schema (row D8).
fn check_documents(production: &Production, collection: &Collection, rules: &Rules) -> Result<(), Refusal> {
    let (Some(schema), Some(documents)) = (&rules.schema, production.collection(collection.as_str())) else {
        return Ok(());
    };
    for (id, document) in documents.iter() {
        if let Err(error) = schema.check(document.value()) {
            let detail = format!("document {collection}/{id} breaks it: {error}");
            return Err(Refusal::invalid(format!("/collections/{collection}/schema"), detail));
        }
    }
    Ok(())
}

/// A service that is up is not taken away, nor reached in another way: whoever turned it on turns it off.
fn check_services(production: &Production, declared: &[Service]) -> Result<(), Refusal> {
    for (name, service) in production.services() {
        let now = declared.iter().find(|service| service.name == name);
        let before = production.manifest().and_then(|manifest| manifest.service(&name).cloned());
        let same = matches!((&before, now), (Some(before), Some(now)) if before.adapter == now.adapter);
        if !same && (service.status != Status::Down || service.uncertain) {
            let status = serde_json::to_value(service.status).unwrap_or_default();
            let status = status.as_str().unwrap_or("up").to_owned();
            return Err(Refusal::not_allowed(format!(
                "service {name} is {status}; an emergency stop brings it down before it is taken away or reached in another way"
            )));
        }
    }
    Ok(())
}

fn changed_settings(
    production: &Production,
    context: &Context<'_>,
    manifest: &Manifest,
) -> Result<Option<Change>, Refusal> {
    if manifest.written.settings.is_empty() {
        return Ok(None);
    }
    let settings = production.settings().patched(&manifest.written.settings).map_err(refused)?;
    Ok((settings != production.settings())
        .then(|| context.put(server::SYSTEM, "settings", settings.to_value())))
}

/// A document for each service that is declared: new ones are down, known ones keep their status. One that is reached in
/// another way is new: what the adapter before saw is not true of it.
fn services(production: &Production, context: &Context<'_>, declared: &[Service]) -> Vec<Change> {
    let mut changes = Vec::new();
    for service in declared {
        let adapter = service.adapter.get("type").cloned().unwrap_or_default();
        let known = production.server_document(server::SERVICES, &service.name);
        let before = production.manifest().and_then(|manifest| manifest.service(&service.name));
        let same = before.is_some_and(|before| before.adapter == service.adapter);
        let mut value = known.filter(|_| same).map_or_else(
            || json!({ "status": "down", "healthy": false, "lastSeen": null, "error": null }),
            |document| Value::clone(document.value()),
        );
        value["required"] = service.required.into();
        value["adapter"] = adapter;
        if known.is_none_or(|document| **document.value() != value) {
            changes.push(context.put(server::SERVICES, &service.name, value));
        }
    }
    let documents =
        production.collection(server::SERVICES).into_iter().flat_map(crate::production::Documents::iter);
    let undeclared = |id: &&DocumentId| !declared.iter().any(|service| service.name == id.as_str());
    let collection = Collection::new(server::SERVICES).expect("a collection's name");
    changes.extend(
        documents.map(|(id, _)| id).filter(undeclared).map(|id| context.change(&collection, id, Op::Delete)),
    );
    changes
}
