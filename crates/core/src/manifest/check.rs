//! What a manifest must be, place by place.

use std::collections::BTreeSet;

use onair_wire::json::JsonError;
use serde_json::{Value, json};

use super::{Backend, BackendKind, FUNCTION_LENGTH_MAX, NAMES_MAX, Requirement, Service, Written};

/// A manifest that names services of its own starts them in their order and requires nothing of others, unless it says
/// something else: the defaults are about services that it does not have.
pub(super) fn complete(mut value: Value) -> Value {
    let Some(members) = value.as_object_mut() else { return value };
    let Some(services) = members.get("services").and_then(Value::as_array) else { return value };
    let names: Vec<Value> = services.iter().filter_map(|service| service.get("name").cloned()).collect();
    if !members.contains_key("requires") {
        let host = names.contains(&json!("host")).then(|| json!({ "service": "host", "is": "initialized" }));
        let feed = json!({ "collection": "feed", "atLeast": 1 });
        let requires: Vec<Value> = host.into_iter().chain([feed]).collect();
        members.insert("requires".into(), requires.into());
    }
    members.entry("start").or_insert_with(|| names.into());
    value
}

pub(super) fn below(prefix: &str, error: JsonError) -> JsonError {
    match error {
        JsonError::Invalid { pointer, detail } => {
            JsonError::Invalid { pointer: format!("{prefix}{pointer}"), detail }
        }
        other @ JsonError::Syntax { .. } => other,
    }
}

pub(super) fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> JsonError {
    JsonError::Invalid { pointer: pointer.into(), detail: detail.into() }
}

fn check_name<'a>(names: &mut BTreeSet<&'a str>, place: &str, name: &'a str) -> Result<(), JsonError> {
    onair_wire::DocumentId::new(name).map_err(|error| invalid(place, error.to_string()))?;
    if !names.insert(name) {
        return Err(invalid(place, format!("`{name}` stands twice")));
    }
    if names.len() > NAMES_MAX {
        return Err(invalid(place, format!("more than {NAMES_MAX} names")));
    }
    Ok(())
}

pub(super) fn services(written: &Written) -> Result<(), JsonError> {
    const ADAPTERS: [&str; 6] = ["builtin", "agent", "http", "process", "obs", "ffmpeg"];
    let mut names = BTreeSet::new();
    for (i, service) in written.services.iter().enumerate() {
        check_name(&mut names, &format!("/services/{i}/name"), &service.name)?;
        let kind = service.adapter.get("type").and_then(Value::as_str);
        if !kind.is_some_and(|kind| ADAPTERS.contains(&kind)) {
            let detail = format!("an adapter has a `type`, one of `{}`", ADAPTERS.join("`, `"));
            return Err(invalid(format!("/services/{i}/adapter/type"), detail));
        }
        if let Some(secret) = service.adapter.get("secret") {
            check_reference(&format!("/services/{i}/adapter/secret"), secret.as_str().unwrap_or_default())?;
        }
    }
    order(&written.services)?;
    let mut started = BTreeSet::new();
    for (i, name) in written.start.iter().enumerate() {
        check_name(&mut started, &format!("/start/{i}"), name)?;
        if !names.contains(name.as_str()) {
            return Err(invalid(format!("/start/{i}"), format!("there is no service `{name}`")));
        }
    }
    start_order(written)?;
    for (i, requirement) in written.requires.iter().enumerate() {
        match requirement {
            Requirement::Service { service, .. } if !names.contains(service.as_str()) => {
                return Err(invalid(
                    format!("/requires/{i}/service"),
                    format!("there is no service `{service}`"),
                ));
            }
            Requirement::Service { .. } | Requirement::Content { .. } => {}
        }
    }
    Ok(())
}

pub(super) fn backends(backends: &[Backend]) -> Result<(), JsonError> {
    let mut names = BTreeSet::new();
    for (i, backend) in backends.iter().enumerate() {
        check_name(&mut names, &format!("/backends/{i}/name"), &backend.name)?;
        if !(backend.url.starts_with("https://") || backend.url.starts_with("http://")) {
            return Err(invalid(
                format!("/backends/{i}/url"),
                "a backend's `url` begins with https:// or http://",
            ));
        }
        for (field, secret) in [("secret", &backend.secret), ("key", &backend.key)] {
            if let Some(secret) = secret {
                check_reference(&format!("/backends/{i}/{field}"), secret)?;
            }
        }
        if let Some(function) = &backend.function {
            let place = format!("/backends/{i}/function");
            if backend.kind != BackendKind::Convex {
                return Err(invalid(place, "only a backend of type `convex` has a `function`"));
            }
            if !is_function(function) {
                return Err(invalid(place, "a mutation of Convex is `dir/file:function`"));
            }
        }
    }
    Ok(())
}

/// Whether this is `file:function`, with folders before the file or without.
fn is_function(path: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let name = |name: &str| !name.is_empty() && name.chars().all(good);
    path.len() <= FUNCTION_LENGTH_MAX
        && path.split_once(':').is_some_and(|(file, function)| name(function) && file.split('/').all(name))
}

/// A manifest is a document that every viewer reads, so it names secrets and never holds them (row X3).
fn check_reference(place: &str, secret: &str) -> Result<(), JsonError> {
    let name = secret.strip_prefix("env:").unwrap_or_default();
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(good) {
        return Err(invalid(place, "a secret is named, not told: `env:NAME` of a variable of the server"));
    }
    Ok(())
}

/// That services which come after others exist, and that none comes after itself.
fn order(services: &[Service]) -> Result<(), JsonError> {
    let find = |name: &str| services.iter().position(|service| service.name == name);
    for (i, service) in services.iter().enumerate() {
        for (j, name) in service.after.iter().enumerate() {
            if find(name).is_none() {
                return Err(invalid(
                    format!("/services/{i}/after/{j}"),
                    format!("there is no service `{name}`"),
                ));
            }
        }
        let mut path = vec![i];
        if let Some(cycle) = cycle(services, &find, &mut path, &mut BTreeSet::new()) {
            let names: Vec<&str> = cycle.iter().map(|at| services[*at].name.as_str()).collect();
            let detail = format!("`{}` come after each other in a cycle", names.join("` after `"));
            return Err(invalid(format!("/services/{i}/after"), detail));
        }
    }
    Ok(())
}

/// The way from the service that `path` begins with back to itself, if there is one.
fn cycle(
    services: &[Service],
    find: &impl Fn(&str) -> Option<usize>,
    path: &mut Vec<usize>,
    seen: &mut BTreeSet<usize>,
) -> Option<Vec<usize>> {
    let (first, last) = (*path.first()?, *path.last()?);
    for next in services[last].after.iter().filter_map(|name| find(name)) {
        if next == first {
            path.push(next);
            return Some(path.clone());
        }
        if seen.insert(next) {
            path.push(next);
            if let Some(cycle) = cycle(services, find, path, seen) {
                return Some(cycle);
            }
            path.pop();
        }
    }
    None
}

/// That nothing is started before what it comes after.
fn start_order(written: &Written) -> Result<(), JsonError> {
    for (i, name) in written.start.iter().enumerate() {
        let Some(service) = written.services.iter().find(|service| service.name == *name) else { continue };
        let later = service.after.iter().find(|before| written.start[i..].contains(before));
        if let Some(later) = later {
            let detail = format!("`{name}` comes after `{later}`, which is started later");
            return Err(invalid(format!("/start/{i}"), detail));
        }
    }
    Ok(())
}
