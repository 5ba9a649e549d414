//! HTTP from outside: a real server on a port of its own, over the memory engine, and a client that speaks HTTP.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed, and is short")]

mod actions;
mod bad_input;
mod documents;
mod events;
mod findings;
mod log;
mod monitor;
mod openapi;
mod productions;
mod service;
mod site;
mod slow;
mod transfer;
