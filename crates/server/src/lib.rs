//! The outside of onair: HTTP, event streams and sockets over the productions of the runtime.

pub mod app;
pub mod auth;
pub mod clients;
mod events;
mod extract;
pub mod net;
mod openapi;
pub mod problem;
pub mod routes;
pub mod serve;
pub mod session;
pub mod socket;

pub use app::App;
pub use problem::Failure;
