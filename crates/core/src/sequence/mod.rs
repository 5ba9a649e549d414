//! Sequences as data (rows L3–L8, L12): what is done step by step, the document `_sequences/{id}`.
//!
//! A sequence is its record and nothing else. What is to be asked next, what a crash left open and what must be undone
//! are read off the record, so the server that goes on with it may be another one than the one that began.

mod plan;
mod progress;

use onair_wire::{Actor, Millis, TaskAction, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::lifecycle::Trouble;

pub(crate) use plan::{Origin, emergency_stop, initialize, reassert, recover, rollback, start, stop};
pub use plan::{Plan, Planned};
pub(crate) use progress::{Failure, Verdict};

/// The step that tells the backends (row L4). It calls nobody: what it tells is in the log once the step is done.
pub const TELL: &str = "backends.tell";

/// What a sequence is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(rename = "SequenceKind"))]
pub enum Kind {
    /// Services are made ready (row L3).
    Initialize,
    /// The show goes on air (row L4).
    Start,
    /// The show goes off air (row L6).
    Stop,
    /// Everything goes off at once (row L7).
    EmergencyStop,
    /// What failed is turned off, or a service that came back is brought to where it should be (rows L8, S3).
    Recover,
    /// What a start had done is undone (row L5).
    Rollback,
}

impl Kind {
    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initialize => "initialize",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::EmergencyStop => "emergency-stop",
            Self::Recover => "recover",
            Self::Rollback => "rollback",
        }
    }
}

/// How a sequence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub enum SequenceStatus {
    /// Under way.
    Running,
    /// It did what it is for.
    Done,
    /// It did not.
    Failed,
    /// It did not, and what it had done is undone.
    RolledBack,
}

impl SequenceStatus {
    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::RolledBack => "rolledBack",
        }
    }
}

/// How a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub enum StepStatus {
    /// Nobody was asked yet.
    Pending,
    /// Somebody was asked, or is asked again soon.
    Running,
    /// It was done.
    Done,
    /// It was not, or nobody knows.
    Failed,
    /// It was done, and undone.
    Undone,
    /// It was not needed, or no longer.
    Skipped,
}

/// The document `_sequences/{id}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct Sequence {
    /// Its name: its kind and the revision that it began with.
    pub id: String,
    /// What it is for.
    pub kind: Kind,
    /// How it is.
    pub status: SequenceStatus,
    /// Who wanted it.
    pub started_by: Actor,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Why it failed.
    pub error: Option<Trouble>,
    /// What it does, in an order that [`Step::after`] says.
    pub steps: Vec<Step>,
    /// When all of it has to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
    /// What each call is given.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub params: Value,
    /// Of a rollback: what it undoes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// Of a start: what undoes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<String>,
    /// Of a recovery of one service: which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Who did not want it any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled_by: Option<Actor>,
    /// When a server went on with it that had found it open (row L12).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumed_at: Option<Timestamp>,
    /// What it should have undone or turned off and could not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owed: Vec<String>,
}

/// One step of a sequence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct Step {
    /// `service.action`, or [`TELL`].
    pub name: String,
    /// How it is.
    pub status: StepStatus,
    /// How often it was asked for.
    pub attempts: u32,
    /// Makes asking again harmless: one key for as long as the step lives.
    pub key: String,
    /// When it was first asked for.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What was wrong the last time.
    pub error: Option<String>,
    /// Who is asked; nobody for [`TELL`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// For what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<TaskAction>,
    /// The steps that end before this one begins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// The step that undoes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compensation: Option<String>,
    /// How long it may take: an attempt of `initialize`, all attempts of the others.
    pub timeout: Millis,
    /// When it has to be done, since it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
    /// When it is asked for again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
    /// Whether the sequence goes on without it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// Whether there is no time for a graceful end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
    /// Of a failed step: whether it may have happened all the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unknown: bool,
}

impl Sequence {
    /// Whether it is under way.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.status == SequenceStatus::Running
    }

    /// A step by name.
    #[must_use]
    pub fn step(&self, name: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.name == name)
    }
}

impl Step {
    /// Whether nothing more will come of it.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        !matches!(self.status, StepStatus::Pending | StepStatus::Running)
    }
}
