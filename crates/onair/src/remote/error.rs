//! What can go wrong between the program and a server, each kind with its class (row E1), its hint, and whether to
//! try again.

use onair_wire::{Detail, Problem};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

/// Why a request came to nothing.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// No connection came about.
    #[error("no connection to {server}: {detail}")]
    NotUp { server: String, detail: String },
    /// The connection broke.
    #[error("the connection to {server} broke: {detail}")]
    Network { server: String, detail: String },
    /// Nothing came for too long.
    #[error("{server} did not answer within {seconds} s")]
    Timeout { server: String, seconds: u64 },
    /// A lawful no, or a failure that the server names.
    #[error("{} ({})", .0.detail, .0.code)]
    Refused(Box<Refused>),
    /// Somebody answered, but not onair.
    #[error("{server} answered {status} with something that onair does not say: {excerpt}")]
    Foreign { server: String, status: u16, excerpt: String },
}

/// A problem as a server sent it. Its code is a text here: a later server may know more of them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) detail: String,
    pub(crate) errors: Vec<Detail>,
    /// Everything it said.
    pub(crate) body: Value,
}

/// The kinds of row E1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Network,
    Timeout,
    Conflict,
    Validation,
    Permission,
    Server,
}

impl Class {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Timeout => "timeout",
            Self::Conflict => "conflict",
            Self::Validation => "validation",
            Self::Permission => "permission",
            Self::Server => "server",
        }
    }
}

impl Refused {
    /// Reads a problem; `None` when the body is none.
    pub(crate) fn read(status: u16, body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Said {
            code: String,
            detail: String,
            #[serde(default)]
            errors: Vec<Detail>,
        }
        let body: Value = serde_json::from_slice(body).ok()?;
        let Said { code, detail, errors } = Said::deserialize(&body).ok()?;
        Some(Self { status, code, detail, errors, body })
    }
}

impl From<Problem> for Error {
    /// A no of our own, said like one of the server's.
    fn from(problem: Problem) -> Self {
        let body = serde_json::to_value(&problem).unwrap_or_default();
        let Problem { status, code, detail, errors, .. } = problem;
        Self::Refused(Box::new(Refused { status, code: code.to_string(), detail, errors, body }))
    }
}

impl Error {
    /// Which kind it is.
    pub(crate) fn class(&self) -> Class {
        match self {
            Self::NotUp { .. } | Self::Network { .. } => Class::Network,
            Self::Timeout { .. } => Class::Timeout,
            Self::Foreign { .. } => Class::Server,
            Self::Refused(refused) => match refused.status {
                401 | 403 => Class::Permission,
                408 | 504 => Class::Timeout,
                409 | 412 => Class::Conflict,
                429 | 500.. => Class::Server,
                _ => Class::Validation,
            },
        }
    }

    /// Whether the same request may do better soon. Only for requests that may be carried out twice.
    pub(crate) fn is_worth_retrying(&self) -> bool {
        match self {
            Self::NotUp { .. } | Self::Network { .. } | Self::Timeout { .. } => true,
            Self::Foreign { status, .. } => *status == 503,
            // A read-only log stays so until somebody acts.
            Self::Refused(refused) => refused.status == 503 && refused.code != "read-only",
        }
    }

    /// Whether the server said no under this code.
    pub(crate) fn is(&self, code: onair_wire::Code) -> bool {
        matches!(self, Self::Refused(refused) if refused.code == code.as_str())
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::NotUp { .. } => Some("is onair running? start it with: onair serve".to_owned()),
            Self::Refused(refused) => Some(format!("see: onair explain {}", refused.code)),
            Self::Foreign { .. } => Some("is this the address of onair's API? see --server".to_owned()),
            Self::Network { .. } | Self::Timeout { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, code: &str) -> Error {
        let body = serde_json::json!({ "status": status, "code": code, "detail": "no" }).to_string();
        Error::Refused(Box::new(Refused::read(status, body.as_bytes()).unwrap()))
    }

    #[test]
    fn e1_each_error_has_a_class_and_some_are_tried_again() {
        let server = || "http://127.0.0.1:4200".to_owned();
        let table = [
            (Error::NotUp { server: server(), detail: String::new() }, Class::Network, true),
            (Error::Network { server: server(), detail: String::new() }, Class::Network, true),
            (Error::Timeout { server: server(), seconds: 10 }, Class::Timeout, true),
            (Error::Foreign { server: server(), status: 200, excerpt: String::new() }, Class::Server, false),
            (Error::Foreign { server: server(), status: 503, excerpt: String::new() }, Class::Server, true),
            (refused(400, "bad-json"), Class::Validation, false),
            (refused(401, "unauthenticated"), Class::Permission, false),
            (refused(403, "forbidden"), Class::Permission, false),
            (refused(404, "not-found"), Class::Validation, false),
            (refused(409, "not-allowed"), Class::Conflict, false),
            (refused(412, "revision-mismatch"), Class::Conflict, false),
            (refused(413, "too-large"), Class::Validation, false),
            (refused(422, "invalid"), Class::Validation, false),
            (refused(429, "too-many-requests"), Class::Server, false),
            (refused(500, "internal"), Class::Server, false),
            (refused(503, "engine-unavailable"), Class::Server, true),
            (refused(503, "closing"), Class::Server, true),
            (refused(503, "read-only"), Class::Server, false),
            (refused(504, "step-timeout"), Class::Timeout, false),
        ];
        for (error, class, again) in table {
            assert_eq!((error.class(), error.is_worth_retrying()), (class, again), "{error}");
        }
    }

    #[test]
    fn a_problem_of_a_later_server_is_understood() {
        let body = br#"{"code":"quantum","detail":"x","errors":[{"pointer":"/a","detail":"y"}],"extra":1}"#;
        let refused = Refused::read(418, body).unwrap();
        assert_eq!((refused.code.as_str(), refused.errors.len()), ("quantum", 1));
        assert_eq!(refused.body["extra"], 1);
        assert_eq!(Refused::read(502, b"<html>"), None);
        assert_eq!(Refused::read(404, br#"{"error":"x"}"#), None);
    }
}
