//! What a collection says about merging its fields: a pointer and a strategy each (row K1, contract, section 2).
//!
//! Read once from the manifest, so that a merge only looks up what is known to be right.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::pointer::{self, PointerError};

/// How one field is merged that both sides changed differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strategy {
    /// The server's value.
    Server,
    /// The local value, also when it is none.
    Local,
    /// The local value, which is the newest, unless it is null or absent; then the server's.
    Newest,
    /// The later of two RFC 3339 times, to the millisecond; the server's when they are equal.
    Later,
    /// Two arrays as sets: the server's elements, then those added locally; what a side removed stays removed.
    Union,
    /// Two objects member by member.
    Recurse,
    /// Always somebody's decision.
    Manual,
}

impl Strategy {
    /// Every strategy, in the order of the contract.
    pub const ALL: [Self; 7] =
        [Self::Server, Self::Local, Self::Newest, Self::Later, Self::Union, Self::Recurse, Self::Manual];

    /// Its name in a manifest.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Local => "local",
            Self::Newest => "newest",
            Self::Later => "later",
            Self::Union => "union",
            Self::Recurse => "recurse",
            Self::Manual => "manual",
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is the name of no strategy.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("a merge strategy is server, local, newest, later, union, recurse or manual, not {0:?}")]
pub struct UnknownStrategy(String);

impl FromStr for Strategy {
    type Err = UnknownStrategy;
    fn from_str(text: &str) -> Result<Self, UnknownStrategy> {
        let unknown = || UnknownStrategy(text.chars().take(40).collect());
        Self::ALL.into_iter().find(|strategy| strategy.as_str() == text).ok_or_else(unknown)
    }
}

/// Why a manifest's `merge` is not understood.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StrategiesError {
    /// A key that is not a JSON pointer.
    #[error(transparent)]
    Pointer(#[from] PointerError),
    /// A value that is not a strategy.
    #[error("at {pointer:?}: {unknown}")]
    Strategy {
        /// The field it was meant for.
        pointer: String,
        /// What stands there.
        unknown: UnknownStrategy,
    },
}

/// The fields of a collection that are merged in a way of their own, by JSON pointer; `""` is the document.
///
/// A pointer into an array is allowed and never met: arrays are merged whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>")]
pub struct Strategies(BTreeMap<String, Strategy>);

impl Strategies {
    /// Reads what a manifest says: `("/status", "newest")`, `("/tags", "union")`.
    ///
    /// # Errors
    /// [`StrategiesError`] for the first pair that is wrong, with its pointer.
    pub fn parse<P, S>(pairs: impl IntoIterator<Item = (P, S)>) -> Result<Self, StrategiesError>
    where
        P: Into<String>,
        S: AsRef<str>,
    {
        let parsed = pairs.into_iter().map(|(pointer, strategy)| {
            let pointer = pointer.into();
            pointer::check(&pointer)?;
            match strategy.as_ref().parse() {
                Ok(strategy) => Ok((pointer, strategy)),
                Err(unknown) => Err(StrategiesError::Strategy { pointer, unknown }),
            }
        });
        parsed.collect::<Result<_, _>>().map(Self)
    }

    /// The strategy set for exactly this field.
    #[must_use]
    pub fn get(&self, pointer: &str) -> Option<Strategy> {
        self.0.get(pointer).copied()
    }

    /// All of them, in the order of their pointers.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Strategy)> {
        self.0.iter().map(|(pointer, strategy)| (pointer.as_str(), *strategy))
    }
}

impl TryFrom<BTreeMap<String, String>> for Strategies {
    type Error = StrategiesError;
    fn try_from(pairs: BTreeMap<String, String>) -> Result<Self, StrategiesError> {
        Self::parse(pairs)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn k1_strategies_come_from_a_manifest_and_go_back() {
        let manifest = json!({ "": "recurse", "/a~1b": "manual", "/status": "newest", "/tags": "union" });
        let strategies: Strategies = serde_json::from_value(manifest.clone()).expect("a good manifest");
        assert_eq!(strategies.get("/tags"), Some(Strategy::Union));
        assert_eq!(strategies.get("/tags/0"), None);
        assert_eq!(strategies.iter().count(), 4);
        assert_eq!(serde_json::to_value(&strategies).expect("JSON"), manifest);
    }

    #[test]
    fn k1_a_name_is_the_same_for_serde_and_for_people() {
        for strategy in Strategy::ALL {
            assert_eq!(serde_json::to_value(strategy).expect("JSON"), strategy.as_str());
            assert_eq!(strategy.to_string().parse(), Ok(strategy));
        }
    }

    #[test]
    fn k1_what_is_wrong_is_named() {
        for (pointer, strategy, message) in [
            ("tags", "union", "a JSON pointer is empty or begins with `/`, not \"tags\""),
            ("/a~b", "union", "in a JSON pointer `~` is followed by 0 or 1, not so in \"/a~b\""),
            (
                "/tags",
                "Union",
                "at \"/tags\": a merge strategy is server, local, newest, later, union, recurse or manual, \
                 not \"Union\"",
            ),
        ] {
            let error = Strategies::parse([("/status", "newest"), (pointer, strategy)]).expect_err("wrong");
            assert_eq!(error.to_string(), message);
            let error =
                serde_json::from_value::<Strategies>(json!({ pointer: strategy })).expect_err("wrong");
            assert_eq!(error.to_string(), message);
        }
    }
}
