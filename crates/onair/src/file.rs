//! Files that are there as a whole or not at all: written beside their place, flushed, then moved.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

/// A file that is not yet in its place. Dropped before [`NewFile::keep`], it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct NewFile {
    place: PathBuf,
    beside: PathBuf,
    file: Option<File>,
}

impl NewFile {
    /// Begins a file that will stand at `place`.
    ///
    /// # Errors
    /// When something stands there already and shall not be replaced; and the system's.
    pub(crate) fn begin(place: &Path, replace: bool) -> anyhow::Result<Self> {
        let name = place.file_name().with_context(|| format!("{} names no file", place.display()))?;
        if !replace && place.symlink_metadata().is_ok() {
            bail!("{} exists; --force replaces it", place.display());
        }
        let beside = place.with_file_name(format!(".{}.{}.part", name.to_string_lossy(), std::process::id()));
        let file = OpenOptions::new().write(true).create_new(true).open(&beside);
        let file = file.with_context(|| format!("cannot create {}", beside.display()))?;
        Ok(Self { place: place.to_owned(), beside, file: Some(file) })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let written = self.file().write_all(bytes);
        written.with_context(|| format!("cannot write {}", self.place.display()))
    }

    /// Puts it in its place, on disk.
    pub(crate) fn keep(mut self) -> anyhow::Result<()> {
        let kept = self.file().sync_all().and_then(|()| {
            self.file = None;
            fs::rename(&self.beside, &self.place)?;
            sync_directory(&self.place)
        });
        kept.with_context(|| format!("cannot write {}", self.place.display()))
    }

    fn file(&mut self) -> &mut File {
        self.file.as_mut().expect("the file is open until it is kept")
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // What cannot be removed has a name that says what it is.
            let _ = fs::remove_file(&self.beside);
        }
    }
}

/// A new name is on disk only when its directory is.
fn sync_directory(place: &Path) -> io::Result<()> {
    let directory = place.parent().filter(|directory| !directory.as_os_str().is_empty());
    if cfg!(unix) {
        File::open(directory.unwrap_or_else(|| Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_there_as_a_whole_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("show.jsonl");
        let names = || fs::read_dir(directory.path()).unwrap().count();

        let mut file = NewFile::begin(&place, false).unwrap();
        file.write(b"half").unwrap();
        assert!(!place.exists());
        drop(file);
        assert_eq!(names(), 0);

        let mut file = NewFile::begin(&place, false).unwrap();
        file.write(b"whole").unwrap();
        file.keep().unwrap();
        assert_eq!((fs::read(&place).unwrap(), names()), (b"whole".to_vec(), 1));

        assert!(NewFile::begin(&place, false).is_err());
        let mut file = NewFile::begin(&place, true).unwrap();
        file.write(b"other").unwrap();
        file.keep().unwrap();
        assert_eq!((fs::read(&place).unwrap(), names()), (b"other".to_vec(), 1));
    }
}
