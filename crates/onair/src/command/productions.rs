//! `onair productions`: what the server has.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::{Context, list, text};

/// Nothing to say.
#[derive(Debug, Args)]
pub(crate) struct Options {}

pub(crate) async fn run(context: &Context, Options {}: &Options) -> anyhow::Result<ExitCode> {
    let productions = list(&context.remote, &["productions"], "productions", &[]).await?;
    if context.report.wants_json() {
        context.report.json(&json!({ "productions": productions }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let row = |production: &Value| {
        let paused = if production["paused"] == true { ", paused" } else { "" };
        vec![
            text(production, "id"),
            format!("{}{paused}", text(production, "phase")),
            text(production, "revision"),
        ]
    };
    let rows: Vec<_> = productions.iter().map(row).collect();
    context.report.table(&["PRODUCTION", "PHASE", "REVISION"], &rows)?;
    Ok(ExitCode::SUCCESS)
}
