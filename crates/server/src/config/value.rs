//! Values of settings: read from TOML, from the environment and from flags by the same rules, and written down again.

use std::{fmt, net::SocketAddr, path::PathBuf, str::FromStr};

use onair_wire::{Millis, ProductionId};
use toml::de::DeValue;

use crate::auth::guard;

/// What somebody said.
#[derive(Clone, Copy)]
pub(super) enum Given<'a> {
    /// In the environment or after a flag: text, whatever it stands for.
    Words(&'a str),
    /// After a flag that was said several times.
    Each(&'a [String]),
    /// In the file, where a number is not a text.
    Toml(&'a DeValue<'a>),
}

impl Given<'_> {
    fn text(&self) -> Result<&str, String> {
        match self {
            Self::Words(text) => Ok(text),
            Self::Each([text]) => Ok(text),
            Self::Each(_) => Err("is one value, and was said several times".into()),
            Self::Toml(DeValue::String(text)) => Ok(text),
            Self::Toml(other) => Err(format!("is a text in quotes, not {}", kind(other))),
        }
    }

    fn number(&self) -> Result<u64, String> {
        let not = |found: String| format!("is a whole number, not {found}");
        let parsed = match self {
            Self::Toml(DeValue::Integer(number)) => u64::from_str_radix(number.as_str(), number.radix()).ok(),
            Self::Toml(DeValue::String(text)) => return Err(not(format!("the text {text:?}"))),
            Self::Toml(other) => return Err(not(kind(other))),
            Self::Words(_) | Self::Each(_) => self.text()?.trim().parse().ok(),
        };
        let shown = match self {
            Self::Toml(DeValue::Integer(number)) => number.as_str().to_owned(),
            _ => format!("{:?}", self.text().unwrap_or_default()),
        };
        parsed.ok_or_else(|| format!("is a whole number from 0 on, not {shown}"))
    }

    fn list(&self) -> Result<Vec<&str>, String> {
        match self {
            Self::Words(text) => Ok(text.split(',').map(str::trim).filter(|word| !word.is_empty()).collect()),
            Self::Each(texts) => Ok(texts.iter().map(String::as_str).collect()),
            Self::Toml(DeValue::Array(values)) => {
                values.iter().map(|value| Given::Toml(value.get_ref()).owned_text()).collect()
            }
            Self::Toml(other) => Err(format!("is a list of texts, `[\"…\"]`, not {}", kind(other))),
        }
    }
}

impl<'a> Given<'a> {
    fn owned_text(self) -> Result<&'a str, String> {
        match self {
            Self::Toml(DeValue::String(text)) => Ok(text),
            Self::Toml(other) => Err(format!("is a list of texts, and one of them is {}", kind(other))),
            Self::Words(text) => Ok(text),
            Self::Each(_) => Err("is one text".into()),
        }
    }
}

fn kind(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(_) => "a text".into(),
        DeValue::Integer(number) => format!("the number {}", number.as_str()),
        DeValue::Float(number) => format!("the number {}", number.as_str()),
        DeValue::Boolean(value) => format!("{value}"),
        DeValue::Datetime(_) => "a date".into(),
        DeValue::Array(_) => "a list".into(),
        DeValue::Table(_) => "a table".into(),
    }
}

/// The type of a setting.
pub(super) trait Value: Sized {
    /// What it is, for the reference.
    const KIND: &'static str;

    /// Reads it. The error goes on behind the key: `is a whole number, not …`.
    fn read(given: Given<'_>) -> Result<Self, String>;

    /// Takes over what a variable of older programs says, which may be a part of it.
    fn read_alias(&mut self, given: Given<'_>) -> Result<(), String> {
        *self = Self::read(given)?;
        Ok(())
    }

    /// As it is written in the file; nothing when there is no value.
    fn show(&self) -> String;
}

impl Value for u32 {
    const KIND: &'static str = "number";
    fn read(given: Given<'_>) -> Result<Self, String> {
        let number = given.number()?;
        number.try_into().map_err(|_| format!("is at most {}, not {number}", Self::MAX))
    }
    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for u64 {
    const KIND: &'static str = "number";
    fn read(given: Given<'_>) -> Result<Self, String> {
        given.number()
    }
    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for Millis {
    const KIND: &'static str = "milliseconds";
    fn read(given: Given<'_>) -> Result<Self, String> {
        given.number().map(Self).map_err(|error| match given.text().ok().and_then(in_milliseconds) {
            Some(ms) => format!("is a number of milliseconds: {ms}"),
            None => error.replacen("a whole number", "a number of milliseconds", 1),
        })
    }
    fn show(&self) -> String {
        self.0.to_string()
    }
}

/// What somebody who wrote `10s` meant.
fn in_milliseconds(text: &str) -> Option<u64> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let factor = match unit.trim() {
        "ms" => 1,
        "s" | "sec" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

impl Value for SocketAddr {
    const KIND: &'static str = "address and port";
    fn read(given: Given<'_>) -> Result<Self, String> {
        let text = given.text()?;
        text.parse().map_err(|_| format!("is an address and a port, `127.0.0.1:4200` say, not {text:?}"))
    }
    fn read_alias(&mut self, given: Given<'_>) -> Result<(), String> {
        let number = given.number()?;
        self.set_port(
            number.try_into().map_err(|_| format!("is a port, at most {}, not {number}", u16::MAX))?,
        );
        Ok(())
    }
    fn show(&self) -> String {
        format!("\"{self}\"")
    }
}

impl Value for PathBuf {
    const KIND: &'static str = "path";
    fn read(given: Given<'_>) -> Result<Self, String> {
        match given.text()? {
            "" => Err("is a path, not an empty text".into()),
            text => Ok(text.into()),
        }
    }
    fn show(&self) -> String {
        format!("{:?}", self.display().to_string())
    }
}

impl Value for String {
    const KIND: &'static str = "text";
    fn read(given: Given<'_>) -> Result<Self, String> {
        given.text().map(str::to_owned)
    }
    fn show(&self) -> String {
        format!("{self:?}")
    }
}

impl Value for ProductionId {
    const KIND: &'static str = "production";
    fn read(given: Given<'_>) -> Result<Self, String> {
        given.text()?.parse().map_err(|error| format!("names a production: {error}"))
    }
    fn show(&self) -> String {
        format!("\"{self}\"")
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
            _ => Err(format!("names an engine that is not known, {:?}; {carried}", super::printable(scheme))),
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
