//! Answers under the id that the client gave: `result` and `problem`.

use bytes::Bytes;
use onair_runtime::Error;
use onair_wire::{MutationId, Problem, Receipt, sync::ServerMessage};

pub(super) fn frame(message: &ServerMessage<'_>) -> Bytes {
    super::frame(&message.encode())
}

/// The answer to a mutation.
pub(super) fn result(id: &MutationId, result: Result<Receipt, Error>) -> Bytes {
    match result {
        Ok(receipt) => frame(&ServerMessage::Result { id, receipt: &receipt }),
        Err(error) => problem(Some(id.as_str()), &error.problem()),
    }
}

/// A refusal.
pub(super) fn problem(id: Option<&str>, problem: &Problem) -> Bytes {
    frame(&ServerMessage::Problem { id, problem: problem.into() })
}
