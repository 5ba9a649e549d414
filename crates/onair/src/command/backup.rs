//! `onair backup`: every production into a directory, and whether such a directory is whole.
//!
//! A backup has a directory of its own: one exported file for each production, and at last `backup.json`, which says
//! what is there. Without it a directory is no backup, so one that was broken off is never taken for one.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, ensure};
use clap::Args;
use onair_wire::{Epoch, ProductionId, Revision};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3Default;

use super::{Context, export, list, text};
use crate::{
    exported::{Header, Reading},
    file::NewFile,
    report::Report,
};

/// What is in a backup.
const MANIFEST: &str = "backup.json";
/// The version that this release writes, and the newest it reads.
const VERSION: u32 = 1;
/// How much of a file is read at once.
const PIECE: usize = 64 * 1024;

/// Where to.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The directory: a new one, or an empty one
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// Only check the backup that is there; needs no server
    #[arg(long)]
    pub(crate) check: bool,
}

/// `backup.json`.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    version: u32,
    productions: Vec<Entry>,
}

/// One file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    name: ProductionId,
    file: String,
    epoch: Epoch,
    revision: Revision,
    bytes: u64,
    /// xxh3 of the whole file, 16 hexadecimal digits.
    checksum: String,
}

pub(crate) async fn run(context: &Context, options: &Options) -> anyhow::Result<ExitCode> {
    let directory = &options.directory;
    fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?;
    let is_empty =
        fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))?.next();
    ensure!(is_empty.is_none(), "{} is not empty; a backup has a directory of its own", directory.display());
    let mut productions = Vec::new();
    for production in list(&context.remote, &["productions"], "productions", &[]).await? {
        let name: ProductionId = text(&production, "id").parse()?;
        let entry = write(context, directory, name).await?;
        if !context.report.wants_json() {
            context.report.line(&told(&entry))?;
        }
        productions.push(entry);
    }
    let manifest = Manifest { version: VERSION, productions };
    let mut file = NewFile::begin(&directory.join(MANIFEST), false)?;
    file.write(&serde_json::to_vec_pretty(&manifest)?)?;
    file.keep()?;
    if context.report.wants_json() {
        context.report.json(&manifest)?;
    } else {
        context.report.note(&format!("check it at any time: onair backup --check {}", directory.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// Checks every file against `backup.json`, and each of them as an export.
pub(crate) fn check(options: &Options, report: Report) -> anyhow::Result<ExitCode> {
    let place = options.directory.join(MANIFEST);
    let text = fs::read(&place).with_context(|| format!("{} is no backup", options.directory.display()))?;
    let manifest: Manifest =
        serde_json::from_slice(&text).with_context(|| format!("{} does not read", place.display()))?;
    ensure!(
        manifest.version <= VERSION,
        "a backup of version {}, this release reads {VERSION}",
        manifest.version
    );
    for entry in &manifest.productions {
        ensure!(entry.file == file_of(&entry.name), "{} is not where {} belongs", entry.file, entry.name);
        let found = read(&options.directory, &entry.name).with_context(|| entry.file.clone())?;
        ensure!(found == *entry, "{}: found {found:?}, {MANIFEST} says {entry:?}", entry.file);
        if !report.wants_json() {
            report.line(&format!("{}  whole", told(entry)))?;
        }
    }
    if report.wants_json() {
        report.json(&manifest)?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn write(context: &Context, directory: &Path, name: ProductionId) -> anyhow::Result<Entry> {
    let mut file = NewFile::begin(&directory.join(file_of(&name)), false)?;
    let mut sum = Sum::default();
    let header = export::copy(context, &name, |piece| {
        sum.take(piece);
        file.write(piece)
    })
    .await
    .with_context(|| format!("production {name}"))?;
    file.keep()?;
    Ok(sum.entry(header))
}

fn read(directory: &Path, name: &ProductionId) -> anyhow::Result<Entry> {
    let mut file = File::open(directory.join(file_of(name)))?;
    let (mut reading, mut sum, mut piece) = (Reading::default(), Sum::default(), vec![0; PIECE]);
    loop {
        let count = file.read(&mut piece)?;
        if count == 0 {
            return Ok(sum.entry(reading.finish()?));
        }
        sum.take(&piece[..count]);
        reading.push(&piece[..count], |_| Ok(()))?;
    }
}

fn file_of(name: &ProductionId) -> String {
    format!("{name}.onair.jsonl")
}

fn told(entry: &Entry) -> String {
    let Entry { name, epoch, revision, bytes, .. } = entry;
    format!("{name}  {epoch}:{revision}  {bytes} bytes")
}

/// What a file comes to.
#[derive(Default)]
struct Sum {
    bytes: u64,
    checksum: Xxh3Default,
}

impl Sum {
    fn take(&mut self, piece: &[u8]) {
        self.bytes += piece.len() as u64;
        self.checksum.update(piece);
    }

    fn entry(self, header: Header) -> Entry {
        let Header { production: name, epoch, revision, .. } = header;
        let checksum = format!("{:016x}", self.checksum.digest());
        Entry { file: file_of(&name), name, epoch, revision, bytes: self.bytes, checksum }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exported::tests::file;

    fn checked(directory: &Path) -> anyhow::Result<ExitCode> {
        check(&Options { directory: directory.to_owned(), check: true }, Report::new(false))
    }

    #[test]
    fn o6_a_backup_is_checked_without_a_server() {
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path();
        assert!(checked(at).unwrap_err().to_string().contains("is no backup"));

        let name: ProductionId = "studio".parse().unwrap();
        fs::write(at.join(file_of(&name)), file(3)).unwrap();
        let entry = read(at, &name).unwrap();
        assert_eq!((entry.revision, entry.bytes), (Revision(3), file(3).len() as u64));
        let manifest = Manifest { version: VERSION, productions: vec![entry.clone()] };
        fs::write(at.join(MANIFEST), serde_json::to_vec(&manifest).unwrap()).unwrap();
        assert!(checked(at).is_ok());

        // Another export that is whole in itself, and not the one that was kept.
        fs::write(at.join(file_of(&name)), file(4)).unwrap();
        assert!(format!("{:#}", checked(at).unwrap_err()).contains("backup.json says"));
        fs::write(at.join(file_of(&name)), &file(3)[..200]).unwrap();
        assert!(format!("{:#}", checked(at).unwrap_err()).contains("before its last line"));
        fs::remove_file(at.join(file_of(&name))).unwrap();
        assert!(checked(at).is_err());

        // A manifest that somebody else wrote does not lead out of the directory.
        let elsewhere = Entry { file: "../studio.onair.jsonl".into(), ..entry };
        let manifest = Manifest { version: VERSION, productions: vec![elsewhere] };
        fs::write(at.join(MANIFEST), serde_json::to_vec(&manifest).unwrap()).unwrap();
        assert!(checked(at).unwrap_err().to_string().contains("is not where studio belongs"));
    }
}
