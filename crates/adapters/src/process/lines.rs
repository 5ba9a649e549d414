//! Output as lines: cut where it is long, kept to a limit, and always text.

use std::collections::VecDeque;

/// Characters of a line that are kept; the rest of it is let go.
pub(super) const LINE_CHARS: usize = 1_000;

/// Bytes of a line that are kept until it ends: as many as its characters can have.
const LINE_BYTES: usize = 4 * LINE_CHARS;

/// Makes lines of the pieces that a pipe gives. A carriage return ends one too: progress is written so.
#[derive(Debug, Default)]
pub(super) struct Splitter(Vec<u8>);

impl Splitter {
    /// Takes a piece, and answers the lines that ended in it; empty ones are left out.
    pub(super) fn take(&mut self, piece: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for part in piece.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            let (text, ended) = match part.split_last() {
                Some((b'\n' | b'\r', text)) => (text, true),
                _ => (part, false),
            };
            let room = LINE_BYTES.saturating_sub(self.0.len());
            self.0.extend_from_slice(&text[..text.len().min(room)]);
            if ended {
                lines.extend(self.rest());
            }
        }
        lines
    }

    /// What is left when nothing more comes.
    pub(super) fn rest(&mut self) -> Option<String> {
        let bytes = std::mem::take(&mut self.0);
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_end();
        (!text.is_empty()).then(|| text.chars().take(LINE_CHARS).collect())
    }
}

/// The last lines of an output.
#[derive(Debug)]
pub(super) struct Output {
    lines: VecDeque<String>,
    limit: usize,
}

impl Output {
    /// Nothing yet, and never more than `limit` lines.
    pub(super) fn new(limit: u32) -> Self {
        Self { lines: VecDeque::new(), limit: usize::try_from(limit).unwrap_or(usize::MAX).max(1) }
    }

    pub(super) fn push(&mut self, line: String) {
        if self.lines.len() == self.limit {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// The last `count` lines in their order, as one text; none when there is no output.
    pub(super) fn last(&self, count: usize) -> Option<String> {
        let lines = self.lines.iter().skip(self.lines.len().saturating_sub(count));
        let lines: Vec<&str> = lines.map(String::as_str).collect();
        (!lines.is_empty()).then(|| lines.join(" | "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s2_output_comes_in_pieces_and_is_cut() {
        let mut splitter = Splitter::default();
        assert_eq!(splitter.take(b"on"), Vec::<String>::new());
        assert_eq!(splitter.take(b"e\r\ntwo\rthree \n\n\xff!\nfo"), ["one", "two", "three", "\u{fffd}!"]);
        assert_eq!(splitter.rest().as_deref(), Some("fo"));
        assert_eq!(splitter.rest(), None);
        let endless = "ü".repeat(3 * LINE_BYTES);
        splitter.take(endless.as_bytes());
        assert!(splitter.0.len() <= LINE_BYTES, "a line without an end is kept whole");
        assert_eq!(splitter.take(b"\nnext\n"), ["ü".repeat(LINE_CHARS), "next".to_owned()]);
    }

    #[test]
    fn s2_output_is_kept_to_its_limit() {
        let mut output = Output::new(2);
        assert_eq!(output.last(1), None);
        for line in ["a", "b", "c"] {
            output.push(line.to_owned());
        }
        assert_eq!(output.last(1).as_deref(), Some("c"));
        assert_eq!(output.last(9).as_deref(), Some("b | c"));
    }
}
