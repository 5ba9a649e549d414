//! The paragraphs of `onair why`. Each is a few lines, or none where there is nothing to say.

use onair_wire::Collection;
use serde_json::Value;

use super::{Action, Facts};
use crate::command::{
    backends, sequences,
    sequences::{span, step_line},
    text, words,
};

/// Whether it is live, could be, or why not.
pub(super) fn headline(facts: &Facts) -> String {
    let (name, phase) = (&facts.production, facts.phase());
    if phase == "live" {
        let session = match text(facts.lifecycle(), "sessionId") {
            session if session.is_empty() => String::new(),
            session => format!(", session {session}"),
        };
        let paused = match facts.lifecycle()["paused"] == true {
            true => format!("; it is paused, and {} goes on", facts.aimed("onair resume")),
            false => String::new(),
        };
        return format!("{name} is live{session}{paused}.");
    }
    if facts.allows(Action::Start) {
        return format!("{name} is in phase {phase}, and nothing stands in the way of going live.");
    }
    let reason = reason(facts, Action::Start);
    match reason.contains("the phase is") {
        true => format!("{name} cannot go live now{reason}."),
        false => format!("{name} is in phase {phase} and cannot go live now{reason}."),
    }
}

/// Whether one action is allowed.
pub(super) fn verdict(facts: &Facts, action: Action) -> String {
    let (word, name) = (action.as_str(), &facts.production);
    match facts.allows(action) {
        true => format!("{word} is allowed: {name} is in phase {}.", facts.phase()),
        false => {
            let reason = reason(facts, action);
            match reason.contains("the phase is") {
                true => format!("{word} is not allowed{reason}."),
                false => format!("{word} is not allowed: {name} is in phase {}{reason}.", facts.phase()),
            }
        }
    }
}

fn reason(facts: &Facts, action: Action) -> String {
    match text(facts.can(action), "reason") {
        reason if reason.is_empty() => String::new(),
        reason => format!(": {reason}"),
    }
}

/// Each service with its status, and what is wrong with it.
pub(super) fn services(facts: &Facts) -> Vec<String> {
    let Some(services) = facts.snapshot["services"].as_object().filter(|services| !services.is_empty())
    else {
        return Vec::new();
    };
    let width = services.keys().map(|name| name.chars().count()).max().unwrap_or_default();
    let line = |(name, service): (&String, &Value)| format!("  {name:width$}  {}", state(service));
    std::iter::once("Services:".to_owned()).chain(services.iter().map(line)).collect()
}

/// `ready`, or `failed, not healthy: the camera is in use`.
pub(in crate::command) fn state(service: &Value) -> String {
    // Nobody expects what is down to be well.
    let unwell = service["healthy"] == false && service["status"] != "down";
    let health = if unwell { ", not healthy" } else { "" };
    let optional = if service["required"] == false { ", not required" } else { "" };
    let error = match sequences::error(service) {
        error if error.is_empty() => String::new(),
        error => format!(": {error}"),
    };
    format!("{}{health}{optional}{error}", text(service, "status"))
}

/// What an action needs and does not have.
pub(super) fn missing(facts: &Facts, can: &Value) -> Vec<String> {
    let missing = words(&can["missingDependencies"]);
    if missing.is_empty() {
        return Vec::new();
    }
    let line = |name: &String| match facts.snapshot["services"].get(name) {
        Some(service) => format!("  {name}, a service: it is {}", state(service)),
        // What is needed and no service is a collection; the snapshot leaves out those that are empty.
        None if name.parse::<Collection>().is_ok() => {
            let put = facts.aimed(&format!("onair put {name}/ID VALUE"));
            format!("  {name}, a collection: fill it with {put}")
        }
        None => format!("  {name}"),
    };
    std::iter::once("Missing:".to_owned()).chain(missing.iter().map(line)).collect()
}

/// The sequence under way, with the step that runs and until when it may.
pub(super) fn running(facts: &Facts) -> Vec<String> {
    let Some(sequence) = facts.sequence.as_ref().filter(|sequence| !sequences::is_over(sequence)) else {
        return Vec::new();
    };
    let by = match text(sequence, "startedBy") {
        by if by.is_empty() => String::new(),
        by => format!(", started by {by}"),
    };
    let mut lines = vec![format!("Running: {}{by}.", text(sequence, "id"))];
    let steps = sequence["steps"].as_array().into_iter().flatten();
    lines.extend(steps.filter(|step| step["status"] == "running").map(|step| {
        let since = match text(step, "startedAt") {
            since if since.is_empty() => String::new(),
            since => format!(", since {since}"),
        };
        let deadline =
            deadline(facts, sequence, step).map_or_else(String::new, |it| format!(", deadline {it}"));
        format!("  {}{since}{deadline}", step_line(step).join("  "))
    }));
    lines
}

/// What the step says; else what the settings say for sequences of this kind.
fn deadline(facts: &Facts, sequence: &Value, step: &Value) -> Option<String> {
    if let Some(at) = step["deadline"].as_str() {
        return Some(at.to_owned());
    }
    let setting = match sequence["kind"].as_str()? {
        "initialize" | "recover" => "initializationTimeout",
        "start" => "startupTimeout",
        _ => "shutdownTimeout",
    };
    let of_step = step["deadline"].as_u64();
    of_step.or_else(|| facts.snapshot["settings"][setting].as_u64()).map(span)
}

/// What can be done now.
pub(super) fn allowed(facts: &Facts) -> Vec<String> {
    let allowed: Vec<&str> =
        Action::ALL.into_iter().filter(|action| facts.allows(*action)).map(Action::as_str).collect();
    if allowed.is_empty() { Vec::new() } else { vec![format!("Allowed now: {}.", allowed.join(", "))] }
}

/// Why the phase is `error`, and what is still on because it could not be undone.
pub(super) fn error(facts: &Facts) -> Vec<String> {
    let error = &facts.lifecycle()["error"];
    if error.is_null() {
        return Vec::new();
    }
    let message = sequences::error(facts.lifecycle());
    // The server's own messages begin with the step.
    let at = match text(error, "step") {
        step if step.is_empty() || message.starts_with(&step) => String::new(),
        step => format!(" in {step}"),
    };
    let code = match text(error, "code") {
        code if code.is_empty() => String::new(),
        code => format!(" ({code})"),
    };
    let mut lines = vec![format!("Last error{at}: {message}{code}.")];
    let owed = words(&error["owed"]);
    if !owed.is_empty() {
        lines.push(format!("Still to be undone: {}.", owed.join(", ")));
    }
    let at = text(&facts.lifecycle()["recovery"], "nextAt");
    if !at.is_empty() {
        lines.push(format!("It recovers by itself at {at}."));
    }
    lines
}

/// Backends that take nothing more until somebody acts. They hold up no show.
pub(super) fn parked(facts: &Facts) -> Vec<String> {
    let parked = facts.backends.iter().filter(|backend| backends::parked(backend) > 0);
    let line = |backend: &Value| {
        let name = text(backend, "name");
        let error = match backends::last_error(backend) {
            error if error.is_empty() => String::new(),
            error => format!(": {error}"),
        };
        let again = facts.aimed(&format!("onair backends replay {name}"));
        let count = backends::parked(backend);
        format!("  {name}, {count} parked{error}; send again with {again}")
    };
    let lines: Vec<String> = parked.map(line).collect();
    match lines.is_empty() {
        true => lines,
        false => {
            let head = "Backends that did not take what they were told (no show waits for them):".to_owned();
            std::iter::once(head).chain(lines).collect()
        }
    }
}
