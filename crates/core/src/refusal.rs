//! Lawful noes: why a command was not carried out, with what the caller needs to go on.
//!
//! Where several apply, the first in the order of the variants is told, for the first mutation of a batch that
//! has one: what is asked wrongly comes before what is asked too late.

use onair_wire::{Code, Collection, DocumentId, MutationId, Problem, Revision};
use serde_json::{Value, json};
use thiserror::Error;

/// Why not.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum Refusal {
    /// The mutation id stands for something else.
    #[error("mutation {id} was used for something else in revision {revision}")]
    MutationIdReused {
        /// The id.
        id: MutationId,
        /// What it was used for.
        revision: Revision,
    },
    /// More than a named limit allows.
    #[error("{what}: {found}, the limit is {limit}")]
    TooLarge {
        /// Of what there is too much.
        what: &'static str,
        /// How much.
        found: usize,
        /// How much is allowed.
        limit: usize,
    },
    /// Something that cannot be, with its place in the command.
    #[error("{}: {detail}", if pointer.is_empty() { "the body" } else { pointer })]
    Invalid {
        /// Where: a JSON pointer into the body.
        pointer: String,
        /// What is wrong.
        detail: String,
    },
    /// There is no such document.
    #[error("there is no document {collection}/{id}")]
    NotFound {
        /// Where it would be.
        collection: Collection,
        /// Which.
        id: DocumentId,
    },
    /// There was such a document.
    #[error("document {collection}/{id} was deleted in revision {revision}")]
    Gone {
        /// Where it was.
        collection: Collection,
        /// Which.
        id: DocumentId,
        /// By which commit.
        revision: Revision,
    },
    /// There is such a document already.
    #[error("there is a document {collection}/{id} already, of revision {revision}")]
    AlreadyExists {
        /// Where.
        collection: Collection,
        /// Which.
        id: DocumentId,
        /// Of which commit.
        revision: Revision,
    },
    /// The document has changed since the caller saw it.
    #[error("document {collection}/{id} is at revision {found}, not {expected}")]
    RevisionMismatch {
        /// Where.
        collection: Collection,
        /// Which.
        id: DocumentId,
        /// What the caller named.
        expected: Revision,
        /// Where it is.
        found: Revision,
        /// What it says now; `null` when there is none.
        current: Value,
    },
    /// A revision that is needed is no longer kept.
    #[error("revision {wanted} is no longer kept, the oldest is {oldest}")]
    Compacted {
        /// The revision needed.
        wanted: Revision,
        /// The oldest one kept.
        oldest: Revision,
    },
    /// The state does not allow it.
    #[error("{reason}")]
    NotAllowed {
        /// Why, as a sentence.
        reason: String,
        /// What is missing: names of services and collections (row L9).
        missing: Vec<String>,
        /// The sequence that is in the way: a caller can wait for it (row L13).
        sequence: Option<String>,
    },
    /// The state would allow it, and findings stand that the manifest wants mended first.
    #[error("{reason}")]
    Blocked {
        /// Why, as a sentence.
        reason: String,
        /// The codes of what stands.
        findings: Vec<String>,
    },
}

impl Refusal {
    /// Something that the state does not allow.
    #[must_use]
    pub fn not_allowed(reason: impl Into<String>) -> Self {
        Self::NotAllowed { reason: reason.into(), missing: Vec::new(), sequence: None }
    }

    /// An invalid place.
    pub(crate) fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid { pointer: pointer.into(), detail: detail.into() }
    }

    /// The same refusal of a mutation that stands at `prefix` in the body.
    pub(crate) fn within(self, prefix: &str) -> Self {
        match self {
            Self::Invalid { pointer, detail } => {
                Self::Invalid { pointer: format!("{prefix}{pointer}"), detail }
            }
            other => other,
        }
    }

    /// The code of the contract.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::MutationIdReused { .. } => Code::MutationIdReused,
            Self::TooLarge { .. } => Code::TooLarge,
            Self::Invalid { .. } => Code::Invalid,
            Self::NotFound { .. } => Code::NotFound,
            Self::Gone { .. } => Code::Gone,
            Self::AlreadyExists { .. } => Code::AlreadyExists,
            Self::RevisionMismatch { .. } => Code::RevisionMismatch,
            Self::Compacted { .. } => Code::Compacted,
            Self::NotAllowed { .. } | Self::Blocked { .. } => Code::NotAllowed,
        }
    }

    /// What the caller is told.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let problem = Problem::new(self.code(), self.to_string());
        match self {
            Self::Invalid { pointer, detail } => problem.at(pointer, detail),
            Self::RevisionMismatch { found, current, .. } => {
                problem.with("current", json!({ "revision": found, "value": current }))
            }
            Self::Compacted { oldest, .. } => problem.with("oldest", oldest.0),
            Self::Gone { revision, .. } | Self::AlreadyExists { revision, .. } => {
                problem.with("revision", revision.0)
            }
            Self::MutationIdReused { revision, .. } => problem.with("revision", revision.0),
            Self::NotAllowed { reason, missing, sequence } => {
                let problem =
                    problem.with("reason", reason.as_str()).with("missingDependencies", json!(missing));
                match sequence {
                    Some(sequence) => problem.with("sequence", sequence.as_str()),
                    None => problem,
                }
            }
            Self::Blocked { reason, findings } => problem
                .with("reason", reason.as_str())
                .with("missingDependencies", json!([]))
                .with("findings", json!(findings)),
            Self::TooLarge { limit, .. } => problem.with("limit", *limit),
            Self::NotFound { .. } => problem,
        }
    }
}
