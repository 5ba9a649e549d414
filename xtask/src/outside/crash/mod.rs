//! `kill -9` or a power cut under load, again and again: every acknowledged commit is there, revisions have no hole, none
//! is used twice, and a client that resumes sees neither a gap nor a duplicate (rows D4, D6, D7; faults F1 and F3).
//!
//! One data directory lives through all rounds. In each, writers send mutations with several under way, and keep a
//! ledger of what was acknowledged; at a random moment the server is killed. After the restart a reader resumes from
//! where the last round ended, checks every commit against the ledger, and sends the last mutation of each writer once
//! more: it must be known, and change nothing. Meanwhile subscribers of three ways follow each production through all
//! kills; what they heard must be, in the end, what the log has.

mod blow;
mod ledger;
mod subscriber;
mod writer;

use std::{
    fs,
    path::PathBuf,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use super::{build_onair, chance::Chance, client, server::Server};
use crate::repository::Repository;
use crate::steps::{Outcome, Tally};

use blow::Blow;
use subscriber::{Subscriber, Way};

pub(super) use ledger::Ledger;
pub(super) use writer::Written;

/// Productions written to at once.
const PRODUCTIONS: usize = 3;
/// Writers of each production.
const WRITERS: usize = 3;
/// Of so many rounds a subscriber sits one out, so that it resumes over several kills.
const SITS_OUT: u64 = 4;
/// Rounds in `cargo xtask test`; a release is held to a thousand.
const ROUNDS_IN_TEST: u32 = 12;
/// The longest time from the first acknowledgement to the kill.
const LOAD_MS_MAX: u64 = 120;

/// The step of `cargo xtask test`.
pub(crate) fn crash(repository: &Repository) -> Result<Outcome> {
    run(repository, &Wanted { rounds: ROUNDS_IN_TEST, power: false, onair: None })
}

/// What is wanted.
pub(crate) struct Wanted {
    pub(crate) rounds: u32,
    /// The power goes, rather than the process.
    pub(crate) power: bool,
    /// A server that was built already; else the one that tests use, which reads its log at each start slower and slower.
    pub(crate) onair: Option<PathBuf>,
}

/// Runs so many rounds, each ended by a kill or by the power.
pub(crate) fn run(repository: &Repository, wanted: &Wanted) -> Result<Outcome> {
    let &Wanted { rounds, power, ref onair } = wanted;
    let onair = onair.clone().map_or_else(|| build_onair(repository), Ok)?;
    let dir = repository.target()?.join("outside/crash");
    if dir.exists() {
        fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let blow = if power { Blow::power_cut(&dir)? } else { Blow::Kill };
    let seed = u64::from(std::process::id());
    println!("seed {seed}, {rounds} rounds, {PRODUCTIONS} productions with {WRITERS} writers each");
    let mut chance = Chance::new(seed);
    let mut ledgers: Vec<Ledger> = (0..PRODUCTIONS).map(|n| Ledger::new(format!("show-{n}"))).collect();
    let follow = |ledger: &Ledger| Way::ALL.map(|way| Subscriber::new(way, ledger.production()));
    let mut subscribers: Vec<Subscriber> = ledgers.iter().flat_map(follow).collect();
    for round in 1..=rounds {
        let server = Server::start(&mut Command::new(&onair), &dir)?;
        for ledger in &mut ledgers {
            if round == 1 {
                client::create(server.api(), server.admin_token(), ledger.production())?;
            }
            ledger
                .check(server.api())
                .with_context(|| format!("round {round}, seed {seed}, {}", ledger.production()))?;
        }
        let listeners = listen(&server, &mut subscribers, &mut chance);
        let loaded = load(&server, &blow, &mut ledgers, round, chance.below(LOAD_MS_MAX));
        server.kill();
        for listener in listeners {
            let heard = listener.join().map_err(|_| anyhow::anyhow!("a subscriber panicked"))?;
            subscribers.push(heard.with_context(|| format!("round {round}, seed {seed}"))?);
        }
        loaded?;
        blow.come_back()?;
    }
    let server = Server::start(&mut Command::new(&onair), &dir)?;
    let (mut acknowledged, mut commits) = (0, 0);
    for ledger in &mut ledgers {
        ledger.check(server.api()).with_context(|| format!("after the last round, seed {seed}"))?;
        acknowledged += ledger.acknowledged();
        commits += ledger.commits();
    }
    let (heard, resumed) = compare(&server, &ledgers, &mut subscribers)
        .with_context(|| format!("after the last round, seed {seed}"))?;
    server.end()?;
    println!(
        "{rounds} {}, {acknowledged} mutations acknowledged, {commits} commits found, 0 lost, 0 twice, no hole; {} \
         subscribers resumed {resumed} times and heard {heard} commits, each once, in order, as the log has them",
        blow.name(),
        subscribers.len()
    );
    ensure!(resumed >= u64::from(rounds.saturating_sub(1)), "only {resumed} resumes: that proves nothing");
    ensure!(
        acknowledged >= u64::from(rounds),
        "only {acknowledged} mutations were acknowledged: that proves nothing"
    );
    Ok(Outcome::Passed(Tally::default()))
}

/// Has most subscribers listen until the server is gone, each in a thread of its own, which gives it back.
fn listen(
    server: &Server,
    subscribers: &mut Vec<Subscriber>,
    chance: &mut Chance,
) -> Vec<JoinHandle<Result<Subscriber>>> {
    let listens = |_: &mut Subscriber| chance.below(SITS_OUT) > 0;
    let listening: Vec<Subscriber> = subscribers.extract_if(.., listens).collect();
    let listen = |mut subscriber: Subscriber| {
        let api = server.api().to_owned();
        thread::spawn(move || subscriber.listen(&api, None).map(|()| subscriber))
    };
    listening.into_iter().map(listen).collect()
}

/// Lets every subscriber hear the rest, and holds all that it heard against the log read from its beginning. How many
/// commits were heard in all, and how often somebody resumed.
fn compare(server: &Server, ledgers: &[Ledger], subscribers: &mut [Subscriber]) -> Result<(u64, u64)> {
    let (mut heard, mut resumed) = (0, 0);
    for ledger in ledgers {
        let mut log = Subscriber::new(Way::Poll, ledger.production());
        log.listen(server.api(), Some(ledger.commits()))?;
        let its = |subscriber: &&mut Subscriber| subscriber.production() == ledger.production();
        for subscriber in subscribers.iter_mut().filter(its) {
            subscriber.listen(server.api(), Some(ledger.commits()))?;
            subscriber.must_equal(&log)?;
            heard += subscriber.heard();
            resumed += subscriber.resumed();
        }
    }
    Ok((heard, resumed))
}

/// Writes until some time after the first acknowledgement, and notes what was acknowledged up to the blow.
fn load(server: &Server, blow: &Blow, ledgers: &mut [Ledger], round: u32, ms: u64) -> Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut writers = Vec::new();
    for (which, ledger) in ledgers.iter().enumerate() {
        for number in 0..WRITERS {
            let (api, production) = (server.api().to_owned(), ledger.production().to_owned());
            let (name, stop) = (format!("r{round}w{number}"), Arc::clone(&stop));
            writers.push((which, thread::spawn(move || writer::run(&api, &production, &name, &stop))));
        }
    }
    thread::sleep(Duration::from_millis(30 + ms));
    blow.strike(server)?;
    stop.store(true, Ordering::Relaxed);
    for (which, writer) in writers {
        let written = writer.join().map_err(|_| anyhow::anyhow!("a writer panicked"))??;
        ledgers[which].note(written);
    }
    Ok(())
}
