//! What the program says: data on stdout, everything else on stderr, styles only on a terminal.
//!
//! Nothing from outside reaches a terminal as it came: a name with an escape sequence in it would move the cursor, one
//! with a bidirectional override would read as another. What is printed goes through [`printable`], JSON included.

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
    io::{self, IsTerminal, Write},
};

use onair_server::logs::{misleads, printable};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{cli::Usage, remote};

/// Where the program speaks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report {
    json: bool,
    styled: bool,
    styled_notes: bool,
}

/// What a command knows of a failure beyond what the server said; a context of [`remote::Error::Refused`].
#[derive(Debug)]
pub(crate) struct Advice {
    /// Lines behind the sentence.
    pub(crate) lines: Vec<String>,
    /// What to do, in the place of the hint that there is for every refusal.
    pub(crate) hint: Option<String>,
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines.join(", "))
    }
}

const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const RED: &str = "\x1b[1;31m";
const PLAIN: &str = "\x1b[0m";
/// How wide a line may be that is drawn over: the narrowest terminal in use, less a column.
const DRAWN_CHARS_MAX: usize = 79;

impl Report {
    pub(crate) fn new(json: bool) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            && std::env::var_os("TERM").is_none_or(|value| value != "dumb");
        Self {
            json,
            styled: wanted && io::stdout().is_terminal(),
            styled_notes: wanted && io::stderr().is_terminal(),
        }
    }

    /// Whether answers are for programs.
    pub(crate) fn wants_json(self) -> bool {
        self.json
    }

    /// Whether data may have colours: somebody looks, and did not ask for none.
    pub(crate) fn is_styled(self) -> bool {
        self.styled
    }

    /// One line of data; what it says is made printable.
    pub(crate) fn line(self, text: &str) -> io::Result<()> {
        writeln!(io::stdout().lock(), "{}", printable(text))
    }

    /// One JSON value in one line.
    pub(crate) fn json(self, value: &impl Serialize) -> io::Result<()> {
        writeln!(io::stdout().lock(), "{}", one_line(value)?)
    }

    /// A JSON value for people: over several lines.
    pub(crate) fn value(self, value: &Value) -> io::Result<()> {
        let text = serde_json::to_string_pretty(value)?;
        writeln!(io::stdout().lock(), "{}", escaped_json(&text))
    }

    /// Text of our own, with its line breaks.
    pub(crate) fn page(self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        text.lines().try_for_each(|line| match line.starts_with('#') && self.styled {
            true => writeln!(out, "{BOLD}{}{PLAIN}", printable(line)),
            false => writeln!(out, "{}", printable(line)),
        })
    }

    /// Rows under their heads, as wide as needed; the last column is not filled up.
    pub(crate) fn table(self, heads: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        for (number, line) in aligned(heads, rows).into_iter().enumerate() {
            match number == 0 && self.styled {
                true => writeln!(out, "{DIM}{line}{PLAIN}")?,
                false => writeln!(out, "{line}")?,
            }
        }
        Ok(())
    }

    /// Names and values, one pair a line.
    pub(crate) fn pairs(self, pairs: &[(&str, String)]) -> io::Result<()> {
        let width = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        let mut out = io::stdout().lock();
        let (dim, plain) = if self.styled { (DIM, PLAIN) } else { ("", "") };
        pairs
            .iter()
            .try_for_each(|(name, value)| writeln!(out, "{dim}{name:width$}{plain}  {}", printable(value)))
    }

    /// Something beside the data.
    pub(crate) fn note(self, text: &str) {
        let (dim, plain) = if self.styled_notes { (DIM, PLAIN) } else { ("", "") };
        // A note that nobody can read is no reason to stop.
        let _ = writeln!(io::stderr().lock(), "{dim}{}{plain}", printable(text));
    }

    /// Whether what stands on stderr can be drawn over.
    pub(crate) fn notes_move(self) -> bool {
        self.styled_notes
    }

    /// Draws lines on stderr in the place of as many as are `above`.
    pub(crate) fn redraw(self, above: usize, lines: &[String]) -> io::Result<()> {
        let mut err = io::stderr().lock();
        if above > 0 {
            write!(err, "\x1b[{above}A\r\x1b[J")?;
        }
        for line in lines {
            // A line that wraps would be two to draw over.
            let line: String = printable(line).chars().take(DRAWN_CHARS_MAX).collect();
            writeln!(err, "{DIM}{line}{PLAIN}")?;
        }
        err.flush()
    }

    /// Why it did not work: for people on stderr, for programs on stdout.
    pub(crate) fn failure(self, error: &anyhow::Error) -> io::Result<()> {
        if self.json {
            return self.json(&failure_value(error));
        }
        let (red, plain) = if self.styled_notes { (RED, PLAIN) } else { ("", "") };
        let mut err = io::stderr().lock();
        let mut lines = failure_lines(error).into_iter();
        writeln!(err, "{red}error:{plain} {}", printable(&lines.next().unwrap_or_default()))?;
        lines.try_for_each(|line| writeln!(err, "  {}", printable(&line)))
    }
}

/// The sentence, the places, the hint.
fn failure_lines(error: &anyhow::Error) -> Vec<String> {
    let mut lines = Vec::new();
    match error.downcast_ref::<remote::Error>() {
        Some(remote::Error::Refused(refused)) => {
            lines.push(format!("{} ({})", refused.detail, refused.code));
            let places = refused.errors.iter().filter(|place| !refused.detail.contains(&place.detail));
            lines.extend(places.map(|place| format!("at {}: {}", place.pointer, place.detail)));
        }
        _ => lines.push(format!("{error:#}")),
    }
    if let Some(advice) = error.downcast_ref::<Advice>() {
        lines.extend(advice.lines.iter().cloned());
    }
    lines.extend(hint(error));
    lines
}

/// What to do about it.
fn hint(error: &anyhow::Error) -> Option<String> {
    if let Some(usage) = error.downcast_ref::<Usage>() {
        return usage.hint.clone();
    }
    let advised = error.downcast_ref::<Advice>().and_then(|advice| advice.hint.clone());
    advised.or_else(|| error.downcast_ref::<remote::Error>().and_then(remote::Error::hint))
}

fn failure_value(error: &anyhow::Error) -> Value {
    let class = match error.downcast_ref::<remote::Error>() {
        Some(error) => error.class().as_str(),
        None if error.is::<Usage>() => "usage",
        None => "local",
    };
    let mut value = match error.downcast_ref::<remote::Error>() {
        Some(remote::Error::Refused(refused)) => refused.body.clone(),
        _ => json!({ "detail": format!("{error:#}") }),
    };
    value["class"] = class.into();
    if let Some(hint) = hint(error) {
        value["hint"] = hint.into();
    }
    value
}

fn aligned(heads: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let heads: Vec<String> = heads.iter().map(ToString::to_string).collect();
    let lines: Vec<Vec<Cow<'_, str>>> = std::iter::once(&heads)
        .chain(rows)
        .map(|row| row.iter().map(|cell| printable(cell)).collect())
        .collect();
    let width =
        |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let join = |line: &Vec<Cow<'_, str>>| {
        let mut text = String::new();
        for (cell, width) in line.iter().zip(&widths) {
            // Writing into a string cannot fail.
            let _ = write!(text, "{cell:width$}  ");
        }
        text.trim_end().to_owned()
    };
    lines.iter().map(join).collect()
}

/// JSON in one line, with nothing in it that a terminal obeys: in a string an escape says the same.
pub(crate) fn one_line(value: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(value).map(|text| escaped_json(&text).into_owned())
}

fn escaped_json(text: &str) -> Cow<'_, str> {
    // Line breaks are the printer's: within strings it has escaped them.
    let bad = |c: char| c != '\n' && misleads(c);
    if !text.contains(bad) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match bad(c) {
            // All of them are within the basic plane, so four digits do. Writing into a string cannot fail.
            true => drop(write!(out, "\\u{:04x}", u32::from(c))),
            false => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b27_text_is_shown_and_not_obeyed() {
        let table = [
            ("plain, größer, 日本, 👩‍🚀", "plain, größer, 日本, 👩‍🚀"),
            ("\x1b[2J", r"\u{1b}[2J"),
            ("a\nb\tc\rd", r"a\nb\tc\rd"),
            ("\u{9b}31m", r"\u{9b}31m"),
            ("\u{7f}\0", r"\u{7f}\u{0}"),
            ("gpj.\u{202e}exe", r"gpj.\u{202e}exe"),
            ("\u{2066}\u{61c}\u{200f}\u{2028}", r"\u{2066}\u{61c}\u{200f}\u{2028}"),
        ];
        for (text, shown) in table {
            assert_eq!(printable(text), shown);
        }
    }

    #[test]
    fn b27_json_stays_the_same_json() {
        let value = json!({ "a\u{9b}": "\x1b[2J\u{202e}\n\u{7f}ß" });
        let text = one_line(&value).unwrap();
        assert!(!text.contains(misleads), "{text:?}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let rows = [
            vec!["logo".into(), "4".into(), "x".into()],
            vec!["ß\x07".into(), "1234567".into(), String::new()],
        ];
        let lines = aligned(&["ID", "REV", "VALUE"], &rows);
        assert_eq!(lines, ["ID      REV      VALUE", "logo    4        x", r"ß\u{7}  1234567"]);
    }

    #[test]
    fn a_wrong_usage_is_told_with_its_hint() {
        let error: anyhow::Error = Usage::new("no").hint("yes").into();
        assert_eq!(failure_lines(&error), ["no", "yes"]);
        assert_eq!(failure_value(&error), json!({ "detail": "no", "hint": "yes", "class": "usage" }));
    }
}
