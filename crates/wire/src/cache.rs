//! What a client keeps, and the one small function it needs: apply a commit to a cache. Contract, section 1.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Change, Collection, Commit, Digest, DocumentId, Revision};

/// A document as a snapshot carries it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct Entry {
    /// The revision of the commit that last changed it.
    pub revision: Revision,
    /// What it says.
    pub value: Arc<Value>,
}

/// All documents, by collection and id, as in `snapshot`.
pub type Documents = BTreeMap<Collection, BTreeMap<DocumentId, Entry>>;

/// A copy of a production, or of some of its collections, kept in step by commits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cache {
    /// The last commit applied.
    pub revision: Revision,
    /// The documents. A collection without documents is left out.
    pub documents: Documents,
    digest: Digest,
}

impl Cache {
    /// A cache that begins at a snapshot.
    #[must_use]
    pub fn from_snapshot(revision: Revision, documents: Documents) -> Self {
        let digest = documents.iter().fold(Digest::EMPTY, |sum, (collection, entries)| {
            entries.iter().fold(sum, |sum, (id, entry)| {
                sum.plus(Digest::of(collection, id, entry.revision, &entry.value))
            })
        });
        let documents = documents.into_iter().filter(|(_, entries)| !entries.is_empty()).collect();
        Self { revision, documents, digest }
    }

    /// Makes the commit true here.
    ///
    /// # Errors
    /// [`Gap`] when the commit is not the next one; nothing changes, and the client asks for what it lacks.
    pub fn apply(&mut self, commit: &Commit) -> Result<(), Gap> {
        if commit.revision != self.revision.next() {
            return Err(Gap { have: self.revision, got: commit.revision });
        }
        commit.changes.iter().for_each(|change| self.change(change));
        self.revision = commit.revision;
        Ok(())
    }

    /// The digest of what it holds.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    fn change(&mut self, change: &Change) {
        let Change { collection, id, revision, op } = change;
        let entries = self.documents.entry(collection.clone()).or_default();
        let before = entries.remove(id);
        if let Some(before) = &before {
            self.digest = self.digest.minus(Digest::of(collection, id, before.revision, &before.value));
        }
        if let Some(value) = op.applied_to(before.as_ref().map(|entry| &entry.value)) {
            self.digest = self.digest.plus(Digest::of(collection, id, *revision, &value));
            entries.insert(id.clone(), Entry { revision: *revision, value });
        }
        if entries.is_empty() {
            self.documents.remove(collection);
        }
    }
}

/// A commit that does not follow the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cache is at revision {have}, commit {got} does not follow")]
pub struct Gap {
    /// Where the cache is.
    pub have: Revision,
    /// What came.
    pub got: Revision,
}
