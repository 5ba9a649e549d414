//! A conflict: the document `_conflicts/{id}` (row K2), as it is opened. Choosing in one is `command/resolve.rs`.

use onair_wire::{Actor, Collection, DocumentId, Timestamp};
use serde::Serialize;
use serde_json::Value;

/// Values that two people gave the same field, and what became of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct Conflict {
    /// Its name: the revision that it began with, and a number.
    pub id: String,
    /// Where the document is.
    pub collection: Collection,
    /// Which document.
    pub document: DocumentId,
    /// Which field of it: a JSON pointer, empty for the whole.
    pub path: String,
    /// What both started from; null as well when there was nothing.
    #[cfg_attr(feature = "types", ts(as = "Value"))]
    pub base: Option<Value>,
    /// What the late edit made of it; null as well when it took it away.
    #[cfg_attr(feature = "types", ts(as = "Value"))]
    pub local: Option<Value>,
    /// What the server has; null as well when it was taken away there.
    #[cfg_attr(feature = "types", ts(as = "Value"))]
    pub server: Option<Value>,
    /// Who took it away, if somebody did.
    pub deleted: Option<Side>,
    /// Whether somebody is to choose.
    pub status: ConflictStatus,
    /// How it was resolved.
    pub resolution: Option<Resolved>,
    /// The strategy that did, if one did.
    pub strategy: Option<String>,
    /// Who made the late edit.
    pub local_actor: Actor,
    /// Whose value the server has, if it has one.
    pub server_actor: Option<Actor>,
    /// When the late edit came.
    pub opened_at: Timestamp,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
    /// Who resolved it.
    pub resolved_by: Option<String>,
}

/// The two sides of a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub enum Side {
    /// The late edit.
    Local,
    /// What stands.
    Server,
}

/// Whether somebody is to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub enum ConflictStatus {
    /// Yes.
    Open,
    /// No: somebody has, or a strategy.
    Resolved,
}

/// How a conflict was resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub enum Resolved {
    /// By a strategy.
    Auto,
    /// For the late edit's value.
    Local,
    /// For the value that stands.
    Server,
    /// For a third one.
    Merge,
}

impl From<crate::Choice> for Resolved {
    fn from(choice: crate::Choice) -> Self {
        match choice {
            crate::Choice::Local => Self::Local,
            crate::Choice::Server => Self::Server,
            crate::Choice::Merge => Self::Merge,
        }
    }
}
