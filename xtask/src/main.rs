//! The project's own chores, as `cargo xtask CHORE`: what to run before a change is offered, and what CI runs.
//!
//! A chore that is also a check is a step of `steps::all`, so that there is one list of what must hold.

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

use anyhow::{Result, bail};

use crate::repository::Repository;

const USAGE: &str = "\
usage: cargo xtask CHORE

  test [--only STEP]   run every step in order and stop at the first that fails
  steps                list the steps
  crash --rounds N     kill -9 under load, N times in a row
  tidy                 run the tidy checks alone";

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
        ["crash", "--rounds", rounds] => {
            let outcome = outside::crash_rounds(&Repository::open()?, rounds.parse()?)?;
            Ok(matches!(outcome, steps::Outcome::Passed(_)))
        }
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
