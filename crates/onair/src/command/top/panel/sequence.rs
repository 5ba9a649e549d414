//! What is under way, step by step, with attempts and deadlines that count down; and what was before it.

use ratatui::text::Line;
use serde_json::Value;

use super::nothing;
use crate::command::{
    sequences::{error, is_over},
    top::{
        facts::Facts,
        paint::{Cell, Paint, Tone},
        words::{clean, clock, cut, left, said, time, took},
    },
};

/// The sequence under way, else the last one.
pub(super) fn lines(facts: &Facts, paint: Paint, room: usize) -> Vec<Line<'static>> {
    let Some(sequence) = facts.running().or(facts.sequences.first()) else {
        return nothing(paint, "nothing was begun yet");
    };
    let mut lines = vec![head(facts, paint, sequence, room)];
    let rows: Vec<Vec<Cell>> =
        sequence["steps"].as_array().into_iter().flatten().map(|step| row(facts, step)).collect();
    lines.extend(paint.table(&rows, room));
    lines
}

/// The same, and behind it the earlier ones.
pub(super) fn all(facts: &Facts, paint: Paint, room: usize) -> Vec<Line<'static>> {
    let mut lines = lines(facts, paint, room);
    let shown = facts.running().or(facts.sequences.first());
    let earlier: Vec<Vec<Cell>> = facts
        .sequences
        .iter()
        .filter(|sequence| shown.is_none_or(|shown| shown["id"] != sequence["id"]))
        .map(|sequence| {
            let (sign, tone) = sign(sequence);
            vec![
                (format!("{sign} {}", said(sequence, "id")), tone),
                (said(sequence, "status"), tone),
                (clock(sequence, "startedAt"), Tone::Dim),
                (took(sequence, "startedAt", "endedAt").unwrap_or_default(), Tone::Dim),
                (said(sequence, "startedBy"), Tone::Dim),
                (clean(&error(sequence)), Tone::Bad),
            ]
        })
        .collect();
    if !earlier.is_empty() {
        lines.push(Line::default());
        lines.extend(paint.table(&earlier, room));
    }
    lines
}

fn head(facts: &Facts, paint: Paint, sequence: &Value, room: usize) -> Line<'static> {
    let (sign, tone) = sign(sequence);
    let time = match is_over(sequence) {
        true => took(sequence, "startedAt", "endedAt").map(|took| format!(" in {took}")),
        false => time(sequence, "startedAt").map(|at| {
            let ms = at.until(facts.now).0;
            format!(" for {}.{} s", ms / 1_000, ms % 1_000 / 100)
        }),
    };
    let state =
        format!("{sign} {} {}{}", said(sequence, "id"), said(sequence, "status"), time.unwrap_or_default());
    let by = said(sequence, "startedBy");
    let by = if by.is_empty() { by } else { format!(" by {by}") };
    let by = cut(&by, room.saturating_sub(crate::command::top::words::width(&state)));
    paint.line([(state, tone), (by, Tone::Dim)])
}

fn row(facts: &Facts, step: &Value) -> Vec<Cell> {
    let (sign, tone) = sign(step);
    let attempts = match step["attempts"].as_u64().unwrap_or_default() {
        0 | 1 => String::new(),
        attempts => format!(", attempt {attempts}"),
    };
    let time_left = match (is_running(step), time(step, "deadline")) {
        (true, Some(deadline)) => match left(deadline, facts.now) {
            Some(left) => (format!("{left} left"), Tone::Moving),
            None => ("past its deadline".to_owned(), Tone::Bad),
        },
        (true, None) => (String::new(), Tone::Plain),
        (false, _) => (took(step, "startedAt", "endedAt").unwrap_or_default(), Tone::Plain),
    };
    let again = time(step, "retryAt").filter(|_| is_running(step)).and_then(|at| left(at, facts.now));
    let again = again.map(|left| format!("again in {left}"));
    let error = Some(clean(&error(step))).filter(|error| !error.is_empty());
    let trouble: Vec<String> = again.into_iter().chain(error).collect();
    vec![
        (format!("{sign} {}", said(step, "name")), tone),
        time_left,
        (format!("{}{attempts}", said(step, "status")), tone),
        (trouble.join(": "), Tone::Bad),
    ]
}

fn is_running(step: &Value) -> bool {
    step["status"] == "running"
}

/// Of a sequence or a step.
fn sign(of: &Value) -> (char, Tone) {
    match of["status"].as_str().unwrap_or_default() {
        "running" => ('▸', Tone::Moving),
        "done" => ('✓', Tone::Good),
        "failed" => ('✗', Tone::Bad),
        "undone" | "rolledBack" => ('↺', Tone::Bad),
        "skipped" => ('–', Tone::Dim),
        _ => ('·', Tone::Dim),
    }
}
