//! What the server says to an agent, as frames.

use onair_wire::{Problem, agent::ServerMessage};

use crate::{App, session, socket::Connection};

/// Sends a message.
pub(super) fn message(connection: &Connection, message: &ServerMessage<'_>) {
    connection.send(session::frame(&message.encode()), None);
}

/// Sends a refusal, under the id of the task that it is about.
pub(super) fn refuse(app: &App, connection: &Connection, id: Option<&str>, problem: &Problem) {
    app.productions.figures().refused(problem.code);
    message(connection, &ServerMessage::Problem { id, problem: problem.into() });
}
