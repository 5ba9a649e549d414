//! Values of settings: read from TOML, from the environment and from flags by the same rules, and written down again.

use std::{net::SocketAddr, path::PathBuf};

use onair_wire::{Millis, ProductionId};
use toml::de::DeValue;

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
    pub(super) fn text(&self) -> Result<&str, String> {
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

    pub(super) fn list(&self) -> Result<Vec<&str>, String> {
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

pub(super) fn kind(value: &DeValue<'_>) -> String {
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
