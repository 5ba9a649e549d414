//! Points in time and lengths of time: milliseconds inside, RFC 3339 in UTC at the border.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// Milliseconds since 1970-01-01T00:00:00Z, from the year 0 to the end of 9999 less a day (the range of the library).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Why a number or text is not a [`Timestamp`].
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("a time is RFC 3339, `2026-11-20T18:00:00.000Z` say, not {0:?}")]
pub struct TimestampError(String);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);
    const FIRST_MS: i64 = -62_167_219_200_000;
    const LAST_MS: i64 = 253_402_207_199_999;

    /// The time `ms` milliseconds after 1970, moved into the range.
    #[must_use]
    pub fn from_millis(ms: i64) -> Self {
        Self(ms.clamp(Self::FIRST_MS, Self::LAST_MS))
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This time and `by` more.
    #[must_use]
    pub fn plus(self, by: Millis) -> Self {
        Self::from_millis(self.0.saturating_add_unsigned(by.0))
    }

    /// How long before `later` this is; zero when it is not before.
    #[must_use]
    pub fn until(self, later: Self) -> Millis {
        Millis(u64::try_from(later.0.saturating_sub(self.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = jiff::Timestamp::from_millisecond(self.0).map_err(|_| fmt::Error)?;
        write!(f, "{time:.3}")
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;
    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let bad = || TimestampError(text.chars().take(40).collect());
        // jiff reads more than RFC 3339 (ISO weeks, brackets); what a client in another language may not
        // read back is not a time here.
        if text.len() < 20
            || text.as_bytes()[4] != b'-'
            || !matches!(text.as_bytes()[10], b'T' | b't')
            || text.contains('[')
        {
            return Err(bad());
        }
        let time: jiff::Timestamp = text.parse().map_err(|_| bad())?;
        Ok(Self::from_millis(time.as_millisecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A length of time in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub u64);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

impl From<Millis> for std::time::Duration {
    fn from(millis: Millis) -> Self {
        Self::from_millis(millis.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_print_with_milliseconds_in_utc() {
        let table = [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_763_661_600_007, "2025-11-20T18:00:00.007Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (i64::MAX, "9999-12-30T21:59:59.999Z"),
        ];
        for (ms, text) in table {
            assert_eq!(Timestamp::from_millis(ms).to_string(), text);
            assert_eq!(text.parse::<Timestamp>().expect("what was printed").to_string(), text);
        }
    }

    #[test]
    fn offsets_are_read_and_other_texts_are_not() {
        let time: Timestamp = "2025-11-20T20:00:00+02:00".parse().expect("an offset");
        assert_eq!(time.to_string(), "2025-11-20T18:00:00.000Z");
        for text in [
            "",
            "now",
            "2025-11-20",
            "20:00",
            "2025-11-20 18:00:00",
            "2025-13-20T18:00:00Z",
            "2025-11-20T18:00:00",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text:?} was accepted");
        }
    }
}
