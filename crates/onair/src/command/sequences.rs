//! `onair sequences`: what was begun and how far it came; one of them step by step, also until it is over.

use std::{process::ExitCode, time::Duration};

use clap::Args;
use onair_wire::{DocumentId, Millis, Timestamp};
use reqwest::Method;
use serde_json::Value;

use super::{Context, action::progress, text};
use crate::remote::Error;

/// How often a sequence is looked at that somebody waits for.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Which of them.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// One of them; left out, the newest
    pub(crate) id: Option<DocumentId>,
    /// How many of the newest
    #[arg(long, value_name = "N", default_value_t = 20, conflicts_with = "id",
        value_parser = clap::value_parser!(u32).range(1..=500))]
    pub(crate) limit: u32,
    /// Wait until it is over; exit code 1 unless it is done
    #[arg(long, requires = "id")]
    pub(crate) wait: bool,
    /// With --wait: say each step on stderr, a line each, also without a terminal
    #[arg(long, requires = "wait")]
    pub(crate) steps: bool,
}

pub(crate) async fn run(context: &Context, options: &Options) -> anyhow::Result<ExitCode> {
    match &options.id {
        Some(id) => one(context, options, id).await,
        None => list(context, options).await,
    }
}

async fn list(context: &Context, options: &Options) -> anyhow::Result<ExitCode> {
    let ask = context.remote.of(&context.production, Method::GET, &["sequences"]);
    let answer = ask.query("limit", &options.limit).value().await?;
    if context.report.wants_json() {
        context.report.json(&answer)?;
        return Ok(ExitCode::SUCCESS);
    }
    let row = |sequence: &Value| {
        let [id, status, by, at] =
            ["id", "status", "startedBy", "startedAt"].map(|name| text(sequence, name));
        vec![id, kind(sequence), status, by, at, took(sequence).unwrap_or_default(), error(sequence)]
    };
    let rows: Vec<_> = answer["sequences"].as_array().into_iter().flatten().map(row).collect();
    if rows.is_empty() {
        context.report.note("no sequences yet");
        return Ok(ExitCode::SUCCESS);
    }
    context.report.table(&["ID", "KIND", "STATUS", "BY", "STARTED", "TOOK", "ERROR"], &rows)?;
    Ok(ExitCode::SUCCESS)
}

async fn one(context: &Context, options: &Options, id: &DocumentId) -> anyhow::Result<ExitCode> {
    let sequence = match options.wait {
        true => {
            let over = until_over(context, id);
            progress::alongside(context, &context.production, options.steps, over).await?
        }
        false => get(context, id).await?,
    };
    if context.report.wants_json() {
        context.report.json(&sequence)?;
    } else {
        show(context, &sequence)?;
    }
    Ok(ExitCode::from(u8::from(options.wait && sequence["status"] != "done")))
}

async fn get(context: &Context, id: &DocumentId) -> Result<Value, Error> {
    context.remote.of(&context.production, Method::GET, &["sequences", id.as_str()]).value().await
}

async fn until_over(context: &Context, id: &DocumentId) -> Result<Value, Error> {
    loop {
        let sequence = get(context, id).await?;
        if is_over(&sequence) {
            return Ok(sequence);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn show(context: &Context, sequence: &Value) -> anyhow::Result<()> {
    let members = [
        ("sequence", "id"),
        ("status", "status"),
        ("by", "startedBy"),
        ("started", "startedAt"),
        ("ended", "endedAt"),
    ];
    let mut pairs: Vec<(&str, String)> =
        members.into_iter().map(|(head, name)| (head, text(sequence, name))).collect();
    pairs.insert(1, ("kind", kind(sequence)));
    pairs.extend(took(sequence).map(|took| ("took", took)));
    pairs.push(("error", error(sequence)));
    pairs.retain(|(_, value)| !value.is_empty());
    context.report.pairs(&pairs)?;
    let row = |step: &Value| {
        let [name, status, attempts, at] =
            ["name", "status", "attempts", "startedAt"].map(|name| text(step, name));
        vec![name, status, attempts, at, took(step).unwrap_or_default(), error(step)]
    };
    let rows: Vec<_> = sequence["steps"].as_array().into_iter().flatten().map(row).collect();
    if !rows.is_empty() {
        context.report.line("")?;
        context.report.table(&["STEP", "STATUS", "ATTEMPTS", "STARTED", "TOOK", "ERROR"], &rows)?;
    }
    Ok(())
}

/// What a sequence is for: `start`; of one service, `recover host`.
fn kind(sequence: &Value) -> String {
    let words = ["kind", "service"].map(|name| text(sequence, name));
    words.join(" ").trim_end().to_owned()
}

/// Whether a sequence goes no further.
pub(super) fn is_over(sequence: &Value) -> bool {
    sequence["status"] != "running"
}

/// A step's name and how it is: `done in 120 ms`, `running, attempt 2`, `failed: the camera is in use`.
pub(super) fn step_line(step: &Value) -> [String; 2] {
    let mut state = text(step, "status");
    if step["attempts"].as_u64().is_some_and(|attempts| attempts > 1) {
        state.push_str(&format!(", attempt {}", text(step, "attempts")));
    }
    if let Some(took) = took(step).filter(|_| step["status"] == "done") {
        state.push_str(&format!(" in {took}"));
    }
    let error = error(step);
    if !error.is_empty() {
        state.push_str(&format!(": {error}"));
    }
    [text(step, "name"), state]
}

/// What went wrong in a sequence, a step or a service: a text, or an object with a message.
pub(super) fn error(of: &Value) -> String {
    match &of["error"] {
        Value::Object(error) if error.get("message").is_some_and(Value::is_string) => {
            text(&of["error"], "message")
        }
        _ => text(of, "error"),
    }
}

/// From `startedAt` to `endedAt`.
fn took(of: &Value) -> Option<String> {
    let at = |name: &str| of[name].as_str()?.parse::<Timestamp>().ok();
    let Millis(ms) = at("startedAt")?.until(at("endedAt")?);
    Some(span(ms))
}

/// A length of time: `120 ms`, `1.5 s`, `15 s`.
pub(super) fn span(ms: u64) -> String {
    match (ms / 1_000, ms % 1_000 / 100) {
        (0, _) => format!("{ms} ms"),
        (seconds, 0) => format!("{seconds} s"),
        (seconds, tenths) => format!("{seconds}.{tenths} s"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lengths_of_time_for_people() {
        let table = [(0, "0 ms"), (999, "999 ms"), (1_000, "1 s"), (1_570, "1.5 s"), (15_000, "15 s")];
        for (ms, expected) in table {
            assert_eq!(span(ms), expected);
        }
    }

    #[test]
    fn l12_a_step_in_words() {
        let times = json!({ "name": "a", "status": "done", "attempts": 1, "startedAt": "2026-11-20T18:00:00.000Z",
            "endedAt": "2026-11-20T18:00:00.120Z" });
        let table = [
            (times, "done in 120 ms"),
            (json!({ "name": "a", "status": "running", "attempts": 2 }), "running, attempt 2"),
            (json!({ "name": "a", "status": "failed", "error": "in use" }), "failed: in use"),
            (json!({ "name": "a", "status": "failed", "error": { "message": "in use" } }), "failed: in use"),
        ];
        for (step, expected) in table {
            assert_eq!(step_line(&step), ["a", expected]);
        }
    }
}
