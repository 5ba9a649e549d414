//! A digest of a state that two programs can compare, and each can keep up with cheaply.
//!
//! Every live document has a hash; the digest of a state is their sum. A commit changes it by what it takes away
//! and what it adds, so keeping it costs the time of the commit, not of the state. It notices divergence; it is
//! no defence against somebody who wants two states to look alike (the log's own checksums are another matter).
//!
//! For a client in another language, exactly:
//!
//! 1. The text of a document is the RFC 8785 form of the array `[collection, id, revision, value]`, in UTF-8.
//! 2. Its hash is two lanes of 32 bits: xxHash32 of the text with seed 0, and with seed 1.
//! 3. Lanes are added modulo 2^32, each for itself, over all live documents. The empty state is zero.
//! 4. It is written as 16 lower-case hexadecimal digits, lane 0 first.
//!
//! `fixtures/digest/` holds examples. Row Y6.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use xxhash_rust::xxh32::xxh32;

use crate::{
    Collection, DocumentId, Revision,
    canonical::canonical_around,
    planted::{Bug, planted},
};

/// The digest of a set of documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Digest {
    lanes: [u32; 2],
}

impl Digest {
    /// Of no document.
    pub const EMPTY: Self = Self { lanes: [0, 0] };

    /// Of one document.
    #[must_use]
    pub fn of(collection: &Collection, id: &DocumentId, revision: Revision, value: &Value) -> Self {
        Self::measured(collection, id, revision, value).0
    }

    /// Of one document, with the bytes of its text: whoever keeps digests has gone through it anyway.
    #[must_use]
    pub fn measured(
        collection: &Collection,
        id: &DocumentId,
        revision: Revision,
        value: &Value,
    ) -> (Self, usize) {
        let mut text = canonical_around(&(collection, id, revision, value), value);
        if planted(Bug::DigestUnordered) {
            text = crate::planted::unordered(text);
        }
        (Self { lanes: [xxh32(&text, 0), xxh32(&text, 1)] }, text.len())
    }

    /// Of both sets together; they have no document in common.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let [a, b] = self.lanes;
        let [c, d] = other.lanes;
        Self { lanes: [a.wrapping_add(c), b.wrapping_add(d)] }
    }

    /// Of this set without the other, which is part of it.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        let [a, b] = self.lanes;
        let [c, d] = other.lanes;
        Self { lanes: [a.wrapping_sub(c), b.wrapping_sub(d)] }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}{:08x}", self.lanes[0], self.lanes[1])
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for Digest {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let hexadecimal =
            text.len() == 16 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let lane = |part: &str| u32::from_str_radix(part, 16).ok();
        match hexadecimal.then(|| (lane(&text[..8]), lane(&text[8..]))) {
            Some((Some(a), Some(b))) => Ok(Self { lanes: [a, b] }),
            _ => Err("a digest is 16 lower-case hexadecimal digits".into()),
        }
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
