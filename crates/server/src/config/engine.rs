//! Where commits are kept, by URL, and texts that nobody is shown: such a URL may hold a password.

use std::{fmt, path::PathBuf, str::FromStr};

use super::value::{Given, Value};
use crate::logs::printable;

/// Where commits are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineUrl {
    /// `embedded:DIR`.
    Embedded(PathBuf),
    /// `memory:`; nothing is left when the server ends.
    Memory,
}

/// Engines that are known by name, and not part of this release.
const ABSENT: [(&str, &str); 5] = [
    ("redis", "redis"),
    ("rediss", "redis"),
    ("postgres", "postgres"),
    ("postgresql", "postgres"),
    ("nats", "nats"),
];

impl FromStr for EngineUrl {
    type Err = String;
    /// The text itself is never repeated: it may hold a password.
    fn from_str(text: &str) -> Result<Self, String> {
        let carried = "this release carries `embedded:DIR` and `memory:`";
        let Some((scheme, rest)) = text.split_once(':') else {
            return Err(format!("is an engine by its URL; {carried}"));
        };
        if let Some((_, name)) = ABSENT.iter().find(|(known, _)| *known == scheme) {
            return Err(format!("names the engine {name}, which this release does not carry; {carried}"));
        }
        match (scheme, rest) {
            ("memory", "" | "//") => Ok(Self::Memory),
            ("memory", _) => Err("is `memory:` with nothing behind it".into()),
            ("embedded", "" | "//") => Err("is `embedded:` and a directory".into()),
            ("embedded", path) => Ok(Self::Embedded(path.strip_prefix("//").unwrap_or(path).into())),
            _ => Err(format!("names an engine that is not known, {:?}; {carried}", printable(scheme))),
        }
    }
}

impl Value for Option<EngineUrl> {
    const KIND: &'static str = "URL";
    fn read(given: Given<'_>) -> Result<Self, String> {
        given.text()?.parse().map(Some)
    }
    fn show(&self) -> String {
        match self {
            None => String::new(),
            Some(EngineUrl::Memory) => "\"memory:\"".into(),
            Some(EngineUrl::Embedded(path)) => format!("\"embedded:{}\"", path.display()),
        }
    }
}

/// A text that logs and errors do not show.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text, for whom it is meant.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Value for Option<Secret> {
    const KIND: &'static str = "text, secret";
    fn read(given: Given<'_>) -> Result<Self, String> {
        // The message of another type could repeat it.
        let text = given.text().map_err(|_| "is a text in quotes")?;
        Ok(Some(Secret(text.to_owned())))
    }
    fn show(&self) -> String {
        String::new()
    }
}
