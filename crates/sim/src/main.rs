//! Runs simulations: `onair-sim --seeds N [--from S]`, or one of them told in full: `--seed S --trace`.

#[cfg(feature = "planted-bugs")]
mod planted;

use std::{
    env,
    panic::{self, AssertUnwindSafe},
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Instant,
};

use onair_sim::{Counts, Outcome, run};

const USAGE: &str = "\
usage: onair-sim --seeds N [--from S] [--threads T] [--twice K]
       onair-sim --seed S [--trace]

  --seeds N    play N runs, from seed S on (1 unless said otherwise)
  --twice K    play every K-th run twice and compare the traces (20 unless said otherwise; 0 for none)
  --threads T  play so many at once; each is in one thread (1 unless said otherwise)
  --seed S     play one run
  --trace      and say what happens";

/// Below so many seeds counters prove nothing.
const FLOORS_FROM: u64 = 500;

#[derive(Debug)]
struct Wanted {
    first: u64,
    count: u64,
    threads: u64,
    twice: u64,
    told: bool,
}

fn main() -> ExitCode {
    #[cfg(feature = "planted-bugs")]
    if let Some(found) = plant(&env::args().skip(1).collect::<Vec<_>>()) {
        return if found { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    match read(env::args().skip(1)) {
        Some(wanted) if play(&wanted) => ExitCode::SUCCESS,
        Some(_) => ExitCode::FAILURE,
        None => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// `--planted [NAME]`, and `--planted-elsewhere` for the list of those that tests find.
#[cfg(feature = "planted-bugs")]
fn plant(words: &[String]) -> Option<bool> {
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--planted"] => Some(planted::hunt(None, 1)),
        ["--planted", name] => Some(planted::hunt(Some(name), 1)),
        ["--planted-elsewhere"] => {
            planted::list();
            Some(true)
        }
        _ => None,
    }
}

fn read(mut words: impl Iterator<Item = String>) -> Option<Wanted> {
    let mut wanted = Wanted { first: 1, count: 0, threads: 1, twice: 20, told: false };
    while let Some(word) = words.next() {
        let mut number = || words.next()?.parse().ok();
        match word.as_str() {
            "--seeds" => wanted.count = number()?,
            "--from" => wanted.first = number()?,
            "--threads" => wanted.threads = number()?,
            "--twice" => wanted.twice = number()?,
            "--seed" => (wanted.first, wanted.count, wanted.twice) = (number()?, 1, 1),
            "--trace" => (wanted.told, wanted.twice) = (true, 0),
            _ => return None,
        }
    }
    (wanted.count > 0 && wanted.threads > 0).then_some(wanted)
}

/// Whether all is well.
fn play(wanted: &Wanted) -> bool {
    let begun = Instant::now();
    let next = AtomicU64::new(wanted.first);
    let end = wanted.first + wanted.count;
    let one = || {
        let (mut counts, mut bad) = (Counts::default(), Vec::new());
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return (counts, bad);
            }
            match seen(seed, wanted) {
                Ok(outcome) => counts.add(&outcome.counts),
                Err(what) => {
                    println!("seed {seed}: {}", what.join("\n  "));
                    println!("  again: cargo run -p onair-sim -- --seed {seed} --trace");
                    bad.push(seed);
                }
            }
        }
    };
    let mut all = Counts::default();
    let mut bad = Vec::new();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..wanted.threads).map(|_| scope.spawn(one)).collect();
        for thread in threads {
            let (counts, found) = thread.join().expect("a thread of runs catches what panics");
            all.add(&counts);
            bad.extend(found);
        }
    });
    let took = begun.elapsed();
    let per_seed = took.as_secs_f64() * 1_000.0 / wanted.count as f64;
    print!("{all}");
    println!(
        "{} seeds from {} in {:.1} s, {per_seed:.1} ms each",
        wanted.count,
        wanted.first,
        took.as_secs_f64()
    );
    let mut well = bad.is_empty();
    if wanted.count >= FLOORS_FROM {
        for (fault, fired, floor) in all.below_floor(wanted.count) {
            println!("{} fired {fired} times, {floor} at least must be", fault.name());
            well = false;
        }
        if all.done * 2 < all.asked {
            println!(
                "of {} things that were asked for {} were done, half at least must be",
                all.asked, all.done
            );
            well = false;
        }
    }
    if !bad.is_empty() {
        bad.sort_unstable();
        println!("{} of {} seeds failed: {bad:?}", bad.len(), wanted.count);
    }
    well
}

/// One run, or two of one seed whose traces must be the same.
fn seen(seed: u64, wanted: &Wanted) -> Result<Outcome, Vec<String>> {
    let caught = |told: bool| {
        panic::catch_unwind(AssertUnwindSafe(|| run(seed, told))).map_err(|_| vec!["it panicked".to_owned()])
    };
    let outcome = caught(wanted.told)?;
    if !outcome.wrong.is_empty() {
        return Err(outcome.wrong);
    }
    if wanted.twice > 0 && seed.is_multiple_of(wanted.twice) {
        let again = caught(false)?;
        if again.trace != outcome.trace {
            return Err(vec![format!(
                "the traces of two runs differ: {:016x} and {:016x}",
                outcome.trace, again.trace
            )]);
        }
    }
    Ok(outcome)
}
