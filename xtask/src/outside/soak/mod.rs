//! Hours of half load: memory does not grow, and no descriptor is lost (goal G26).
//!
//! What is written, read and watched is a mixture of all that there is, over productions whose state is bounded: few
//! documents, commits of about five KiB so that images and with them trimming come every few minutes, and a log that is
//! kept short. All that fills up to a limit does so in the first quarter, which is not looked at: what is kept of the log in
//! memory, the rings of those who stay, sequences, transitions and conflicts that are kept. What grows behind that is lost.

mod slope;
mod stage;
mod watcher;
mod writer;

use std::{
    fmt::Write as _,
    fs,
    path::PathBuf,
    process::Command,
    sync::{Arc, atomic::Ordering},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use super::{build_onair, figures::Figures, http::Site, server::Server};
use crate::repository::Repository;

use stage::{PRODUCTIONS, SHOWS, Stage};

/// Commits of a production that are kept.
const KEPT: &str = "2000";
/// Between two looks.
const LOOK: Duration = Duration::from_secs(10);
/// Looks in a span of which the lowest is taken: five minutes.
const SPAN: usize = 30;
/// What memory may grow in an hour.
const GROWTH_KIB_MAX: f64 = 1024.0;
/// Runs shorter than this say nothing about an hour.
const MINUTES_TO_JUDGE: u64 = 60;
/// How long connections that were left take to be noticed by the server.
const LEAVE_MAX: Duration = Duration::from_secs(60);
/// Those who come and go, over each transport.
const COME_AND_GO: u64 = 6;

/// What is wanted.
pub(crate) struct Wanted {
    pub(crate) minutes: u64,
    /// Mutations a second.
    pub(crate) rate: u64,
    pub(crate) onair: Option<PathBuf>,
}

/// Runs the load and judges what was seen.
pub(crate) fn run(repository: &Repository, wanted: &Wanted) -> Result<()> {
    ensure!(wanted.minutes > 0 && wanted.rate > 0, "minutes and a rate are needed");
    let onair = wanted.onair.clone().map_or_else(|| build_onair(repository), Ok)?;
    let dir = repository.target()?.join("outside/soak");
    if dir.exists() {
        fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let server = Server::start(Command::new(onair).env("ONAIR_KEEP_COMMITS", KEPT), &dir)?;
    let stage = Arc::new(Stage::new(Site::new(server.api(), server.admin_token())));
    stage.begin()?;
    let seed = u64::from(std::process::id());
    println!("seed {seed}, {} minutes at {} mutations a second", wanted.minutes, wanted.rate);
    let before = settled(&server, None)?;
    let load = load(&stage, wanted.rate, seed);
    let samples = sample(&stage, &server, wanted, &dir.join("samples.csv"))?;
    stage.end();
    for (name, thread) in load {
        if thread.join().is_err() {
            stage.wrong(format!("{name} panicked"));
        }
    }
    let after = settled(&server, Some(before.sockets))?;
    println!("{}", stage.counts());
    judge(&stage, wanted, &samples)?;
    println!(
        "descriptors before and after: sockets {} and {}, others {} and {}; threads {} and {}",
        before.sockets, after.sockets, before.files, after.files, before.threads, after.threads
    );
    ensure!(after.sockets == before.sockets, "{} sockets were lost", after.sockets - before.sockets);
    server.end()
}

/// Everybody who makes the load.
fn load(stage: &Arc<Stage>, rate: u64, seed: u64) -> Vec<(String, JoinHandle<()>)> {
    let mut load = Vec::new();
    let mut add = |name: String, work: Box<dyn FnOnce(&Stage) -> Result<()> + Send>| {
        let (stage, who) = (Arc::clone(stage), name.clone());
        let work = move || {
            if let Err(error) = work(&stage) {
                stage.wrong(format!("{who}: {error:#}"));
            }
        };
        load.push((name, thread::spawn(work)));
    };
    let pace = Duration::from_secs(PRODUCTIONS) / u32::try_from(rate).unwrap_or(u32::MAX);
    for which in 0..PRODUCTIONS {
        add(format!("writer {which}"), Box::new(move |stage| writer::run(stage, which, pace, seed)));
    }
    add("resolver".into(), Box::new(move |stage| writer::resolve(stage, seed)));
    for over_events in [false, true] {
        for which in 0..watcher::VIEWS {
            let stay = move |stage: &Stage| watcher::stay(stage, which, over_events);
            add(format!("watcher {which} that stays"), Box::new(stay));
        }
        for which in 0..COME_AND_GO {
            let which = which + if over_events { COME_AND_GO } else { 0 };
            let come = move |stage: &Stage| watcher::come_and_go(stage, which, over_events, seed);
            add(format!("watcher {which} that comes and goes"), Box::new(come));
        }
    }
    add("reader".into(), Box::new(move |stage| watcher::read(stage, seed)));
    for which in 0..SHOWS {
        add(format!("show {which}"), Box::new(move |stage| watcher::play(stage, which)));
    }
    load
}

/// Looks until the time is over or something went wrong; hours and KiB.
fn sample(
    stage: &Stage,
    server: &Server,
    wanted: &Wanted,
    file: &std::path::Path,
) -> Result<Vec<(f64, f64)>> {
    let (began, minutes) = (Instant::now(), Duration::from_secs(60 * wanted.minutes));
    let (mut samples, mut written) = (Vec::new(), 0);
    let mut table = String::from("seconds,rss_kib,sockets,files,threads,cpu_seconds,mutations\n");
    while began.elapsed() < minutes && stage.wrongs().is_empty() {
        stage.rest(LOOK);
        let seen = Figures::of(server.pid())?;
        let seconds = began.elapsed().as_secs_f64();
        let Figures { rss, sockets, files, threads, cpu } = seen;
        samples.push((seconds / 3600.0, rss as f64));
        let now = stage.written.load(Ordering::Relaxed);
        let _ = writeln!(table, "{seconds:.1},{rss},{sockets},{files},{threads},{cpu:.2},{now}");
        fs::write(file, &table)?;
        if samples.len() % 6 == 0 {
            println!(
                "{:4.0} min: {:6.1} MiB, {sockets} sockets, {files} other descriptors, {threads} threads, \
                 {:.0} mutations/s, {cpu:.0} s of processor time",
                seconds / 60.0,
                rss as f64 / 1024.0,
                (now - written) as f64 / (6.0 * LOOK.as_secs_f64())
            );
            written = now;
        }
    }
    Ok(samples)
}

/// What the server has once nobody is connected: as many sockets as before, or none fewer within a minute.
fn settled(server: &Server, sockets: Option<usize>) -> Result<Figures> {
    let until = Instant::now() + sockets.map_or(Duration::from_secs(1), |_| LEAVE_MAX);
    loop {
        let seen = Figures::of(server.pid())?;
        if Instant::now() > until || sockets == Some(seen.sockets) {
            return Ok(seen);
        }
        thread::sleep(Duration::from_millis(100));
    }
}

fn judge(stage: &Stage, wanted: &Wanted, samples: &[(f64, f64)]) -> Result<()> {
    let wrongs = stage.wrongs();
    if !wrongs.is_empty() {
        bail!("{}", wrongs.join("; "));
    }
    for needed in ["put", "patched", "deleted", "batches", "late", "conflicts resolved", "start", "stop"] {
        ensure!(stage.counted(needed) > 0, "nothing was {needed}: that proves nothing");
    }
    let warm = samples[samples.len() / 4..].to_vec();
    let all = slope::of(&warm).context("too few samples for a slope")?;
    println!(
        "memory behind the first quarter: {:+.0} KiB an hour, standard error {:.0}, {} looks",
        all.per,
        all.error,
        warm.len()
    );
    let lowest = slope::lowest(&warm, SPAN);
    if let Some(low) = slope::of(&lowest) {
        println!(
            "of the lowest of each five minutes: {:+.0} KiB an hour, standard error {:.0}",
            low.per, low.error
        );
    }
    // What cannot be told from no growth is none; a run that is too noisy to tell says so by its standard error.
    ensure!(
        wanted.minutes < MINUTES_TO_JUDGE || all.per - 2.0 * all.error < GROWTH_KIB_MAX,
        "memory grows by more than {GROWTH_KIB_MAX} KiB an hour"
    );
    Ok(())
}
