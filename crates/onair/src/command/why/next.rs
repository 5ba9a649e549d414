//! What to do next, so that an action becomes possible: from the phase alone, as the lifecycle moves (row L1).

use super::{Action, Facts};
use crate::command::{text, words};

/// The next step towards `action`; nothing when there is none to take.
pub(super) fn next(facts: &Facts, action: Action) -> Option<String> {
    if facts.allows(action) {
        return Some(facts.aimed(&format!("onair {}", action.as_str())));
    }
    let phase = facts.phase();
    let running = text(facts.lifecycle(), "sequence");
    let moving = matches!(phase.as_str(), "initializing" | "starting" | "stopping");
    if !running.is_empty() || moving {
        return Some(match running.is_empty() {
            true => format!("wait until it is no longer {phase}: {}", facts.aimed("onair watch")),
            false => format!("wait for it: {}", facts.aimed(&format!("onair sequences {running} --wait"))),
        });
    }
    let first = match (action, phase.as_str()) {
        (Action::Start | Action::Pause | Action::Resume | Action::Stop, "idle") => "onair initialize",
        (Action::Start | Action::Initialize, "error") => "onair recover",
        (Action::Pause | Action::Resume, "ready") => "onair start",
        (Action::Initialize, "ready") => "onair start",
        (Action::Initialize, "live") => "onair stop",
        (Action::Pause, "live") if facts.lifecycle()["paused"] == true => "onair resume",
        (Action::Resume, "live") => "onair pause",
        (Action::Start, "ready") => return bring(facts, action),
        _ => return None,
    };
    Some(facts.aimed(first))
}

/// What is missing, brought.
fn bring(facts: &Facts, action: Action) -> Option<String> {
    let missing = words(&facts.can(action)["missingDependencies"]);
    match missing.as_slice() {
        [] => None,
        missing => Some(format!(
            "bring what is missing ({}), then {}",
            missing.join(", "),
            facts.aimed(&format!("onair {}", action.as_str()))
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn l9_the_next_step_of_each_phase() {
        let table = [
            (Action::Start, "idle", "", Some("onair initialize")),
            (Action::Start, "error", "", Some("onair recover")),
            (Action::Start, "ready", "", Some("bring what is missing (feed), then onair start")),
            (Action::Start, "starting", "start-4", Some("wait for it: onair sequences start-4 --wait")),
            (Action::Start, "stopping", "", Some("wait until it is no longer stopping: onair watch")),
            (Action::Start, "live", "", None),
            (Action::Pause, "ready", "", Some("onair start")),
            (Action::Resume, "live", "", Some("onair pause")),
            (Action::Stop, "ready", "", None),
            (Action::Recover, "idle", "", None),
            (Action::Initialize, "live", "", Some("onair stop")),
        ];
        for (action, phase, sequence, expected) in table {
            let lifecycle = json!({ "phase": phase, "sequence": sequence });
            let facts = Facts {
                production: "main".parse().unwrap(),
                snapshot: json!({ "lifecycle": lifecycle }),
                can: json!({ "start": { "allowed": false, "missingDependencies": ["feed"] } }),
                sequence: None,
                backends: Vec::new(),
            };
            assert_eq!(next(&facts, action).as_deref(), expected, "{action:?} in {phase}");
        }
    }
}
