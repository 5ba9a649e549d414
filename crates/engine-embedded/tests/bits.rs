//! Every bit of a small log flipped, every file of it cut at every byte, and every file missing, zeroed, or in the place of
//! another: detected or harmless, never wrong data, never a loss that nobody is told of (row D8; faults F4, F8 to F10).
//!
//! In a usual run some hundred damages are tried, from a place that the printed seed chooses; `ONAIR_BITS` says how many
//! of each kind, or `all`: `cargo xtask bits` does that.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod kit;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use kit::script::{self, Found, Model, NAMES, Step};
use onair_engine::Engine;
use onair_engine_embedded::{Embedded, OpenError, Options};

/// Damages of one kind in a usual run.
const SAMPLE: usize = 100;
/// Failures that are shown; a systematic one has thousands.
const SHOWN: usize = 20;
/// Threads that try damages, each in a folder of its own.
const THREADS: usize = 2;

/// A folder as it was found, file by file.
struct Folder {
    files: BTreeMap<PathBuf, Vec<u8>>,
    /// What some of them were earlier on.
    former: BTreeMap<PathBuf, Vec<u8>>,
    model: Model,
    memtable_bytes: u64,
}

/// What came of a damage, when nothing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    /// All data is there.
    Harmless,
    /// What is not there is told.
    Told,
    /// The folder was not opened, and that was said.
    Refused,
}

/// Memory where there is some to write files into: half a million folders are nothing for a disk.
fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

impl Folder {
    /// Plays `steps` and keeps what is on disk then: while it is open, as a kill leaves it, or after it was closed.
    async fn played(steps: &[Step], memtable_bytes: u64, closed: bool) -> Self {
        let folder = scratch();
        let mut options = Options::new(folder.path());
        options.memtable_bytes = memtable_bytes;
        let mut engine = Embedded::open(&options).unwrap();
        let mut model = Model::default();
        let mut former = BTreeMap::new();
        for (place, step) in steps.iter().enumerate() {
            if place == steps.len() * 2 / 3 {
                former = gathered(folder.path());
            }
            match step {
                Step::Reopen => {
                    engine.close().await.unwrap();
                    drop(engine);
                    engine = Embedded::open(&options).unwrap();
                }
                step => script::perform(&engine, &model, step).await.unwrap(),
            }
            model = model.after(step);
        }
        if closed {
            engine.close().await.unwrap();
        }
        let files = gathered(folder.path());
        former.retain(|name, bytes| files.get(name).is_some_and(|now| now != bytes));
        Self { files, former, model, memtable_bytes }
    }

    fn write(&self, to: &Path) {
        let _ = fs::remove_dir_all(to);
        for (name, bytes) in &self.files {
            let path = to.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }

    /// Opens the folder as `damage` makes it, and judges what is there.
    async fn judge(&self, at: &Path, damage: &Damage) -> Result<Verdict, String> {
        self.write(at);
        damage.apply(self, at);
        let mut options = Options::new(at);
        (options.memtable_bytes, options.cache_bytes) = (self.memtable_bytes, 1 << 20);
        let engine = match Embedded::open(&options) {
            Ok(engine) => engine,
            Err(OpenError::Locked { .. }) => return Err("it is locked by nobody".to_owned()),
            Err(_) => return Ok(Verdict::Refused),
        };
        let mut verdict = Verdict::Harmless;
        for name in NAMES {
            let found = script::look(&engine, name).await?;
            let expected = self.model.expected(name);
            let figures = engine.figures();
            if found != expected {
                verdict = Verdict::Told;
                if figures.reports.is_empty() {
                    return Err(format!("{found:?} in place of {expected:?}, and nobody is told"));
                }
            }
            // Whatever was acknowledged is never numbered again; without a witness a lost end may go unnoticed, which
            // `docs/format.md` says, and so does the report.
            let blind = figures.reports.iter().any(|report| report.contains("a lost end"));
            if let (Found::Log { log, damage }, Some(acknowledged)) = (&found, self.model.0.get(name)) {
                let appended = script::append(&engine, name, log, 1).await;
                let lost = log.epoch == acknowledged.epoch && log.last < acknowledged.last;
                if (lost && !blind || damage.is_some()) && appended.is_ok() {
                    return Err(format!("{name} of {acknowledged:?} goes on behind {}", log.last));
                }
                if !lost && damage.is_none() && appended.is_err() && engine.figures().read_only.is_none() {
                    return Err(format!("{name} is whole and takes nothing: {appended:?}"));
                }
            }
        }
        let figures = engine.figures();
        if let Some(bug) = figures.read_only.iter().chain(&figures.reports).find(|it| it.contains("a bug")) {
            return Err(bug.clone());
        }
        if !figures.reports.is_empty() {
            verdict = Verdict::Told;
        }
        // A store that was stopped says so once more.
        let closed = engine.close().await;
        if closed.is_err() && figures.read_only.is_none() {
            return Err(format!("it does not close: {closed:?}"));
        }
        Ok(verdict)
    }

    /// Tries all of `damages`, or a sample of them, and prints what came of them.
    fn try_all(&self, what: &str, damages: &[Damage]) {
        let wanted = match std::env::var("ONAIR_BITS").as_deref() {
            Ok("all") => damages.len(),
            Ok(number) => number.parse().unwrap(),
            Err(_) => SAMPLE,
        };
        let every = damages.len().div_ceil(wanted);
        let from = kit::Chance::new(u64::from(std::process::id())).below(every);
        let chosen: Vec<&Damage> = damages.iter().skip(from).step_by(every).collect();
        let (next, verdicts, failures) =
            (AtomicUsize::new(0), Mutex::new(BTreeMap::new()), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    let folder = scratch();
                    while let Some(damage) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                        match runtime.block_on(self.judge(&folder.path().join("data"), damage)) {
                            Ok(verdict) => *verdicts.lock().unwrap().entry(verdict).or_insert(0_usize) += 1,
                            Err(why) => failures.lock().unwrap().push(format!("{damage:?}: {why}")),
                        }
                    }
                });
            }
        });
        let failures = failures.into_inner().unwrap();
        println!("{what}: {} of {} tried, {:?}", chosen.len(), damages.len(), verdicts.into_inner().unwrap());
        assert!(
            failures.is_empty(),
            "{} failures, among them {:#?}",
            failures.len(),
            &failures[..failures.len().min(SHOWN)]
        );
    }

    /// Each bit of each file that is chosen.
    fn bits(&self, chosen: fn(&Path) -> bool) -> Vec<Damage> {
        let bits = |(name, bytes): (&PathBuf, &Vec<u8>)| {
            let name = name.clone();
            (0..used(bytes) * 8).map(move |bit| Damage::Bit(name.clone(), bit))
        };
        self.files.iter().filter(|(name, _)| chosen(name)).flat_map(bits).collect()
    }

    /// Each length of each file that is chosen, shorter than it is.
    fn cuts(&self, chosen: fn(&Path) -> bool) -> Vec<Damage> {
        let cuts = |(name, bytes): (&PathBuf, &Vec<u8>)| {
            let name = name.clone();
            (0..used(bytes)).map(move |length| Damage::Cut(name.clone(), length))
        };
        self.files.iter().filter(|(name, _)| chosen(name)).flat_map(cuts).collect()
    }

    /// What can be done to whole files.
    fn shuffles(&self) -> Vec<Damage> {
        let mut damages = Vec::new();
        for name in self.files.keys() {
            damages.extend([Damage::Missing(name.clone()), Damage::Zeroed(name.clone())]);
            damages.extend(self.former.contains_key(name).then(|| Damage::Stale(name.clone())));
            let others = self.files.keys().filter(|other| *other > name);
            damages.extend(others.map(|other| Damage::Swapped(name.clone(), other.clone())));
        }
        damages
    }
}

/// Every file, as a crash would leave it this moment.
fn gathered(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let image = kit::crash_image(folder);
    let mut files = BTreeMap::new();
    gather(image.path(), image.path(), &mut files);
    files
}

fn gather(root: &Path, folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(root, &path, files);
        } else {
            files.insert(path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap());
        }
    }
}

/// Without the space that a journal reserves.
fn used(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}

/// What is done to a folder.
#[derive(Debug)]
enum Damage {
    Bit(PathBuf, usize),
    Cut(PathBuf, usize),
    Missing(PathBuf),
    Zeroed(PathBuf),
    /// What it was some time ago.
    Stale(PathBuf),
    Swapped(PathBuf, PathBuf),
}

impl Damage {
    fn apply(&self, folder: &Folder, at: &Path) {
        let write = |name: &Path, bytes: &[u8]| fs::write(at.join(name), bytes).unwrap();
        match self {
            Self::Bit(name, bit) => {
                let mut bytes = folder.files[name].clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                write(name, &bytes);
            }
            Self::Cut(name, length) => write(name, &folder.files[name][..*length]),
            Self::Missing(name) => fs::remove_file(at.join(name)).unwrap(),
            Self::Zeroed(name) => write(name, &vec![0; folder.files[name].len()]),
            Self::Stale(name) => write(name, &folder.former[name]),
            Self::Swapped(name, other) => {
                write(name, &folder.files[other]);
                write(other, &folder.files[name]);
            }
        }
    }
}

fn any(_: &Path) -> bool {
    true
}

fn no_journal(name: &Path) -> bool {
    name.extension().is_none_or(|extension| extension != "jnl")
}

/// As the kill of a process leaves it: all in a journal of 64 KiB.
async fn killed() -> Folder {
    let mut steps = script::everything();
    steps.truncate(16);
    let folder = Folder::played(&steps, 64 << 20, false).await;
    println!(
        "a journal of {} bytes, {} files",
        used(&folder.files[Path::new("store/0.jnl")]),
        folder.files.len()
    );
    folder
}

/// As a clean end leaves it: all but the last in tables.
async fn closed() -> Folder {
    let mut steps = script::everything();
    steps.truncate(18);
    let folder = Folder::played(&steps, 16 << 10, true).await;
    let tables =
        folder.files.iter().filter(|(name, _)| name.parent().is_some_and(|it| it.ends_with("tables")));
    let (count, bytes) = tables.fold((0, 0), |(count, bytes), (_, table)| (count + 1, bytes + table.len()));
    println!("{count} tables of {bytes} bytes, {} files", folder.files.len());
    assert!(count > 1, "there should be tables");
    folder
}

#[tokio::test]
async fn f8_every_bit_of_a_log_that_was_killed() {
    let folder = killed().await;
    folder.try_all("bits flipped in a log that was killed", &folder.bits(any));
}

#[tokio::test]
async fn f4_every_cut_of_a_log_that_was_killed() {
    let folder = killed().await;
    folder.try_all("cuts of a log that was killed", &folder.cuts(any));
}

#[tokio::test]
async fn f8_every_bit_of_a_log_that_was_closed() {
    let folder = closed().await;
    folder.try_all("bits flipped in a log that was closed", &folder.bits(no_journal));
}

#[tokio::test]
async fn f4_every_cut_of_a_log_that_was_closed() {
    let folder = closed().await;
    folder.try_all("cuts of a log that was closed", &folder.cuts(any));
}

#[tokio::test]
async fn f10_every_file_missing_zeroed_stale_or_in_the_place_of_another() {
    for folder in [killed().await, closed().await] {
        folder.try_all("files missing, zeroed, stale or exchanged", &folder.shuffles());
    }
}
