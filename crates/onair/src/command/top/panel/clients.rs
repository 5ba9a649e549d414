//! Who is connected: what they are, how they keep up, and what preview they have.

use ratatui::text::Line;
use serde_json::Value;

use super::nothing;
use crate::command::top::{
    facts::Facts,
    paint::{Cell, Paint, Tone},
    words::{ago, clock, said, time},
};

pub(super) fn lines(facts: &Facts, paint: Paint, room: usize) -> Vec<Line<'static>> {
    if facts.clients.is_empty() {
        return nothing(paint, "nobody is connected");
    }
    let rows: Vec<Vec<Cell>> = facts.clients.iter().map(|client| row(facts, client)).collect();
    paint.table(&rows, room)
}

fn row(facts: &Facts, client: &Value) -> Vec<Cell> {
    let lag = match (client["lag"].as_u64(), client["diverged"].as_u64()) {
        (None | Some(0), None | Some(0)) => ("in step".to_owned(), Tone::Good),
        (None | Some(0), Some(times)) => (format!("diverged {times}x"), Tone::Moving),
        (Some(bytes), _) => (format!("{bytes} B behind"), Tone::Moving),
    };
    let ping = time(client, "lastPing").map(|at| ago(at, facts.now)).unwrap_or_default();
    vec![
        (said(client, "kind"), Tone::Plain),
        (said(client, "name"), Tone::Strong),
        lag,
        (said(client, "quality"), Tone::Plain),
        (ping, Tone::Dim),
        (format!("since {}", clock(client, "since")), Tone::Dim),
        (said(client, "actor"), Tone::Dim),
    ]
}
