//! Everything onair stores or sends: plain data, without I/O, clocks or chance.
//!
//! A type in this crate is a promise to somebody else: to a log written last year, to a client in another
//! language. That is why it knows nobody and everybody knows it, and why golden files guard it.

mod id;
mod position;
mod time;

pub use id::{Actor, Collection, DocumentId, ID_LENGTH_MAX, IdError, MutationId, ProductionId};
pub use position::{After, EPOCH_LENGTH_MAX, Epoch, INTEGER_MAX, Position, PositionError, Revision};
pub use time::{Millis, Timestamp, TimestampError};
