//! The phases of a production (row L1), as the document `_system/lifecycle` says them.

use onair_wire::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Where a production is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Nothing is on.
    #[default]
    Idle,
    /// Services are being made ready.
    Initializing,
    /// A start would work.
    Ready,
    /// A start is under way.
    Starting,
    /// On air.
    Live,
    /// A stop is under way.
    Stopping,
    /// Something failed, and somebody or something must act.
    Error,
}

impl Phase {
    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Initializing => "initializing",
            Self::Ready => "ready",
            Self::Starting => "starting",
            Self::Live => "live",
            Self::Stopping => "stopping",
            Self::Error => "error",
        }
    }
}

/// The document `_system/lifecycle`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lifecycle {
    /// Where it is.
    pub phase: Phase,
    /// A flag of `live` (row L2).
    pub paused: bool,
    /// Since when.
    pub since: Timestamp,
    /// The session on air, if any.
    pub session_id: Option<String>,
    /// The sequence under way, if any.
    pub sequence: Option<String>,
    /// Why the phase is `error`, if it is.
    pub error: Option<Value>,
}

impl Lifecycle {
    /// The document of a production that has just begun.
    #[must_use]
    pub fn begun(at: Timestamp) -> Value {
        json!(Self { since: at, ..Self::default() })
    }
}
