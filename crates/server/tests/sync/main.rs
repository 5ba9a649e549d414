//! The sync protocol from outside: a real server on a free port, somebody else's WebSocket client, every row by name.

#![allow(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on has failed, and is short"
)]

mod harness;

mod actions;
mod agents;
mod bad_input;
mod matrix;
mod order;
mod resume;
mod trust;
