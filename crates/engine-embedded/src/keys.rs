//! The keys of the one keyspace; numbers are big endian, so that their order is the order of keys.
//!
//! One keyspace and not five, since fjall gives a journal back only once *every* keyspace with data in it was
//! flushed: a seldom written one would pin journals for hours. Drawn in `docs/format.md`.

use onair_wire::{ProductionId, Revision};

/// A log by number: what is stored is keyed by this and not by the production, so that a replacement can be
/// written beside the log that it replaces and take its place in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct LogId(pub(crate) u64);

/// The number of the last group, the first item of each batch.
pub(crate) const GROUP: &[u8; 1] = b"g";

/// Before the name of a production: where its log is.
pub(crate) const INDEX: &[u8; 1] = b"h";

/// Before the number of a log whose data nobody needs any more.
pub(crate) const DOOMED: &[u8; 1] = b"x";

pub(crate) fn index(production: &ProductionId) -> Vec<u8> {
    [INDEX, production.as_str().as_bytes()].concat()
}

pub(crate) fn doomed(log: LogId) -> [u8; 9] {
    let mut key = [DOOMED[0]; 9];
    key[1..].copy_from_slice(&log.0.to_be_bytes());
    key
}

pub(crate) fn record(log: LogId, revision: Revision) -> [u8; 17] {
    let mut key = [b'r'; 17];
    key[1..9].copy_from_slice(&log.0.to_be_bytes());
    key[9..].copy_from_slice(&revision.0.to_be_bytes());
    key
}

pub(crate) fn image(log: LogId, revision: Revision, chunk: u32) -> [u8; 21] {
    let mut key = [b'i'; 21];
    key[1..9].copy_from_slice(&log.0.to_be_bytes());
    key[9..17].copy_from_slice(&revision.0.to_be_bytes());
    key[17..].copy_from_slice(&chunk.to_be_bytes());
    key
}

/// The revision in the key of a record or image.
pub(crate) fn revision(key: &[u8]) -> Option<Revision> {
    number(key.get(9..17)?).map(Revision)
}

/// A big-endian number of eight bytes.
pub(crate) fn number(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().ok().map(u64::from_be_bytes)
}

/// The largest revision a key can have.
pub(crate) const LAST: Revision = Revision(u64::MAX);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_keys_is_the_order_of_numbers() {
        let numbers = [0, 1, 255, 256, 65_536, u64::MAX - 1, u64::MAX];
        for pair in numbers.windows(2) {
            assert!(record(LogId(7), Revision(pair[0])) < record(LogId(7), Revision(pair[1])));
            assert!(record(LogId(pair[0]), LAST) < record(LogId(pair[1]), Revision(0)));
        }
        assert_eq!(revision(&record(LogId(3), Revision(9))), Some(Revision(9)));
        assert_eq!(revision(&image(LogId(3), Revision(9), 4)), Some(Revision(9)));
        assert_eq!(revision(b"r"), None);
    }
}
