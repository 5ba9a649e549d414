//! `onair status`: how a production is, in a dozen lines and one for each service.

use std::process::ExitCode;

use clap::Args;
use onair_wire::{Code, ProductionId};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{Context, backends, sequences, text, why::words};
use crate::remote::Error;

/// Which production.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The production; left out, the one of --production
    pub(crate) name: Option<ProductionId>,
}

pub(crate) async fn run(context: &Context, options: &Options) -> anyhow::Result<ExitCode> {
    let production = options.name.as_ref().unwrap_or(&context.production);
    let snapshot = context.remote.of(production, Method::GET, &[]).value().await?;
    let mut status = status(&snapshot);
    status["readOnly"] = read_only(context).await?;
    if context.report.wants_json() {
        context.report.json(&status)?;
    } else {
        context.report.pairs(&pairs(&status))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Why nothing can be written, or `false`: the log of a server is one, so it is the server that says so.
async fn read_only(context: &Context) -> Result<Value, Error> {
    match context.remote.at(Method::GET, &["readyz"]).send().await {
        Err(Error::Refused(refused)) if refused.code == Code::ReadOnly.as_str() => Ok(refused.detail.into()),
        Err(error) => Err(error),
        Ok(_) => Ok(Value::Bool(false)),
    }
}

/// What of a snapshot is status: everything but the documents themselves.
fn status(snapshot: &Value) -> Value {
    let lifecycle = &snapshot["lifecycle"];
    let documents: Map<String, Value> = snapshot["documents"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(collection, documents)| (collection.clone(), documents.as_object().map_or(0, Map::len).into()))
        .collect();
    let mut status = json!({
        "production": snapshot["production"], "phase": lifecycle["phase"], "paused": lifecycle["paused"],
        "since": lifecycle["since"], "session": lifecycle["sessionId"], "sequence": lifecycle["sequence"],
        "services": snapshot["services"], "backends": snapshot["backends"], "revision": snapshot["revision"], "epoch": snapshot["epoch"],
        "at": snapshot["at"], "clients": snapshot["clients"], "documents": documents,
        "conflicts": snapshot["conflicts"], "findings": snapshot["findings"],
        "readOnly": false,
    });
    if let Some(error) = lifecycle.get("error").filter(|error| !error.is_null()) {
        status["error"] = error.clone();
    }
    status
}

fn pairs(status: &Value) -> Vec<(&'static str, String)> {
    let paused = if status["paused"] == true { ", paused" } else { "" };
    let documents: Vec<String> = status["documents"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(collection, count)| format!("{collection} {count}"))
        .collect();
    let documents = if documents.is_empty() { "none".to_owned() } else { documents.join(", ") };
    let mut pairs = vec![
        ("production", text(status, "production")),
        ("phase", format!("{}{paused}", text(status, "phase"))),
    ];
    for (head, name) in [("session", "session"), ("sequence", "sequence")] {
        pairs.push((head, text(status, name)));
    }
    pairs.retain(|(_, value)| !value.is_empty());
    pairs.extend(each("services", &status["services"], words::state));
    pairs.extend(each("backends", &status["backends"], backend));
    pairs.extend([
        ("revision", format!("{} of epoch {}", text(status, "revision"), text(status, "epoch"))),
        ("changed", text(status, "at")),
        ("clients", text(status, "clients")),
        ("documents", documents),
        ("conflicts", text(status, "conflicts")),
    ]);
    if let Value::String(why) = &status["readOnly"] {
        pairs.push(("read-only", why.clone()));
    }
    if status.get("error").is_some() {
        pairs.push(("error", sequences::error(status)));
    }
    pairs
}

/// The members of an object, a line each with its name: `host ready`. The first has the head.
fn each(
    head: &'static str,
    things: &Value,
    said: impl Fn(&Value) -> String,
) -> impl Iterator<Item = (&'static str, String)> {
    let heads = std::iter::once(head).chain(std::iter::repeat(""));
    let things = things.as_object().into_iter().flatten();
    heads.zip(things.map(move |(name, thing)| format!("{name} {}", said(thing))))
}

/// How far behind a backend is, and what it did not take.
fn backend(backend: &Value) -> String {
    match backends::parked(backend) {
        0 => format!("lag {}", text(backend, "lag")),
        parked => format!("lag {}, {parked} parked", text(backend, "lag")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_in_a_dozen_lines() {
        let snapshot = json!({ "production": "main", "epoch": "k3f9", "revision": 43, "at": "now",
            "lifecycle": { "phase": "live", "paused": true, "error": null }, "clients": 12, "conflicts": 0,
            "documents": { "layers": { "logo": {} }, "chat": {} } });
        let mut status = status(&snapshot);
        assert!(pairs(&status).iter().all(|(name, _)| *name != "read-only"));
        status["readOnly"] = "a flush failed".into();
        let pairs = pairs(&status);
        let said = |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, text)| text.as_str());
        assert_eq!(said("phase"), Some("live, paused"));
        assert_eq!(said("revision"), Some("43 of epoch k3f9"));
        assert_eq!(said("documents"), Some("chat 0, layers 1"));
        assert_eq!(said("read-only"), Some("a flush failed"));
        assert_eq!(said("error"), None);
    }
}
