//! Frames of WebSockets (RFC 6455), as a client writes and reads them. The server reads them with its own library.

/// What a server sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    Text(Vec<u8>),
    Close(Option<u16>),
    Ping(Vec<u8>),
    Pong,
}

/// A masked frame, whole.
pub(crate) fn encode(opcode: u8, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        length @ 0..126 => frame.push(0x80 | u8::try_from(length).expect("below 126")),
        length @ 126..0x1_0000 => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&u16::try_from(length).expect("two bytes").to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

pub(crate) fn text(payload: &str, mask: u64) -> Vec<u8> {
    let [a, b, c, d, ..] = mask.to_le_bytes();
    encode(1, payload.as_bytes(), [a, b, c, d])
}

/// Bytes as they come, until they are frames.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    buffer: Vec<u8>,
    /// Bytes of the stream that were taken out of the buffer.
    pub(crate) taken: u64,
}

impl Decoder {
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame; an error when there can be none.
    pub(crate) fn next(&mut self) -> Result<Option<Frame>, String> {
        let [first, second, rest @ ..] = self.buffer.as_slice() else { return Ok(None) };
        let (first, second) = (*first, *second);
        if second & 0x80 != 0 || first & 0x70 != 0 || first & 0x80 == 0 {
            return Err(format!("no frame of a server begins with {first:02x} {second:02x}"));
        }
        let (head, length) = match second {
            126 if rest.len() < 2 => return Ok(None),
            127 if rest.len() < 8 => return Ok(None),
            126 => (4, usize::from(u16::from_be_bytes([rest[0], rest[1]]))),
            127 => {
                let bytes = rest[..8].try_into().expect("eight bytes");
                (10, usize::try_from(u64::from_be_bytes(bytes)).map_err(|error| error.to_string())?)
            }
            length => (2, usize::from(length)),
        };
        let end = head + length;
        if self.buffer.len() < end {
            return Ok(None);
        }
        let payload = self.buffer[head..end].to_vec();
        self.buffer.drain(..end);
        self.taken += end as u64;
        Ok(Some(match first & 0x0f {
            1 => Frame::Text(payload),
            8 => Frame::Close(payload.first_chunk().map(|code| u16::from_be_bytes(*code))),
            9 => Frame::Ping(payload),
            10 => Frame::Pong,
            other => return Err(format!("a server sends no frame of opcode {other}")),
        }))
    }
}
