//! Problems as they were heard: six kinds, and whether it is worth trying again (row E1).
//!
//! A code is a text here: a later server may know more of them, and this side has some of its own.

use std::fmt;

use onair_wire::Detail;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A refusal or failure (RFC 9457), the server's or one of this side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// What went wrong, as a word that stays.
    pub code: String,
    /// The HTTP status; 0 when it is of this side.
    #[serde(default)]
    pub status: u16,
    /// The code's sentence.
    #[serde(default)]
    pub title: String,
    /// What happened, with the values.
    #[serde(default)]
    pub detail: String,
    /// The places, where it helps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Detail>,
    /// What belongs to the code: `current` of `revision-mismatch`, `missingDependencies` of `not-allowed`.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// The kinds of row E1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The other side was not reached.
    Network,
    /// It did not answer in time.
    Timeout,
    /// The state is another than was thought.
    Conflict,
    /// What was asked for cannot be.
    Validation,
    /// Whoever asks may not.
    Permission,
    /// The server could not.
    Server,
}

/// Codes of this side, beside those of `onair_wire::Code`.
pub mod code {
    /// There is no connection to the server.
    pub const OFFLINE: &str = "offline";
    /// It was sent, more than once, and never answered.
    pub const UNANSWERED: &str = "unanswered";
    /// More waits than may.
    pub const QUEUE_FULL: &str = "queue-full";
    /// It was taken out of the queue.
    pub const CLEARED: &str = "cleared";
    /// The client was closed.
    pub const CLOSED: &str = "closed";
}

impl Problem {
    /// A problem of this side.
    #[must_use]
    pub fn local(code: &str, detail: impl Into<String>) -> Self {
        let (code, detail) = (code.to_owned(), detail.into());
        Self { title: code.clone(), code, status: 0, detail, errors: Vec::new(), more: Map::new() }
    }

    /// The problem in the body of an answer, whatever came.
    #[must_use]
    pub fn of_answer(status: u16, body: &[u8]) -> Self {
        if let Ok(mut said) = serde_json::from_slice::<Self>(body) {
            said.status = if said.status == 0 { status } else { said.status };
            return said;
        }
        let code = match status {
            401 => "unauthenticated",
            403 => "forbidden",
            429 => "too-many-requests",
            _ => "internal",
        };
        Self { status, ..Self::local(code, format!("the answer was {status} without a problem")) }
    }

    /// Which kind it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        judged(&self.code).0
    }

    /// Whether the same thing, asked again later, may go well.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        judged(&self.code).1
    }

    /// Seconds after which to come back, if it says so.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        self.more.get("retryAfter").and_then(Value::as_u64)
    }
}

/// Kind, and whether it is worth trying again as it is. A code that is not here is the server's, and not retried.
fn judged(code: &str) -> (Kind, bool) {
    match code {
        code::OFFLINE => (Kind::Network, true),
        code::CLOSED => (Kind::Network, false),
        code::UNANSWERED | "request-timeout" => (Kind::Timeout, true),
        "step-timeout" => (Kind::Timeout, false),
        code::CLEARED
        | "gone"
        | "compacted"
        | "not-allowed"
        | "already-exists"
        | "revision-mismatch"
        | "mutation-id-reused" => (Kind::Conflict, false),
        "bad-json"
        | "bad-request"
        | "invalid"
        | "not-found"
        | "method-not-allowed"
        | "not-acceptable"
        | "too-large"
        | "unsupported-media-type" => (Kind::Validation, false),
        "unauthenticated" | "forbidden" | "origin-refused" => (Kind::Permission, false),
        code::QUEUE_FULL | "too-many-requests" | "engine-unavailable" | "read-only" | "closing" => {
            (Kind::Server, true)
        }
        _ => (Kind::Server, false),
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.detail.is_empty() {
            true => f.write_str(&self.code),
            false => write!(f, "{} ({})", self.detail, self.code),
        }
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use onair_wire::Code;

    use super::*;

    #[test]
    fn e1_every_code_has_a_kind_and_some_are_tried_again() {
        let again: Vec<&str> =
            Code::ALL.iter().map(|code| code.as_str()).filter(|code| judged(code).1).collect();
        let expected = ["request-timeout", "too-many-requests", "engine-unavailable", "read-only", "closing"];
        assert_eq!(again, expected);
        let kind = |code: Code| Problem::local(code.as_str(), "").kind();
        for code in Code::ALL {
            let expected = match code.status() {
                408 | 504 => Kind::Timeout,
                409 | 410 | 412 => Kind::Conflict,
                401 | 403 => Kind::Permission,
                429 | 500.. => Kind::Server,
                _ if *code == Code::MutationIdReused => Kind::Conflict,
                _ => Kind::Validation,
            };
            assert_eq!(kind(*code), expected, "{code}");
        }
    }

    #[test]
    fn e1_an_answer_that_is_no_problem_becomes_one() {
        let said = Problem::of_answer(429, br#"{"code":"too-many-requests","detail":"slow","retryAfter":7}"#);
        assert_eq!((said.status, said.retry_after()), (429, Some(7)));
        for (status, code) in [(401, "unauthenticated"), (403, "forbidden"), (502, "internal")] {
            let problem = Problem::of_answer(status, b"<html>");
            assert_eq!((problem.code.as_str(), problem.status), (code, status));
        }
    }
}
