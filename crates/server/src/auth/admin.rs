//! The token of whoever owns the data directory: made at the first start, kept in `admin.token`, never changed.
//!
//! Whoever can read the file is `admin`, so it is readable by its owner alone. A file that others can read is refused
//! and not mended: somebody may have read it already, and only its owner can know.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use thiserror::Error;

use super::{
    Identity, Reach, Role, file,
    secret::{self, Hash},
    tokens::PREFIX,
};

/// The file in the data directory.
pub const FILE: &str = "admin.token";

/// What stands where other tokens have their id.
pub(super) const ID: &str = "admin";

/// Why there is none.
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
    /// Others than the owner can read or write it.
    #[error(
        "{}: others than its owner have access (mode {mode:03o}). If nobody has read it, `chmod 600` it; \
         otherwise remove it, and the next start makes another", path.display()
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It is not what a first start writes.
    #[error("{}: this is not a token that onair made; remove it, and the next start makes another", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The system gave no chance.
    #[error("the system gives no random bytes: {0}")]
    Chance(#[from] getrandom::Error),
}

/// The token.
#[derive(Clone)]
pub struct AdminToken {
    text: String,
    hash: Hash,
    /// Where it is kept.
    pub path: PathBuf,
    /// Whether this start made it; it is then shown, once.
    pub made_now: bool,
}

impl AdminToken {
    /// The token of a data directory, made if there is none.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn open(folder: &Path) -> Result<Self, Error> {
        if let Some(found) = Self::find(folder)? {
            return Ok(found);
        }
        let path = folder.join(FILE);
        let text = format!("{PREFIX}{ID}_{}", secret::secret()?);
        file::write(&path, format!("{text}\n").as_bytes())
            .map_err(|source| Error::Io { path: path.clone(), source })?;
        Ok(Self { hash: Hash::of(&text), text, path, made_now: true })
    }

    /// The token of a data directory, if a start has made one: for the command line on the same machine.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn find(folder: &Path) -> Result<Option<Self>, Error> {
        let path = folder.join(FILE);
        let io = |source| Error::Io { path: path.clone(), source };
        let file = match fs::File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            found => found.map_err(io)?,
        };
        if let Some(mode) = file::open_to_others(&file).map_err(io)? {
            return Err(Error::Open { path, mode });
        }
        let text = io::read_to_string(file).map_err(io)?.trim_end().to_owned();
        let secret = text.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix(ID)?.strip_prefix('_'));
        let good =
            |secret: &str| secret.len() == 52 && secret.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !secret.is_some_and(good) {
            return Err(Error::Damaged { path });
        }
        Ok(Some(Self { hash: Hash::of(&text), text, path, made_now: false }))
    }

    /// The secret itself, to be shown to the owner and to nobody else.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// Its owner.
    pub(super) fn identity(&self) -> Identity {
        Identity { name: ID.into(), role: Role::Admin, reach: Reach::All, token: Some(ID.into()) }
    }

    /// Whether `text` is this token.
    pub(super) fn is(&self, text: &str) -> bool {
        self.hash.is(&Hash::of(text))
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AdminToken({})", self.path.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x1_it_is_made_once_and_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(AdminToken::find(folder.path()).expect("a look").is_none());
        let first = AdminToken::open(folder.path()).expect("made");
        let second = AdminToken::open(folder.path()).expect("found");
        assert!(first.made_now && !second.made_now);
        assert_eq!(first.reveal(), second.reveal());
        assert!(second.is(first.reveal()) && !second.is("onair_admin_x"));
        assert!(!format!("{first:?}").contains(&first.reveal()[12..]), "a secret in a debug output");
    }

    #[test]
    #[cfg(unix)]
    fn x1_it_is_the_owners_alone_or_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let made = AdminToken::open(folder.path()).expect("made");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&made.path), 0o600);
        for wrong in [0o640, 0o604, 0o660, 0o777] {
            fs::set_permissions(&made.path, fs::Permissions::from_mode(wrong)).expect("changed");
            let error = AdminToken::open(folder.path()).expect_err("others have access");
            assert!(error.to_string().contains(&format!("mode {wrong:03o}")), "{error}");
            assert_eq!(mode(&made.path), wrong, "it is left as it is");
        }
    }

    #[test]
    fn x1_another_text_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        for text in ["", "secret", "onair_admin_", "onair_admin_short"] {
            file::write(&folder.path().join(FILE), text.as_bytes()).expect("written");
            assert!(matches!(AdminToken::open(folder.path()), Err(Error::Damaged { .. })), "{text:?}");
        }
    }
}
