//! A commit in one line, for `watch` and `replay`: revision, time, actor, cause, changes.

use onair_wire::{Change, Commit, Op};
use serde_json::Value;

/// How many changes a line names; a batch may have a thousand.
const CHANGES_MAX: usize = 8;

/// The line. Names of ours have no character that a terminal obeys; the report looks again all the same.
pub(super) fn line(commit: &Commit) -> String {
    let kind = serde_json::to_value(commit.cause.kind).unwrap_or_default();
    let kind = kind.as_str().unwrap_or_default().to_owned();
    let details: String =
        commit.cause.details.iter().map(|(name, value)| format!(" {name}={}", detail(value))).collect();
    let mut changes: Vec<String> = commit.changes.iter().take(CHANGES_MAX).map(change).collect();
    if commit.changes.len() > CHANGES_MAX {
        changes.push(format!("and {} more", commit.changes.len() - CHANGES_MAX));
    }
    format!(
        "{:>6}  {}  {}  {kind}{details}  {}",
        commit.revision,
        commit.at,
        commit.actor,
        changes.join(", ")
    )
}

fn change(change: &Change) -> String {
    let op = match change.op {
        Op::Put(_) => "put",
        Op::Patch(_) => "patch",
        Op::Delete => "delete",
        Op::Restore(_) => "restore",
    };
    format!("{op} {}/{}", change.collection, change.id)
}

fn detail(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn commit(changes: usize) -> Commit {
        let changes: Vec<Value> = (0..changes)
            .map(|n| {
                json!({ "op": "patch", "collection": "layers", "id": format!("l{n}"), "revision": 43,
                "patch": {} })
            })
            .collect();
        let commit = json!({ "revision": 43, "at": "2026-11-20T18:00:00.000Z", "actor": "operator:kim",
            "cause": { "kind": "document.patched", "outcome": "merged" }, "changes": changes });
        serde_json::from_value(commit).unwrap()
    }

    #[test]
    fn a_commit_in_one_line() {
        let expected = "    43  2026-11-20T18:00:00.000Z  operator:kim  document.patched outcome=merged  patch layers/l0";
        assert_eq!(line(&commit(1)), expected);
    }

    #[test]
    fn a_large_batch_is_cut() {
        assert!(line(&commit(CHANGES_MAX + 3)).ends_with("patch layers/l7, and 3 more"));
    }
}
