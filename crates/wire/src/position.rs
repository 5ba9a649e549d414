//! Where in a log: a revision counts commits, an epoch names the log, a position is both.
//!
//! A revision alone cannot tell a log that went on from another one of equal length (a restored backup,
//! say), so every resume names the epoch too, and a client of another log gets a snapshot instead of
//! somebody else's commits. Contract, section 1.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The largest integer that every JSON reader keeps exactly: 2^53 − 1.
pub const INTEGER_MAX: u64 = (1 << 53) - 1;

/// The longest epoch, in characters.
pub const EPOCH_LENGTH_MAX: usize = 32;

/// The number of a commit in its production: 1, 2, 3 … without a hole; 0 is before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u64);

impl Revision {
    /// Before the first commit.
    pub const ZERO: Self = Self(0);

    /// The revision behind this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The revision before this one; zero has itself before it.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a text is not a revision, epoch or position.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PositionError {
    /// Not a whole number from 0 to 2^53 − 1.
    #[error("a revision is a whole number from 0 to {INTEGER_MAX}, not {0:?}")]
    Revision(String),
    /// Not 1 to 32 of `a-z 0-9`.
    #[error("an epoch is 1 to {EPOCH_LENGTH_MAX} of a-z 0-9, not {0:?}")]
    Epoch(String),
}

impl FromStr for Revision {
    type Err = PositionError;
    fn from_str(text: &str) -> Result<Self, PositionError> {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        match text.parse::<u64>() {
            Ok(number) if digits && number <= INTEGER_MAX => Ok(Self(number)),
            _ => Err(PositionError::Revision(text.chars().take(40).collect())),
        }
    }
}

/// The name of one log: new when a log begins, is restored or imported.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Arc<str>", into = "Arc<str>")]
pub struct Epoch(Arc<str>);

impl Epoch {
    /// Checks `text` and keeps it.
    ///
    /// # Errors
    /// [`PositionError::Epoch`].
    pub fn new(text: impl Into<Arc<str>>) -> Result<Self, PositionError> {
        let text = text.into();
        let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        if text.is_empty() || text.len() > EPOCH_LENGTH_MAX || !text.bytes().all(good) {
            return Err(PositionError::Epoch(text.chars().take(40).collect()));
        }
        Ok(Self(text))
    }

    /// An epoch made from chance that the caller brings: eight characters of base 32.
    #[must_use]
    pub fn from_random(random: u64) -> Self {
        const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        let text: String = (0..8)
            .map(|i| char::from(ALPHABET[usize::from((random >> (5 * i)).to_le_bytes()[0] & 31)]))
            .collect();
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<Arc<str>> for Epoch {
    type Error = PositionError;
    fn try_from(text: Arc<str>) -> Result<Self, PositionError> {
        Self::new(text)
    }
}

impl From<Epoch> for Arc<str> {
    fn from(epoch: Epoch) -> Self {
        epoch.0
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A place in one log, written `epoch:revision`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// Which log.
    pub epoch: Epoch,
    /// How far.
    pub revision: Revision,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.revision)
    }
}

/// Where a client wants to go on: a position, or a bare revision of whatever log there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct After {
    /// The log it knows, if it said so.
    pub epoch: Option<Epoch>,
    /// The last revision it has.
    pub revision: Revision,
}

impl FromStr for After {
    type Err = PositionError;
    fn from_str(text: &str) -> Result<Self, PositionError> {
        match text.split_once(':') {
            Some((epoch, revision)) => {
                Ok(Self { epoch: Some(Epoch::new(epoch)?), revision: revision.parse()? })
            }
            None => Ok(Self { epoch: None, revision: text.parse()? }),
        }
    }
}

impl<'de> Deserialize<'de> for After {
    /// From `"epoch:revision"`, `"revision"` or a number.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Place;
        impl serde::de::Visitor<'_> for Place {
            type Value = After;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a position `epoch:revision` or a revision")
            }
            fn visit_u64<E: serde::de::Error>(self, revision: u64) -> Result<After, E> {
                Ok(After { epoch: None, revision: Revision(revision) })
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<After, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Place)
    }
}

impl From<Position> for After {
    fn from(position: Position) -> Self {
        Self { epoch: Some(position.epoch), revision: position.revision }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b12_positions_that_are_none() {
        for text in [
            "",
            "-1",
            "+1",
            "99999999999999999999",
            "9007199254740992",
            "abc",
            "A:1",
            "a:",
            ":1",
            "a:b:1",
            "1.0",
        ] {
            assert!(text.parse::<After>().is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn a_position_prints_as_it_parses() {
        let after: After = "k3f9:43".parse().expect("a position");
        assert_eq!(
            after,
            Position { epoch: Epoch::new("k3f9").expect("an epoch"), revision: Revision(43) }.into()
        );
        assert_eq!("43".parse::<After>().expect("a revision").epoch, None);
    }

    #[test]
    fn a_random_epoch_is_an_epoch() {
        for random in [0, 1, u64::MAX, 0x1234_5678_9abc_def0] {
            let epoch = Epoch::from_random(random);
            assert_eq!(Epoch::new(epoch.as_str()).expect("valid"), epoch);
        }
    }
}
