//! A record as it is stored: version, checksum, the checksum of the record before it, body.
//!
//! ```text
//! 0        1                 9                 17
//! ┌─────────┬─────────────────┬─────────────────┬──────────────
//! │ version │ sum, xxh3_64    │ previous sum    │ body …
//! └─────────┴─────────────────┴─────────────────┴──────────────
//!            └ of the bytes from 9 on, seeded with xxh3_64(production, 0, epoch) XOR revision
//! ```
//!
//! The sum says that these bytes belong to this revision of this log; the previous sum says that nothing was left
//! out or put in between. Neither is a secret: they find damage, not forgery.

use onair_wire::{Epoch, ProductionId, Revision};
use thiserror::Error;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// The version of this framing.
const VERSION: u8 = 1;
const HEADER: usize = 17;

/// Which log a checksum belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seed(pub(crate) u64);

impl Seed {
    pub(crate) fn new(production: &ProductionId, epoch: &Epoch) -> Self {
        Self(xxh3_64(format!("{production}\0{epoch}").as_bytes()))
    }

    fn at(self, revision: Revision) -> u64 {
        self.0 ^ revision.0
    }
}

/// The checksum of a record, which the next one repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sum(pub(crate) u64);

impl Sum {
    /// Before the first record of a log, and before the first behind an imported image.
    pub(crate) const ORIGIN: Self = Self(0);
}

/// What does not verify about stored bytes.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum Fault {
    #[error("the record is not there")]
    Missing,
    #[error("the record is cut short")]
    Short,
    #[error("the record has version {0}, this program knows {VERSION}")]
    Version(u8),
    #[error("the checksum does not match")]
    Checksum,
    #[error("the record does not continue the one before it")]
    Unlinked,
    #[error("the store could not read it back")]
    Unreadable,
}

/// A record that was taken apart and verified.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) sum: Sum,
    pub(crate) previous: Sum,
    pub(crate) body: &'a [u8],
}

/// Frames `body` as the record of `revision`.
pub(crate) fn frame(seed: Seed, revision: Revision, previous: Sum, body: &[u8]) -> (Vec<u8>, Sum) {
    let mut stored = Vec::with_capacity(HEADER + body.len());
    stored.push(VERSION);
    stored.extend_from_slice(&[0; 8]);
    stored.extend_from_slice(&previous.0.to_le_bytes());
    stored.extend_from_slice(body);
    let sum = Sum(xxh3_64_with_seed(&stored[9..], seed.at(revision)));
    stored[1..9].copy_from_slice(&sum.0.to_le_bytes());
    (stored, sum)
}

/// Takes `stored` apart and verifies that it is the record of `revision`; whether it follows the one before is for
/// the caller, who has that one.
pub(crate) fn verify(seed: Seed, revision: Revision, stored: &[u8]) -> Result<Frame<'_>, Fault> {
    let (Some(sum), Some(previous)) = (little(stored, 1), little(stored, 9)) else {
        return Err(Fault::Short);
    };
    if stored[0] != VERSION {
        return Err(Fault::Version(stored[0]));
    }
    if xxh3_64_with_seed(&stored[9..], seed.at(revision)) != sum {
        return Err(Fault::Checksum);
    }
    Ok(Frame { sum: Sum(sum), previous: Sum(previous), body: &stored[HEADER..] })
}

/// The little-endian number at `at`.
pub(crate) fn little(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(production: &str, epoch: &str) -> Seed {
        Seed::new(&ProductionId::new(production).unwrap(), &Epoch::new(epoch).unwrap())
    }

    #[test]
    fn d8_a_frame_comes_back_and_names_its_predecessor() {
        let (stored, sum) = frame(seed("a", "e1"), Revision(7), Sum(42), b"{\"x\":1}");
        let read = verify(seed("a", "e1"), Revision(7), &stored).unwrap();
        assert_eq!((read.sum, read.previous, read.body), (sum, Sum(42), &b"{\"x\":1}"[..]));
    }

    /// F8 and F10: every single bit, every cut, and every way of being somewhere else.
    #[test]
    fn f8_nothing_but_the_very_bytes_in_the_very_place_verifies() {
        let here = seed("a", "e1");
        let (stored, _) = frame(here, Revision(7), Sum(42), b"a body of some length");
        for bit in 0..stored.len() * 8 {
            let mut flipped = stored.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(verify(here, Revision(7), &flipped).is_err(), "bit {bit}");
        }
        for length in 0..stored.len() {
            assert!(verify(here, Revision(7), &stored[..length]).is_err(), "cut to {length}");
        }
        for (elsewhere, revision) in [(here, 6), (seed("b", "e1"), 7), (seed("a", "e2"), 7)] {
            assert_eq!(verify(elsewhere, Revision(revision), &stored).unwrap_err(), Fault::Checksum);
        }
    }
}
