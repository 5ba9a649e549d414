//! HTTP from outside: a real server on a port of its own, over the memory engine, and a client that speaks HTTP.

mod bad_input;
mod documents;
mod events;
mod log;
mod openapi;
mod productions;
mod service;
mod site;
mod transfer;
