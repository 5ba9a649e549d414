//! A commit: what the log holds, what every client receives, the only way state changes. Contract, section 1.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    Actor, Collection, DocumentId, MutationId, Revision, Timestamp, json, merge_patch,
    planted::{Bug, planted},
};

/// One step of a production: the changes that became true together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct Commit {
    /// The next revision of the production.
    pub revision: Revision,
    /// When it was decided; never before the commit in front of it.
    pub at: Timestamp,
    /// Who caused it (row X3).
    pub actor: Actor,
    /// What the client called the mutation, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mutation: Option<MutationId>,
    /// A hash of what the mutation asked, kept so that the same id with other content is told from a retry (row D6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
    /// Why.
    pub cause: Cause,
    /// What, in order; never two for one document.
    pub changes: Vec<Change>,
}

/// 64 bits of what a mutation asked, as 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(pub u64);

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        format!("{:016x}", fingerprint.0)
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let bad = || format!("a fingerprint is 16 hexadecimal digits, not {text:?}");
        if text.len() != 16 {
            return Err(bad());
        }
        u64::from_str_radix(&text, 16).map(Self).map_err(|_| bad())
    }
}

/// Why a commit was made: a kind, and its details beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct Cause {
    /// The kind.
    pub kind: CauseKind,
    /// What belongs to the kind, `outcome` of a merge say.
    #[serde(flatten)]
    pub details: Map<String, Value>,
}

impl From<CauseKind> for Cause {
    fn from(kind: CauseKind) -> Self {
        Self { kind, details: Map::new() }
    }
}

impl Cause {
    /// This cause with one more detail.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.into(), value.into());
        self
    }
}

/// The kinds of causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub enum CauseKind {
    /// The production was created, or its manifest replaced.
    #[serde(rename = "manifest.changed")]
    ManifestChanged,
    /// The phase moved.
    #[serde(rename = "lifecycle.moved")]
    LifecycleMoved,
    /// A step of a sequence began or ended.
    #[serde(rename = "sequence.step")]
    SequenceStep,
    /// A service changed its status.
    #[serde(rename = "service.changed")]
    ServiceChanged,
    /// A document was created or replaced.
    #[serde(rename = "document.put")]
    DocumentPut,
    /// A document was changed by a merge patch.
    #[serde(rename = "document.patched")]
    DocumentPatched,
    /// A document was deleted.
    #[serde(rename = "document.deleted")]
    DocumentDeleted,
    /// A document was restored.
    #[serde(rename = "document.restored")]
    DocumentRestored,
    /// A late edit could not be merged in full.
    #[serde(rename = "conflict.opened")]
    ConflictOpened,
    /// Somebody chose.
    #[serde(rename = "conflict.resolved")]
    ConflictResolved,
    /// A rule began to fire.
    #[serde(rename = "finding.opened")]
    FindingOpened,
    /// A rule fires on, about something else or for some time.
    #[serde(rename = "finding.changed")]
    FindingChanged,
    /// A rule ceased to fire.
    #[serde(rename = "finding.cleared")]
    FindingCleared,
    /// Settings changed.
    #[serde(rename = "settings.changed")]
    SettingsChanged,
    /// A backend was told, or could not be.
    #[serde(rename = "backend.changed")]
    BackendChanged,
    /// The stream's figures, as they were.
    #[serde(rename = "stream.sampled")]
    StreamSampled,
    /// Several mutations at once.
    #[serde(rename = "batch")]
    Batch,
}

/// One change to one document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "FlatChange", into = "FlatChange")]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(as = "crate::types::Change"))]
pub struct Change {
    /// Where.
    pub collection: Collection,
    /// Which.
    pub id: DocumentId,
    /// The commit's revision: the document's new one.
    pub revision: Revision,
    /// What.
    pub op: Op,
}

/// What happens to a document.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// It is this now.
    Put(Arc<Value>),
    /// It is what this JSON Merge Patch (RFC 7396) makes of it.
    Patch(Arc<Value>),
    /// It is gone.
    Delete,
    /// It is this again.
    Restore(Arc<Value>),
}

impl Op {
    /// The document's value behind this operation; `None` when it is gone.
    #[must_use]
    pub fn applied_to(&self, before: Option<&Arc<Value>>) -> Option<Arc<Value>> {
        match self {
            Self::Put(value) | Self::Restore(value) => Some(Arc::clone(value)),
            Self::Patch(patch) => {
                let mut value = before.map_or(Value::Null, |value| Value::clone(value));
                merge_patch(&mut value, patch);
                Some(Arc::new(value))
            }
            Self::Delete => None,
        }
    }
}

/// A change as it is written: the names of the contract, one object.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FlatChange {
    op: FlatOp,
    collection: Collection,
    id: DocumentId,
    revision: Revision,
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    value: Option<Arc<Value>>,
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    patch: Option<Arc<Value>>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum FlatOp {
    Put,
    Patch,
    Delete,
    Restore,
}

impl From<Change> for FlatChange {
    fn from(change: Change) -> Self {
        let Change { collection, id, revision, op } = change;
        let (op, value, patch) = match op {
            Op::Put(value) => (FlatOp::Put, Some(value), None),
            Op::Patch(patch) => (FlatOp::Patch, None, Some(patch)),
            Op::Delete => (FlatOp::Delete, None, None),
            Op::Restore(value) => (FlatOp::Restore, Some(value), None),
        };
        Self { op, collection, id, revision, value, patch }
    }
}

impl TryFrom<FlatChange> for Change {
    type Error = &'static str;
    fn try_from(flat: FlatChange) -> Result<Self, &'static str> {
        let FlatChange { op, collection, id, revision, value, patch } = flat;
        let op = match (op, value, patch) {
            (FlatOp::Put, Some(value), None) => Op::Put(value),
            (FlatOp::Patch, None, Some(patch)) => Op::Patch(patch),
            (FlatOp::Delete, None, None) => Op::Delete,
            (FlatOp::Restore, Some(value), None) => Op::Restore(value),
            _ => return Err("put and restore carry a value, patch a patch, delete neither"),
        };
        Ok(Self { collection, id, revision, op })
    }
}

impl Commit {
    /// The commit as JSON: what the log keeps and every wire format wraps.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a commit has string keys and finite numbers only")
    }

    /// Reads what [`Commit::encode`] wrote.
    ///
    /// # Errors
    /// Where and why it is no commit.
    pub fn decode(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// This commit as a subscriber of some collections sees it: the other changes are left out, the revision stays.
    #[must_use]
    pub fn only(&self, wanted: impl Fn(&Collection) -> bool) -> Self {
        let wanted = |change: &&Change| planted(Bug::FilterLeaks) || wanted(&change.collection);
        let changes = self.changes.iter().filter(wanted).cloned().collect();
        Self { changes, ..self.clone() }
    }
}
