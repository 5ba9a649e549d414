//! The narrator: what the terminal shows. Colours and a last line that moves for who looks, plain lines for everybody
//! else, and commits as JSON for programs.

use std::{
    io::{self, Write},
    time::Instant,
};

use onair_core::Phase;
use onair_server::logs::printable;
use onair_wire::{Commit, Revision};
use serde_json::Value;

use super::tale::{Line, Mark};
use crate::report::Report;

const PLAIN: &str = "\x1b[0m";
const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const CYAN: &str = "\x1b[36m";
const MAGENTA: &str = "\x1b[1;35m";
const ON_AIR: &str = "\x1b[1;97;41m";
/// Who talks can be told from the next by these.
const VOICES: [&str; 5] = ["\x1b[34m", "\x1b[35m", "\x1b[36m", "\x1b[32m", "\x1b[33m"];
/// How wide the moving line may be: a line that wraps could not be drawn over.
const WIDTH: usize = 79;
/// Names are so wide, that what people say stands below each other.
const NAME: usize = 15;

/// The narrator.
pub(super) struct Narrator {
    report: Report,
    begun: Instant,
    /// What stands in the line that moves.
    status: String,
}

impl Narrator {
    pub(super) fn new(report: Report) -> Self {
        Self { report, begun: Instant::now(), status: String::new() }
    }

    /// Whether there is a line that moves.
    pub(super) fn moves(&self) -> bool {
        self.report.is_styled() && !self.report.wants_json()
    }

    /// A value for programs, when a program listens.
    pub(super) fn map(&self, map: &Value) -> io::Result<()> {
        if self.report.wants_json() { self.report.json(map) } else { Ok(()) }
    }

    /// A commit for programs, when a program listens.
    pub(super) fn commit(&self, commit: &Commit) -> io::Result<()> {
        if self.report.wants_json() { self.report.json(commit) } else { Ok(()) }
    }

    /// A line, of a revision or of the demo's own.
    pub(super) fn say(&mut self, revision: Option<Revision>, line: &Line) -> io::Result<()> {
        let seconds = self.begun.elapsed().as_secs_f64();
        let revision = revision.map(|revision| format!("#{revision}")).unwrap_or_default();
        let text = drawn(line, self.report.is_styled());
        let (dim, plain) = if self.report.is_styled() { (DIM, PLAIN) } else { ("", "") };
        self.put(&format!("{dim}{seconds:6.1}s {revision:>5}{plain}  {text}"))
    }

    /// A page, its headings and remarks told from the rest.
    pub(super) fn page(&mut self, page: &str) -> io::Result<()> {
        let styled = self.report.is_styled();
        let line = |line: &str| match line.split_once("   # ") {
            Some((said, remark)) if styled => {
                format!("{}   {DIM}# {}{PLAIN}", printable(said), printable(remark))
            }
            None if styled && !line.starts_with(' ') => format!("{BOLD}{}{PLAIN}", printable(line)),
            _ => printable(line).into_owned(),
        };
        let lines: Vec<String> = page.lines().map(line).collect();
        self.put(&format!("\n{}\n", lines.join("\n")))
    }

    /// What the moving line says from here on.
    pub(super) fn status(&mut self, status: &str) -> io::Result<()> {
        if !self.moves() {
            return Ok(());
        }
        let status: String = printable(status).chars().take(WIDTH).collect();
        if status == self.status {
            return Ok(());
        }
        self.status = status;
        self.put_status(&mut io::stdout().lock())
    }

    /// Prints above the moving line.
    fn put(&self, text: &str) -> io::Result<()> {
        if self.report.wants_json() {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        if self.moves() {
            write!(out, "\r\x1b[K")?;
        }
        writeln!(out, "{text}")?;
        self.put_status(&mut out)
    }

    fn put_status(&self, out: &mut impl Write) -> io::Result<()> {
        if self.moves() {
            write!(out, "\r\x1b[K{DIM}{}{PLAIN}", self.status)?;
        }
        out.flush()
    }
}

/// A line as it is shown.
fn drawn(line: &Line, styled: bool) -> String {
    let text = printable(&line.text);
    let (style, glyph) = match &line.mark {
        Mark::Phase(phase) => (of_phase(*phase), "●"),
        Mark::Begun => (YELLOW, "▸"),
        Mark::Done => (GREEN, "✓"),
        Mark::Wrong => (RED, "✗"),
        Mark::Air => (CYAN, "▣"),
        Mark::Note => (DIM, "·"),
        Mark::Demo => (MAGENTA, "☞"),
        Mark::Says(who) => {
            let who: String = printable(who).chars().take(NAME).collect();
            let voice = VOICES[who.bytes().map(usize::from).sum::<usize>() % VOICES.len()];
            return match styled {
                true => format!("{voice}{who:>NAME$}{PLAIN} {DIM}│{PLAIN} {text}"),
                false => format!("{who:>NAME$} | {text}"),
            };
        }
    };
    match (styled, &line.mark) {
        (false, _) => format!("{glyph} {text}"),
        (true, Mark::Done | Mark::Air | Mark::Begun) => format!("{style}{glyph}{PLAIN} {text}"),
        (true, _) => format!("{style}{glyph} {text}{PLAIN}"),
    }
}

fn of_phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Live => ON_AIR,
        Phase::Error => "\x1b[1;31m",
        Phase::Ready => "\x1b[1;32m",
        Phase::Starting | Phase::Initializing | Phase::Stopping => "\x1b[1;33m",
        Phase::Idle => BOLD,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colours_a_line_is_only_text() {
        let says = Line::new(Mark::Says("Sal".into()), "Hello?\x1b[2J");
        assert_eq!(drawn(&says, false), r"            Sal | Hello?\u{1b}[2J");
        let moved = Line::new(Mark::Phase(Phase::Live), "starting → live");
        assert_eq!(drawn(&moved, false), "● starting → live");
    }

    #[test]
    fn what_people_say_moves_no_cursor() {
        for mark in [Mark::Says("\x1b[1A".into()), Mark::Note, Mark::Wrong] {
            let drawn = drawn(&Line::new(mark, "\x1b[2J\r"), true);
            assert!(
                !drawn.contains("\x1b[2J") && !drawn.contains("\x1b[1A") && !drawn.contains('\r'),
                "{drawn:?}"
            );
        }
    }
}
