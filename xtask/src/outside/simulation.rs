//! The whole server in one thread from a seed (`crates/sim`): some hundred seeds as a step, and the planted bugs that prove
//! that such a run finds something.

use std::process::Command;

use anyhow::Result;

use super::built;
use crate::process::{cargo, output, run, watched};
use crate::repository::Repository;
use crate::steps::{Outcome, Tally};

/// Seeds of the step: a third of a second of processor time each, as the tests are built. A hundred thousand are a command away.
const SEEDS: usize = 1_000;
/// Runs at once: each has one thread.
const THREADS: &str = "2";

/// The step `sim`.
pub(crate) fn sim(repository: &Repository) -> Result<Outcome> {
    let program = built(repository, "onair-sim", &["--package", "onair-sim"])?;
    let mut failed = 0;
    let seeds = SEEDS.to_string();
    let mut command = Command::new(program);
    command.current_dir(repository.root()).args(["--seeds", seeds.as_str(), "--threads", THREADS]);
    let held = watched(&mut command, |line| failed += usize::from(line.starts_with("seed ")))?;
    let tally = Tally { passed: SEEDS - failed.min(SEEDS), failed };
    Ok(match (held, failed) {
        (true, _) => Outcome::Passed(tally),
        (false, 0) => {
            Outcome::Failed(tally, "too little happened for the seeds to prove anything".to_owned())
        }
        (false, failed) => Outcome::Failed(tally, format!("{failed} of {SEEDS} seeds failed")),
    })
}

/// Plants every bug and has it found: by the simulation, or by the tests named for it. Whether all were.
pub(crate) fn planted(repository: &Repository) -> Result<bool> {
    let chosen = ["--package", "onair-sim", "--features", "planted-bugs"];
    let program = built(repository, "onair-sim", &chosen)?;
    let mut found = watched(Command::new(&program).arg("--planted"), |_| {})?;
    let elsewhere = output(Command::new(&program).arg("--planted-elsewhere"))?;
    for line in elsewhere.lines() {
        let (bug, test) = line.split_once(' ').unwrap_or((line, ""));
        let words: Vec<&str> = test.split(' ').collect();
        // All features of all packages, as the tests are built anyway.
        let all = ["--workspace", "--all-features", "--quiet"];
        run(&mut cargo(repository, &[&["test", "--no-run"], &all[..], &words[..]].concat()))?;
        let test = [&["test", "--no-fail-fast"], &all[..], &words[..]].concat();
        // A test that fails is what is wanted; its output would be read as bad news.
        let ended = cargo(repository, &test).env("ONAIR_PLANTED_BUG", bug).output()?;
        let caught = !ended.status.success();
        println!("{bug:<24} {}  cargo test {}", if caught { "found" } else { "NOT FOUND" }, words.join(" "));
        found &= caught;
    }
    Ok(found)
}
