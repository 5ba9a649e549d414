//! The outside of onair: HTTP, event streams and sockets over the productions of the runtime.

pub mod app;
pub mod auth;
pub mod clients;
pub mod net;
pub mod problem;
pub mod session;
pub mod socket;

pub use app::App;
pub use problem::Failure;
