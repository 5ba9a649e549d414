//! The file of tokens: how it is read, and refused by its place, and how it is written.

use std::{collections::BTreeMap, io, path::Path};

use onair_wire::json;
use serde::{Deserialize, Serialize};

use super::{
    super::{
        file::{self, Version},
        secret::Hash,
    },
    Error, TOKENS_MAX, Token, is_id,
};

/// What is known, and the file that says so.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) entries: BTreeMap<String, Entry>,
    pub(super) version: Option<Version>,
}

/// A line of the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) token: Token,
    pub(super) sha256: Hash,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    version: u32,
    tokens: Vec<Entry>,
}

/// The only version of the file there ever was.
const VERSION: u32 = 1;

impl Known {
    /// What a file says; nothing when there is none.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let io = |source| Error::Io { path: path.to_owned(), source };
        let damaged = |detail: String| Error::Damaged { path: path.to_owned(), detail };
        // The version first: a file that is replaced between the two is read once more, not once less.
        let Some(version) = Version::of(path).map_err(io)? else { return Ok(Self::default()) };
        let bytes = std::fs::read(path).map_err(io)?;
        let contents: Contents = json::parse_as(&bytes).map_err(|error| match error {
            json::JsonError::Invalid { pointer, detail } => damaged(format!("{pointer}: {detail}")),
            error @ json::JsonError::Syntax { .. } => damaged(error.to_string()),
        })?;
        if contents.version != VERSION {
            return Err(damaged(format!(
                "/version: {} is not {VERSION}, a newer onair wrote it",
                contents.version
            )));
        }
        if contents.tokens.len() > TOKENS_MAX {
            return Err(damaged(format!("/tokens: more than {TOKENS_MAX}")));
        }
        let mut entries = BTreeMap::new();
        for (at, entry) in contents.tokens.into_iter().enumerate() {
            let id = entry.token.id.clone();
            if !is_id(&id) || entries.insert(id.clone(), entry).is_some() {
                return Err(damaged(format!(
                    "/tokens/{at}/token/id: {id:?} is not an id, or stands there twice"
                )));
            }
        }
        Ok(Self { entries, version: Some(version) })
    }

    /// Puts this in the place of the file, and remembers that it did.
    pub(super) fn write(&mut self, path: &Path) -> io::Result<()> {
        let contents = Contents { version: VERSION, tokens: self.entries.values().cloned().collect() };
        let mut text = serde_json::to_vec_pretty(&contents).expect("tokens have no keys but texts");
        text.push(b'\n');
        file::write(path, &text)?;
        self.version = Version::of(path)?;
        Ok(())
    }
}
