//! Who is told through the outbox, and how far behind each is. No show waits for them.

use ratatui::text::Line;

use super::nothing;
use crate::command::{
    backends::{last_error, parked},
    top::{
        facts::{Facts, Named},
        paint::{Cell, Paint, Tone},
        words::{clean, said},
    },
};

pub(super) fn lines(facts: &Facts, paint: Paint, room: usize) -> Vec<Line<'static>> {
    if facts.backends.is_empty() {
        return nothing(paint, "no backends");
    }
    let rows: Vec<Vec<Cell>> = facts.backends.iter().map(row).collect();
    paint.table(&rows, room)
}

fn row(Named { name, value }: &Named) -> Vec<Cell> {
    let (sign, tone) = match (parked(value), value["lag"].as_u64().unwrap_or_default()) {
        (1.., _) => ('✗', Tone::Bad),
        (_, 1..) => ('◐', Tone::Moving),
        _ => ('✓', Tone::Good),
    };
    let parked = match parked(value) {
        0 => String::new(),
        parked => format!("{parked} parked"),
    };
    vec![
        (format!("{sign} {}", clean(name)), tone),
        (said(value, "type"), Tone::Dim),
        (format!("lag {}", said(value, "lag")), tone),
        (parked, Tone::Bad),
        (clean(&last_error(value)), Tone::Bad),
    ]
}
