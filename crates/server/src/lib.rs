//! The outside of onair: HTTP, event streams and sockets over the productions of the runtime.

mod action;
mod agents;
pub mod app;
mod assets;
pub mod auth;
pub mod clients;
pub mod config;
mod events;
mod extract;
pub mod inside;
pub mod logs;
pub mod metrics;
pub mod net;
mod openapi;
mod outlet;
pub mod problem;
mod reach;
pub mod routes;
pub mod serve;
pub mod session;
pub mod socket;
mod surroundings;

pub use app::App;
pub use config::Config;
pub use problem::Failure;
#[cfg(feature = "laws")]
pub use socket::laws;
