//! WebSockets as onair needs them: very many that mostly listen.
//!
//! What a client says is read by a library, with all the rules of RFC 6455. What it is told is written past that
//! library: commits are frames already, the same bytes for everybody, and go from the hub's memory to each socket in
//! one call. A connection owns nothing but its place in its lanes and what its socket refused to take.
//!
//! [`Upgrade`] makes a [`Connection`] from a request; a session drives it with [`Connection::next`]; whoever answers
//! from elsewhere holds its [`Outlet`].

mod connection;
mod handshake;
#[cfg(feature = "laws")]
pub mod laws;
mod reader;

pub use crate::outlet::{OVERRUN_BYTES, Outlet, SubscriptionId, WRITE_BUFFER_BYTES};
pub use connection::{CLOSE_WAIT, Connection, Incoming};
pub use handshake::{Refused, Upgrade};
pub use reader::{Fault, MESSAGE_BYTES_MAX};
pub use tungstenite::Utf8Bytes;
