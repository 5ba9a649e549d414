//! How bytes look to a subscriber: a frame of RFC 6455, or an event of an event stream, in a chunk or not.
//!
//! A commit is encoded once, as in the log; what is put around it here is all that differs between transports, and it
//! is put around it once for everybody. Nothing here knows a socket.

use bytes::Bytes;
use onair_wire::{
    Epoch, ProductionId, Revision,
    planted::{Bug, planted},
};

/// A final, unmasked text frame (RFC 6455, 5.2): FIN and opcode 1.
const TEXT_FRAME: u8 = 0x81;

/// Ends the line before and begins the one line of data: JSON of ours has no line breaks.
const DATA: &[u8] = b"\ndata: ";

/// Ends that line, and the event.
const END: &[u8] = b"\n\n";

/// The transports there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// A WebSocket: unmasked final text frames, no extension.
    Socket,
    /// Server-sent events.
    EventStream,
    /// Server-sent events, each a chunk of HTTP/1.1 (RFC 9112, 7.1): what is the same for everybody is framed once.
    EventChunks,
}

impl Format {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Socket, Self::EventStream, Self::EventChunks];

    /// Any message without a place in the log, ready to be sent. `event` is its name in an event stream; a socket has it
    /// inside.
    #[must_use]
    pub fn message(self, event: &str, json: &[u8]) -> Bytes {
        let mut out = Vec::with_capacity(json.len() + event.len() + 32);
        match self {
            Self::Socket => frame(&mut out, &[json]),
            _ => self.event(&mut out, &[b"event: ", event.as_bytes(), DATA, json, END]),
        }
        out.into()
    }

    /// A message with a place in the log, from which an event stream is resumed.
    #[must_use]
    pub fn placed(self, event: &str, epoch: &str, revision: Revision, json: &[u8]) -> Bytes {
        let mut out = Vec::with_capacity(json.len() + event.len() + 96);
        self.put_placed(&mut out, event, epoch, revision, &[json]);
        out.into()
    }

    /// What keeps proxies and timers from taking a silent connection for a dead one: an unmasked ping without payload
    /// (RFC 6455, 5.5.2), or a comment.
    #[must_use]
    pub const fn heartbeat(self) -> Bytes {
        Bytes::from_static(match self {
            Self::Socket => &[0x89, 0],
            Self::EventStream => b": heartbeat\n\n",
            Self::EventChunks => b"d\r\n: heartbeat\n\n\r\n",
        })
    }

    /// [`Format::placed`] at the end of `out`, with JSON in parts.
    fn put_placed(self, out: &mut Vec<u8>, event: &str, epoch: &str, revision: Revision, json: &[&[u8]]) {
        if self == Self::Socket {
            return frame(out, json);
        }
        let revision = revision.to_string();
        let head =
            [b"event: ", event.as_bytes(), b"\nid: ", epoch.as_bytes(), b":", revision.as_bytes(), DATA];
        self.event(out, &[&head, json, &[END]].concat());
    }

    /// Appends one event made of `parts`, in a chunk where chunks are wanted.
    fn event(self, out: &mut Vec<u8>, parts: &[&[u8]]) {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        out.reserve(length + 12);
        let chunked = self == Self::EventChunks;
        if chunked {
            out.extend_from_slice(format!("{length:x}\r\n").as_bytes());
        }
        parts.iter().for_each(|part| out.extend_from_slice(part));
        if chunked {
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// What stands around every commit of one log: made once, used for live commits and for those somebody lacks.
#[derive(Clone, Debug)]
pub struct Envelope {
    head: Box<[u8]>,
    epoch: Epoch,
}

impl Envelope {
    /// For the commits of this log.
    #[must_use]
    pub fn new(production: &ProductionId, epoch: &Epoch) -> Self {
        // Neither identifier can hold a character that JSON escapes.
        let head = format!(r#"{{"type":"commit","production":"{production}","epoch":"{epoch}","#);
        Self { head: head.into_bytes().into(), epoch: epoch.clone() }
    }

    /// Appends one commit to `out`. `body` is the commit's JSON object as in the log, without line breaks.
    ///
    /// # Panics
    /// When `body` is not an object with something in it: the log holds nothing else.
    pub fn commit(&self, format: Format, out: &mut Vec<u8>, body: &[u8], revision: Revision) {
        assert!(body.len() > 2 && body[0] == b'{', "a commit is a JSON object, this is {} bytes", body.len());
        match format {
            Format::Socket => frame(out, &[&self.head, &body[1..]]),
            _ => {
                let epoch = if planted(Bug::EventIdWithoutEpoch) { "" } else { self.epoch.as_str() };
                format.put_placed(out, "commit", epoch, revision, &[body]);
            }
        }
    }
}

/// Appends one text frame made of `parts`, with the shortest of the three lengths.
fn frame(out: &mut Vec<u8>, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    out.reserve(length + 10);
    out.push(TEXT_FRAME);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short), _) if short < 126 => out.push(short),
        (_, Ok(middle)) => {
            out.push(126);
            out.extend_from_slice(&middle.to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    parts.iter().for_each(|part| out.extend_from_slice(part));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope() -> Envelope {
        Envelope::new(&ProductionId::new("main").unwrap(), &Epoch::new("k3f9").unwrap())
    }

    #[test]
    fn a_socket_frame_has_the_shortest_length_there_is() {
        for (length, head) in [
            (0, vec![0x81, 0]),
            (125, vec![0x81, 125]),
            (126, vec![0x81, 126, 0, 126]),
            (65_535, vec![0x81, 126, 0xff, 0xff]),
            (65_536, vec![0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let frame = Format::Socket.message("any", &vec![b'x'; length]);
            assert_eq!(frame[..head.len()], head, "length {length}");
            assert_eq!(frame.len(), head.len() + length);
        }
    }

    #[test]
    fn a_commit_is_the_body_of_the_log_with_a_head() {
        let mut out = Vec::new();
        envelope().commit(Format::Socket, &mut out, br#"{"revision":7}"#, Revision(7));
        let text = r#"{"type":"commit","production":"main","epoch":"k3f9","revision":7}"#;
        assert_eq!(out[..2], [0x81, u8::try_from(text.len()).unwrap()]);
        assert_eq!(&out[2..], text.as_bytes());

        out.clear();
        envelope().commit(Format::EventStream, &mut out, br#"{"revision":7}"#, Revision(7));
        assert_eq!(out, b"event: commit\nid: k3f9:7\ndata: {\"revision\":7}\n\n");

        out.clear();
        envelope().commit(Format::EventChunks, &mut out, br#"{"revision":7}"#, Revision(7));
        assert_eq!(out, b"2f\r\nevent: commit\nid: k3f9:7\ndata: {\"revision\":7}\n\n\r\n");
    }

    #[test]
    fn a_message_of_an_event_stream_has_its_name() {
        let event = Format::EventStream.message("signal", b"{}");
        assert_eq!(event, &b"event: signal\ndata: {}\n\n"[..]);
        let event = Format::EventChunks.message("signal", b"{}");
        assert_eq!(event, &b"18\r\nevent: signal\ndata: {}\n\n\r\n"[..]);
        let placed = Format::EventStream.placed("snapshot", "k3f9", Revision(0), b"{}");
        assert_eq!(placed, &b"event: snapshot\nid: k3f9:0\ndata: {}\n\n"[..]);
    }

    #[test]
    fn the_chunk_of_a_heartbeat_is_as_long_as_it_says() {
        let (comment, chunk) = (Format::EventStream.heartbeat(), Format::EventChunks.heartbeat());
        let framed = format!("{:x}\r\n{}\r\n", comment.len(), String::from_utf8_lossy(&comment));
        assert_eq!(chunk, framed.as_bytes());
    }
}
