//! A production as one file: export and import (row O6).
//!
//! The file is lines of JSON, so that it can be looked into and cut with any tool, and ends with a line that says
//! what must have come before it:
//!
//! ```text
//! {"format":"onair-export","version":1,"production":"main","epoch":"k3f9","revision":43,"oldest":1}
//! {"image":{…}}                     the state before the oldest commit kept; left out when that is the first
//! {"commit":{…}}                    each commit kept, in order
//! {"end":{"commits":43,"checksum":"…"}}   xxh3 of all bytes before this line, 16 hexadecimal digits
//! ```
//!
//! An import is checked as a whole, folded commit by commit, before anything changes, and begins a new epoch.

mod export;
mod import;

pub use import::{IMPORT_BYTES_MAX, Import};

/// What the first line says the file is.
pub const FORMAT: &str = "onair-export";
/// The version this release writes, and the newest it reads.
pub const VERSION: u32 = 1;
