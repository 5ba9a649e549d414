//! `apply`: a commit becomes true. The only place where a production changes.

use std::sync::Arc;

use onair_wire::{Change, Commit, Op, Revision};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::{Production, Remembered, documents::Moment, server};
use crate::{
    lifecycle::Lifecycle, manifest::Manifest, sequence::Sequence, service::Service, settings::Settings,
};

/// A commit that cannot follow: the log holds what this program would never have written (row D8).
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("commit {revision} cannot follow revision {at}: {detail}")]
pub struct Broken {
    /// Which commit.
    pub revision: Revision,
    /// Behind which.
    pub at: Revision,
    /// What is wrong, with the place.
    pub detail: String,
}

impl Production {
    /// Makes `commit` true. Pure: the same production and commit give the same production.
    ///
    /// # Errors
    /// [`Broken`]; nothing has changed then.
    pub fn apply(&mut self, commit: &Commit) -> Result<(), Broken> {
        let broken = |detail: String| Broken { revision: commit.revision, at: self.revision, detail };
        if commit.revision != self.revision.next() {
            return Err(broken("revisions have no hole".into()));
        }
        let manifest = match new_manifest(commit) {
            Some(value) => Some(Arc::new(Manifest::new(value).map_err(|error| broken(error.to_string()))?)),
            None => None,
        };
        if let Some(change) = commit.changes.iter().find(|change| change.revision != commit.revision) {
            let Change { collection, id, revision, .. } = change;
            return Err(broken(format!("the change of {collection}/{id} says revision {revision}")));
        }
        if commit.changes.iter().any(|change| change.collection.as_str() == server::SYSTEM) {
            let mut tried = self.clone();
            tried.apply_changes(commit);
            tried.check_system().map_err(broken)?;
        }
        commit.changes.iter().try_for_each(check_show).map_err(broken)?;
        self.apply_changes(commit);
        if let Some(manifest) = manifest {
            self.manifest = Some(manifest);
        }
        if let (Some(id), Some(fingerprint)) = (&commit.mutation, commit.fingerprint) {
            self.mutations.remember(id.clone(), Remembered { revision: commit.revision, fingerprint });
        }
        self.revision = commit.revision;
        self.at = self.at.max(commit.at);
        Ok(())
    }

    /// That the documents this program reads with types do read: none is ever replaced by a default (row D8).
    fn check_system(&self) -> Result<(), String> {
        let document = |id: &str| self.server_document(server::SYSTEM, id).map(|d| Value::clone(d.value()));
        if let Some(settings) = document("settings") {
            serde_json::from_value::<Settings>(settings)
                .map_err(|error| format!("_system/settings: {error}"))?;
        }
        if let Some(lifecycle) = document("lifecycle") {
            serde_json::from_value::<Lifecycle>(lifecycle)
                .map_err(|error| format!("_system/lifecycle: {error}"))?;
        }
        Ok(())
    }

    /// Applies the changes alone: for a batch that is decided one mutation after the other.
    pub(crate) fn apply_changes(&mut self, commit: &Commit) {
        for (place, change) in commit.changes.iter().enumerate() {
            let place = u32::try_from(place).unwrap_or(u32::MAX);
            let Change { collection, id, revision, op } = change;
            let moment = Moment { actor: &commit.actor, revision: *revision, at: commit.at, place };
            self.collections.entry(collection.clone()).or_default().apply(collection, id, op, moment);
        }
    }

    /// Forgets what belonged to commits before `oldest`: mutation ids. The documents stay.
    pub fn forget_before(&mut self, oldest: Revision) {
        self.oldest = self.oldest.max(oldest);
        self.mutations.forget_before(oldest);
    }
}

/// Likewise for the documents that each have a type of their own.
fn check_show(change: &Change) -> Result<(), String> {
    let Op::Put(value) = &change.op else { return Ok(()) };
    let reads = match change.collection.as_str() {
        server::SERVICES => Service::deserialize(&**value).map(drop),
        server::SEQUENCES => Sequence::deserialize(&**value).map(drop),
        _ => Ok(()),
    };
    reads.map_err(|error| format!("{}/{}: {error}", change.collection, change.id))
}

fn new_manifest(commit: &Commit) -> Option<Value> {
    let change =
        commit.changes.iter().rev().find(|change| {
            change.collection.as_str() == server::SYSTEM && change.id.as_str() == "manifest"
        })?;
    match &change.op {
        Op::Put(value) => Some(Value::clone(value)),
        Op::Patch(_) | Op::Delete | Op::Restore(_) => None,
    }
}
