//! The lifecycle (rows L1, L2, L10): its phases, the table of moves, and the documents that tell of them.

use onair_wire::{Actor, Millis, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Where a production is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
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
    /// Every phase, in the order of a show.
    pub const ALL: [Self; 7] = [
        Self::Idle,
        Self::Initializing,
        Self::Ready,
        Self::Starting,
        Self::Live,
        Self::Stopping,
        Self::Error,
    ];

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

    /// The phases that a move leads to: the table of row L1. An emergency stop alone goes past it (row L7).
    #[must_use]
    pub const fn moves(self) -> &'static [Self] {
        match self {
            Self::Idle => &[Self::Initializing, Self::Error],
            Self::Initializing => &[Self::Ready, Self::Error],
            Self::Ready => &[Self::Starting, Self::Idle, Self::Error],
            Self::Starting => &[Self::Live, Self::Error],
            Self::Live => &[Self::Stopping, Self::Error],
            Self::Stopping => &[Self::Idle, Self::Error],
            Self::Error => &[Self::Idle, Self::Initializing],
        }
    }

    /// Whether there is a move to `to`.
    #[must_use]
    pub fn may_move(self, to: Self) -> bool {
        self.moves().contains(&to)
    }
}

/// Why the phase moved (row L10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub enum Reason {
    /// The server goes on by itself to where a show rests.
    SystemInit,
    /// What was waited for is there.
    DependencyReady,
    /// Somebody asked for it.
    UserAction,
    /// Something failed.
    Error,
    /// A recovery, by itself or asked for.
    Recovery,
    /// An emergency stop.
    Forced,
}

/// The document `_transitions/{revision}` (row L10).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct Transition {
    /// From where.
    pub from: Phase,
    /// To where.
    pub to: Phase,
    /// Why.
    pub reason: Reason,
    /// Who.
    pub actor: Actor,
    /// When.
    pub at: Timestamp,
    /// How long the phase had lasted.
    pub lasted: Millis,
    /// The sequence that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<String>,
    /// Of a start in spite of findings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub break_glass: Option<BreakGlass>,
}

/// That somebody started a show in spite of findings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct BreakGlass {
    /// Why.
    pub reason: String,
    /// What stood then, by the codes.
    pub findings: Vec<String>,
}

/// What went wrong: of a sequence, and of the lifecycle while the phase is `error`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct Trouble {
    /// `step-failed`, `step-timeout`, `dependency-lost`, `cancelled` or `pre-empted`.
    pub code: String,
    /// What happened, for people.
    pub message: String,
    /// The step that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The service that it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// When.
    pub at: Timestamp,
    /// What should be off and may be on, by the steps that would turn it off: `recover` pays it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owed: Vec<String>,
}

/// How far recovering by itself has come (row L8).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct Recovery {
    /// How often it was tried since the production was last ready.
    pub attempts: u32,
    /// When it is tried next.
    pub next_at: Option<Timestamp>,
    /// Whether it was tried as often as the settings allow, so that somebody must act.
    pub gave_up: bool,
}

/// The document `_system/lifecycle`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct Lifecycle {
    /// Where it is.
    pub phase: Phase,
    /// A flag of `live` (row L2).
    pub paused: bool,
    /// Since when.
    pub since: Timestamp,
    /// The session on air, or about to be.
    pub session_id: Option<String>,
    /// The sequence under way, if any: never more than one.
    pub sequence: Option<String>,
    /// Why the phase is `error`, if it is.
    pub error: Option<Trouble>,
    /// Of which kind the session is, if it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_kind: Option<String>,
    /// Since when the show is live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_since: Option<Timestamp>,
    /// That the phase does not rest here: it goes on towards `ready` by itself, and for this reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onward: Option<Reason>,
    /// Recovering by itself, while that is under way or was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Recovery>,
}

impl Lifecycle {
    /// The document of a production that has just begun.
    #[must_use]
    pub fn begun(at: Timestamp) -> Value {
        json!(Self { since: at, ..Self::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l1_all_49_pairs_are_as_the_row_says() {
        // A row for each phase to leave, a column for each to enter, in the order of `Phase::ALL`.
        let table = [
            ("idle", "-x----x"),
            ("initializing", "--x---x"),
            ("ready", "x--x--x"),
            ("starting", "----x-x"),
            ("live", "-----xx"),
            ("stopping", "x-----x"),
            ("error", "xx-----"),
        ];
        for ((name, row), from) in table.into_iter().zip(Phase::ALL) {
            assert_eq!(from.as_str(), name);
            for (allowed, to) in row.chars().zip(Phase::ALL) {
                assert_eq!(from.may_move(to), allowed == 'x', "{name} to {}", to.as_str());
            }
        }
    }
}
