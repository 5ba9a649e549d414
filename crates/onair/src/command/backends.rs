//! `onair backends`: how far behind they are and what they refused; `replay` sends it again (row B3).

use std::process::ExitCode;

use clap::{Args, Subcommand};
use onair_wire::{ProductionId, Revision};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Context, action::aimed, text};
use crate::remote::Error;

/// What to do with backends; left out, show them.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What can be done with a backend.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Send again what a backend did not take
    Replay(Replay),
}

/// Which backend, and from where.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// Its name in the manifest
    pub(crate) name: String,
    /// Everything from this revision on; left out, what is parked
    #[arg(long, value_name = "REVISION")]
    pub(crate) from: Option<Revision>,
}

pub(crate) async fn run(context: &Context, options: &Options) -> anyhow::Result<ExitCode> {
    match &options.command {
        Some(Command::Replay(options)) => replay(context, options).await?,
        None => list(context).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(context: &Context) -> anyhow::Result<()> {
    let backends = all(context, &context.production).await?;
    if context.report.wants_json() {
        return Ok(context.report.json(&json!({ "backends": backends }))?);
    }
    if backends.is_empty() {
        context.report.note("no backends");
        return Ok(());
    }
    let row = |backend: &Value| {
        let [name, kind, lag] = ["name", "type", "lag"].map(|member| text(backend, member));
        vec![name, kind, lag, parked(backend).to_string(), last_error(backend)]
    };
    let rows: Vec<_> = backends.iter().map(row).collect();
    context.report.table(&["NAME", "TYPE", "LAG", "PARKED", "LAST ERROR"], &rows)?;
    if backends.iter().any(|backend| parked(backend) > 0) {
        let again = aimed("onair backends replay NAME", &context.production);
        context.report.note(&format!("send again what is parked with: {again}"));
    }
    Ok(())
}

/// The backends of a production: a manifest has few, so they come at once and not in pages.
pub(super) async fn all(context: &Context, production: &ProductionId) -> Result<Vec<Value>, Error> {
    let mut answer = context.remote.of(production, Method::GET, &["backends"]).value().await?;
    Ok(match answer["backends"].take() {
        Value::Array(backends) => backends,
        _ => Vec::new(),
    })
}

async fn replay(context: &Context, options: &Replay) -> anyhow::Result<()> {
    let Replay { name, from } = options;
    let body = from.map_or_else(|| json!({}), |from| json!({ "from": from }));
    let ask = context.remote.of(&context.production, Method::POST, &["backends", name, "replay"]);
    let answer = ask.json(&body).send().await?.json_or_null()?;
    if context.report.wants_json() {
        return Ok(context.report.json(&answer)?);
    }
    let what = match from {
        Some(from) => format!("sent again from revision {from}"),
        None => "sent again what was parked".to_owned(),
    };
    Ok(context.report.line(&format!("{name}  {what}"))?)
}

/// How many deliveries wait for somebody to act: a number, or the deliveries themselves.
pub(super) fn parked(backend: &Value) -> u64 {
    match &backend["parked"] {
        Value::Array(deliveries) => deliveries.len() as u64,
        Value::Bool(parked) => u64::from(*parked),
        Value::Object(_) => 1,
        other => other.as_u64().unwrap_or_default(),
    }
}

/// What a backend said no with: a text, or an object with a message.
pub(super) fn last_error(backend: &Value) -> String {
    let error = if backend["lastError"].is_null() { &backend["error"] } else { &backend["lastError"] };
    match error {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other if other["message"].is_string() => text(other, "message"),
        other => other.to_string(),
    }
}
