//! What a connection has of an agent that is registered: the way to say what the agent says.

use std::sync::Arc;

use onair_runtime::adapter::{CallError, Class};
use onair_wire::{
    Problem,
    agent::{Done, Failed, Status},
};
use serde_json::json;

use super::{Agents, service::Answer, table::Place};

/// A registered agent. Dropping it takes the agent out.
#[derive(Debug)]
#[must_use = "dropping it takes the agent out"]
pub struct Seat {
    agents: Agents,
    place: Place,
    session: Arc<str>,
    why: &'static str,
}

impl Seat {
    pub(super) fn new(agents: Agents, place: Place, session: Arc<str>) -> Self {
        Self { agents, place, session, why: "the agent's connection was closed" }
    }

    /// The name of its connection.
    #[must_use]
    pub fn session(&self) -> &str {
        &self.session
    }

    /// A task is done.
    ///
    /// # Errors
    /// `not-found` for a task that there is not, `forbidden` for one of another agent, and `gone` for one that was
    /// answered before or that nobody waits for any more. Nothing has changed then.
    pub fn done(&self, done: Done) -> Result<(), Problem> {
        self.answered(&done.id, Ok(done.result.unwrap_or_else(|| json!({}))))
    }

    /// A task did not work.
    ///
    /// # Errors
    /// As [`Seat::done`].
    pub fn failed(&self, failed: Failed) -> Result<(), Problem> {
        let Failed { id, error, retryable } = failed;
        self.answered(&id, Err(CallError { class: Class::Server, message: error, retryable, unknown: false }))
    }

    /// How the agent is. It is reported when it is active and this is not what it said before.
    ///
    /// # Cancellation
    /// Nothing was said when the future is dropped. It waits while too many reports are not taken.
    pub async fn status(&self, status: Status) {
        let room = self.agents.0.news.room().await;
        let Status { healthy, details } = status;
        self.agents.change(&self.place, room, |service| service.heard(&self.session, healthy, details));
    }

    /// The agent goes; `why` is a sentence for people, `the agent gave no sign of life` say.
    pub fn leave(mut self, why: &'static str) {
        self.why = why;
    }

    fn answered(&self, id: &str, answer: Answer) -> Result<(), Problem> {
        let number = self.agents.with(|table| table.number(&self.session, id))?;
        self.agents.change(&self.place, None, |service| service.answered(&self.session, number, answer))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.agents.change(&self.place, None, |service| service.leave(&self.session, self.why));
    }
}
