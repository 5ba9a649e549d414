//! What the log of the server says of a show, once it is true.

use onair_core::{Production, production::server};
use onair_wire::{CauseKind, Change, Commit, Op};
use serde_json::Value;

use crate::{hub::Published, shared::Shared};

/// Whether a commit is about the show: calls and times may be others than before.
pub(super) fn touches_show(commit: &Commit) -> bool {
    let show = [server::SYSTEM, server::SERVICES, server::SEQUENCES];
    commit.changes.iter().any(|change| show.contains(&change.collection.as_str()))
}

/// The findings that a commit opens.
pub(super) fn opened(commit: &Commit) -> impl Iterator<Item = &str> {
    let opens = commit.cause.kind == CauseKind::FindingOpened;
    let codes = commit.cause.details.get("codes").filter(|_| opens).and_then(Value::as_array);
    codes.into_iter().flatten().filter_map(Value::as_str)
}

/// Whether a commit moves the phase.
pub(super) fn moves(commit: &Commit) -> bool {
    commit.changes.iter().any(|change| change.collection.as_str() == server::TRANSITIONS)
}

/// Says what an operator must hear of even without looking (row L8), and every move of the show when the production's
/// settings ask for that (row L11).
pub(super) fn tell(shared: &Shared, before: &Production, production: &Production, commits: &[Published]) {
    let verbose = production.settings().verbose;
    let mut known =
        before.server_document(server::SYSTEM, "lifecycle").and_then(|it| Trouble::of(it.value()));
    for Published { commit, .. } in commits {
        if verbose && touches_show(commit) {
            move_of(shared, commit);
        }
        for lifecycle in commit.changes.iter().filter_map(lifecycle) {
            let trouble = Trouble::of(lifecycle);
            if let Some(trouble) = &trouble
                && !known.as_ref().is_some_and(|known| known.covers(trouble))
            {
                let Trouble { error, gave_up } = trouble;
                tracing::error!(production = %shared.id, revision = %commit.revision, %error, gave_up, "the show is in error");
            }
            known = trouble;
        }
    }
}

fn move_of(shared: &Shared, commit: &Commit) {
    let changed: Vec<String> =
        commit.changes.iter().map(|change| format!("{}/{}", change.collection, change.id)).collect();
    tracing::info!(
        production = %shared.id,
        revision = %commit.revision,
        actor = %commit.actor,
        cause = ?commit.cause.kind,
        changed = %changed.join(" "),
        "the show moved"
    );
}

/// The lifecycle that a change puts.
fn lifecycle(change: &Change) -> Option<&Value> {
    match &change.op {
        Op::Put(value)
            if change.collection.as_str() == server::SYSTEM && change.id.as_str() == "lifecycle" =>
        {
            Some(value)
        }
        _ => None,
    }
}

/// That a show is in error. It is said once, and again when recovering by itself was given up.
struct Trouble {
    error: Value,
    gave_up: bool,
}

impl Trouble {
    fn of(lifecycle: &Value) -> Option<Self> {
        (lifecycle["phase"] == "error").then(|| Self {
            error: lifecycle["error"]["message"].clone(),
            gave_up: lifecycle["recovery"]["gaveUp"] == true,
        })
    }

    fn covers(&self, new: &Self) -> bool {
        self.error == new.error && (self.gave_up || !new.gave_up)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Every commit of a recovery, which changes the lifecycle, logged the same error again.
    #[test]
    fn l8_the_same_trouble_is_said_once() {
        let trouble = |error: &str, gave_up: bool| {
            let lifecycle =
                json!({ "phase": "error", "error": { "message": error }, "recovery": { "gaveUp": gave_up } });
            Trouble::of(&lifecycle).expect("an error")
        };
        let table = [
            (trouble("a", false), trouble("a", false), true),
            (trouble("a", true), trouble("a", false), true),
            (trouble("a", false), trouble("a", true), false),
            (trouble("a", false), trouble("b", false), false),
        ];
        for (known, new, said) in table {
            assert_eq!(known.covers(&new), said, "{} {}", known.error, new.error);
        }
        assert!(Trouble::of(&json!({ "phase": "idle", "error": null })).is_none());
    }
}
