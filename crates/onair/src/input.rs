//! What people write on the command line: places of documents, and values that stand there, in a file or on stdin.

use std::{
    fs,
    io::{self, IsTerminal, Read},
    path::Path,
    str::FromStr,
};

use anyhow::Context;
use onair_wire::{Collection, DocumentId, json};
use serde_json::Value;

use crate::cli::{Usage, is_dash};

/// A document: `layers/logo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) collection: Collection,
    pub(crate) id: DocumentId,
}

impl FromStr for Place {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (collection, id) =
            text.split_once('/').ok_or_else(|| format!("a document is COLLECTION/ID, not {text:?}"))?;
        Ok(Self {
            collection: collection.parse().map_err(|error| format!("{error}"))?,
            id: id.parse().map_err(|error| format!("{error}"))?,
        })
    }
}

/// A document or a whole collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Document(Place),
    Collection(Collection),
}

impl FromStr for Target {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.contains('/') {
            true => text.parse().map(Self::Document),
            false => text.parse().map(Self::Collection).map_err(|error| format!("{error}")),
        }
    }
}

/// Reads a value: JSON as it stands, `@FILE`, or `-` for stdin, which is also meant when nothing is said and something
/// comes.
pub(crate) fn value(said: Option<&str>) -> anyhow::Result<Value> {
    let (text, from) = match said {
        Some("-") => (stdin()?, "stdin".to_owned()),
        Some(said) => match said.strip_prefix('@') {
            Some(path) => (read(Path::new(path))?, path.to_owned()),
            None => (said.as_bytes().to_vec(), "VALUE".to_owned()),
        },
        None if io::stdin().is_terminal() => {
            let usage = Usage::new("there is no value");
            return Err(usage.hint("say it as JSON, as @FILE, or as - for stdin").into());
        }
        None => (stdin()?, "stdin".to_owned()),
    };
    json::parse(&text).map_err(|error| {
        let usage = Usage::new(format!("{from} is not JSON that can be kept: {error}"));
        usage.hint(r#"quotes belong to JSON: '{"visible":true}', or '"a text"'"#).into()
    })
}

/// Reads a file, or stdin for `-`.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    match is_dash(path) {
        true => stdin(),
        false => fs::read(path).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn stdin() -> anyhow::Result<Vec<u8>> {
    let mut text = Vec::new();
    io::stdin().lock().read_to_end(&mut text).context("cannot read stdin")?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_stand_on_the_command_line_or_in_a_file() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        io::Write::write_all(&mut file, b"{\"a\":1}\n").unwrap();
        let at = format!("@{}", file.path().display());
        for (said, expected) in
            [("{}", json!({})), ("\"x\"", json!("x")), ("null", json!(null)), (&at, json!({"a":1}))]
        {
            assert_eq!(value(Some(said)).unwrap(), expected, "{said}");
        }
        for bad in ["", "visible", "{a:1}", r#"{"a":1,"a":2}"#, "9007199254740993"] {
            assert!(value(Some(bad)).unwrap_err().is::<Usage>(), "{bad}");
        }
        assert!(!value(Some("@nowhere/at/all")).unwrap_err().is::<Usage>());
    }

    #[test]
    fn b9_places() {
        for good in ["layers/logo", "_system/lifecycle", "a/~.b"] {
            assert!(good.parse::<Place>().is_ok(), "{good}");
        }
        for bad in ["", "layers", "/logo", "layers/", "a/b/c", "../x", "a/..", "a/é"] {
            assert!(bad.parse::<Place>().is_err(), "{bad}");
        }
    }
}
