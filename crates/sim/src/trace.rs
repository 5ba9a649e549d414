//! What happened, in order, with its simulated time: folded into a hash, and told line by line to who asks.
//!
//! The hash of two runs of one seed is the same, or something in the server asks a clock, chance or a map without order
//! behind our back.

use xxhash_rust::xxh3::Xxh3;

/// The trace of one run.
pub(crate) struct Trace {
    hash: Xxh3,
    told: bool,
}

impl Trace {
    pub(crate) fn new(told: bool) -> Self {
        Self { hash: Xxh3::new(), told }
    }

    /// Something happened to somebody.
    pub(crate) fn note(&mut self, at: u64, what: &str, who: u64, bytes: &[u8]) {
        self.hash.update(&at.to_le_bytes());
        self.hash.update(what.as_bytes());
        self.hash.update(&who.to_le_bytes());
        self.hash.update(bytes);
        if self.told {
            let text = String::from_utf8_lossy(bytes);
            let shown: String = text.chars().take(600).collect();
            println!("{at:>8} {what:<16} {who:>3} {}", shown.escape_debug());
        }
    }

    pub(crate) fn digest(&self) -> u64 {
        self.hash.digest()
    }
}
