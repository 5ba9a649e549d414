//! What the tests on broken folders share: a ledger of what was acknowledged, crash images, chance with a seed.

#![allow(dead_code, reason = "each test binary uses its part")]

pub(crate) mod script;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use onair_engine::{Engine, Error, Limit, Record};
use onair_engine_embedded::{Embedded, Options};
use onair_wire::{Epoch, ProductionId, Revision};

pub(crate) fn id(name: &str) -> ProductionId {
    ProductionId::new(name).unwrap()
}

pub(crate) fn epoch() -> Epoch {
    Epoch::new("e1").unwrap()
}

pub(crate) fn open(path: &Path) -> Embedded {
    Embedded::open(&Options::new(path)).unwrap()
}

/// A body that tells where it belongs.
pub(crate) fn body(name: &str, revision: u64) -> Bytes {
    format!("{name}/{revision}/{}", "y".repeat(usize::try_from(revision * 37 % 301).unwrap())).into()
}

pub(crate) fn records(name: &str, after: u64, count: u64) -> Vec<Record> {
    let record = |revision| Record { revision: Revision(revision), body: body(name, revision) };
    (after + 1..=after + count).map(record).collect()
}

pub(crate) async fn append(engine: &Embedded, name: &str, after: u64, count: u64) -> Result<Revision, Error> {
    engine.append(&id(name), &epoch(), Revision(after), records(name, after, count)).await
}

/// What was acknowledged: the last revision of each production.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger(pub(crate) BTreeMap<String, u64>);

impl Ledger {
    /// `rounds` of appends over `productions`, all acknowledged.
    pub(crate) async fn write(engine: &Embedded, productions: usize, rounds: u64) -> Self {
        let mut ledger = Self::default();
        for number in 0..productions {
            let name = format!("p{number}");
            engine.create(&id(&name), &epoch()).await.unwrap();
            ledger.0.insert(name, 0);
        }
        for round in 0..rounds {
            for (name, last) in &mut ledger.0 {
                let count = 1 + (round + name.len() as u64) % 3;
                append(engine, name, *last, count).await.unwrap();
                *last += count;
            }
        }
        ledger
    }

    /// Reads everything. Wrong data, or a loss that is not told, panics; answers the productions that are damaged,
    /// and that nothing can be appended to those which lost their end.
    pub(crate) async fn check(&self, engine: &Embedded) -> Vec<String> {
        let limit = Limit { records: 1000, bytes: usize::MAX };
        let reports = engine.figures().reports;
        let mut damaged = Vec::new();
        for (name, &acknowledged) in &self.0 {
            let mut last = 0;
            let told = loop {
                match engine.read(&id(name), &epoch(), Revision(last), limit).await {
                    Ok(page) if page.is_empty() => break false,
                    Ok(page) => {
                        assert_eq!(page, records(name, last, page.len() as u64), "wrong data in {name}");
                        last += page.len() as u64;
                    }
                    Err(Error::Corrupt { production, revision, .. }) => {
                        let broken = last == 0 && revision == Revision::ZERO; // not even its end can be told
                        let named = production == id(name) && (broken || revision == Revision(last + 1));
                        assert!(named, "{production} {revision} for {name} at {last}: {reports:#?}");
                        break true;
                    }
                    Err(Error::NotFound { .. }) => {
                        assert!(!reports.is_empty(), "{name} is gone and nobody says so");
                        break true;
                    }
                    Err(other) => panic!("{name}: {other}"),
                }
            };
            let reports = engine.figures().reports;
            if told {
                assert!(!reports.is_empty(), "{name} is damaged and there is no report");
                let head =
                    engine.head(&id(name)).await.ok().flatten().map_or(Revision(last), |head| head.last);
                let refused = append(engine, name, head.0, 1).await.unwrap_err();
                assert!(matches!(refused, Error::Corrupt { .. } | Error::NotFound { .. }), "{refused}");
                damaged.push(name.clone());
            } else {
                assert!(last >= acknowledged, "{name} silently lost {last} to {acknowledged}: {reports:#?}");
                // A damaged table that compaction met has ended all writing, and says so.
                let appended = append(engine, name, last, 1).await;
                assert!(appended.is_ok() || engine.figures().read_only.is_some(), "{appended:?}");
            }
        }
        damaged
    }
}

/// What is on disk this moment, as a crash would leave it.
pub(crate) fn crash_image(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    copy(from, to.path());
    to
}

/// Of the space that a journal reserves only a page is taken along, or a test would write gigabytes of zeros.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            let mut bytes = fs::read(entry.path()).unwrap();
            if target.extension().is_some_and(|ext| ext == "jnl") {
                let reserved = used(&bytes) + 4096;
                bytes.truncate(reserved);
            }
            fs::write(target, bytes).unwrap();
        }
    }
}

fn used(bytes: &[u8]) -> usize {
    bytes.chunks(4096).rposition(|page| page != &[0; 4096][..page.len()]).map_or(0, |page| {
        let end = bytes.len().min((page + 1) * 4096);
        bytes[..end].iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
    })
}

/// The journal that is written to, and its length without reserved space.
pub(crate) fn journal(folder: &Path) -> (PathBuf, usize) {
    let number = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().parse::<u64>().unwrap();
    let paths = fs::read_dir(folder.join("store")).unwrap().map(|entry| entry.unwrap().path());
    let newest =
        paths.filter(|path| path.extension().is_some_and(|ext| ext == "jnl")).max_by_key(number).unwrap();
    let bytes = fs::read(&newest).unwrap();
    let used = used(&bytes);
    (newest, used)
}

/// Changes the journal of a folder that is not open.
pub(crate) fn edit(folder: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let (path, used) = journal(folder);
    let mut bytes = fs::read(&path).unwrap();
    bytes.truncate(used + 4096);
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

/// xorshift; the seed is printed, since a failed test shows what it printed.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        println!("seed {seed}");
        Self(seed)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }
}
