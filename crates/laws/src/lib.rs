//! What must hold of everything that reads bytes from outside, whatever the bytes are.
//!
//! A law is a function of bytes that panics when it is broken. The fuzzer calls it with bytes that it makes up
//! (`fuzz/targets`, run by `cargo xtask fuzz`), and an ordinary test with those that are kept (`fuzz/corpus`), so that
//! neither the laws nor what was once found rots. Nothing but these two uses this crate.

mod bodies;
mod configuration;
mod events;
mod exports;
mod heard;
mod merges;
mod messages;
mod records;
mod requests;
mod stored;
mod strict;
mod texts;

use std::fmt;

/// Something that reads bytes, and what must hold of it.
#[derive(Clone, Copy)]
pub struct Law {
    /// The name of the fuzzer's target, and of the folder with what is kept.
    pub name: &'static str,
    /// Panics when the law is broken.
    pub check: fn(&[u8]),
}

impl fmt::Debug for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Every law there is, by name.
pub const ALL: [Law; 14] = [
    Law { name: "bodies", check: bodies::check },
    Law { name: "configuration", check: configuration::check },
    Law { name: "events", check: events::check },
    Law { name: "exports", check: exports::check },
    Law { name: "frames", check: onair_server::laws::frames },
    Law { name: "heard", check: heard::check },
    Law { name: "journal", check: onair_engine_embedded::laws::journal },
    Law { name: "merges", check: merges::check },
    Law { name: "messages", check: messages::check },
    Law { name: "records", check: records::check },
    Law { name: "requests", check: requests::check },
    Law { name: "stored", check: stored::check },
    Law { name: "strict", check: strict::check },
    Law { name: "texts", check: texts::check },
];

/// Checks one law; for the fuzzer, whose targets are programs of their own.
///
/// # Panics
/// When there is none of that name, or it is broken.
pub fn check(name: &str, bytes: &[u8]) {
    let law = ALL.iter().find(|law| law.name == name).expect("a law of that name");
    (law.check)(bytes);
}
