//! Clients and agents against a real server in this process.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod agents;
mod editing;
mod offline;
mod stage;
mod trust;
