//! `onair conflicts`: what could not be merged.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::{Context, list, short, text};

/// Which of them.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Those that are resolved as well
    #[arg(long)]
    pub(crate) all: bool,
}

pub(crate) async fn run(context: &Context, options: &Options) -> anyhow::Result<ExitCode> {
    let path = ["productions", context.production.as_str(), "conflicts"];
    let query: &[_] = if options.all { &[] } else { &[("status", "open")] };
    let conflicts = list(&context.remote, &path, "conflicts", query).await?;
    if context.report.wants_json() {
        context.report.json(&json!({ "conflicts": conflicts }))?;
        return Ok(ExitCode::SUCCESS);
    }
    if conflicts.is_empty() {
        context.report.note(if options.all { "no conflicts" } else { "no open conflicts" });
        return Ok(ExitCode::SUCCESS);
    }
    let row = |conflict: &Value| {
        let place = format!(
            "{}/{} {}",
            text(conflict, "collection"),
            text(conflict, "document"),
            text(conflict, "path")
        );
        let values = ["base", "local", "server"].map(|side| short(conflict.get(side)));
        [vec![text(conflict, "id"), text(conflict, "status"), place], values.to_vec()].concat()
    };
    let rows: Vec<_> = conflicts.iter().map(row).collect();
    context.report.table(&["ID", "STATUS", "PLACE", "BASE", "LOCAL", "SERVER"], &rows)?;
    context.report.note("choose with: onair resolve ID --choose local|server|merge");
    Ok(ExitCode::SUCCESS)
}
