//! What keeps a command or a read from being done.

use onair_core::Refusal;
use onair_wire::{Code, Problem, ProductionId, Revision};
use thiserror::Error;

/// Why not.
#[derive(Clone, Debug, Error)]
pub enum Error {
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// There is no such production.
    #[error("there is no production {0}")]
    NotFound(ProductionId),
    /// A revision from the future.
    #[error("revision {wanted} is in the future, the production is at {last}")]
    Future {
        /// What was asked for.
        wanted: Revision,
        /// Where it is.
        last: Revision,
    },
    /// The production serves its last good state, and takes nothing.
    #[error("the production is read-only: {0}")]
    ReadOnly(String),
    /// So many commands wait that another would wait too long.
    #[error("{limit} commands wait for this production already")]
    Busy {
        /// How many wait.
        limit: usize,
    },
    /// A mistake of ours while it was done: whether it was is not known.
    #[error("the server made a mistake while it did this; whether it was done is not known")]
    Internal,
    /// The server, or the production, is being closed.
    #[error("the production is being closed")]
    Closing,
    /// A file that is not an export of a production, with the place.
    #[error("line {line}: {detail}")]
    Import {
        /// From 1.
        line: usize,
        /// What is wrong.
        detail: String,
    },
    /// More of something than a named limit allows.
    #[error("{what}, the limit is {limit}")]
    Limit {
        /// What is too much.
        what: &'static str,
        /// How much is allowed.
        limit: usize,
    },
    /// The engine.
    #[error(transparent)]
    Engine(#[from] onair_engine::Error),
}

impl Error {
    /// What the caller is told.
    #[must_use]
    pub fn problem(&self) -> Problem {
        use onair_engine::Error as Engine;
        let told = |code| Problem::new(code, self.to_string());
        match self {
            Self::Refused(refusal) => refusal.problem(),
            Self::NotFound(_) => told(Code::NotFound),
            Self::Future { last, .. } => told(Code::Invalid).with("revision", last.0),
            Self::ReadOnly(_) => told(Code::ReadOnly),
            Self::Busy { .. } => told(Code::TooManyRequests).with("retryAfter", 1),
            Self::Internal => told(Code::Internal),
            Self::Closing => told(Code::Closing),
            Self::Import { line, detail } => told(Code::Invalid).at(format!("line {line}"), detail.as_str()),
            Self::Limit { limit, .. } => told(Code::TooManyRequests).with("limit", *limit),
            Self::Engine(engine) => match engine {
                Engine::NotFound { .. } => told(Code::NotFound),
                Engine::Exists { .. } => told(Code::AlreadyExists),
                Engine::TooLarge { .. } => told(Code::TooLarge),
                Engine::ReadOnly { .. } | Engine::Corrupt { .. } => told(Code::ReadOnly),
                Engine::Closed => told(Code::Closing),
                _ => told(Code::EngineUnavailable),
            },
        }
    }
}
