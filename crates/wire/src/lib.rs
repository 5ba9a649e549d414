//! Everything onair stores or sends: plain data, without I/O, clocks or chance.
//!
//! A type in this crate is a promise to somebody else: to a log written last year, to a client in another
//! language. That is why it knows nobody and everybody knows it, and why golden files guard it.

pub mod agent;
mod cache;
mod canonical;
mod commit;
mod digest;
mod id;
pub mod json;
pub mod merge;
mod mutation;
mod patch;
pub mod planted;
pub mod pointer;
mod position;
mod problem;
pub mod sync;
mod time;
#[cfg(feature = "types")]
pub mod types;

pub use agent::TaskAction;
pub use cache::{Cache, Documents, Entry, Gap};
pub use canonical::canonical;
pub use commit::{Cause, CauseKind, Change, Commit, Fingerprint, Op};
pub use digest::Digest;
pub use id::{Actor, Collection, DocumentId, ID_LENGTH_MAX, IdError, Instance, MutationId, ProductionId};
pub use mutation::{Edit, Mutation, Outcome, Receipt};
pub use patch::merge_patch;
pub use position::{After, EPOCH_LENGTH_MAX, Epoch, INTEGER_MAX, Position, PositionError, Revision};
pub use problem::{Code, Detail, Problem};
pub use time::{Millis, Timestamp, TimestampError};
