//! The services: how far each is, whether it is well, and when something was last heard of it.

use ratatui::text::Line;
use serde_json::Value;

use super::nothing;
use crate::command::top::{
    facts::{Facts, Named},
    paint::{Cell, Paint, Tone},
    words::{ago, clean, said, time},
};

pub(super) fn lines(facts: &Facts, paint: Paint, room: usize) -> Vec<Line<'static>> {
    if facts.services.is_empty() {
        return nothing(paint, "no services");
    }
    let rows: Vec<Vec<Cell>> = facts.services.iter().map(|service| row(facts, service)).collect();
    paint.table(&rows, room)
}

fn row(facts: &Facts, Named { name, value }: &Named) -> Vec<Cell> {
    let status = said(value, "status");
    let (sign, tone) = sign(value);
    let optional = if value["required"] == false { "optional" } else { "" };
    let heard = time(value, "lastSeen").map(|at| ago(at, facts.now)).unwrap_or_default();
    vec![
        (format!("{sign} {}", clean(name)), tone),
        (status, tone),
        health(value),
        (heard, Tone::Plain),
        (optional.to_owned(), Tone::Dim),
        (said(value, "adapter"), Tone::Dim),
        (said(value, "error"), Tone::Bad),
    ]
}

/// Nobody expects what is down to be well.
fn health(service: &Value) -> Cell {
    match (service["healthy"] == true, service["status"] == "down") {
        (true, _) => ("well".to_owned(), Tone::Good),
        (false, true) => ("-".to_owned(), Tone::Dim),
        (false, false) => ("unwell".to_owned(), Tone::Bad),
    }
}

fn sign(service: &Value) -> (char, Tone) {
    match service["status"].as_str().unwrap_or_default() {
        _ if service["uncertain"] == true => ('?', Tone::Bad),
        "active" => ('●', Tone::Good),
        "ready" => ('◎', Tone::Plain),
        "initializing" | "starting" | "stopping" => ('◐', Tone::Moving),
        "failed" => ('✗', Tone::Bad),
        _ => ('○', Tone::Dim),
    }
}
