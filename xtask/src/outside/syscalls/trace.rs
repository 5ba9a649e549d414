//! What strace wrote down: the calls of a play, and whether a flush that failed was tried again.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::Path,
};

use anyhow::{Result, ensure};

/// All that changes what is on disk.
pub(super) const CALLS: &str =
    "write,pwrite64,writev,fdatasync,fsync,rename,renameat,renameat2,ftruncate,unlink,unlinkat,openat";

/// The `nth` of these calls, on that file or by that thread.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Point {
    pub(super) call: String,
    pub(super) path: Option<String>,
    pub(super) nth: u32,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path =
            self.path.as_deref().map_or("any file", |path| path.rsplit("data/").next().unwrap_or(path));
        write!(f, "{} {} of {path}", self.call, self.nth)
    }
}

/// One line: whose call, which, on what, and the rest.
struct Call<'a> {
    thread: &'a str,
    name: &'a str,
    /// With its number, where it is an open one.
    file: &'a str,
    path: &'a str,
    line: &'a str,
}

fn calls(text: &str) -> impl Iterator<Item = Call<'_>> {
    text.lines().filter_map(|line| {
        let (thread, rest) = line.split_once(' ')?;
        let (name, arguments) = rest.trim_start().split_once('(')?;
        if !CALLS.split(',').any(|call| call == name) {
            return None;
        }
        // `3</a/file>, …`, or `AT_FDCWD</cwd>, "/a/file", …`, or `"/a/file", …`.
        let named = arguments.split('"').nth(1);
        let path = match name {
            "openat" | "rename" | "renameat" | "renameat2" | "unlink" | "unlinkat" => named?,
            _ => arguments.split_once('<')?.1.split_once('>')?.0,
        };
        let file = arguments.split_once('>').map_or("", |(file, _)| file);
        Some(Call { thread, name, file, path, line })
    })
}

/// The calls below `dir`: each on its file, and each by its place among all of its thread.
pub(super) fn points(text: &str, dir: &Path) -> Vec<Point> {
    let dir = dir.join("data").display().to_string();
    let mut by_file: BTreeMap<(&str, &str), BTreeMap<&str, u32>> = BTreeMap::new();
    let mut by_thread: BTreeMap<&str, BTreeMap<&str, u32>> = BTreeMap::new();
    let made: BTreeSet<&str> =
        calls(text).filter(|call| call.line.contains("O_CREAT")).map(|call| call.path).collect();
    for call in calls(text) {
        *by_thread.entry(call.name).or_default().entry(call.thread).or_default() += 1;
        let opened_only = call.name == "openat" && !made.contains(call.path);
        // A name of chance is another one in the next play.
        if call.path.starts_with(&dir) && !opened_only && !call.path.contains("/.tmp") {
            *by_file.entry((call.name, call.path)).or_default().entry(call.thread).or_default() += 1;
        }
    }
    let most = |threads: &BTreeMap<&str, u32>| threads.values().copied().max().unwrap_or_default();
    let on_files = by_file.iter().flat_map(|((call, path), threads)| {
        (1..=most(threads)).map(|nth| Point { call: (*call).to_owned(), path: Some((*path).to_owned()), nth })
    });
    // Of opening, most is reading, libraries among it; of writing, files with a name of chance are written once.
    let unnamed = ["fsync", "write"];
    let by_thread =
        by_thread.iter().filter(|(call, _)| unnamed.contains(call)).flat_map(|(call, threads)| {
            (1..=most(threads)).map(|nth| Point { call: (*call).to_owned(), path: None, nth })
        });
    on_files.chain(by_thread).collect()
}

/// That nothing is written to a descriptor behind a flush that failed: the system forgets what it could not write, and the
/// next flush says that all is well. That the store flushes once more when it is closed is its way; nobody is answered.
pub(super) fn nothing_follows_a_failed_flush(text: &str) -> Result<()> {
    let mut failed: Option<&str> = None;
    for call in calls(text) {
        match call.name {
            "openat" if failed.is_some_and(|file| file.ends_with(call.path)) => failed = None,
            "fsync" | "fdatasync" if call.line.contains("(INJECTED)") => failed = Some(call.file),
            "write" | "writev" | "pwrite64" => {
                ensure!(failed != Some(call.file), "it goes on behind a flush that failed: {}", call.line);
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
7 openat(AT_FDCWD</x>, \"/d/data/a\", O_RDWR|O_CREAT, 0666) = 3</d/data/a>
7 openat(AT_FDCWD</x>, \"/lib/c\", O_RDONLY) = 4</lib/c>
7 write(3</d/data/a>, \"x\", 1) = 1
8 write(3</d/data/a>, \"y\", 1) = 1
7 write(3</d/data/a>, \"z\", 1) = 1
7 fdatasync(3</d/data/a>) = -1 EIO (Input/output error) (INJECTED)
";

    #[test]
    fn calls_are_counted_by_file_and_thread() {
        let points: Vec<String> =
            points(TEXT, Path::new("/d")).iter().map(|point| point.to_string()).collect();
        let expected = [
            "fdatasync 1 of a",
            "openat 1 of a",
            "write 1 of a",
            "write 2 of a",
            "write 1 of any file",
            "write 2 of any file",
        ];
        assert_eq!(points, expected);
    }

    #[test]
    fn what_goes_on_behind_a_failed_flush_is_found() {
        let again = |line: &str| nothing_follows_a_failed_flush(&format!("{TEXT}{line}\n"));
        again("7 write(5</d/data/b>, \"x\", 1) = 1").unwrap();
        again("7 write(3</d/data/a>, \"x\", 1) = 1").unwrap_err();
        again("7 openat(AT_FDCWD</x>, \"/d/data/a\", O_RDWR) = 3</d/data/a>\n7 write(3</d/data/a>, \"x\", 1) = 1")
            .unwrap();
    }
}
