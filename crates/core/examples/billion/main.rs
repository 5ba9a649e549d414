//! A billion commands through the pure core (goal G6): made up by a seed, decided, and folded four ways that must agree.
//!
//! `cargo run --release -p onair-core --example billion -- --commands N --seed S [--threads T]`. Productions live short,
//! so that a replay from the first commit costs no more than the life it replays; `epoch.rs` says what is compared.

#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a program around the core, which tells somebody how long it took"
)]

mod chance;
mod epoch;
mod world;

use std::{
    env,
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Instant,
};

use epoch::Tally;

const USAGE: &str =
    "usage: billion [--commands N] [--seed S] [--threads T] [--epoch E, to play that one alone]";

/// Commands between two lines of progress.
const REPORT: u64 = 10_000_000;

fn main() -> ExitCode {
    let Some([commands, seed, threads, alone]) = read() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    if alone > 0 {
        println!("{:?}", epoch::play(seed, alone));
        return ExitCode::SUCCESS;
    }
    println!("{commands} commands, seed {seed}, {threads} threads");
    let (begun, next, done) = (Instant::now(), AtomicU64::new(1), AtomicU64::new(0));
    let work = || {
        let mut tally = Tally::default();
        while done.load(Ordering::Relaxed) < commands {
            let epoch = epoch::play(seed, next.fetch_add(1, Ordering::Relaxed));
            tally = tally.plus(&epoch);
            let before = done.fetch_add(epoch.commands, Ordering::Relaxed);
            let after = before + epoch.commands;
            if before / REPORT != after / REPORT {
                println!("{after} commands after {:.0} s", begun.elapsed().as_secs_f64());
            }
        }
        tally
    };
    let tallies: Vec<Tally> = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no fold disagrees")).collect()
    });
    let tally = tallies.iter().fold(Tally::default(), |sum, tally| sum.plus(tally));
    println!("{tally:#?}\nno fold disagreed, in {:.1} s", begun.elapsed().as_secs_f64());
    ExitCode::SUCCESS
}

/// Commands, seed, threads, and the epoch that is meant alone, 0 for none.
fn read() -> Option<[u64; 4]> {
    let mut said = [1_000_000, 1, 1, 0];
    let mut arguments = env::args().skip(1);
    while let Some(name) = arguments.next() {
        let place =
            ["--commands", "--seed", "--threads", "--epoch"].iter().position(|known| *known == name)?;
        said[place] = arguments.next()?.parse().ok()?;
    }
    Some(said)
}
