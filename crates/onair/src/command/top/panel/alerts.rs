//! What somebody should look at, each with its way out: errors, what is owed, findings, conflicts, backends that wait.

use ratatui::text::Line;
use serde_json::Value;

use super::nothing;
use crate::command::{
    action::Action,
    backends::{last_error, parked},
    sequences::error,
    short,
    top::{
        facts::Facts,
        paint::{Paint, Tone},
        words::{clean, left, said, time, width, wrapped},
    },
    words,
};

/// An alert.
struct Alert {
    sign: char,
    tone: Tone,
    what: String,
    way_out: String,
}

pub(super) fn lines(facts: &Facts, paint: Paint, room: usize) -> Vec<Line<'static>> {
    let alerts = alerts(facts);
    if alerts.is_empty() {
        return nothing(paint, "nothing to look at");
    }
    let sentence = |first: &str, text: &str, tone: Tone| -> Vec<Line<'static>> {
        let lines = wrapped(text, room.saturating_sub(width(first)));
        let heads = std::iter::once(first.to_owned()).chain(std::iter::repeat(" ".repeat(width(first))));
        lines.into_iter().zip(heads).map(|(line, head)| paint.line([(head + &line, tone)])).collect()
    };
    let lines = alerts.into_iter().flat_map(|Alert { sign, tone, what, way_out }| {
        let mut lines = sentence(&format!("{sign} "), &what, tone);
        if !way_out.is_empty() {
            lines.extend(sentence("  → ", &way_out, Tone::Plain));
        }
        lines
    });
    lines.collect()
}

/// How many there are.
pub(in crate::command::top) fn count(facts: &Facts) -> usize {
    alerts(facts).len()
}

fn alerts(facts: &Facts) -> Vec<Alert> {
    let mut alerts: Vec<Alert> = of_the_show(facts).into_iter().collect();
    alerts.extend(facts.services.iter().filter(|service| is_trouble(&service.value)).map(|service| {
        let why = clean(&error(&service.value));
        let why = if why.is_empty() { said(&service.value, "status") } else { why };
        let what = format!("{}: {why}", clean(&service.name));
        Alert { sign: '✗', tone: Tone::Bad, what, way_out: String::new() }
    }));
    alerts.extend(facts.findings.iter().map(finding));
    alerts.extend(facts.conflicts.iter().map(|conflict| of_conflict(facts, conflict)));
    alerts.extend(facts.backends.iter().filter(|backend| parked(&backend.value) > 0).map(|backend| {
        let (name, count) = (clean(&backend.name), parked(&backend.value));
        let what = format!("{name}: {count} parked: {}", clean(&last_error(&backend.value)));
        let way_out = aimed(facts, &format!("onair backends replay {name}"));
        Alert { sign: '!', tone: Tone::Moving, what, way_out }
    }));
    alerts
}

/// The error that the show is in.
fn of_the_show(facts: &Facts) -> Option<Alert> {
    let lifecycle = &facts.lifecycle;
    if lifecycle["error"].is_null() {
        return None;
    }
    let code = said(&lifecycle["error"], "code");
    let code = if code.is_empty() { code } else { format!(" ({code})") };
    let owed = words(&lifecycle["error"]["owed"]);
    let owed = match owed.is_empty() {
        true => String::new(),
        false => format!("; still to be undone: {}", clean(&owed.join(", "))),
    };
    let what = format!("{}{code}{owed}", clean(&error(lifecycle)));
    Some(Alert { sign: '✗', tone: Tone::Bad, what, way_out: way_out(facts) })
}

fn way_out(facts: &Facts) -> String {
    let recovery = &facts.lifecycle["recovery"];
    let by_itself = time(recovery, "nextAt").and_then(|at| left(at, facts.now));
    match (by_itself, facts.allows(Action::Recover)) {
        (Some(left), true) => format!("recovers by itself in {left}; r recovers now"),
        (Some(left), false) => format!("recovers by itself in {left}"),
        (None, true) if recovery["gaveUp"] == true => "gave up recovering by itself; r recovers".to_owned(),
        (None, true) => "r recovers".to_owned(),
        (None, false) => String::new(),
    }
}

fn is_trouble(service: &Value) -> bool {
    let unwell = service["healthy"] == false && service["status"] != "down";
    service["status"] == "failed" || unwell || !service["error"].is_null()
}

fn finding(finding: &Value) -> Alert {
    let (sign, tone) = match finding["severity"].as_str() {
        Some("error") => ('✗', Tone::Bad),
        Some("warning") => ('!', Tone::Moving),
        _ => ('i', Tone::Plain),
    };
    let what = format!("{} {}", said(finding, "code"), said(finding, "message"));
    Alert { sign, tone, what, way_out: said(finding, "fix") }
}

fn of_conflict(facts: &Facts, conflict: &Value) -> Alert {
    let [collection, document, path] = ["collection", "document", "path"].map(|name| said(conflict, name));
    let [local, server] = ["local", "server"].map(|name| clean(&short(conflict.get(name))));
    let what = format!("conflict {collection}/{document}{path}: {server} stands, {local} came late");
    let command = format!("onair resolve {} --choose local|server", said(conflict, "id"));
    Alert { sign: '≠', tone: Tone::Moving, what, way_out: aimed(facts, &command) }
}

/// A command to type elsewhere.
fn aimed(facts: &Facts, command: &str) -> String {
    match facts.production.as_str() {
        "main" => command.to_owned(),
        name => format!("{command} --production {}", clean(name)),
    }
}
