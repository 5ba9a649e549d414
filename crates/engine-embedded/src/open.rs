//! Opening a folder: whose it is, what is in it, and what to do about it when it is not well.
//!
//! ```text
//! format    "onair embedded log 1"
//! lock      held for as long as the engine is open; says which process holds it
//! witness   where each log ended when somebody was last answered (`witness`)
//! store/    fjall
//! damaged/  what was taken out of the store because it does not verify (`salvage`)
//! ```

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Read, Seek, Write},
    path::{Path, PathBuf},
};

use thiserror::Error;

use crate::{
    Options, manifest,
    salvage::{self, ASIDE, Mended},
    store::Store,
    witness::{Testimony, Witness},
};

/// The version of everything in the folder; a program opens its own and older ones.
const FORMAT: u32 = 1;
const FORMAT_LINE: &str = "onair embedded log ";

/// Why a folder could not be opened. Nothing in it was changed but what the message says.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Something else is there.
    #[error("{path} is not a folder; name one for the data, it is made if it is not there")]
    NotAFolder {
        /// What was named.
        path: PathBuf,
    },
    /// The file system, or its owner, does not let this process write.
    #[error(
        "{path} cannot be written by this process ({cause}); it needs to be the owner, on a writable disk"
    )]
    NotWritable {
        /// What was named.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// Another process has it.
    #[error("{path} is in use by {holder}; one process at a time has a data folder")]
    Locked {
        /// What was named.
        path: PathBuf,
        /// `process 4711`, as far as that is known.
        holder: String,
    },
    /// A newer program wrote it.
    #[error(
        "{path} has data of format {found}, this program knows formats up to {known}; use the newer program"
    )]
    Newer {
        /// What was named.
        path: PathBuf,
        /// The format there.
        found: u32,
        /// The newest format this program knows.
        known: u32,
    },
    /// What is stored cannot be opened, and going on would lose more. Nothing was deleted.
    #[error(
        "the data in {path} is damaged: {detail}; nothing was deleted; keep a copy of the folder and restore a backup"
    )]
    Damaged {
        /// What was named.
        path: PathBuf,
        /// What does not verify.
        detail: String,
    },
    /// The system refused something else.
    #[error("{path} could not be opened: {cause}")]
    Io {
        /// What was named.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

/// A folder that is ours, with everything in it open.
pub(crate) struct Opened {
    pub(crate) store: Store,
    pub(crate) witness: Witness,
    pub(crate) testimony: Testimony,
    pub(crate) mended: Mended,
    /// Released when dropped.
    pub(crate) lock: File,
}

pub(crate) fn open(options: &Options) -> Result<Opened, OpenError> {
    let path = &options.path;
    if path.exists() && !path.is_dir() {
        return Err(OpenError::NotAFolder { path: path.clone() });
    }
    let io = |cause: io::Error| match cause.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            OpenError::NotWritable { path: path.clone(), cause }
        }
        _ => OpenError::Io { path: path.clone(), cause },
    };
    let damaged = |detail: String| OpenError::Damaged { path: path.clone(), detail };
    fs::create_dir_all(path).map_err(io)?;
    let lock = lock(path).map_err(io)?.map_err(|holder| OpenError::Locked { path: path.clone(), holder })?;

    let marked = match format(path).map_err(io)? {
        Some(Ok(found)) if found > FORMAT => {
            return Err(OpenError::Newer { path: path.clone(), found, known: FORMAT });
        }
        Some(Ok(_)) => true,
        Some(Err(line)) => return Err(damaged(format!("the file `format` reads {line:?}"))),
        None => false,
    };
    let store_path = path.join("store");
    let begun = is_begun(&store_path).map_err(io)?;
    if marked && !begun {
        return Err(damaged("`store` or its file `version` is missing, or cut".to_owned()));
    }
    if !begun {
        unfinished(path, &store_path).map_err(io)?.map_err(damaged)?;
    }
    // Not in a folder whose making was cut off: nothing was promised there, and lists may be missing.
    if begun && (marked || path.join("witness").try_exists().map_err(io)?) {
        manifest::check(&store_path).map_err(io)?.map_err(damaged)?;
    }
    let mended = if begun { salvage::mend(path, &store_path).map_err(io)? } else { Mended::default() };
    let store = Store::open(&store_path, options).map_err(damaged)?;
    // Not before the store is whole: a folder with a witness is one that had something in it.
    let (witness, testimony) = Witness::open(&path.join("witness")).map_err(io)?;
    if !marked {
        mark(path).map_err(io)?;
    }
    Ok(Opened { store, witness, testimony, mended, lock })
}

/// Takes the lock, or tells who has it.
fn lock(path: &Path) -> io::Result<Result<File, String>> {
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path.join("lock"))?;
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0)?;
            writeln!(file, "process {}", std::process::id())?;
            Ok(Ok(file))
        }
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            file.rewind()?;
            file.take(100).read_to_string(&mut holder)?;
            let holder = holder.trim();
            Ok(Err(if holder.is_empty() { "another process".to_owned() } else { holder.to_owned() }))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The number in the file `format`, or the line that is none.
fn format(path: &Path) -> io::Result<Option<Result<u32, String>>> {
    match fs::read_to_string(path.join("format")) {
        Ok(text) => {
            let number = text.trim().strip_prefix(FORMAT_LINE).and_then(|number| number.parse().ok());
            Ok(Some(number.ok_or_else(|| text.chars().take(60).collect())))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Written once the store is there, so that a folder with it has a whole store.
fn mark(path: &Path) -> io::Result<()> {
    let beside = path.join("format.new");
    let mut file = File::create(&beside)?;
    writeln!(file, "{FORMAT_LINE}{FORMAT}")?;
    file.sync_all()?;
    fs::rename(beside, path.join("format"))?;
    salvage::sync_folder(path)
}

/// fjall's mark, which it writes before anything else that matters: its name and a version, four bytes.
fn is_begun(store: &Path) -> io::Result<bool> {
    match fs::metadata(store.join("version")) {
        Ok(file) => Ok(file.len() >= 4),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// A store whose creation was interrupted has nothing in it yet, but is in the way: it is moved aside.
fn unfinished(path: &Path, store: &Path) -> io::Result<Result<(), String>> {
    if !store.try_exists()? {
        return Ok(Ok(()));
    }
    if path.join("witness").try_exists()? || store.join("keyspaces").join("1").try_exists()? {
        return Ok(Err("`store` has data but no whole file `version`".to_owned()));
    }
    let aside = path.join(ASIDE);
    fs::create_dir_all(&aside)?;
    for copy in 0_u32.. {
        let name = aside.join(format!("unfinished-store-{copy}"));
        if !name.try_exists()? {
            fs::rename(store, name)?;
            break;
        }
    }
    salvage::sync_folder(path)?;
    Ok(Ok(()))
}
