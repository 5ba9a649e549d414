//! Texts that open doors: 256 bits of the system's chance, and the hashes that are kept of them.
//!
//! Base 32 in lower case, so that a double click selects all of it and a terminal breaks none of it. A hash needs no
//! salt and no slow function here: nobody guesses 256 random bits, and nobody chose them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// RFC 4648, section 6, in lower case.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Bytes of chance in a secret.
const SECRET_BYTES: usize = 32;

/// Bytes of chance in the public part of a token: eight characters.
const ID_BYTES: usize = 5;

/// What is kept of a secret: SHA-256 over all of its text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hash([u8; 32]);

impl Hash {
    /// Of a whole text.
    pub(super) fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// Whether both are the same, in a time that does not say where they differ.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// A secret, in 52 characters.
pub(super) fn secret() -> Result<String, getrandom::Error> {
    random::<SECRET_BYTES>()
}

/// An id, in 8 characters: enough to tell tokens apart, of no use to guess one.
pub(super) fn id() -> Result<String, getrandom::Error> {
    random::<ID_BYTES>()
}

fn random<const BYTES: usize>() -> Result<String, getrandom::Error> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(base32(&bytes))
}

fn base32(bytes: &[u8]) -> String {
    let bit = |at: usize| bytes.get(at / 8).is_some_and(|byte| byte >> (7 - at % 8) & 1 == 1);
    let character = |begin: usize| (begin..begin + 5).fold(0, |five, at| five << 1 | usize::from(bit(at)));
    (0..bytes.len() * 8).step_by(5).map(|begin| char::from(ALPHABET[character(begin)])).collect()
}

impl fmt::Debug for Hash {
    /// Not the hash: logs need none of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hash(…)")
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let hex: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        serializer.serialize_str(&hex)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bad = || de::Error::custom("a SHA-256 is 64 hexadecimal digits");
        let hex = String::deserialize(deserializer)?;
        if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(bad());
        }
        let mut hash = [0; 32];
        for (at, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).map_err(|_| bad())?;
        }
        Ok(Self(hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x1_base_32_is_that_of_rfc_4648() {
        let table = [("", ""), ("f", "my"), ("fo", "mzxq"), ("foob", "mzxw6yq"), ("fooba", "mzxw6ytb")];
        for (bytes, text) in table {
            assert_eq!(base32(bytes.as_bytes()), text, "{bytes}");
        }
    }

    #[test]
    fn x1_a_secret_has_256_bits_and_its_hash_comes_back() {
        let (one, other) = (secret().expect("chance"), secret().expect("chance"));
        assert_eq!(one.len(), 52);
        assert_ne!(one, other);
        let json = serde_json::to_string(&Hash::of(&one)).expect("a text");
        let back: Hash = serde_json::from_str(&json).expect("what was written");
        assert!(back.is(&Hash::of(&one)) && !back.is(&Hash::of(&other)));
    }
}
