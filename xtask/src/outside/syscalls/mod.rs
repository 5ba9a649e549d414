//! Death at every system call that writes or flushes, and one that fails at each of them (rows D6, D7, O6; faults F2,
//! F5, F6).
//!
//! A play is recorded once under strace: which calls it makes on which files. Then it is played again for each of them,
//! with that one call killing the process or failing, and each time what is left is held against what was acknowledged
//! until then. strace counts calls by thread; so a call is named by its file besides, since a file is written by one
//! thread, and the calls on files with names of chance are found by counting without a file.

mod engine;
mod server;
mod trace;

use std::{fmt, fs, path::Path};

use anyhow::{Context, Result, ensure};

use super::chance::Chance;
use crate::needs;
use crate::repository::Repository;
use crate::steps::{Outcome, Tally};

use trace::{CALLS, Point};

/// Points of each play and fault in `cargo xtask test`; the command without a number tries all of them.
const POINTS_IN_TEST: usize = 4;
/// Failures that are shown.
const SHOWN: usize = 10;

/// What is done at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Death,
    Error(&'static str),
}

impl Fault {
    const ALL: [Self; 3] = [Self::Death, Self::Error("EIO"), Self::Error("ENOSPC")];

    /// As strace wants it.
    fn injection(self, point: &Point) -> String {
        let (call, nth) = (&point.call, point.nth);
        match self {
            Self::Death => format!("inject={call}:signal=KILL:when={nth}"),
            Self::Error(errno) => format!("inject={call}:error={errno}:when={nth}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Death => f.write_str("death"),
            Self::Error(errno) => f.write_str(errno),
        }
    }
}

/// Something that is played, and what it leaves judged.
pub(super) trait Play {
    fn name(&self) -> &'static str;

    /// Makes the directory ready, and plays under `strace`, which is a command line to be put in front. What the play
    /// itself finds wrong is an error, but not that it was killed.
    fn play(&self, dir: &Path, strace: &[String], fault: Option<Fault>) -> Result<Played>;

    /// Holds what is left against what was acknowledged.
    fn check(&self, dir: &Path, played: &Played) -> Result<()>;
}

/// What was acknowledged, as the play counts it.
#[derive(Clone, Debug, Default)]
pub(super) struct Played {
    pub(super) steps: Vec<String>,
}

/// The step of `cargo xtask test`.
pub(crate) fn syscalls(repository: &Repository) -> Result<Outcome> {
    run(repository, Some(POINTS_IN_TEST), None)
}

/// Tries `points` of each play and fault, or all; of the play of that name, or of all.
pub(crate) fn run(repository: &Repository, points: Option<usize>, only: Option<&str>) -> Result<Outcome> {
    needs::ensure_apt("strace", "strace")?;
    // A flush is a call like any other where it costs nothing, and nothing here is about what a disk does with it.
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() { memory.to_owned() } else { repository.target()?.join("outside") };
    let base = place.join(format!("onair-syscalls-{}", std::process::id()));
    let seed = u64::from(std::process::id());
    println!("seed {seed}");
    let mut chance = Chance::new(seed);
    let mut failures = Vec::new();
    let mut plays = engine::plays(repository)?;
    if only.is_none_or(|only| only == "server") {
        plays.extend(server::plays(repository)?);
    }
    // The one that takes a second for each point is not for every day.
    plays.retain(|play| {
        only.map_or(points.is_none() || play.name() != "rotation", |only| play.name() == only)
    });
    ensure!(!plays.is_empty(), "there is no play of that name");
    for play in plays {
        let dir = base.join(play.name());
        let points_of = record(play.as_ref(), &dir)?;
        for fault in Fault::ALL {
            let wanted = points.unwrap_or(points_of.len()).max(1);
            let every = points_of.len().div_ceil(wanted) as u64;
            let from = usize::try_from(chance.below(every)).unwrap_or_default();
            let (mut tried, mut fired) = (0, 0);
            for point in points_of.iter().skip(from).step_by(usize::try_from(every).unwrap_or(1)) {
                tried += 1;
                match try_one(play.as_ref(), &dir, point, fault) {
                    Ok(did) => fired += u32::from(did),
                    Err(error) => {
                        fired += 1;
                        println!("{} {fault} at {point}: {error:#}", play.name());
                        failures.push(format!("{} {fault} at {point}", play.name()));
                    }
                }
            }
            let (name, all) = (play.name(), points_of.len());
            println!("{name}: {fault} at {tried} of {all} calls, {fired} of them came to pass");
            ensure!(fired * 2 >= tried, "{name}: {fired} of {tried} came to pass: that proves little");
        }
    }
    if failures.is_empty() {
        fs::remove_dir_all(&base).with_context(|| format!("cannot remove {}", base.display()))?;
        return Ok(Outcome::Passed(Tally::default()));
    }
    let shown = failures[..failures.len().min(SHOWN)].join("; ");
    Ok(Outcome::Failed(Tally::default(), format!("{} failures: {shown}", failures.len())))
}

/// Plays once without a fault, which must go well, and answers the calls that it made.
fn record(play: &dyn Play, dir: &Path) -> Result<Vec<Point>> {
    let name = play.name();
    let file = fresh(dir)?;
    let played = play.play(dir, &strace(&file, None), None).with_context(|| format!("{name}, recorded"))?;
    play.check(dir, &played).with_context(|| format!("{name}, recorded"))?;
    let points = trace::points(&fs::read_to_string(&file)?, dir);
    println!("{name}: {} steps, {} calls", played.steps.len(), points.len());
    ensure!(points.len() > 10, "{name}: too few calls to be true");
    Ok(points)
}

/// Whether the fault came to pass.
fn try_one(play: &dyn Play, dir: &Path, point: &Point, fault: Fault) -> Result<bool> {
    let file = fresh(dir)?;
    let played = play.play(dir, &strace(&file, Some((point, fault))), Some(fault))?;
    let text = fs::read_to_string(&file).unwrap_or_default();
    let fired = text.contains("(INJECTED)") || text.contains("killed by SIGKILL");
    trace::nothing_follows_a_failed_flush(&text)?;
    play.check(dir, &played).with_context(|| {
        format!("behind {} steps, the last {:?}", played.steps.len(), played.steps.last())
    })?;
    Ok(fired)
}

/// An empty directory, and where its trace goes.
fn fresh(dir: &Path) -> Result<std::path::PathBuf> {
    if dir.exists() {
        fs::remove_dir_all(dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    Ok(dir.with_extension("trace"))
}

fn strace(file: &Path, at: Option<(&Point, Fault)>) -> Vec<String> {
    let mut line = ["strace", "-f", "-y", "-e"].map(str::to_owned).to_vec();
    // Only the calls that are looked at stop the process then, which is faster; but it swallows signals (strace 6.1).
    if !matches!(at, Some((_, Fault::Death))) {
        line.insert(1, "--seccomp-bpf".to_owned());
    }
    line.extend([format!("trace={CALLS}"), "-o".to_owned(), file.display().to_string()]);
    if let Some((point, fault)) = at {
        line.extend(["-e".to_owned(), fault.injection(point)]);
        if let Some(path) = &point.path {
            line.extend(["-P".to_owned(), path.clone()]);
        }
    }
    line
}
