//! `kill -9` at random moments of a show, again and again: after the restart no service is on that should be off, none
//! is off that should be on, and nothing was done twice for one key (rows L5, L7, L12, S3).
//!
//! The services are real: a URL that is called, two agents over WebSockets, a process of the server. They live through
//! all kills (but for the process, which must not), are slow, fail, break off and crash by a seed, and keep a record of
//! every call. In each round operators start and stop a show, the server is killed behind so many calls, and the next
//! one goes on. Once it rests, what it says is held against what is on. Then nothing goes wrong any more, operators
//! mend what is broken, and that must work.

mod agent;
mod check;
mod driver;
mod encoder;
mod feed;
mod plan;
mod rounds;
mod scene;
mod world;

pub(crate) use encoder::stand_in;
pub(crate) use rounds::Wanted;

use anyhow::Result;

use crate::repository::Repository;
use crate::steps::Outcome;

/// The production that is on.
const PRODUCTION: &str = "show";
/// Rounds in `cargo xtask test`; a release is held to a hundred.
const ROUNDS_IN_TEST: u32 = 8;

/// The step of `cargo xtask test`.
pub(crate) fn show(repository: &Repository) -> Result<Outcome> {
    run(repository, &Wanted { seed: u64::from(std::process::id()), first: 1, last: ROUNDS_IN_TEST })
}

/// Plays rounds.
pub(crate) fn run(repository: &Repository, wanted: &Wanted) -> Result<Outcome> {
    rounds::run(repository, wanted)
}
