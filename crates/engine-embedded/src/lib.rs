//! The log on fjall: one folder, one committer thread, one flush for all who wait.

#![allow(dead_code, reason = "the engine that uses these follows")]

mod index;
mod journal;
mod keys;
mod record;
mod salvage;
mod witness;
