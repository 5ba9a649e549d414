//! `onair start --dry-run`: what a start would do, how each step would be undone, and what is missing for it.

use std::process::ExitCode;

use onair_wire::ProductionId;
use reqwest::Method;
use serde_json::Value;

use crate::{
    command::{Context, sequences::span, text, words},
    remote::Error,
    report::Report,
};

pub(super) async fn run(
    context: &Context,
    production: &ProductionId,
    body: &Value,
) -> anyhow::Result<ExitCode> {
    let plan = ask(context, production, body).await?;
    if context.report.wants_json() {
        context.report.json(&plan)?;
    } else {
        show(context.report, &plan)?;
    }
    Ok(ExitCode::from(u8::from(plan["allowed"] != true)))
}

/// The plan of the server. Nothing changes by asking.
pub(crate) async fn ask(context: &Context, production: &ProductionId, body: &Value) -> Result<Value, Error> {
    context.remote.of(production, Method::POST, &["start"]).query("dryRun", &true).json(body).value().await
}

fn show(report: Report, plan: &Value) -> anyhow::Result<()> {
    table(report, plan)?;
    if plan["allowed"] == true {
        return Ok(());
    }
    let reason = text(plan, "reason");
    report.line(&if reason.is_empty() {
        "not allowed".to_owned()
    } else {
        format!("not allowed: {reason}")
    })?;
    let missing = words(&plan["missingDependencies"]);
    missing.iter().try_for_each(|name| report.line(&format!("missing: {name}")))?;
    words(&plan["findings"]).iter().try_for_each(|code| report.line(&format!("finding: {code}")))?;
    Ok(())
}

/// The steps.
pub(crate) fn table(report: Report, plan: &Value) -> anyhow::Result<()> {
    let steps: Vec<&Value> = plan["steps"].as_array().into_iter().flatten().collect();
    let irreversible = words(&plan["irreversible"]);
    let ordered = steps.iter().any(|step| !words(&step["after"]).is_empty());
    let row = |step: &&Value| {
        let name = text(step, "name");
        let undo = match text(step, "compensation") {
            _ if step["skipped"] == true => "nothing to do".to_owned(),
            undo if undo.is_empty() || irreversible.contains(&name) => "cannot be undone".to_owned(),
            undo => undo,
        };
        let deadline = step["deadline"].as_u64().map_or_else(|| text(step, "deadline"), span);
        let after = ordered.then(|| words(&step["after"]).join(", "));
        [name, deadline, undo].into_iter().chain(after).collect()
    };
    let rows: Vec<Vec<String>> = steps.iter().map(row).collect();
    let heads: &[&str] = if ordered {
        &["STEP", "DEADLINE", "UNDONE BY", "AFTER"]
    } else {
        &["STEP", "DEADLINE", "UNDONE BY"]
    };
    if !rows.is_empty() {
        report.table(heads, &rows)?;
    }
    Ok(())
}
