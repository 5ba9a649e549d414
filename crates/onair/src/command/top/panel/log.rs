//! The last commits, the newest first, as `onair watch` prints them.

use ratatui::text::Line;

use super::nothing;
use crate::command::top::{
    facts::Facts,
    paint::{Paint, Tone},
    words::{clean, cut},
};

pub(super) fn lines(facts: &Facts, paint: Paint, room: usize) -> Vec<Line<'static>> {
    if facts.commits.is_empty() {
        return nothing(paint, "no commits since this screen was opened");
    }
    let line = |commit: &String| paint.line([(cut(&clean(commit), room), Tone::Plain)]);
    facts.commits.iter().map(line).collect()
}
