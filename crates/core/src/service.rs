//! A service: the document `_services/{name}` (row S1), and what the shell sees of the thing itself (row S3).

use onair_wire::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How far a service is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(rename = "ServiceStatus"))]
pub enum Status {
    /// Off, and not ready to go on.
    #[default]
    Down,
    /// Getting ready.
    Initializing,
    /// Ready to go on.
    Ready,
    /// Going on.
    Starting,
    /// On.
    Active,
    /// Going off.
    Stopping,
    /// Something was asked of it and did not work; whether it is on is not known.
    Failed,
}

/// The document `_services/{name}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct Service {
    /// How far it is.
    pub status: Status,
    /// Whether a show needs it.
    pub required: bool,
    /// The type of its adapter.
    pub adapter: String,
    /// Whether it is there and says that it is well.
    pub healthy: bool,
    /// When something was last heard of it, as of this commit.
    pub last_seen: Option<Timestamp>,
    /// What is wrong with it.
    pub error: Option<String>,
    /// Since when it is away or unwell.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub away_since: Option<Timestamp>,
    /// Which instance of it is there: a connection of an agent, a process.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub instance: Option<String>,
    /// That this instance came after the one that was made ready, so that what is wanted must be asked of it again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "types", ts(as = "Option<bool>", optional))]
    pub stale: bool,
    /// That it should be off and may be on: turning it off is owed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "types", ts(as = "Option<bool>", optional))]
    pub uncertain: bool,
    /// What it says about itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub details: Option<Value>,
}

impl Service {
    /// Whether it is on, or may be.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.uncertain || matches!(self.status, Status::Starting | Status::Active | Status::Stopping)
    }

    /// Whether it was made ready and is still the one that was.
    #[must_use]
    pub fn is_initialized(&self) -> bool {
        matches!(self.status, Status::Ready | Status::Active) && !self.stale && !self.uncertain
    }

    /// Whether it is ours to bring back when it is gone: a process, which nobody else starts again (row S2).
    #[must_use]
    pub fn is_supervised(&self) -> bool {
        self.adapter == "process"
    }

    /// Whether it is away, or unwell.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.away_since.is_some()
    }
}

/// What the shell sees of a service.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Seen {
    /// It is there.
    Here {
        /// Which instance, where an instance can be told from the next: what was asked of another is not true of it.
        instance: Option<String>,
        /// Whether it says that it is well.
        healthy: bool,
        /// What it says about itself.
        details: Option<Value>,
    },
    /// It is not.
    Away {
        /// Why, as a sentence.
        reason: String,
    },
}
