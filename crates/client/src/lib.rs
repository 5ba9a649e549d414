//! A client of onair in Rust: the session rules as a function, and an async shell around it that reconnects.
//!
//! [`session::Session`] takes inputs and answers effects, without a clock, chance or a socket of its own, so that it is
//! tested by tables and holds for every transport. What it shows is what is confirmed with the pending edits on top;
//! what it cannot prove it reads anew. The names are those of the TypeScript client: the same idea, the same word.
//!
//! ```no_run
//! # async fn shown() -> Result<(), Box<dyn std::error::Error>> {
//! use onair_client::{Client, Options};
//! use serde_json::json;
//!
//! let client = Client::connect(Options::new("http://127.0.0.1:4200"))?;
//! let show = client.production("main".parse()?, None);
//! show.ready().await?;
//! let outcome = show.patch("layers".parse()?, "logo".parse()?, json!({ "visible": false }));
//! // It is shown by now, with or without a server; what comes of it is told later.
//! assert_eq!(show.documents(&"layers".parse()?)[0].value["visible"], false);
//! println!("{:?} at revision {}", outcome.await?.outcome, show.position().expect("it is here").revision);
//! client.close().await;
//! # Ok(())
//! # }
//! ```

pub mod agent;
mod backoff;
mod client;
pub mod connection;
pub mod events;
mod follow;
mod patch;
mod pending;
mod problem;
mod queue;
mod replica;
pub mod session;
mod shell;
mod socket;
mod store;

pub use backoff::{Backoff, Chance};
pub use client::{Client, EditOptions, Error, Options, Outcome, Production};
pub use connection::Connection;
pub use follow::{Followed, Follower, Garbled};
pub use pending::{Edit, Pending};
pub use problem::{Kind, Problem, code};
pub use queue::{Moved, Next, QUEUE_MAX, Queue, Settled};
pub use replica::{ChangeKind, Changed, Document, Replica};
pub use session::{Acted, Report, Token, Told};
pub use socket::{Address, AddressError};

/// The page about this crate; its code is tried with the documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/clients/rust.md")]
struct Page;
