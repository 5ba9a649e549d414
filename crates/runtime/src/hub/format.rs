//! How bytes look to a subscriber: a frame of RFC 6455, or an event of an event stream.
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

/// The transports there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// A WebSocket: unmasked final text frames, no extension.
    Socket,
    /// Server-sent events.
    EventStream,
}

impl Format {
    /// Any message but a commit, ready to be sent. `event` is its name in an event stream; a socket has it inside.
    #[must_use]
    pub fn message(self, event: &str, json: &[u8]) -> Bytes {
        let mut out = Vec::with_capacity(json.len() + event.len() + 24);
        match self {
            Self::Socket => frame(&mut out, &[json]),
            Self::EventStream => {
                out.extend_from_slice(b"event: ");
                out.extend_from_slice(event.as_bytes());
                data(&mut out, json);
            }
        }
        out.into()
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
            Format::EventStream => {
                let epoch = if planted(Bug::EventIdWithoutEpoch) { "" } else { self.epoch.as_str() };
                let id = format!("event: commit\nid: {epoch}:{revision}");
                out.extend_from_slice(id.as_bytes());
                data(out, body);
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

/// Ends the line before, appends the one line of data and the empty line that ends an event.
fn data(out: &mut Vec<u8>, json: &[u8]) {
    debug_assert!(!json.contains(&b'\n'), "JSON of ours has no line breaks");
    out.reserve(json.len() + 9);
    out.extend_from_slice(b"\ndata: ");
    out.extend_from_slice(json);
    out.extend_from_slice(b"\n\n");
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
    }

    #[test]
    fn a_message_of_an_event_stream_has_its_name() {
        let event = Format::EventStream.message("signal", b"{}");
        assert_eq!(event, &b"event: signal\ndata: {}\n\n"[..]);
    }
}
