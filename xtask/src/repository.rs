//! The repository as the chores see it: its root, and the text of every file that git knows or would add.
//!
//! Files that git ignores and files that are not text are left out: nothing here has an opinion about them.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;

/// A file larger than this is data, not something that people wrote: 1 MiB.
const FILE_BYTES_MAX: usize = 1 << 20;

/// The repository.
#[derive(Debug)]
pub(crate) struct Repository {
    root: PathBuf,
    files: Vec<File>,
}

/// A text file.
#[derive(Debug)]
pub(crate) struct File {
    /// From the root, with `/`.
    pub(crate) path: String,
    /// What is in it.
    pub(crate) text: String,
}

impl Repository {
    /// Reads the repository that this program was built from.
    ///
    /// # Errors
    /// git is missing, or this is not a clone.
    pub(crate) fn open() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask has no parent directory")?;
        let list = process::output(Command::new("git").current_dir(root).args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]))?;
        let files = list.split_terminator('\0').filter_map(|path| File::read(root, path)).collect();
        Ok(Self { root: root.to_owned(), files })
    }

    /// The directory that everything is in.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Every text file, in the order of git.
    pub(crate) fn files(&self) -> &[File] {
        &self.files
    }

    /// What is in the file at `path`.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|file| file.path == path).map(|file| file.text.as_str())
    }

    /// The file names in `directory`, without those in directories below it.
    pub(crate) fn names_in<'a>(&'a self, directory: &str) -> impl Iterator<Item = &'a str> {
        let prefix = format!("{directory}/");
        self.files.iter().filter_map(move |file| {
            file.path.strip_prefix(prefix.as_str()).filter(|name| !name.contains('/'))
        })
    }

    /// Where cargo puts what it builds, and the chores what they need.
    ///
    /// # Errors
    /// cargo could not be asked.
    pub(crate) fn target(&self) -> Result<PathBuf> {
        let metadata =
            process::output(&mut process::cargo(self, &["metadata", "--no-deps", "--format-version", "1"]))?;
        let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
        let target = metadata["target_directory"].as_str().context("cargo names no target directory")?;
        Ok(PathBuf::from(target))
    }

    /// A repository for a test.
    #[cfg(test)]
    pub(crate) fn made_of(files: &[(&str, &str)]) -> Self {
        let file = |&(path, text): &(&str, &str)| File { path: path.to_owned(), text: text.to_owned() };
        Self { root: PathBuf::from("."), files: files.iter().map(file).collect() }
    }
}

impl File {
    /// The file, unless it is gone from the working tree, too large, or not text.
    fn read(root: &Path, path: &str) -> Option<Self> {
        let bytes = fs::read(root.join(path)).ok()?;
        let text = (bytes.len() <= FILE_BYTES_MAX).then(|| String::from_utf8(bytes).ok())??;
        Some(Self { path: path.to_owned(), text })
    }

    /// What the file name ends with, without the dot; empty if it has none.
    pub(crate) fn extension(&self) -> &str {
        Path::new(&self.path).extension().and_then(|extension| extension.to_str()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_contains_this_file() {
        let repository = Repository::open().unwrap();
        let text = repository.text("xtask/src/repository.rs").unwrap();
        assert!(text.starts_with("//! The repository"));
        assert!(repository.names_in("xtask/src").any(|name| name == "main.rs"));
        assert!(repository.names_in("xtask/src").all(|name| !name.contains('/')));
    }

    #[test]
    fn a_file_without_a_dot_has_no_extension() {
        let repository = Repository::made_of(&[(".ci/run", ""), ("a/b.test.tsx", "")]);
        let extensions: Vec<&str> = repository.files().iter().map(File::extension).collect();
        assert_eq!(extensions, ["", "tsx"]);
    }
}
