//! Rounds, one behind the other on one data directory: press, kill, restart, wait, check, mend.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::check::{self, Log};
use super::driver::{Driver, PATIENCE, manifest};
use super::plan::Round;
use super::scene::Scene;
use super::world::{CALLED, ENCODER};
use super::{agent, encoder, feed};
use crate::outside::{build_onair, server::Server};
use crate::repository::Repository;
use crate::steps::{Outcome, Tally};

/// The longest that a kill waits for calls that do not come.
const KILL: Duration = Duration::from_secs(10);
/// The same, for a kill that comes behind another.
const KILL_AGAIN: Duration = Duration::from_millis(500);

/// Which rounds.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// What everything is drawn from.
    pub(crate) seed: u64,
    /// The number of the first.
    pub(crate) first: u32,
    /// The number of the last.
    pub(crate) last: u32,
}

/// All that is there beside the server.
struct Stage {
    onair: PathBuf,
    dir: PathBuf,
    scene: Arc<Scene>,
    feed: String,
    encoder: String,
    server: Option<Server>,
    driver: Driver,
    /// Servers that were started.
    servers: u32,
    kills: u32,
    found: BTreeMap<String, u32>,
}

pub(super) fn run(repository: &Repository, wanted: &Wanted) -> Result<Outcome> {
    let (seed, rounds) = (wanted.seed, wanted.last + 1 - wanted.first);
    println!("seed {seed}, {rounds} rounds");
    let mut stage = Stage::open(build_onair(repository)?, repository.target()?.join("outside/show"), seed)?;
    let played = stage.play(wanted);
    stage.close()?;
    let kept = stage.keep()?;
    played.with_context(|| {
        let dir = stage.dir.display();
        format!("seed {seed}; the data, logs, commits and {kept} calls are kept in {dir}")
    })?;
    let (hits, all) = stage.print();
    ensure!(hits * 4 >= all, "only {hits} of {all} kills met a sequence: that proves little");
    Ok(Outcome::Passed(Tally::default()))
}

impl Stage {
    fn open(onair: PathBuf, dir: PathBuf, seed: u64) -> Result<Self> {
        if dir.exists() {
            fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))?;
        }
        fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let scene = Arc::new(Scene::new(seed));
        let (to_feed, to_encoder) = (TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?);
        let (feed, encoder) = (to_feed.local_addr()?.to_string(), to_encoder.local_addr()?.to_string());
        for service in ["host", "producer"] {
            let scene = Arc::clone(&scene);
            thread::spawn(move || agent::run(&scene, service));
        }
        let seen = Arc::clone(&scene);
        thread::spawn(move || feed::run(&seen, &to_feed));
        let seen = Arc::clone(&scene);
        thread::spawn(move || encoder::run(&seen, &to_encoder));
        let config = format!(
            "[process.{ENCODER}]\ncommand = [{:?}, \"stand-in\", {encoder:?}]\nready = {:?}\ngrace_ms = 2000\n",
            std::env::current_exe()?,
            encoder::READY
        );
        fs::write(dir.join("onair.toml"), config)?;
        let found = BTreeMap::new();
        let (server, driver) = (None, Driver::new("", ""));
        Ok(Self { onair, dir, scene, feed, encoder, server, driver, servers: 0, kills: 0, found })
    }

    /// Starts a server on what the one before has left.
    fn serve(&mut self) -> Result<()> {
        self.servers += 1;
        let log = self.dir.join("server.log");
        if log.exists() {
            fs::rename(&log, self.dir.join(format!("server-{}.log", self.servers - 1)))?;
        }
        let mut onair = Command::new(&self.onair);
        onair
            .env("SHOW_SECRET", "not so secret")
            .env("ONAIR_OUTBOUND_ALLOW", &self.feed)
            .env("ONAIR_CONFIG", self.dir.join("onair.toml"));
        let server = Server::start(&mut onair, &self.dir)?;
        self.driver = Driver::new(server.api(), server.admin_token());
        self.scene.set_server(Some(server.api().to_owned()));
        self.server = Some(server);
        Ok(())
    }

    fn kill(&mut self) -> Result<()> {
        let server = self.server.take().context("a server runs")?;
        server.kill_now()?;
        self.scene.set_server(None);
        server.kill();
        Ok(())
    }

    fn play(&mut self, wanted: &Wanted) -> Result<()> {
        self.serve()?;
        self.driver.create(&manifest(&self.feed))?;
        for number in wanted.first..=wanted.last {
            let began = Instant::now();
            let round = Round::of(wanted.seed, number);
            let (phase, found) =
                self.round(number, &round).with_context(|| format!("round {number}, {round:?}"))?;
            let took = began.elapsed().as_secs_f32();
            println!("round {number}: killed with {}, then {phase}, {took:.1} s", found.join(" and "));
        }
        self.kill()?;
        // Nobody is there to end it but its guard.
        let until = Instant::now() + PATIENCE;
        while self.scene.world().encoders > 0 {
            ensure!(Instant::now() < until, "an encoder outlives the server");
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// From `ready` over kills to `ready`; says where the show rested in between, and what the kills met.
    fn round(&mut self, number: u32, round: &Round) -> Result<(String, Vec<String>)> {
        let before = self.driver.mend(&self.scene)?["revision"].as_u64().unwrap_or_default();
        self.scene.world().round = number;
        self.scene.rough.store(true, Ordering::Relaxed);
        self.press_and_kill(round)?;
        let said = self.driver.rest(&self.scene)?;
        self.hold(&said)?;
        let phase = said["lifecycle"]["phase"].as_str().unwrap_or_default().to_owned();
        self.scene.rough.store(false, Ordering::Relaxed);
        let said = self.driver.mend(&self.scene)?;
        self.hold(&said)?;
        let mut log = Log::default();
        self.driver.commits(before)?.iter().for_each(|commit| log.take(commit));
        let wrongs = log.against(&self.scene.world());
        ensure!(wrongs.is_empty(), "{}", wrongs.join("; "));
        let mut found = log.found;
        // A server that finds everything as it should be has nothing to write.
        found.resize(round.kills.len(), "nothing under way".into());
        for found in &found {
            *self.found.entry(found.clone()).or_default() += 1;
        }
        Ok((phase, found))
    }

    fn press_and_kill(&mut self, round: &Round) -> Result<()> {
        let dead = Arc::new(AtomicBool::new(false));
        let mut from = self.scene.world().count;
        let mut operators = self.driver.operate(&self.scene, from, round.operators.clone(), &dead);
        let mut longest = KILL;
        for (calls, ms) in &round.kills {
            let pressed = || !operators.is_empty() && operators.iter().all(JoinHandle::is_finished);
            self.scene.wait_for(from + calls, longest, pressed);
            thread::sleep(Duration::from_millis(*ms));
            dead.store(true, Ordering::Relaxed);
            self.kill()?;
            self.kills += 1;
            for operator in operators.drain(..) {
                operator.join().map_err(|_| anyhow::anyhow!("an operator panicked"))?;
            }
            self.serve()?;
            // Behind the first kill there may be nothing to go on with, so that nothing is asked.
            (from, longest) = (self.scene.world().count, KILL_AGAIN);
        }
        Ok(())
    }

    /// That both say the same.
    fn hold(&self, said: &Value) -> Result<()> {
        let world = self.scene.world();
        let mut wrongs = check::at_rest(said, &world);
        wrongs.extend(world.wrongs.iter().cloned());
        if !wrongs.is_empty() {
            bail!("{}; {}", wrongs.join("; "), check::both(said, &world));
        }
        Ok(())
    }

    /// Lets everybody go.
    fn close(&self) -> Result<()> {
        self.scene.over.store(true, Ordering::Relaxed);
        for address in [&self.feed, &self.encoder] {
            drop(TcpStream::connect(address)?);
        }
        Ok(())
    }

    /// Writes every call down, and the log while a server is there that tells it; how many calls there were.
    fn keep(&self) -> Result<usize> {
        if self.server.is_some() {
            let mut file = fs::File::create(self.dir.join("commits.jsonl"))?;
            // One that answers nothing any more is a finding of its own, which was told by then.
            for commit in self.driver.commits(0).unwrap_or_default() {
                writeln!(file, "{commit}")?;
            }
        }
        let mut file = fs::File::create(self.dir.join("calls.jsonl"))?;
        let world = self.scene.world();
        for call in &world.calls {
            writeln!(file, "{}", call.to_value())?;
        }
        Ok(world.calls.len())
    }

    /// Prints the figures; how many kills met a sequence, of how many.
    fn print(&self) -> (u32, u32) {
        println!("\nwhat the kills met:");
        let mut found: Vec<(&String, &u32)> = self.found.iter().collect();
        found.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), (*name).clone()));
        for (name, count) in found {
            println!("{count:>5}  {name}");
        }
        let hits = self.found.iter().filter(|(name, _)| name.contains(" / ")).map(|(_, count)| count).sum();
        let world = self.scene.world();
        let (calls, again, saved, services) =
            (world.calls.len(), world.again, world.saved, CALLED.join(", "));
        println!(
            "{} kills, {hits} of them with a sequence under way; {calls} calls to {services}, {again} of them under a \
             key that was asked before, {saved} of those done before; 0 done twice, 0 left on, 0 off that should be on",
            self.kills
        );
        (hits, self.kills)
    }
}
