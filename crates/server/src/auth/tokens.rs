//! Tokens: who is known beside the owner of the data directory, kept as hashes in `tokens.json` (row X1).
//!
//! A token is `onair_<id>_<secret>`: the prefix is for scanners of secrets, the id for people and logs, the secret for
//! nobody but its owner. The file is read at start, and anew when somebody else replaced it (the command line while
//! the server runs); a file that does not parse is refused by its place and never written over.

mod store;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, RwLock},
};

use onair_wire::{Code, Problem, ProductionId, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    Identity, Reach, Role,
    file::{self, Version},
    secret::{self, Hash},
};
use store::{Entry, Known};

/// The file in the data directory.
pub const FILE: &str = "tokens.json";

/// Tokens at once, those that are revoked included. Each costs a few hundred bytes and a line in the file, which is
/// written whole; who has more callers than this wants an identity provider.
pub const TOKENS_MAX: usize = 10_000;

/// Productions that one token names.
pub const PRODUCTIONS_MAX: usize = 1_000;

/// Characters of a name, which stands in the actor of every commit.
pub const NAME_LENGTH_MAX: usize = 64;

/// The longest text that is looked at as a token. Ours have 67 characters.
pub const TEXT_LENGTH_MAX: usize = 128;

/// Names that commits give to callers who have no token of the file.
const RESERVED: [&str; 2] = ["local", "admin"];

/// What every token begins with.
pub(super) const PREFIX: &str = "onair_";

/// A token as it may be shown: everything but the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Token {
    /// Eight characters, which are part of the token's text.
    pub id: String,
    /// Whose it is: 1..=64 printable ASCII characters without spaces.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Where; null is everywhere, and has to be said: what was lost from a file widens no token.
    #[serde(deserialize_with = "Option::deserialize")]
    pub productions: Option<BTreeSet<ProductionId>>,
    /// Since when.
    pub created_at: Timestamp,
    /// Since when no more.
    #[serde(default)]
    pub revoked_at: Option<Timestamp>,
    /// Until when.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
}

/// A token to be made.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Whose it is.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Where; `None` is everywhere.
    pub productions: Option<BTreeSet<ProductionId>>,
    /// Until when.
    pub expires_at: Option<Timestamp>,
}

/// Why not.
#[derive(Debug, Error)]
pub enum Error {
    /// The file system.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is not one of ours. It was left as it is.
    #[error("{}: {detail}; it was left as it is, mend it or move it away", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the place.
        detail: String,
    },
    /// What was asked for cannot be.
    #[error("{detail}")]
    Invalid {
        /// The field, as a JSON pointer.
        pointer: &'static str,
        /// What is wrong.
        detail: String,
    },
    /// Nobody has this id.
    #[error("there is no token {id}")]
    Unknown {
        /// What was asked for.
        id: String,
    },
    /// The system gave no chance.
    #[error("the system gives no random bytes: {0}")]
    Chance(#[from] getrandom::Error),
}

impl Error {
    /// What a caller is told; paths are for the log.
    #[must_use]
    pub fn problem(&self) -> Problem {
        match self {
            Self::Invalid { pointer, detail } => {
                Problem::new(Code::Invalid, format!("{pointer}: {detail}")).at(*pointer, detail)
            }
            Self::Unknown { .. } => Problem::new(Code::NotFound, self.to_string()),
            Self::Io { .. } | Self::Damaged { .. } | Self::Chance(_) => {
                Problem::new(Code::Internal, "the tokens could not be written; the server's log says why")
            }
        }
    }
}

/// Why a token is nobody's. For the log alone: a caller hears the same sentence for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stranger {
    Malformed,
    Unknown,
    Revoked,
    Expired,
}

/// All tokens.
#[derive(Debug, Default)]
pub struct Tokens {
    path: Option<PathBuf>,
    /// Held while the file is read or written, so that what is known is what was written last.
    writing: Mutex<()>,
    /// Held for a look-up, or to put other contents in place.
    known: RwLock<Known>,
}

impl Tokens {
    /// Reads the file of a data directory; none is no token.
    ///
    /// # Errors
    /// [`Error::Io`], and [`Error::Damaged`] with the place.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(FILE);
        let known = RwLock::new(Known::read(&path)?);
        Ok(Self { path: Some(path), writing: Mutex::default(), known })
    }

    /// Makes a token; its text is answered this once.
    ///
    /// # Errors
    /// [`Error::Invalid`] for names and numbers that cannot be; [`Error::Io`] and [`Error::Damaged`], nothing was
    /// made then.
    pub fn create(&self, new: NewToken, now: Timestamp) -> Result<(Token, String), Error> {
        check(&new, now)?;
        self.change(|entries| {
            if entries.len() >= TOKENS_MAX {
                forget_oldest_revoked(entries)?;
            }
            let id = unused_id(entries)?;
            let text = format!("{PREFIX}{id}_{}", secret::secret()?);
            let NewToken { name, role, productions, expires_at } = new;
            let token = Token {
                id: id.clone(),
                name,
                role,
                productions,
                created_at: now,
                revoked_at: None,
                expires_at,
            };
            entries.insert(id, Entry { token: token.clone(), sha256: Hash::of(&text) });
            Ok((token, text))
        })
    }

    /// Takes a token back, at once and for good. Doing it twice changes nothing.
    ///
    /// # Errors
    /// [`Error::Unknown`]; [`Error::Io`] and [`Error::Damaged`], the token is valid still then.
    pub fn revoke(&self, id: &str, now: Timestamp) -> Result<Token, Error> {
        self.change(|entries| {
            let entry =
                entries.get_mut(id).ok_or_else(|| Error::Unknown { id: id.chars().take(16).collect() })?;
            entry.token.revoked_at.get_or_insert(now);
            Ok(entry.token.clone())
        })
    }

    /// All of them, the oldest first.
    #[must_use]
    pub fn list(&self) -> Vec<Token> {
        let mut tokens: Vec<Token> = self.read().entries.values().map(|entry| entry.token.clone()).collect();
        tokens.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
        tokens
    }

    /// Whether there is a token that was not revoked. One that expired counts: the passing of time opens no door.
    #[must_use]
    pub fn any(&self) -> bool {
        self.read().entries.values().any(|entry| entry.token.revoked_at.is_none())
    }

    /// Reads the file anew if somebody else replaced it. Costs one look at its metadata otherwise.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Damaged`]: what was known stays. A damaged file is complained about once.
    pub fn refresh(&self) -> Result<(), Error> {
        let Some(path) = &self.path else { return Ok(()) };
        let _writing = self.writing.lock().expect("nothing panics while it writes tokens");
        let there = Version::of(path).map_err(|source| Error::Io { path: path.clone(), source })?;
        // A file that was removed is no reason to let everybody in: revoking is what takes a token away.
        if there.is_none() || there == self.read().version {
            return Ok(());
        }
        match Known::read(path) {
            Ok(known) => self.replace(known),
            Err(error) => {
                let known = Known { version: there, ..self.read().clone() };
                self.replace(known);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Who brings this text.
    pub(super) fn verify(&self, text: &str, now: Timestamp) -> Result<Identity, Stranger> {
        let id = id_of(text).ok_or(Stranger::Malformed)?;
        let hash = Hash::of(text);
        let known = self.read();
        let entry = known.entries.get(id).filter(|entry| entry.sha256.is(&hash)).ok_or(Stranger::Unknown)?;
        valid(&entry.token, now)?;
        Ok(identity(&entry.token))
    }

    /// Whether the token of this id is good still.
    pub(super) fn still_valid(&self, id: &str, now: Timestamp) -> bool {
        self.read().entries.get(id).is_some_and(|entry| valid(&entry.token, now).is_ok())
    }

    /// Changes a copy, writes it, and only then lets others see it. Somebody else's change since is kept.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut BTreeMap<String, Entry>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let _writing = self.writing.lock().expect("nothing panics while it writes tokens");
        let Some(path) = &self.path else {
            let mut known = self.read().clone();
            let changed = change(&mut known.entries)?;
            self.replace(known);
            return Ok(changed);
        };
        let io = |source| Error::Io { path: path.clone(), source };
        let _alone = file::lock(&path.with_extension("lock")).map_err(io)?;
        let mut known = Known::read(path)?;
        let changed = change(&mut known.entries)?;
        known.write(path).map_err(io)?;
        self.replace(known);
        Ok(changed)
    }

    fn replace(&self, known: Known) {
        *self.known.write().expect("nothing panics while it holds the tokens") = known;
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Known> {
        self.known.read().expect("nothing panics while it holds the tokens")
    }
}

fn check(new: &NewToken, now: Timestamp) -> Result<(), Error> {
    let invalid = |pointer, detail: String| Err(Error::Invalid { pointer, detail });
    let graphic = new.name.bytes().all(|byte| byte.is_ascii_graphic());
    if new.name.is_empty() || new.name.len() > NAME_LENGTH_MAX || !graphic {
        let what = format!("a name is 1 to {NAME_LENGTH_MAX} printable ASCII characters without spaces");
        return invalid("/name", what);
    }
    if RESERVED.contains(&new.name.as_str()) {
        return invalid("/name", format!("{} is how commits name callers without a token", new.name));
    }
    match new.productions.as_ref().map(BTreeSet::len) {
        Some(0) => return invalid("/productions", "a token for no production is of no use".into()),
        Some(count) if count > PRODUCTIONS_MAX => {
            let detail = format!("{count} productions, at most {PRODUCTIONS_MAX}; leave it out for all");
            return invalid("/productions", detail);
        }
        _ => {}
    }
    if new.expires_at.is_some_and(|at| at <= now) {
        return invalid("/expiresInMs", "a token that has expired is of no use".into());
    }
    Ok(())
}

fn forget_oldest_revoked(entries: &mut BTreeMap<String, Entry>) -> Result<(), Error> {
    let revoked =
        entries.values().filter_map(|entry| Some((entry.token.revoked_at?, entry.token.id.clone())));
    let Some((_, id)) = revoked.min() else {
        let detail = format!("there are {TOKENS_MAX} tokens; revoke some");
        return Err(Error::Invalid { pointer: "", detail });
    };
    entries.remove(&id);
    Ok(())
}

fn unused_id(entries: &BTreeMap<String, Entry>) -> Result<String, Error> {
    loop {
        let id = secret::id()?;
        if !entries.contains_key(&id) {
            return Ok(id);
        }
    }
}

/// The id within a text that may be a token.
fn id_of(text: &str) -> Option<&str> {
    if text.len() > TEXT_LENGTH_MAX {
        return None;
    }
    let (id, _) = text.strip_prefix(PREFIX)?.split_once('_')?;
    is_id(id).then_some(id)
}

fn is_id(id: &str) -> bool {
    id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

fn valid(token: &Token, now: Timestamp) -> Result<(), Stranger> {
    if token.revoked_at.is_some() {
        return Err(Stranger::Revoked);
    }
    if token.expires_at.is_some_and(|at| at <= now) {
        return Err(Stranger::Expired);
    }
    Ok(())
}

fn identity(token: &Token) -> Identity {
    Identity {
        name: token.name.clone(),
        role: token.role,
        reach: token.productions.clone().map_or(Reach::All, Reach::Named),
        token: Some(token.id.clone()),
    }
}
