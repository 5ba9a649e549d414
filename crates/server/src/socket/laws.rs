//! What must hold of what a client sends over a socket, whatever the bytes are; for `onair-laws`, which alone asks for
//! the feature `laws`.

use onair_wire::{agent::AgentMessage, sync::ClientMessage};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
};

use super::reader::{Heard, Reader};

/// Little, so that one message over it is little too.
const MESSAGE_BYTES_MAX: usize = 512;

/// What answers may weigh beyond what was heard: the head of a close frame and its reason, of each pong a head.
const ANSWERS_BEYOND: usize = 125 + 4;

/// Bytes of a socket are read to their end without a panic, what is heard is within the limit, and what is answered is
/// no larger than what was heard. The first byte says whether the rest is frames as they are, or pieces to be made
/// frames of, which no fuzzer would mask.
///
/// # Panics
/// When it is not so.
pub fn frames(bytes: &[u8]) {
    let Some((kind, rest)) = bytes.split_first() else { return };
    let sent = if kind & 1 == 0 { rest.to_vec() } else { made(rest) };
    SILENT.with(|(_runtime, stream)| {
        let mut reader = Reader::new(&sent, MESSAGE_BYTES_MAX);
        let mut answered = 0;
        while let Some(heard) = reader.read(stream) {
            answered += reader.take_answers().map_or(0, |answers| answers.len());
            match heard {
                Heard::Text(text) => {
                    assert!(text.len() <= MESSAGE_BYTES_MAX, "{} bytes were let in", text.len());
                    let _ = ClientMessage::parse(text.as_bytes());
                    let _ = AgentMessage::parse(text.as_bytes());
                }
                Heard::Binary | Heard::Control => {}
                Heard::Closing(_) | Heard::Ended => break,
                Heard::Fault(fault) => {
                    reader.close(stream, fault.close_code(), "it is against the rules");
                    answered += reader.take_answers().map_or(0, |answers| answers.len());
                    break;
                }
            }
        }
        assert!(answered <= sent.len() + ANSWERS_BEYOND, "{answered} bytes answer {}", sent.len());
    });
}

/// Frames with masks: of each piece, the first two bytes are the head and the length, as far as there are bytes.
fn made(mut rest: &[u8]) -> Vec<u8> {
    let mut frames = Vec::new();
    while let [head, length, behind @ ..] = rest {
        let (payload, next) = behind.split_at(behind.len().min(usize::from(*length)));
        let mask = [1, 2, 3, 4];
        frames.push(*head);
        match u8::try_from(payload.len()) {
            Ok(short) if short < 126 => frames.push(0x80 | short),
            _ => {
                frames.push(0x80 | 126);
                frames.extend(u16::try_from(payload.len()).expect("at most 255").to_be_bytes());
            }
        }
        frames.extend(mask);
        frames.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        rest = next;
    }
    frames
}

thread_local! {
    /// A socket on which nobody ever says anything.
    static SILENT: (Runtime, TcpStream) = {
        let runtime = Builder::new_current_thread().enable_io().build().expect("a runtime");
        let stream = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("an address");
            let client = TcpStream::connect(address).await.expect("a connection");
            let (server, _) = listener.accept().await.expect("a connection");
            // As long as the thread lives.
            std::mem::forget(client);
            server
        });
        (runtime, stream)
    };
}
