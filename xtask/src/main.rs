//! The project's own chores, as `cargo xtask CHORE`: what to run before a change is offered, and what CI runs.
//!
//! A chore that is also a check is a step of `steps::all`, so that there is one list of what must hold.

mod flags;
mod inside;
mod needs;
mod outside;
mod process;
mod repository;
mod round;
mod steps;
mod tidy;

use std::env;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::flags::Flags;
use crate::repository::Repository;

const USAGE: &str = "\
usage: cargo xtask CHORE

  test [--only STEP]   run every step in order and stop at the first that fails
  steps                list the steps
  crash --rounds N [--onair PATH] [--power]
                       kill -9 under load, N times in a row, or the power goes; PATH: a release build, for many rounds
  show --rounds N [--seed S]
                       kill -9 in the midst of a show, N times in a row
  show --round N --seed S
                       that round of that seed alone
  syscalls [--play NAME] [--points N]
                       death or a failure at every system call that writes, or at N of each play
  bits [--each N]      every bit of a small log flipped, or N of each kind of damage
  fuzz [--target NAME] [--seconds N]
                       make inputs up for what reads bytes from outside, N seconds (60) for each target
  sim                  1,000 seeds of the whole server; more: cargo run -p onair-sim -- --seeds N
  planted              plant each bug and have it found
  overload [--only PART] [--clients N] [--onair PATH]
                       all come back at once, some never read, descriptors and memory are short
  soak --minutes N [--rate R] [--onair PATH]
                       R mutations a second (300) and all that goes with them: what grows
  tidy                 run the tidy checks alone
  types                write packages/client/src/types.generated.ts from the Rust types";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match dispatch(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Does what the command line says; `false` when a step failed, an error when the usage is wrong.
fn dispatch(arguments: &[&str]) -> Result<bool> {
    match arguments {
        ["test"] => Ok(round::run(&Repository::open()?, &steps::all())),
        ["test", "--only", name] => Ok(round::run(&Repository::open()?, &[steps::named(name)?])),
        ["tidy"] => Ok(round::run(&Repository::open()?, &[steps::named("tidy")?])),
        ["types"] => inside::types(&Repository::open()?).map(|()| true),
        ["crash", flags @ .., "--power"] => crash(flags, true),
        ["crash", flags @ ..] => crash(flags, false),
        ["syscalls"] => syscalls(None, None),
        ["syscalls", "--points", points] => syscalls(Some(points.parse()?), None),
        ["syscalls", "--play", play] => syscalls(None, Some(play)),
        ["syscalls", "--play", play, "--points", points] => syscalls(Some(points.parse()?), Some(play)),
        ["bits"] => inside::bits(&Repository::open()?, "all").map(|()| true),
        ["bits", "--each", number] => inside::bits(&Repository::open()?, number).map(|()| true),
        ["fuzz"] => fuzz(None, 60),
        ["fuzz", "--seconds", seconds] => fuzz(None, seconds.parse()?),
        ["fuzz", "--target", target] => fuzz(Some(target), 60),
        ["fuzz", "--target", target, "--seconds", seconds] => fuzz(Some(target), seconds.parse()?),
        ["show", "--rounds", rounds] => show(random_seed(), 1, rounds.parse()?),
        ["show", "--rounds", rounds, "--seed", seed] => show(seed.parse()?, 1, rounds.parse()?),
        ["show", "--round", round, "--seed", seed] => show(seed.parse()?, round.parse()?, round.parse()?),
        ["sim"] => Ok(round::run(&Repository::open()?, &[steps::named("sim")?])),
        ["planted"] => outside::planted(&Repository::open()?),
        ["overload", flags @ ..] => {
            let flags = Flags::of(flags, &["only", "clients", "onair"])?;
            let wanted = outside::Overload {
                only: flags.text("only"),
                clients: usize::try_from(flags.number("clients")?.unwrap_or(10_000))?,
                onair: flags.text("onair").map(Into::into),
            };
            outside::overload_rounds(&Repository::open()?, &wanted).map(|()| true)
        }
        ["soak", flags @ ..] => {
            let flags = Flags::of(flags, &["minutes", "rate", "onair"])?;
            let wanted = outside::Soak {
                minutes: flags.number("minutes")?.unwrap_or(60),
                rate: flags.number("rate")?.unwrap_or(300),
                onair: flags.text("onair").map(Into::into),
            };
            outside::soak(&Repository::open()?, &wanted).map(|()| true)
        }
        // A service of that show, started by the server.
        ["stand-in", address] => outside::stand_in(address).map(|()| true),
        ["steps"] => {
            for step in steps::all() {
                println!("{:<14} {}", step.name, step.about);
            }
            Ok(true)
        }
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(true)
        }
        _ => bail!("{}", USAGE),
    }
}

/// Ends a server under load so many times, by a kill or by the power.
fn crash(flags: &[&str], power: bool) -> Result<bool> {
    let flags = Flags::of(flags, &["rounds", "onair"])?;
    let rounds = flags.number("rounds")?.context("--rounds is how many")?;
    let wanted =
        outside::Crash { rounds: rounds.try_into()?, power, onair: flags.text("onair").map(Into::into) };
    let outcome = outside::crash_rounds(&Repository::open()?, &wanted)?;
    Ok(matches!(outcome, steps::Outcome::Passed(_)))
}

fn syscalls(points: Option<usize>, play: Option<&str>) -> Result<bool> {
    let outcome = outside::syscalls_points(&Repository::open()?, points, play)?;
    if let steps::Outcome::Failed(_, why) = &outcome {
        println!("{why}");
    }
    Ok(matches!(outcome, steps::Outcome::Passed(_)))
}

/// Plays the rounds of a seed from the first to the last.
fn show(seed: u64, first: u32, last: u32) -> Result<bool> {
    let wanted = outside::Wanted { seed, first, last };
    let outcome = outside::show_rounds(&Repository::open()?, &wanted)?;
    Ok(matches!(outcome, steps::Outcome::Passed(_)))
}

/// Fuzzes one target, or each in turn.
fn fuzz(target: Option<&str>, seconds: u32) -> Result<bool> {
    let wanted = outside::Fuzz { seconds, target: target.map(str::to_owned) };
    let outcome = outside::fuzz(&Repository::open()?, &wanted)?;
    if let steps::Outcome::Failed(_, why) = &outcome {
        eprintln!("{why}");
    }
    Ok(matches!(outcome, steps::Outcome::Passed(_)))
}

fn random_seed() -> u64 {
    u64::from(std::process::id())
}
