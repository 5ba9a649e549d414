//! What the log of the server says of a show, once it is true.

use onair_core::{Production, production::server};
use onair_wire::{Change, Commit, Op};

use crate::{hub::Published, shared::Shared};

/// Whether a commit is about the show: calls and times may be others than before.
pub(super) fn touches_show(commit: &Commit) -> bool {
    let show = [server::SYSTEM, server::SERVICES, server::SEQUENCES];
    commit.changes.iter().any(|change| show.contains(&change.collection.as_str()))
}

/// Says what an operator must hear of even without looking (row L8), and every move of the show when the production's
/// settings ask for that (row L11).
pub(super) fn tell(shared: &Shared, production: &Production, commits: &[Published]) {
    let verbose = production.settings().verbose;
    for Published { commit, .. } in commits {
        if verbose && touches_show(commit) {
            move_of(shared, commit);
        }
        trouble(shared, commit);
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

fn trouble(shared: &Shared, commit: &Commit) {
    let is_lifecycle =
        |change: &&Change| change.collection.as_str() == server::SYSTEM && change.id.as_str() == "lifecycle";
    for change in commit.changes.iter().filter(is_lifecycle) {
        let Op::Put(value) = &change.op else { continue };
        if value["phase"] == "error" {
            let (error, gave_up) = (&value["error"]["message"], value["recovery"]["gaveUp"] == true);
            tracing::error!(production = %shared.id, revision = %commit.revision, %error, gave_up, "the show is in error");
        }
    }
}
