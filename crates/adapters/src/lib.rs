//! How services and backends are reached: a file for each type (rows S2, B1, B2).
//!
//! Nothing here decides. The core says what is to be asked, the runtime when; an adapter carries it out, says what came
//! of it, and reports whoever appears or vanishes by itself. Whatever leaves the server goes through [`outbound`].

pub mod agent;
pub mod backend;
mod builtin;
mod http;
pub mod outbound;
pub mod process;
mod shape;
mod sign;
mod status;

pub use agent::Agents;
pub use builtin::Builtin;
pub use http::Http;
pub use process::Processes;
