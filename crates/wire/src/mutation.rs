//! What a client asks to be changed, and what it is told. Contract, sections 2 and 4.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Collection, DocumentId, Revision, json};

/// One wish to change one document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "FlatMutation", into = "FlatMutation")]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(as = "crate::types::Mutation"))]
pub struct Mutation {
    /// Where.
    pub collection: Collection,
    /// Which.
    pub document: DocumentId,
    /// What.
    pub edit: Edit,
    /// The production's revision at which the client saw the document: when the document has changed since, the
    /// edit is merged (row K1).
    pub base: Option<Revision>,
    /// The document's revision without which nothing is done; zero means that there must be none (row D3).
    pub if_revision: Option<Revision>,
}

/// What a mutation wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// That the document be this.
    Put(Arc<Value>),
    /// That this JSON Merge Patch (RFC 7396) be applied.
    Patch(Arc<Value>),
    /// That the document be gone.
    Delete,
    /// That the deleted document be back, or the version of this revision of the production.
    Restore(Option<Revision>),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FlatMutation {
    op: FlatEdit,
    collection: Collection,
    document: DocumentId,
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    value: Option<Arc<Value>>,
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    patch: Option<Arc<Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revision: Option<Revision>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base: Option<Revision>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    if_revision: Option<Revision>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum FlatEdit {
    Put,
    Patch,
    Delete,
    Restore,
}

impl TryFrom<FlatMutation> for Mutation {
    type Error = &'static str;
    fn try_from(flat: FlatMutation) -> Result<Self, &'static str> {
        let FlatMutation { op, collection, document, value, patch, revision, base, if_revision } = flat;
        let edit = match (op, value, patch, revision) {
            (FlatEdit::Put, Some(value), None, None) => Edit::Put(value),
            (FlatEdit::Put, ..) => return Err("`put` carries a `value`, and neither `patch` nor `revision`"),
            (FlatEdit::Patch, None, Some(patch), None) => Edit::Patch(patch),
            (FlatEdit::Patch, ..) => {
                return Err("`patch` carries a `patch`, and neither `value` nor `revision`");
            }
            (FlatEdit::Delete, None, None, None) => Edit::Delete,
            (FlatEdit::Delete, ..) => return Err("`delete` carries neither `value`, `patch` nor `revision`"),
            (FlatEdit::Restore, None, None, revision) if base.is_none() => Edit::Restore(revision),
            (FlatEdit::Restore, ..) => return Err("`restore` carries a `revision` or nothing"),
        };
        Ok(Self { collection, document, edit, base, if_revision })
    }
}

impl From<Mutation> for FlatMutation {
    fn from(mutation: Mutation) -> Self {
        let Mutation { collection, document, edit, base, if_revision } = mutation;
        let (op, value, patch, revision) = match edit {
            Edit::Put(value) => (FlatEdit::Put, Some(value), None, None),
            Edit::Patch(patch) => (FlatEdit::Patch, None, Some(patch), None),
            Edit::Delete => (FlatEdit::Delete, None, None, None),
            Edit::Restore(revision) => (FlatEdit::Restore, None, None, revision),
        };
        Self { op, collection, document, value, patch, revision, base, if_revision }
    }
}

/// How an edit came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub enum Outcome {
    /// As asked.
    Applied,
    /// Together with what others had changed.
    Merged,
    /// In part: for some fields the server's value stands until somebody chooses.
    Conflict,
}

/// What a mutation came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct Receipt {
    /// The commit that carries it.
    pub revision: Revision,
    /// How it came out.
    pub outcome: Outcome,
    /// The conflicts it opened, or resolved by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<DocumentId>,
    /// The sequence that carries an action out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<DocumentId>,
}
