//! The transitions of the lifecycle, the newest first.

use onair_wire::Millis;
use ratatui::text::Line;
use serde_json::Value;

use super::nothing;
use crate::command::{
    sequences::span,
    top::{
        facts::Facts,
        paint::{Cell, Paint, Tone},
        words::{clock, said},
    },
};

pub(super) fn lines(facts: &Facts, paint: Paint, room: usize) -> Vec<Line<'static>> {
    if facts.transitions.is_empty() {
        return nothing(paint, "nothing has happened yet");
    }
    let rows: Vec<Vec<Cell>> = facts.transitions.iter().map(row).collect();
    paint.table(&rows, room)
}

fn row(transition: &Value) -> Vec<Cell> {
    let tone = if transition["to"] == "error" { Tone::Bad } else { Tone::Plain };
    let lasted = transition["lasted"].as_u64().map(|ms| after(Millis(ms))).unwrap_or_default();
    vec![
        (clock(transition, "at"), Tone::Plain),
        (format!("{} → {}", said(transition, "from"), said(transition, "to")), tone),
        (said(transition, "reason"), Tone::Plain),
        (lasted, Tone::Dim),
        (said(transition, "actor"), Tone::Dim),
    ]
}

/// How long the phase before had lasted.
fn after(Millis(ms): Millis) -> String {
    match ms {
        0..60_000 => format!("after {}", span(ms)),
        _ => format!("after {}", super::super::words::long(ms / 1_000)),
    }
}
