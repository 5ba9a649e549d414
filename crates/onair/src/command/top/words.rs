//! Texts from outside made fit for cells, and times in words.
//!
//! A document may hold anything. What a terminal would obey is shown as an escape; what terminals do not agree about
//! the width of is left out, since one column of doubt garbles the rest of the line.

use onair_server::logs::printable;
use onair_wire::{Millis, Timestamp};
use serde_json::Value;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::command::{sequences::span, text};

/// Marks upon one letter; more is not writing but an attack on the lines around it.
const MARKS_MAX: usize = 2;
/// How much of a text is looked at: more than the widest terminal shows.
const CHARS_MAX: usize = 1_000;

/// The text as cells can hold it.
pub(super) fn clean(text: &str) -> String {
    let shortened: String = text.chars().take(CHARS_MAX).collect();
    let mut marks = 0;
    let kept = |c: &char| {
        marks = if c.width() == Some(0) { marks + 1 } else { 0 };
        marks <= MARKS_MAX && !is_joined(*c)
    };
    printable(&shortened).chars().filter(kept).collect()
}

/// What makes one picture of several, in some terminals: joiners, variants, tones of skin.
fn is_joined(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// A member as text that cells can hold.
pub(super) fn said(value: &Value, name: &str) -> String {
    clean(&text(value, name))
}

/// How many columns it takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// At most so many columns of it, with a sign where something is left out.
pub(super) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut used = 0;
    let fits = |c: &char| {
        used += c.width().unwrap_or_default();
        used < columns
    };
    let mut kept: String = text.chars().take_while(fits).collect();
    if columns > 0 {
        kept.push('…');
    }
    kept
}

/// All of it in lines of at most so many columns, broken between words where that is possible.
pub(super) fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is one line at least");
        match line.is_empty() {
            true => line.push_str(word),
            false if width(line) + 1 + width(word) <= columns => line.extend([" ", word]),
            false => lines.push(word.to_owned()),
        }
    }
    // A word without end is cut: what is that long is not for reading.
    lines.iter().map(|line| cut(line, columns)).collect()
}

/// Exactly so many columns of it.
pub(super) fn pad(text: &str, columns: usize) -> String {
    let mut cut = cut(text, columns);
    cut.extend(std::iter::repeat_n(' ', columns.saturating_sub(width(&cut))));
    cut
}

/// A time of day of a member, `18:00:05`, in UTC as everything.
pub(super) fn clock(value: &Value, name: &str) -> String {
    time(value, name).map(time_of_day).unwrap_or_default()
}

/// `18:00:05`.
pub(super) fn time_of_day(at: Timestamp) -> String {
    at.to_string().get(11..19).unwrap_or_default().to_owned()
}

/// A member that is a time.
pub(super) fn time(value: &Value, name: &str) -> Option<Timestamp> {
    value[name].as_str()?.parse().ok()
}

/// How long ago: `now`, `12 s ago`, `3 min ago`, `2 h ago`, `4 d ago`.
pub(super) fn ago(at: Timestamp, now: Timestamp) -> String {
    let Millis(ms) = at.until(now);
    match ms / 1_000 {
        0 => "now".to_owned(),
        seconds => format!("{} ago", long(seconds)),
    }
}

/// `12 s`, `3 min`, `2 h`, `4 d`.
pub(super) fn long(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// What is left until then: `9.4 s`, `3 min`; nothing when it is past.
pub(super) fn left(until: Timestamp, now: Timestamp) -> Option<String> {
    let Millis(ms) = now.until(until);
    match ms {
        0 => None,
        1..60_000 => Some(format!("{}.{} s", ms / 1_000, ms % 1_000 / 100)),
        _ => Some(long(ms / 1_000)),
    }
}

/// From one member to another, `1.5 s`.
pub(super) fn took(value: &Value, from: &str, to: &str) -> Option<String> {
    let Millis(ms) = time(value, from)?.until(time(value, to)?);
    Some(span(ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m5_hostile_text_is_shown_and_not_obeyed() {
        let table = [
            ("host", "host"),
            ("\x1b[2J\x1b]0;gotcha\x07", r"\u{1b}[2J\u{1b}]0;gotcha\u{7}"),
            ("a\r\nb\tc", r"a\r\nb\tc"),
            ("\u{9b}31m", r"\u{9b}31m"),
            ("gpj.\u{202e}exe", r"gpj.\u{202e}exe"),
            ("日本 größer", "日本 größer"),
            ("👩\u{200d}🚀 👍🏽 ☺\u{fe0f}", "👩🚀 👍 ☺"),
            ("Z\u{301}\u{302}\u{303}\u{304}a", "Z\u{301}\u{302}a"),
        ];
        for (text, shown) in table {
            assert_eq!(clean(text), shown);
        }
        assert_eq!(clean(&"x".repeat(100_000)).len(), CHARS_MAX);
    }

    #[test]
    fn m5_wide_characters_are_cut_and_filled_by_their_columns() {
        let table = [
            ("host", 6, "host  "),
            ("host", 4, "host"),
            ("hosts", 4, "hos…"),
            ("日本語", 6, "日本語"),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日… "),
            ("日本語", 1, "…"),
            ("日本語", 0, ""),
        ];
        for (text, columns, padded) in table {
            assert_eq!(pad(text, columns), padded, "{text} {columns}");
            assert_eq!(width(&pad(text, columns)), columns);
        }
    }

    #[test]
    fn m5_sentences_are_broken_between_words() {
        assert_eq!(wrapped("the camera is in use", 10), ["the camera", "is in use"]);
        assert_eq!(wrapped("日本語 日本語", 8), ["日本語", "日本語"]);
        assert_eq!(wrapped("unbreakable", 6), ["unbre…"]);
        assert_eq!(wrapped("", 6), [""]);
    }

    #[test]
    fn m5_times_in_words() {
        let at = Timestamp::from_millis;
        let table = [(0, "now"), (1_500, "1 s ago"), (119_000, "119 s ago"), (120_000, "2 min ago")];
        for (ms, expected) in table {
            assert_eq!(ago(at(1_000), at(1_000 + ms)), expected);
        }
        let table = [(0, None), (-5_000, None), (9_460, Some("9.4 s")), (180_000, Some("3 min"))];
        for (ms, expected) in table {
            assert_eq!(left(at(100_000 + ms), at(100_000)).as_deref(), expected);
        }
    }
}
