//! Plants each bug that the simulation is to find, and plays seeds until it is found (rule 3 of the harness).

use std::{
    panic,
    time::{Duration, Instant},
};

use onair_sim::run;
use onair_wire::planted::{Bug, Finder, plant};

/// Within this time each is found.
const TIME_MAX: Duration = Duration::from_secs(600);

/// Looks for one bug, or for all of the simulation's; whether each was found.
pub(crate) fn hunt(name: Option<&str>, first: u64) -> bool {
    let wanted = |bug: &&Bug| match name {
        Some(name) => bug.name() == name,
        None => bug.finder() == Finder::Simulation,
    };
    let bugs: Vec<Bug> = Bug::ALL.iter().filter(wanted).copied().collect();
    // What panics under a planted bug is found, and need not be shown.
    panic::set_hook(Box::new(|_| {}));
    let mut all = !bugs.is_empty();
    for bug in bugs {
        let begun = Instant::now();
        plant(Some(bug));
        let found = (first..).take_while(|_| begun.elapsed() < TIME_MAX).find_map(|seed| {
            match panic::catch_unwind(|| run(seed, false)) {
                Ok(outcome) => outcome.wrong.into_iter().next().map(|what| (seed, what)),
                Err(_) => Some((seed, "the server panics".to_owned())),
            }
        });
        plant(None);
        let took = begun.elapsed().as_secs_f64();
        all &= found.is_some();
        match found {
            Some((seed, what)) => {
                let what: String = what.chars().take(110).collect();
                println!("{:<24} {took:>7.1} s  seed {seed:>5}  {what}", bug.name());
            }
            None => println!("{:<24} {took:>7.1} s  NOT FOUND", bug.name()),
        }
    }
    all
}

/// The bugs that the simulation cannot reach, each with the test that finds it: a line for each, for `cargo xtask planted`.
pub(crate) fn list() {
    for bug in Bug::ALL {
        if let Finder::Test(arguments) = bug.finder() {
            println!("{} {}", bug.name(), arguments.join(" "));
        }
    }
}
