//! What the server says against what the world says, once both rest; and what is in the log against what was asked.

use std::collections::BTreeMap;

use serde_json::Value;

use super::world::{CALLED, ENCODER, World};

/// The services that are agents.
const AGENTS: [&str; 2] = ["host", "producer"];
/// Everything that is on in a show that is live.
const ALL: [&str; 5] = ["feed", "session", "host", "producer", ENCODER];

/// Why this is no rest, if it is none.
pub(super) fn unrest(said: &Value, world: &World) -> Option<String> {
    let lifecycle = &said["lifecycle"];
    let phase = lifecycle["phase"].as_str().unwrap_or_default();
    let recovery = &lifecycle["recovery"];
    if !lifecycle["sequence"].is_null() {
        return Some(format!("{} is under way", lifecycle["sequence"]));
    }
    if !lifecycle["onward"].is_null() || !matches!(phase, "idle" | "ready" | "live" | "error") {
        return Some(format!("{phase} goes on by itself"));
    }
    if phase == "error" && !recovery["nextAt"].is_null() {
        return Some("a recovery is due".into());
    }
    if !world.is_quiet() {
        return Some("a service is busy".into());
    }
    for service in CALLED.into_iter().chain([ENCODER]) {
        let known = &said["services"][service];
        if !known["awaySince"].is_null() && matches!(phase, "ready" | "live") {
            return Some(format!("{service} is away"));
        }
        if AGENTS.contains(&service) && known["instance"] != world.instance(service) {
            return Some(format!("{service} has not come back"));
        }
        if matches!(phase, "ready" | "live") && known["stale"] == true && known["status"] != "down" {
            return Some(format!("{service} is to be asked again"));
        }
    }
    // A process is ended by its guard, which takes as long as that takes; more than one ends too.
    let encoders = usize::from(phase == "live");
    if phase != "error" && world.encoders != encoders {
        return Some(format!("{} encoders are there, and {encoders} should be", world.encoders));
    }
    None
}

/// What does not agree at rest.
pub(super) fn at_rest(said: &Value, world: &World) -> Vec<String> {
    let phase = said["lifecycle"]["phase"].as_str().unwrap_or_default();
    let owed = &said["lifecycle"]["error"]["owed"];
    let mut wrongs = Vec::new();
    for service in ALL {
        let status = said["services"][service]["status"].as_str().unwrap_or_default();
        let on = if service == "session" { status == "active" } else { world.is_on(service) };
        let allowed = match phase {
            "live" => on && status == "active",
            "ready" => !on && status == "ready",
            "idle" => !on && matches!(status, "down" | "ready" | "failed"),
            _ => !on || owed.as_array().is_some_and(|owed| owed.contains(&format!("{service}.stop").into())),
        };
        if !allowed {
            let on = if on { "on" } else { "off" };
            wrongs.push(format!("the phase is {phase}, and {service} is {on} and said to be {status}"));
        }
        if phase == "ready" && AGENTS.contains(&service) && !world.is_prepared(service) {
            let instance = world.instance(service);
            wrongs.push(format!("the phase is ready, and {instance} was never made ready"));
        }
    }
    wrongs
}

/// What a stretch of the log tells, folded: the sequences as they were last written.
#[derive(Debug, Default)]
pub(super) struct Log {
    sequences: BTreeMap<String, Value>,
    running: Option<String>,
    /// For each server that went on with something: what it found under way.
    pub(super) found: Vec<String>,
}

impl Log {
    /// Folds the next commit.
    pub(super) fn take(&mut self, commit: &Value) {
        if commit["cause"]["resumed"] == true {
            self.found.push(self.open());
        }
        for change in commit["changes"].as_array().into_iter().flatten() {
            let (id, value) = (change["id"].as_str().unwrap_or_default(), &change["value"]);
            match change["collection"].as_str() {
                Some("_sequences") if change["op"] == "put" => {
                    self.sequences.insert(id.to_owned(), value.clone());
                }
                Some("_system") if id == "lifecycle" => {
                    self.running = value["sequence"].as_str().map(str::to_owned);
                }
                _ => {}
            }
        }
    }

    /// What is under way here: the kind of the sequence, and the steps that were asked for.
    fn open(&self) -> String {
        let Some(sequence) = self.running.as_ref().and_then(|id| self.sequences.get(id)) else {
            return "nothing under way".into();
        };
        let steps = sequence["steps"].as_array().into_iter().flatten();
        let running: Vec<String> = steps
            .filter(|step| step["status"] == "running")
            .map(|step| {
                let waits = if step["retryAt"].is_null() { "" } else { " (again soon)" };
                format!("{}{waits}", step["name"].as_str().unwrap_or_default())
            })
            .collect();
        let steps = if running.is_empty() { "between two steps".into() } else { running.join(" + ") };
        format!("{} / {steps}", sequence["kind"].as_str().unwrap_or_default())
    }

    /// What was asked without being in the log first, and what the log says was done and was not, or the reverse.
    pub(super) fn against(&self, world: &World) -> Vec<String> {
        let steps = self.sequences.values().filter_map(|sequence| sequence["steps"].as_array()).flatten();
        let steps: BTreeMap<&str, &Value> =
            steps.filter_map(|step| Some((step["key"].as_str()?, step))).collect();
        let mut wrongs = Vec::new();
        for call in world.calls.iter().filter(|call| call.round == world.round) {
            let known = steps.get(call.asked.key.as_str()).and_then(|step| step["attempts"].as_u64());
            if known.is_none_or(|attempts| attempts < call.asked.attempt) {
                wrongs.push(format!(
                    "{} was asked of {} before it was in the log",
                    call.asked.key, call.service
                ));
            }
        }
        for (key, step) in steps {
            let seen = step["service"].as_str().is_some_and(|service| CALLED.contains(&service));
            let was_done = world.was_done(key);
            let failed = step["status"] == "failed" && step["unknown"] != true;
            // What may have happened is undone too.
            let done = step["status"] == "done" || (step["status"] == "undone" && step["unknown"] != true);
            if seen && done && !was_done {
                wrongs.push(format!("{key} is said to be done, and was not"));
            }
            if seen && failed && was_done && step["action"] == "start" {
                wrongs.push(format!("{key} is said to have failed for sure, and was done"));
            }
        }
        wrongs
    }
}

/// What both say, for people.
pub(super) fn both(said: &Value, world: &World) -> String {
    let (lifecycle, services) = (&said["lifecycle"], &said["services"]);
    let mut short = lifecycle.clone();
    if let Some(members) = short.as_object_mut() {
        members.remove("history");
    }
    format!("the world says {}; the server says {short}, services {services}", world.says())
}
