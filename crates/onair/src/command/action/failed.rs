//! What is said about an action that was refused or failed, beyond the server's sentence: what is missing, what was
//! undone, and where to look next.

use onair_wire::{Code, ProductionId};
use reqwest::Method;
use serde_json::Value;

use super::{Action, aimed};
use crate::{
    command::{Context, text, words},
    remote::Error,
    report::Advice,
};

/// The error with what belongs to it.
pub(super) async fn explained(
    context: &Context,
    production: &ProductionId,
    action: Action,
    error: Error,
) -> anyhow::Error {
    let advice = match &error {
        Error::Refused(refused) if error.is(Code::NotAllowed) => {
            not_allowed(production, action, &refused.body)
        }
        Error::Refused(refused) if error.is(Code::StepFailed) || error.is(Code::StepTimeout) => {
            let undone = undone_in(context, production, &refused.body).await;
            step_failed(production, &refused.body, undone.as_deref())
        }
        Error::Network { .. } | Error::Timeout { .. } => {
            let see = aimed("onair status", production);
            context.report.note(&format!("what the server has begun, it goes on with; see: {see}"));
            return error.into();
        }
        _ => return error.into(),
    };
    anyhow::Error::from(error).context(advice)
}

fn not_allowed(production: &ProductionId, action: Action, body: &Value) -> Advice {
    let mut lines = Vec::new();
    let reason = text(body, "reason");
    if !reason.is_empty() && !text(body, "detail").contains(&reason) {
        lines.push(reason);
    }
    lines.extend(words(&body["missingDependencies"]).into_iter().map(|name| format!("missing: {name}")));
    let findings = words(&body["findings"]);
    lines.extend(findings.iter().map(|code| format!("finding: {code}")));
    let running = text(body, "sequence");
    let hint = match running.is_empty() {
        true if !findings.is_empty() => "onair check".to_owned(),
        true => format!("onair why {}", action.as_str()),
        false => {
            lines.push(format!("running: {running}"));
            format!("onair sequences {running} --wait")
        }
    };
    Advice { lines, hint: Some(format!("see: {}", aimed(&hint, production))) }
}

/// The steps of a start that were undone, the first undone first; `None` of what undoes nothing. Who cannot be asked says
/// nothing.
async fn undone_in(context: &Context, production: &ProductionId, body: &Value) -> Option<Vec<String>> {
    let id = text(body, "sequence");
    if id.is_empty() {
        return None;
    }
    let sequence = context.remote.of(production, Method::GET, &["sequences", &id]).value().await.ok()?;
    (sequence["kind"] == "start").then(|| undone(&sequence))
}

fn undone(sequence: &Value) -> Vec<String> {
    let steps = sequence["steps"].as_array().into_iter().flatten().rev();
    steps.filter(|step| step["status"] == "undone").map(|step| text(step, "name")).collect()
}

/// The detail names the step already, and what was wrong with it.
fn step_failed(production: &ProductionId, body: &Value, undone: Option<&[String]>) -> Advice {
    let mut lines = Vec::new();
    let sequence = text(body, "sequence");
    if !sequence.is_empty() {
        lines.push(format!("sequence: {sequence}"));
    }
    match undone {
        None => {}
        Some([]) => lines.push("undone: nothing".to_owned()),
        Some(undone) => lines.push(format!("undone: {}", undone.join(", "))),
    }
    let owed = words(&body["error"]["owed"]);
    if !owed.is_empty() {
        lines.push(format!("still to be undone: {}", owed.join(", ")));
    }
    Advice { lines, hint: Some(format!("see: {}", aimed("onair why", production))) }
}
