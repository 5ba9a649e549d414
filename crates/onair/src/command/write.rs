//! `onair put`, `patch`, `delete` and `restore`: one document, one commit.
//!
//! Each is sent under a key of its own, so that it is sent again when the network or the server falters, and still
//! done once.

use std::process::ExitCode;

use clap::Args;
use onair_wire::Revision;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Context, text};
use crate::input::{self, Place};

/// Which document, and on what condition.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// The document
    #[arg(value_name = "COLLECTION/ID")]
    pub(crate) place: Place,
    /// Only if the document is at this revision
    #[arg(long, value_name = "REVISION")]
    pub(crate) if_revision: Option<Revision>,
}

/// What to put.
#[derive(Debug, Args)]
pub(crate) struct Put {
    #[command(flatten)]
    pub(crate) target: Target,
    /// JSON, @FILE, or - for stdin
    pub(crate) value: Option<String>,
    /// Only if there is no such document
    #[arg(long, conflicts_with_all = ["if_revision", "base"])]
    pub(crate) create: bool,
    /// The revision of the production that was looked at: what others changed since is merged
    #[arg(long, value_name = "REVISION")]
    pub(crate) base: Option<Revision>,
}

/// What to change.
#[derive(Debug, Args)]
pub(crate) struct Patch {
    #[command(flatten)]
    pub(crate) target: Target,
    /// A JSON merge patch, @FILE, or - for stdin
    pub(crate) value: Option<String>,
    /// The revision of the production that was looked at: what others changed since is merged
    #[arg(long, value_name = "REVISION")]
    pub(crate) base: Option<Revision>,
}

/// What to delete.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The revision of the production that was looked at: what others changed since opens a conflict
    #[arg(long, value_name = "REVISION")]
    pub(crate) base: Option<Revision>,
}

/// What to bring back.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The version of this revision; left out, the last one of a deleted document
    #[arg(long, value_name = "REVISION")]
    pub(crate) revision: Option<Revision>,
}

/// What is asked of the server.
struct Edit<'a> {
    target: &'a Target,
    method: Method,
    /// Behind the document's own address.
    action: Option<&'static str>,
    body: Option<(&'static str, Value)>,
    create: bool,
    base: Option<Revision>,
}

pub(crate) async fn put(context: &Context, options: &Put) -> anyhow::Result<ExitCode> {
    let body = Some(("application/json", input::value(options.value.as_deref())?));
    let Put { target, create, base, .. } = options;
    send(context, Edit { target, method: Method::PUT, action: None, body, create: *create, base: *base })
        .await
}

pub(crate) async fn patch(context: &Context, options: &Patch) -> anyhow::Result<ExitCode> {
    let body = Some(("application/merge-patch+json", input::value(options.value.as_deref())?));
    let Patch { target, base, .. } = options;
    send(context, Edit { target, method: Method::PATCH, action: None, body, create: false, base: *base })
        .await
}

pub(crate) async fn delete(context: &Context, options: &Delete) -> anyhow::Result<ExitCode> {
    let Delete { target, base } = options;
    let method = Method::DELETE;
    send(context, Edit { target, method, action: None, body: None, create: false, base: *base }).await
}

pub(crate) async fn restore(context: &Context, options: &Restore) -> anyhow::Result<ExitCode> {
    let Restore { target, revision } = options;
    let body = revision.map_or_else(|| json!({}), |revision| json!({ "revision": revision }));
    let (action, body) = (Some("restore"), Some(("application/json", body)));
    send(context, Edit { target, method: Method::POST, action, body, create: false, base: None }).await
}

async fn send(context: &Context, edit: Edit<'_>) -> anyhow::Result<ExitCode> {
    let Edit { target: Target { place, if_revision }, method, action, body, create, base } = edit;
    let segments: Vec<&str> =
        ["documents", place.collection.as_str(), place.id.as_str()].into_iter().chain(action).collect();
    let mut ask = context.remote.of(&context.production, method, &segments).query_some("base", base).once();
    if let Some(revision) = if_revision {
        ask = ask.header("if-match", &format!("\"{revision}\""));
    }
    if create {
        ask = ask.header("if-none-match", "*");
    }
    if let Some((kind, value)) = body {
        ask = ask.body(kind, value.to_string().into());
    }
    let answer = ask.send().await?;
    let mut receipt = answer.json_or_null()?;
    if receipt.is_null() {
        receipt = json!({ "revision": answer.etag });
    }
    tell(context, place, &receipt)?;
    Ok(ExitCode::SUCCESS)
}

/// The revision, and what else the writer should know: that it was merged, and what could not be.
fn tell(context: &Context, place: &Place, receipt: &Value) -> anyhow::Result<()> {
    if context.report.wants_json() {
        return Ok(context.report.json(receipt)?);
    }
    let outcome = match text(receipt, "outcome") {
        outcome if outcome.is_empty() || outcome == "applied" => String::new(),
        outcome => format!(", {outcome}"),
    };
    let revision = text(receipt, "revision");
    let revision = if revision.is_empty() { "done".to_owned() } else { format!("revision {revision}") };
    context.report.line(&format!("{}/{}  {revision}{outcome}", place.collection, place.id))?;
    let conflicts: Vec<&str> =
        receipt["conflicts"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !conflicts.is_empty() {
        let production = &context.production;
        context.report.note(&format!(
            "conflicts: {}; see: onair conflicts --production {production}",
            conflicts.join(", ")
        ));
    }
    Ok(())
}
