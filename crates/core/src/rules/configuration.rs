//! Rules about what somebody wrote: manifest, settings, how the server is set up. What can never work is refused when it
//! is written; here is what can work and will not.

use onair_wire::json;
use serde_json::Value;

use super::{Found, Scene, rules};
use crate::{
    manifest::{Requirement, ServiceIs, Written},
    pointer,
};

/// How many heartbeats fit into `healthTimeout` at least: one may be lost.
const HEARTBEATS: u64 = 2;
/// From how many documents on a field that none of them has is taken for a mistake, and how many are looked at.
const DOCUMENTS_LOOKED: usize = 100;
const DOCUMENTS_ENOUGH: usize = 10;
/// Members of an adapter that hold something secret.
const SECRETS: [&str; 6] = ["secret", "key", "token", "password", "apiKey", "authorization"];

rules! { Configuration:
    "CF001" Warning "A timeout cannot be met",
        "Change the settings named with `onair settings NAME=VALUE`." => timeouts;
    "CF002" Error "The start order contradicts what a start requires",
        "Take the service out of `requires`, require it `initialized`, or add it to `start`." => start_order;
    "CF003" Warning "A merge strategy is for a field that is not there",
        "Correct the JSON pointer under `collections.NAME.merge`." => merge;
    "CF004" Error "A secret is told by value",
        "Put it into a variable of the server and write `env:NAME`; then change it, for everybody who reads the production has seen it." => secrets;
    "CF005" Error "Others reach the server without a token",
        "Make a token with `onair token create`, or listen on 127.0.0.1." => exposed;
}

fn timeouts(scene: &Scene<'_>) -> Vec<Found> {
    let Scene { settings, services, observation, .. } = scene;
    let mut found = Vec::new();
    let (wait, start) = (settings.retry_delay.0, settings.startup_timeout.0);
    if settings.max_retries > 0 && wait >= start {
        let what = format!(
            "retryDelay {wait} is not less than startupTimeout {start}: a start is over before anything is tried again"
        );
        found.push(Found::new("retryDelay", what));
    }
    let by_agents = services.iter().any(|(_, service)| service.adapter == "agent");
    if let Some(heartbeat) = observation.heartbeat.filter(|_| by_agents)
        && settings.health_timeout.0 < heartbeat.0.saturating_mul(HEARTBEATS)
    {
        let what = format!(
            "healthTimeout {} is less than {HEARTBEATS} heartbeats of {} ms: one that is lost takes the show down",
            settings.health_timeout.0, heartbeat.0
        );
        found.push(Found::new("healthTimeout", what));
    }
    found
}

fn start_order(scene: &Scene<'_>) -> Vec<Found> {
    let Scene { production, .. } = *scene;
    let Some(manifest) = production.manifest() else { return Vec::new() };
    let written = &manifest.written;
    let found = written.requires.iter().filter_map(|requirement| contradiction(written, requirement));
    found
        .map(|(service, why)| Found::new(service, format!("a start requires {service}, and {why}")))
        .collect()
}

fn contradiction<'a>(written: &Written, requirement: &'a Requirement) -> Option<(&'a str, &'static str)> {
    match requirement {
        Requirement::Service { service, is: ServiceIs::Active } if written.start.contains(service) => {
            Some((service, "only the start itself turns it on"))
        }
        Requirement::Service { service, .. } if !is_prepared(written, service) => {
            Some((service, "nothing initializes it: it is neither required nor in `start`"))
        }
        Requirement::Service { .. } | Requirement::Content { .. } => None,
    }
}

/// Whether `initialize` makes a service ready.
fn is_prepared(written: &Written, name: &String) -> bool {
    let required = written.services.iter().any(|service| service.name == *name && service.required);
    required || written.start.contains(name)
}

fn merge(scene: &Scene<'_>) -> Vec<Found> {
    let Scene { production, .. } = *scene;
    let Some(manifest) = production.manifest() else { return Vec::new() };
    let mut found = Vec::new();
    for (collection, rules) in &manifest.written.collections {
        for path in rules.merge.keys().filter(|path| !path.is_empty()) {
            let why = match (&rules.schema, production.collection(collection.as_str())) {
                (Some(schema), _) if !is_in_schema(schema, path) => "its schema has no such member",
                (_, Some(documents)) if !is_in_documents(documents, path) => "none of its documents has it",
                _ => continue,
            };
            found.push(Found::new(
                format!("{collection}{path}"),
                format!("{collection} merges {path}, and {why}"),
            ));
        }
    }
    found
}

/// Whether the first member of a path is one of a schema, as far as the schema says what there is.
fn is_in_schema(schema: &Value, path: &str) -> bool {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return true };
    let open = ["$ref", "allOf", "anyOf", "oneOf", "patternProperties"];
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let first = first.replace("~1", "/").replace("~0", "~");
    properties.contains_key(&first) || open.iter().any(|name| schema.get(name).is_some())
}

/// Whether one of the newest documents has something there; few documents say nothing.
fn is_in_documents(documents: &crate::Documents, path: &str) -> bool {
    let mut newest = documents.by_age().rev().take(DOCUMENTS_LOOKED);
    documents.len() < DOCUMENTS_ENOUGH
        || newest.any(|(_, document)| pointer::get(document.value(), path).is_some())
}

/// Never the value: a finding is read by every viewer.
fn secrets(scene: &Scene<'_>) -> Vec<Found> {
    let Scene { production, .. } = *scene;
    let Some(manifest) = production.manifest() else { return Vec::new() };
    let mut found = Vec::new();
    for service in &manifest.written.services {
        let place = format!("/services/{}/adapter", json::escape(&service.name));
        told(&service.adapter, &place, &mut found);
    }
    for backend in &manifest.written.backends {
        let place = format!("/backends/{}/url", json::escape(&backend.name));
        if has_credentials(&backend.url) {
            found.push(Found::new(place.as_str(), format!("{place} has a password in its address")));
        }
    }
    found
}

fn told(value: &Value, place: &str, found: &mut Vec<Found>) {
    let Value::Object(members) = value else { return };
    for (name, value) in members {
        let place = format!("{place}/{}", json::escape(name));
        match value {
            Value::String(text) if SECRETS.contains(&name.as_str()) && !text.starts_with("env:") => {
                found.push(Found::new(place.as_str(), format!("{place} is told, not named")));
            }
            Value::String(text) if has_credentials(text) => {
                found.push(Found::new(place.as_str(), format!("{place} has a password in its address")));
            }
            value => told(value, &place, found),
        }
    }
}

/// Whether an address brings a name and a password, or a token, along.
fn has_credentials(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let (authority, query) = rest.split_once(['/', '?']).unwrap_or((rest, ""));
    let told = |pair: &str| {
        SECRETS
            .iter()
            .any(|name| pair.to_ascii_lowercase().starts_with(&format!("{}=", name.to_ascii_lowercase())))
    };
    let behind = query.rsplit_once('?').map_or(query, |(_, query)| query);
    authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':')) || behind.split('&').any(told)
}

fn exposed(scene: &Scene<'_>) -> Vec<Found> {
    let Scene { observation, .. } = *scene;
    let open = observation.exposed.iter();
    open.map(|address| {
        Found::new(address.as_str(), format!("{address} is open to others, and no token is configured"))
    })
    .collect()
}
