//! The actions: which are allowed, by which key, and why the others are not.

use ratatui::text::Line;

use super::nothing;
use crate::command::{
    action::Action,
    top::{
        facts::Facts,
        paint::{Cell, Paint, Tone},
        words::said,
    },
};

pub(super) fn lines(facts: &Facts, paint: Paint, room: usize) -> Vec<Line<'static>> {
    if facts.can.is_null() {
        return nothing(paint, "not known yet");
    }
    let row = |action: Action| -> Vec<Cell> {
        let word = format!("{} {}", key(action), action.as_str());
        match facts.is_of_use(action) {
            true => vec![(format!("✓ {word}"), Tone::Good), ("allowed".to_owned(), Tone::Good)],
            false => vec![(format!("– {word}"), Tone::Dim), (said(facts.can(action), "reason"), Tone::Dim)],
        }
    };
    paint.table(&Action::ALL.map(row), room)
}

/// The key of an action.
pub(in crate::command::top) const fn key(action: Action) -> char {
    match action {
        Action::Initialize => 'i',
        Action::Start => 's',
        Action::Stop => 'x',
        Action::Pause | Action::Resume => 'p',
        Action::Recover => 'r',
        Action::EmergencyStop => 'E',
    }
}
