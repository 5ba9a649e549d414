//! The protocol of agents: JSON text messages over `GET /v1/agents`. Contract, section 4.
//!
//! An agent registers for a service of a production and is then given tasks, each with a key that makes a repetition
//! harmless and a time after which nobody waits for the answer any more.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Instance, ProductionId, Timestamp,
    json::{self, JsonError},
    sync::{Misunderstood, Opened, Unkinded, open, unknown_kind},
};

/// Characters that are kept of what an agent says went wrong: it becomes part of a document.
pub const ERROR_LENGTH_MAX: usize = 2_000;

/// What a service can be asked to do (row S3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub enum TaskAction {
    /// To get ready.
    Initialize,
    /// To go on.
    Start,
    /// To go off.
    Stop,
    /// To say how it is.
    Health,
}

impl TaskAction {
    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initialize => "initialize",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Health => "health",
        }
    }
}

/// What an agent says.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(tag = "type", rename_all = "camelCase"))]
pub enum AgentMessage {
    /// First of all.
    Register(Register),
    /// A task is done.
    Done(Done),
    /// A task did not work.
    Failed(Failed),
    /// How it is.
    Status(Status),
    /// To hear `pong`.
    Ping,
}

/// `register`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(optional_fields))]
pub struct Register {
    /// Of which production.
    pub production: ProductionId,
    /// For which of its services.
    pub service: String,
    /// Who it is; browsers cannot send a header.
    #[serde(default)]
    pub token: Option<String>,
    /// Which instance of the service it is: whoever comes back with the same has kept its state.
    #[serde(default)]
    pub instance: Option<Instance>,
    /// What it is: a name, or an object with `name` and `version`; shown among the clients.
    #[serde(default)]
    pub client: Option<Value>,
}

/// `done`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(optional_fields))]
pub struct Done {
    /// Which task.
    pub id: String,
    /// What came of it.
    #[serde(default)]
    pub result: Option<Value>,
}

/// `failed`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct Failed {
    /// Which task.
    pub id: String,
    /// What happened, for people.
    pub error: String,
    /// Whether another attempt may work.
    #[serde(default)]
    #[cfg_attr(feature = "types", ts(as = "Option<bool>", optional))]
    pub retryable: bool,
}

/// `status`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(rename = "AgentStatus", optional_fields))]
pub struct Status {
    /// Whether it is well.
    pub healthy: bool,
    /// What it says about itself.
    #[serde(default)]
    pub details: Option<Value>,
}

impl AgentMessage {
    /// Every `type` an agent can say.
    pub const TYPES: &'static [&'static str] = &["register", "done", "failed", "status", "ping"];

    /// Reads one message; of an `error` the first [`ERROR_LENGTH_MAX`] characters.
    ///
    /// # Errors
    /// [`Misunderstood`], with `bad-json` or `invalid` and the place.
    pub fn parse(text: &[u8]) -> Result<Self, Misunderstood> {
        let Opened { kind, id, value } = open(text)?;
        Self::of_kind(&kind, value).map_err(|error| Misunderstood::new(id, error))
    }

    fn of_kind(kind: &str, value: Value) -> Result<Self, JsonError> {
        Ok(match kind {
            "register" => Self::Register(json::from_value(value)?),
            "done" => Self::Done(json::from_value(value)?),
            "failed" => {
                let Failed { id, error, retryable } = json::from_value(value)?;
                let error = error.chars().take(ERROR_LENGTH_MAX).collect();
                Self::Failed(Failed { id, error, retryable })
            }
            "status" => Self::Status(json::from_value(value)?),
            "ping" => Self::Ping,
            other => return Err(unknown_kind(other, Self::TYPES)),
        })
    }
}

/// What the server says to an agent.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(rename = "AgentServerMessage"))]
pub enum ServerMessage<'a> {
    /// The answer to `register`.
    Registered(&'a Registered),
    /// Something to be done.
    Task(&'a Task),
    /// Nobody waits for the answer to a task any more, or another agent was given it.
    Cancel {
        /// Which task.
        id: &'a str,
    },
    /// It is given the tasks from here on.
    Active,
    /// Another is given the tasks from here on.
    Standby,
    /// A refusal.
    Problem {
        /// The task it is about, if it is about one.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "types", ts(optional))]
        id: Option<&'a str>,
        /// Why.
        #[serde(flatten)]
        problem: Unkinded<'a>,
    },
    /// The answer to `ping`.
    Pong,
}

impl ServerMessage<'_> {
    /// The text to send.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("messages have string keys and finite numbers only")
    }
}

/// `registered`: who the agent is here.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct Registered {
    /// Of which production.
    pub production: ProductionId,
    /// For which of its services.
    pub service: String,
    /// A name for this connection.
    pub session: String,
    /// Whether it is given the tasks; if not, it stands by.
    pub active: bool,
    /// Milliseconds between two signs of life that the server asks for.
    pub heartbeat: u64,
}

/// `task`: something to be done.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct Task {
    /// What the answer is to name.
    pub id: String,
    /// What is to be done.
    pub action: TaskAction,
    /// The same for each attempt: what was done under it already is not done again.
    pub key: Arc<str>,
    /// When nobody waits for the answer any more.
    pub deadline: Timestamp,
    /// With what: an object.
    pub params: Arc<Value>,
    /// Which attempt, from 1.
    pub attempt: u32,
}
