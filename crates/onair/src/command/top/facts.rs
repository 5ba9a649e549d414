//! What is known of a production, as of one moment: all that a screen shows, and what `--json` prints.

use onair_client::Connection;
use onair_wire::{Timestamp, sync::StreamFigures};
use serde::Serialize;
use serde_json::Value;

use crate::command::{action::Action, sequences::is_over};

/// What is known. Documents are as the server wrote them; nothing here is fit for a terminal yet.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Facts {
    pub(super) production: String,
    pub(super) server: String,
    pub(super) connection: Connection,
    /// The place of what is here; nothing before anything is.
    pub(super) position: Option<String>,
    pub(super) now: Timestamp,
    pub(super) lifecycle: Value,
    /// What is allowed, with reasons.
    pub(super) can: Value,
    pub(super) services: Vec<Named>,
    /// The newest first.
    pub(super) sequences: Vec<Value>,
    /// The newest first.
    pub(super) transitions: Vec<Value>,
    /// Those that stand.
    pub(super) findings: Vec<Value>,
    /// Those that are open.
    pub(super) conflicts: Vec<Value>,
    pub(super) backends: Vec<Named>,
    pub(super) clients: Vec<Value>,
    /// How many watch, as the server says it.
    pub(super) watching: u64,
    pub(super) stream: StreamFigures,
    /// How many documents each collection of the application has.
    pub(super) documents: Vec<(String, usize)>,
    /// The last commits as lines, the newest first.
    pub(super) commits: Vec<String>,
}

/// A document and its name.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Named {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) value: Value,
}

impl Facts {
    pub(super) fn new(production: &str, server: &str) -> Self {
        Self {
            production: production.to_owned(),
            server: server.to_owned(),
            connection: Connection::default(),
            position: None,
            now: Timestamp::EPOCH,
            lifecycle: Value::Null,
            can: Value::Null,
            services: Vec::new(),
            sequences: Vec::new(),
            transitions: Vec::new(),
            findings: Vec::new(),
            conflicts: Vec::new(),
            backends: Vec::new(),
            clients: Vec::new(),
            watching: 0,
            stream: StreamFigures::default(),
            documents: Vec::new(),
            commits: Vec::new(),
        }
    }

    pub(super) fn phase(&self) -> &str {
        self.lifecycle["phase"].as_str().unwrap_or_default()
    }

    pub(super) fn is_paused(&self) -> bool {
        self.lifecycle["paused"] == true
    }

    /// What is said about an action; nothing while nothing is known.
    pub(super) fn can(&self, action: Action) -> &Value {
        &self.can[action.as_str()]
    }

    pub(super) fn allows(&self, action: Action) -> bool {
        self.can(action)["allowed"] == true
    }

    /// What there is to do: pausing what is paused is allowed, and means nothing.
    pub(super) fn is_of_use(&self, action: Action) -> bool {
        let idle = if self.is_paused() { Action::Pause } else { Action::Resume };
        action != idle && self.allows(action)
    }

    /// The sequence under way.
    pub(super) fn running(&self) -> Option<&Value> {
        self.sequences.iter().find(|sequence| !is_over(sequence))
    }
}
