//! Settings that are one of a few words, or lists of names.

use std::{fmt, str::FromStr};

use onair_runtime::reach::Allow;

use super::value::{Given, Value};
use crate::auth::guard;

/// A value that is one of a few words, or made by a small grammar of its own.
macro_rules! by_text {
    ($($type:ty, $kind:literal;)*) => {$(
        impl Value for $type {
            const KIND: &'static str = $kind;
            fn read(given: Given<'_>) -> Result<Self, String> {
                given.text()?.parse()
            }
            fn show(&self) -> String {
                format!("{:?}", self.to_string())
            }
        }
    )*};
}

by_text! {
    Durability, "`group`";
    LogFormat, "`text` or `json`";
    LogLevel, "level or filter";
}

/// When a commit counts as kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// When it is on stable storage; commits that wait at the same time share a flush.
    #[default]
    Group,
}

impl FromStr for Durability {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "group" => Ok(Self::Group),
            _ => Err(format!("is `group`, the only one that this release has, not {text:?}")),
        }
    }
}

impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("group")
    }
}

/// How logs are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// A line for people.
    #[default]
    Text,
    /// An object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!("is `text` or `json`, not {text:?}")),
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

/// What is logged: a level, or a filter as `info,onair_server=debug`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLevel(String);

impl Default for LogLevel {
    fn default() -> Self {
        Self("info".into())
    }
}

impl FromStr for LogLevel {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || {
            format!(
                "is error, warn, info, debug or trace, or a filter as `info,onair_server=debug`, not {text:?}"
            )
        };
        // A single word that is no level would be read as the name of a module, and say nothing.
        let single = !text.contains(['=', ',']);
        let level = ["off", "error", "warn", "info", "debug", "trace"].contains(&text);
        if single && !level || tracing_subscriber::EnvFilter::try_new(text).is_err() {
            return Err(bad());
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! names {
    ($(#[$doc:meta] $type:ident, $kind:literal, $check:path;)*) => {$(
        #[$doc]
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $type(String);

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Value for Vec<$type> {
            const KIND: &'static str = $kind;
            fn read(given: Given<'_>) -> Result<Self, String> {
                given.list()?.into_iter().map(|text| $check(text).map(|()| $type(text.to_owned()))).collect()
            }
            fn show(&self) -> String {
                let texts: Vec<&str> = self.iter().map(AsRef::as_ref).collect();
                format!("{texts:?}")
            }
        }
    )*};
}

names! {
    /// A host that the server answers to.
    HostName, "list of hosts", guard::check_host;
    /// An origin whose pages are listened to.
    OriginName, "list of origins", guard::check_origin;
}

impl Value for Allow {
    const KIND: &'static str = "list of addresses";
    fn read(given: Given<'_>) -> Result<Self, String> {
        let entries: Result<Vec<_>, String> = given.list()?.into_iter().map(str::parse).collect();
        entries.map(Self::new)
    }
    fn show(&self) -> String {
        let texts: Vec<String> = self.entries().iter().map(ToString::to_string).collect();
        format!("{texts:?}")
    }
}
