//! Small files that must be whole, private and durable: written beside their place, flushed, and moved into it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::Path,
};

/// Writes `bytes` to `path`, readable by the owner alone, all or nothing, and on disk when it returns.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    // What a crash left behind may have other permissions.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private().create_new(true).write(true).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    sync_folder(path)
}

/// Opens the file whose lock says that one process at a time changes what lies beside it.
pub(super) fn lock(path: &Path) -> io::Result<File> {
    let file = private().create(true).truncate(false).write(true).open(path)?;
    file.lock()?;
    Ok(file)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Which permissions others than the owner have, where the system knows of such.
#[cfg(unix)]
pub(super) fn open_to_others(file: &File) -> io::Result<Option<u32>> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata()?.permissions().mode() & 0o777;
    Ok((mode & 0o077 != 0).then_some(mode))
}

/// Which permissions others than the owner have, where the system knows of such.
#[cfg(not(unix))]
pub(super) fn open_to_others(_file: &File) -> io::Result<Option<u32>> {
    Ok(None)
}

/// What changes when a file is replaced, for a look that costs next to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Version {
    modified: Option<std::time::SystemTime>,
    length: u64,
    inode: u64,
}

impl Version {
    /// Of the file as it is; `None` when there is none.
    pub(super) fn of(path: &Path) -> io::Result<Option<Self>> {
        let metadata = match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            found => found?,
        };
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
        #[cfg(not(unix))]
        let inode = 0;
        Ok(Some(Self { modified: metadata.modified().ok(), length: metadata.len(), inode }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn x1_a_file_is_private_and_replaced_whole() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tokens.json");
        fs::write(path.with_extension("new"), "what a crash left").expect("written");
        let mut before = None;
        for text in ["one", "two"] {
            write(&path, text.as_bytes()).expect("written");
            assert_eq!(fs::read_to_string(&path).expect("there"), text);
            let mode = fs::metadata(&path).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            let version = Version::of(&path).expect("a look");
            assert_ne!(version, before);
            before = version;
        }
        let files: Vec<_> = fs::read_dir(folder.path()).expect("there").collect();
        assert_eq!(files.len(), 1, "nothing is left beside it");
    }
}
