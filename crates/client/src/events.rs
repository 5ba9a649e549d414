//! Server-sent events, read from pieces of bytes as they come (WHATWG HTML, 9.2.6).
//!
//! A piece may end anywhere: within a line, between the two bytes of a line break, within a character.

use thiserror::Error;

/// The largest event that is taken: a snapshot is one event, and this is the largest file that the server imports.
const EVENT_BYTES_MAX: usize = 512 * 1024 * 1024;

/// An event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Its name; `message` when it says none.
    pub name: String,
    /// The last id that the stream said, of this event or of one before it.
    pub id: Option<String>,
    /// What it says, its lines joined by line breaks.
    pub data: String,
}

/// An event without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an event of more than {EVENT_BYTES_MAX} bytes")]
pub struct TooLarge;

/// Takes bytes, gives events.
#[derive(Debug, Default)]
pub struct Events {
    /// Bytes that are not yet a line.
    line: Vec<u8>,
    began: bool,
    /// The line before ended with a carriage return, so that a line feed right behind it ends no other.
    after_return: bool,
    name: String,
    data: String,
    id: Option<String>,
}

impl Events {
    /// Takes a piece; gives the events that are now complete.
    ///
    /// # Errors
    /// [`TooLarge`]; the stream is of no more use then.
    pub fn push(&mut self, piece: &[u8]) -> Result<Vec<Event>, TooLarge> {
        let mut events = Vec::new();
        for part in piece.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            let (text, end) = match part.split_last() {
                Some((end @ (b'\n' | b'\r'), text)) => (text, Some(*end)),
                _ => (part, None),
            };
            // The second byte of a line break that was taken for a whole one.
            if std::mem::take(&mut self.after_return) && text.is_empty() && end == Some(b'\n') {
                continue;
            }
            self.line.extend_from_slice(text);
            if self.line.len() + self.data.len() > EVENT_BYTES_MAX {
                return Err(TooLarge);
            }
            if let Some(end) = end {
                self.after_return = end == b'\r';
                let line = std::mem::take(&mut self.line);
                events.extend(self.take(&String::from_utf8_lossy(&line)));
            }
        }
        Ok(events)
    }

    /// Takes one line; an empty one ends an event.
    fn take(&mut self, line: &str) -> Option<Event> {
        let line =
            if std::mem::replace(&mut self.began, true) { line } else { line.trim_start_matches('\u{feff}') };
        if line.is_empty() {
            return self.end();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            // Comments (heartbeats), `retry` (we wait as we see fit), and what later servers may say.
            _ => {}
        }
        None
    }

    fn end(&mut self) -> Option<Event> {
        let (name, mut data) = (std::mem::take(&mut self.name), std::mem::take(&mut self.data));
        data.pop()?;
        let name = if name.is_empty() { "message".to_owned() } else { name };
        Some(Event { name, id: self.id.clone(), data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(stream: &[u8], size: usize) -> Vec<Event> {
        let mut events = Events::default();
        stream.chunks(size).flat_map(|piece| events.push(piece).unwrap()).collect()
    }

    fn event(name: &str, id: Option<&str>, data: &str) -> Event {
        Event { name: name.into(), id: id.map(str::to_owned), data: data.into() }
    }

    #[test]
    fn events_are_the_same_however_the_bytes_are_cut() {
        let table: [(&str, Vec<Event>); 12] = [
            ("event: commit\nid: k3f9:7\ndata: {}\n\n", vec![event("commit", Some("k3f9:7"), "{}")]),
            ("data:a\ndata: b\ndata:  c\n\n", vec![event("message", None, "a\nb\n c")]),
            ("data: a\r\n\r\ndata: b\r\r", vec![event("message", None, "a"), event("message", None, "b")]),
            (": heartbeat\n\n:\n\ndata: a\n\n", vec![event("message", None, "a")]),
            ("\u{feff}data: größer 日本\n\n", vec![event("message", None, "größer 日本")]),
            (
                "id: 1\ndata: a\n\ndata: b\n\n",
                vec![event("message", Some("1"), "a"), event("message", Some("1"), "b")],
            ),
            ("id: 1\n\nid: 2\0\ndata: a\n\n", vec![event("message", Some("1"), "a")]),
            ("event: commit\n\ndata: a\n\n", vec![event("message", None, "a")]),
            ("data\n\n", vec![event("message", None, "")]),
            ("retry: 5\nunknown: x\ndata: a:b\n\n", vec![event("message", None, "a:b")]),
            ("data: never ended\n", vec![]),
            ("", vec![]),
        ];
        for (stream, expected) in table {
            for size in [1, 2, 3, 7, 4096] {
                assert_eq!(read(stream.as_bytes(), size), expected, "{stream:?} by {size}");
            }
        }
    }

    #[test]
    fn bytes_that_are_no_text_do_not_stop_it() {
        assert_eq!(read(b"data: \xff\n\ndata: b\n\n", 1)[1], event("message", None, "b"));
    }
}
