//! What TypeScript is told about types whose JSON is not what serde's attributes say: made from text, or written flat.
//!
//! Only there with the feature `types`, for the test that writes `packages/client/src/types.generated.ts`. The golden
//! files hold these shapes against what is read and sent. Row E4.

#![expect(dead_code, reason = "only described here")]

use serde_json::Value;
use ts_rs::{Config, TS};

use crate::{
    Actor, After, Collection, Commit, Digest, DocumentId, Epoch, Fingerprint, Instance, Millis, MutationId,
    ProductionId, Revision, Timestamp,
};

macro_rules! written_as {
    ($($text:literal: $($type:ty),+;)*) => { $($(
        impl TS for $type {
            type WithoutGenerics = Self;
            type OptionInnerType = Self;
            fn name(_: &Config) -> String {
                $text.to_owned()
            }
            fn inline(_: &Config) -> String {
                $text.to_owned()
            }
        }
    )+)* };
}

written_as! {
    "number": Millis, Revision;
    "string": Actor, After, Collection, Digest, DocumentId, Epoch, Fingerprint, Instance, MutationId, ProductionId, Timestamp;
}

/// [`crate::Change`] as it is written.
#[derive(TS)]
pub struct Change {
    collection: Collection,
    id: DocumentId,
    /// The commit's revision: the document's new one.
    revision: Revision,
    #[ts(flatten)]
    op: Op,
}

/// [`crate::Op`] as it is written.
#[derive(TS)]
#[ts(tag = "op", rename_all = "lowercase")]
pub enum Op {
    /// It is this now.
    Put {
        /// What it says.
        value: Value,
    },
    /// It is what this JSON Merge Patch makes of it.
    Patch {
        /// The patch (RFC 7396).
        patch: Value,
    },
    /// It is gone.
    Delete,
    /// It is this again.
    Restore {
        /// What it says.
        value: Value,
    },
}

/// [`crate::Mutation`] as it is written.
#[derive(TS)]
#[ts(rename_all = "camelCase", optional_fields)]
pub struct Mutation {
    collection: Collection,
    document: DocumentId,
    /// The production's revision at which the document was seen: a late edit is merged.
    base: Option<Revision>,
    /// The document's revision without which nothing is done; 0: there must be none.
    if_revision: Option<Revision>,
    #[ts(flatten)]
    edit: Edit,
}

/// [`crate::Edit`] as it is written.
#[derive(TS)]
#[ts(tag = "op", rename_all = "lowercase")]
pub enum Edit {
    /// That the document be this.
    Put {
        /// What it is to say.
        value: Value,
    },
    /// That this JSON Merge Patch be applied.
    Patch {
        /// The patch (RFC 7396).
        patch: Value,
    },
    /// That the document be gone.
    Delete,
    /// That the deleted document be back, or the version of this revision.
    Restore {
        /// Of the production.
        #[ts(optional)]
        revision: Option<Revision>,
    },
}

/// `commit`: the bytes of the log behind a head.
#[derive(TS)]
#[ts(optional_fields)]
pub struct CommitMessage {
    #[ts(rename = "type", type = "\"commit\"")]
    kind: (),
    production: ProductionId,
    /// Over a socket always; an event stream says it in the event's id.
    epoch: Option<Epoch>,
    #[ts(flatten)]
    commit: Commit,
}
