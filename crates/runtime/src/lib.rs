//! The shell that owns productions: it decides by asking the core, keeps by asking the engine, and tells by the hub.
//!
//! It knows no HTTP, no sockets and no requests. Time, chance and storage are given to it.

mod act;
pub mod adapter;
pub mod archive;
pub mod backend;
mod check;
pub mod clock;
mod director;
mod error;
pub mod figures;
mod handle;
pub mod hub;
pub mod lookout;
pub mod outbox;
mod productions;
pub mod reach;
mod shared;
mod shown;
pub mod tasks;
pub mod ticker;
pub mod transfer;
pub mod watchdog;

pub use act::{Acted, Acting};
pub use archive::DocumentVersion;
pub use clock::Clock;
pub use director::{BATCH_BYTES, BATCH_COMMANDS, IDLE, INBOX, Posted};
pub use error::Error;
pub use figures::Figures;
pub use handle::{Handle, Resume};
pub use productions::{Keep, Listed, Options, Productions};
pub use tasks::{TaskKind, Tasks};
