//! Problems: every refusal and failure, as `application/problem+json` (RFC 9457). Contract, section 2.
//!
//! The table of codes stands here once. `docs/problems/` has a page for each, the tidy checks hold both together,
//! and `onair explain CODE` prints the page.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::json::JsonError;

macro_rules! codes {
    ($($name:ident => ($code:literal, $status:literal, $title:literal),)*) => {
        /// What went wrong, as a word that stays.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "types", derive(ts_rs::TS))]
        pub enum Code {
            $(#[doc = $title] #[serde(rename = $code)] $name,)*
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The HTTP status.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// One sentence, the same for every case.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// The page of the code, if the word is one.
            #[must_use]
            pub fn page(self) -> &'static str {
                match self { $(Self::$name => include_str!(concat!("../../../docs/problems/", $code, ".md")),)* }
            }
        }
    };
}

codes! {
    BadJson => ("bad-json", 400, "The body is not JSON"),
    BadRequest => ("bad-request", 400, "The request is not valid HTTP or lacks what the protocol asks for"),
    Invalid => ("invalid", 422, "The request says something that cannot be"),
    Unauthenticated => ("unauthenticated", 401, "Nobody is known by this token"),
    Forbidden => ("forbidden", 403, "The token does not reach this"),
    NotFound => ("not-found", 404, "There is no such thing"),
    MethodNotAllowed => ("method-not-allowed", 405, "This address does not know the method"),
    NotAcceptable => ("not-acceptable", 406, "There is no answer in a format that was asked for"),
    RequestTimeout => ("request-timeout", 408, "The request did not arrive in time"),
    Gone => ("gone", 410, "It was there, and is no longer"),
    Compacted => ("compacted", 410, "The revision is no longer kept"),
    NotAllowed => ("not-allowed", 409, "The state does not allow it now"),
    AlreadyExists => ("already-exists", 409, "There is one already"),
    MutationIdReused => ("mutation-id-reused", 422, "The mutation id was used for something else"),
    OriginRefused => ("origin-refused", 403, "The host or origin is not one this server answers"),
    RevisionMismatch => ("revision-mismatch", 412, "The document has changed since"),
    TooLarge => ("too-large", 413, "It is larger than the limit"),
    UnsupportedMediaType => ("unsupported-media-type", 415, "The body's content type is not the one asked for"),
    TooManyRequests => ("too-many-requests", 429, "Too many requests, come back later"),
    StepFailed => ("step-failed", 502, "A step of the sequence failed"),
    EngineUnavailable => ("engine-unavailable", 503, "The log could not be written"),
    ReadOnly => ("read-only", 503, "The log is read-only until it was opened anew"),
    Closing => ("closing", 503, "The server is stopping, come back soon"),
    StepTimeout => ("step-timeout", 504, "A step of the sequence ran past its deadline"),
    Internal => ("internal", 500, "The server made a mistake"),
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Code {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text).ok_or(())
    }
}

/// One place and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct Detail {
    /// A JSON pointer into the body (RFC 6901), or the name of a header or parameter.
    pub pointer: String,
    /// What is wrong.
    pub detail: String,
}

/// The body of a refusal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// Where the page of the code is.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code's sentence.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened here, with the values.
    pub detail: String,
    /// The code.
    pub code: Code,
    /// The places, where it helps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Detail>,
    /// What belongs to the code: `current` of `revision-mismatch`, `oldest` of `compacted`.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl Problem {
    /// A problem with its sentence.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("/docs/problems/{code}"),
            title: code.title().to_owned(),
            status: code.status(),
            detail: detail.into(),
            code,
            errors: Vec::new(),
            more: Map::new(),
        }
    }

    /// What is wrong with JSON that as a whole is called `whole`: `the body`, `the message`.
    pub(crate) fn of(whole: &str, error: JsonError) -> Self {
        match error {
            JsonError::Syntax { .. } => Self::new(Code::BadJson, error.to_string()),
            JsonError::Invalid { pointer, detail } => {
                let place = if pointer.is_empty() { whole } else { &pointer };
                Self::new(Code::Invalid, format!("{place}: {detail}")).at(pointer, detail)
            }
        }
    }

    /// The same with a place named.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.errors.push(Detail { pointer: pointer.into(), detail: detail.into() });
        self
    }

    /// The same with something that belongs to the code.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }
}

impl From<JsonError> for Problem {
    fn from(error: JsonError) -> Self {
        Self::of("the body", error)
    }
}
