//! What the shell gathered around a production: figures, and nothing that decides.

use std::collections::BTreeMap;

use onair_wire::{Millis, Timestamp, sync::StreamFigures};
use serde::Serialize;

use super::Verified;

/// What was observed. "Lately" is the last minute, or since the production came into memory if that is less.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Observation {
    /// What the clock says, which may be behind the log.
    pub now: Timestamp,
    /// The stream's figures, if some came lately.
    pub stream: Option<StreamFigures>,
    /// Frames that were made lately.
    pub frames: u64,
    /// Frames that were not shown, lately.
    pub dropped: u64,
    /// Appends to the log, lately.
    pub appends: Took,
    /// Flushes of the engine, lately, whichever production they were for.
    pub flushes: Took,
    /// Commands that wait for the director.
    pub waiting: usize,
    /// How many may.
    pub room: usize,
    /// Clients for whom bytes wait.
    pub lagging: Vec<Lagging>,
    /// Clients that said their digest differs, lately.
    pub diverged: u64,
    /// Subscribers that got a snapshot in place of commits, lately.
    pub fell_back: u64,
    /// Subscribers that came with a position of another log, lately.
    pub foreign: u64,
    /// Deliveries that wait, by backend.
    pub lags: BTreeMap<String, u64>,
    /// Agents that are connected, by service.
    pub agents: BTreeMap<String, usize>,
    /// How often an agent is asked for a sign of life.
    pub heartbeat: Option<Millis>,
    /// Addresses that others reach without a token.
    pub exposed: Vec<String>,
    /// Why the log is not written any more, if so.
    pub damage: Option<String>,
    /// What opening the logs found and mended, or could not.
    pub mended: Vec<String>,
    /// Whether the whole state was gone through; what only that tells stands as it is otherwise.
    pub verified: Option<Verified>,
    /// What standing findings were seen again since their documents were last written, by code.
    pub unsaid: BTreeMap<String, Unsaid>,
}

/// How long things took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Took {
    /// How many.
    pub count: u64,
    /// Milliseconds in all.
    pub total_ms: f64,
}

impl Took {
    /// Milliseconds on average.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a mean for people")]
    pub fn mean_ms(self) -> f64 {
        if self.count == 0 { 0.0 } else { self.total_ms / self.count as f64 }
    }
}

/// A client that does not keep up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lagging {
    /// Its session.
    pub client: String,
    /// Bytes that wait for it.
    pub bytes: u64,
}

/// A standing finding, seen again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Unsaid {
    /// How often.
    pub count: u64,
    /// When last.
    pub last_seen: Timestamp,
}

impl Observation {
    /// What time it is for the production: never before its last commit.
    #[must_use]
    pub fn at(&self, production: &crate::Production) -> Timestamp {
        self.now.max(production.at())
    }
}
