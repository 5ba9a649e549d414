//! The protocol of agents: JSON text messages over `GET /v1/agents`. Contract, section 4.
//!
//! An agent registers for a service of a production and is then given tasks, each with a key that makes a repetition
//! harmless and a time after which nobody waits for the answer any more.

use serde::{Deserialize, Serialize};

/// What a service can be asked to do (row S3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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
