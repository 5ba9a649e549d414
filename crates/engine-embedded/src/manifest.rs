//! Before fjall opens: whether its lists of what it has are whole, since it deletes what they do not name.
//!
//! A keyspace that the list of keyspaces has not, or whose file `current` is missing, counts as one that was never
//! finished, and its folder is removed with all tables in it; a table that no version names goes likewise. So each
//! `current` is read here first, and the version that it names: the layout is that of lsm-tree 3.1.10,
//! `src/version/persist.rs`.
//!
//! ```text
//! current   id of the version u64, xxh3_128 of the file `v<id>` u128, 00                     (little endian)
//! ```

use std::{fs, io, path::Path};

use xxhash_rust::xxh3::xxh3_128;

use crate::record::little;

const CURRENT_BYTES: usize = 25;

/// What does not verify, if anything.
pub(crate) fn check(store: &Path) -> io::Result<Result<(), String>> {
    let folder = store.join("keyspaces");
    let mut keyspaces = Vec::new();
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Err("`keyspaces` is missing".to_owned()));
        }
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            keyspaces.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    // The list of keyspaces is 0. Ours is 1, or a later one when making the folder was cut off and begun again.
    if !keyspaces.iter().any(|name| name == "0") || keyspaces.len() < 2 {
        return Ok(Err(format!("a folder in `keyspaces` is missing, there are {keyspaces:?}")));
    }
    for keyspace in keyspaces {
        if let Err(detail) = check_one(&folder.join(&keyspace))? {
            return Ok(Err(format!("`keyspaces/{keyspace}/{detail}")));
        }
    }
    Ok(Ok(()))
}

fn check_one(folder: &Path) -> io::Result<Result<(), String>> {
    let Some(current) = read(&folder.join("current"))? else {
        return Ok(Err("current` is missing".to_owned()));
    };
    let stated = (little(&current, 0), current.get(8..24).and_then(|sum| sum.try_into().ok()));
    let (Some(version), Some(sum), CURRENT_BYTES) = (stated.0, stated.1, current.len()) else {
        return Ok(Err("current` names no list of tables".to_owned()));
    };
    let Some(listed) = read(&folder.join(format!("v{version}")))? else {
        return Ok(Err(format!("v{version}` is missing, which `current` names")));
    };
    if xxh3_128(&listed) != u128::from_le_bytes(sum) {
        return Ok(Err(format!("v{version}` is not what `current` says")));
    }
    Ok(Ok(()))
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
