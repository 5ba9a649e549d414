//! Names that people and programs choose: parsed once at the border, valid for good.
//!
//! Every identifier is a cheap clone of a shared string. A value of one of these types has passed its
//! check, so the code behind the border never looks at the characters again. Contract, section 2.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The longest identifier, in characters (contract, section 2).
pub const ID_LENGTH_MAX: usize = 128;

/// Why a text is not an identifier of the wanted kind.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum IdError {
    /// Empty, or longer than [`ID_LENGTH_MAX`].
    #[error("a {kind} has 1 to {ID_LENGTH_MAX} characters, this one has {length}")]
    Length {
        /// What the text should have named.
        kind: &'static str,
        /// Its length in bytes.
        length: usize,
    },
    /// A character outside the allowed set.
    #[error("a {kind} is made of {allowed}, not of {found:?}")]
    Character {
        /// What the text should have named.
        kind: &'static str,
        /// The allowed set, for people.
        allowed: &'static str,
        /// The first character outside it.
        found: char,
    },
    /// `.` and `..`, which tools between client and server read as folders.
    #[error("a {kind} is not `.` or `..`")]
    Dots {
        /// What the text should have named.
        kind: &'static str,
    },
}

const NAME: &str = "A-Z a-z 0-9 . _ ~ -";
const PRINTABLE: &str = "printable ASCII without spaces";

fn check(
    kind: &'static str,
    allowed: &'static str,
    text: &str,
    good: fn(char) -> bool,
) -> Result<(), IdError> {
    if text.is_empty() || text.len() > ID_LENGTH_MAX {
        return Err(IdError::Length { kind, length: text.len() });
    }
    if let Some(found) = text.chars().find(|c| !good(*c)) {
        return Err(IdError::Character { kind, allowed, found });
    }
    if text == "." || text == ".." {
        return Err(IdError::Dots { kind });
    }
    Ok(())
}

fn name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '~' | '-')
}

fn printable(c: char) -> bool {
    c.is_ascii_graphic()
}

macro_rules! identifier {
    ($(#[$doc:meta])* $type:ident, $kind:literal, $allowed:expr, $good:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "Arc<str>", into = "Arc<str>")]
        pub struct $type(Arc<str>);

        impl $type {
            /// Checks `text` and keeps it.
            ///
            /// # Errors
            /// [`IdError`] with what is wrong.
            pub fn new(text: impl Into<Arc<str>>) -> Result<Self, IdError> {
                let text = text.into();
                check($kind, $allowed, &text, $good)?;
                Ok(Self(text))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<Arc<str>> for $type {
            type Error = IdError;
            fn try_from(text: Arc<str>) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$type> for Arc<str> {
            fn from(id: $type) -> Self {
                id.0
            }
        }

        impl FromStr for $type {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

identifier!(
    /// A production, `main` say.
    ProductionId, "production id", NAME, name
);
identifier!(
    /// A collection of documents. Those that begin with `_` are written by the server alone.
    Collection, "collection", NAME, name
);
identifier!(
    /// A document within its collection.
    DocumentId, "document id", NAME, name
);
identifier!(
    /// What a client calls its mutation, so that a retry is harmless (row D6).
    MutationId, "mutation id", PRINTABLE, printable
);
identifier!(
    /// What an agent calls itself, the same for as long as it keeps its state (row S2).
    Instance, "instance", PRINTABLE, printable
);
identifier!(
    /// Who caused a commit: `role:name`, `operator:kim` say (row X3).
    Actor, "actor", PRINTABLE, printable
);

impl Collection {
    /// Whether only the server writes it.
    #[must_use]
    pub fn is_server(&self) -> bool {
        self.0.starts_with('_')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b9_ids_outside_the_set_are_refused() {
        let long = "x".repeat(129);
        let bad = ["", "..", ".", "a/b", "%2e", "a b", "a\0", "é", "а", long.as_str()];
        for text in bad {
            assert!(DocumentId::new(text).is_err(), "{text:?} was accepted");
        }
        for text in ["a", "_system", "A.b_c~d-9", "__proto__", "...", &long[..128]] {
            assert_eq!(DocumentId::new(text).expect("allowed").as_str(), text);
        }
    }

    #[test]
    fn the_message_names_the_character() {
        let error = Collection::new("a/b").expect_err("a slash is not allowed");
        assert_eq!(error.to_string(), "a collection is made of A-Z a-z 0-9 . _ ~ -, not of '/'");
    }
}
