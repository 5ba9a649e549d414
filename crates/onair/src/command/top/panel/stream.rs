//! The figures of the stream, and what else is counted.

use ratatui::text::Line;

use crate::command::top::{
    facts::Facts,
    paint::{Cell, Paint, Tone},
    words::clean,
};

pub(super) fn lines(facts: &Facts, paint: Paint, room: usize) -> Vec<Line<'static>> {
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    let mut say = |name: &str, text: String| {
        rows.push(vec![(name.to_owned(), Tone::Dim), (text, Tone::Plain)]);
    };
    let stream = &facts.stream;
    say("fps", fps(facts).unwrap_or_else(|| "-".to_owned()));
    if let Some(ms) = stream.average_render_time {
        say("a frame", format!("{ms:.1} ms"));
    }
    if stream.frame_count.is_some() || stream.dropped_frames.is_some() {
        let [count, dropped] = [stream.frame_count, stream.dropped_frames].map(Option::unwrap_or_default);
        say("frames", format!("{count}, {dropped} dropped"));
    }
    say("watching", facts.watching.to_string());
    let documents: Vec<String> =
        facts.documents.iter().map(|(name, count)| format!("{} {count}", clean(name))).collect();
    if !documents.is_empty() {
        say("documents", documents.join(", "));
    }
    paint.table(&rows, room)
}

/// `59.9 of 60`, where somebody says it.
pub(in crate::command::top) fn fps(facts: &Facts) -> Option<String> {
    let fps = format!("{:.1}", facts.stream.fps?);
    Some(match facts.stream.target_fps {
        Some(target) => format!("{fps} of {target}"),
        None => fps,
    })
}
