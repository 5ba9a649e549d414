//! What a published document says of itself, so that whoever gets it knows which it is and how long it took.
//!
//! A stamp is found in the bytes of any transport without parsing what is around it.

/// `@@`, ten digits, `.`, sixteen digits, `@`.
const STAMP_BYTES: usize = 30;
const MARK: &[u8] = b"@@";

/// Which update it is, and when it was to be sent, in microseconds since the run began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) number: u64,
    pub(super) at_us: u64,
}

impl Stamp {
    /// The document of this update, so many bytes of JSON, or as few as there can be.
    pub(super) fn document(self, bytes: usize) -> String {
        let Self { number, at_us } = self;
        let mut text = format!(r#"{{"stamp":"@@{number:010}.{at_us:016}@","pad":""#);
        let pad = bytes.saturating_sub(text.len() + 2);
        text.extend(std::iter::repeat_n('x', pad));
        text.push_str("\"}");
        text
    }

    /// The first stamp at or behind `from`, and where it ends.
    pub(super) fn find(bytes: &[u8], from: usize) -> Option<(Self, usize)> {
        let mut from = from;
        loop {
            let at = from + bytes.get(from..)?.windows(MARK.len()).position(|window| window == MARK)?;
            let stamp = bytes.get(at..at + STAMP_BYTES)?;
            if stamp[12] == b'.' && stamp[29] == b'@' {
                let (number, at_us) = (digits(&stamp[2..12])?, digits(&stamp[13..29])?);
                return Some((Self { number, at_us }, at + STAMP_BYTES));
            }
            from = at + MARK.len();
        }
    }

    /// Where in bytes without a whole stamp one may begin: what is before is done with.
    pub(super) fn may_begin(bytes: &[u8]) -> usize {
        let tail = bytes.len().saturating_sub(STAMP_BYTES - 1);
        bytes[tail..].iter().position(|byte| *byte == b'@').map_or(bytes.len(), |at| tail + at)
    }
}

fn digits(text: &[u8]) -> Option<u64> {
    text.iter().try_fold(0_u64, |number, digit| {
        digit.is_ascii_digit().then(|| number * 10 + u64::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_as_long_as_it_was_asked_for_and_says_what_it_is() {
        let stamp = Stamp { number: 42, at_us: 1_234_567 };
        for bytes in [64, 200, 60_000] {
            let document = stamp.document(bytes);
            assert_eq!(document.len(), bytes);
            let value: serde_json::Value = serde_json::from_str(&document).unwrap();
            assert!(value["pad"].is_string());
            let (found, end) = Stamp::find(document.as_bytes(), 0).unwrap();
            assert_eq!(found, stamp);
            assert_eq!(Stamp::find(document.as_bytes(), end), None);
        }
    }

    #[test]
    fn stamps_are_found_however_the_bytes_come() {
        let stamps = [1, 2, 3].map(|number| Stamp { number, at_us: number * 7 });
        let text: String = stamps.iter().map(|stamp| format!("@ x@@y {}", stamp.document(70))).collect();
        for cut in 0..text.len() {
            let (mut rest, mut found) = (Vec::new(), Vec::new());
            for piece in [&text.as_bytes()[..cut], &text.as_bytes()[cut..]] {
                rest.extend_from_slice(piece);
                let mut from = 0;
                while let Some((stamp, end)) = Stamp::find(&rest, from) {
                    found.push(stamp);
                    from = end;
                }
                rest.drain(..from);
                rest.drain(..Stamp::may_begin(&rest));
            }
            assert_eq!(found, stamps, "cut at {cut}");
        }
    }
}
