//! The beginning of a billion commands (goal G6): what `cargo run --release -p onair-core --example billion` does for as
//! long as it is let, for twenty thousand commands; `ONAIR_COMMANDS=N` for more, `ONAIR_SEED=S` for others.

#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a random test prints its seed, and may be told to take longer"
)]

#[path = "../examples/billion/chance.rs"]
mod chance;
#[path = "../examples/billion/epoch.rs"]
mod epoch;
#[path = "../examples/billion/world.rs"]
mod world;

use epoch::{Tally, play};

const SEED: u64 = 1;
const COMMANDS: u64 = 20_000;

#[test]
fn g6_every_fold_of_many_commands_agrees() {
    let said = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let (seed, wanted) = (said("ONAIR_SEED").unwrap_or(SEED), said("ONAIR_COMMANDS").unwrap_or(COMMANDS));
    println!("ONAIR_SEED={seed} ONAIR_COMMANDS={wanted}");
    let mut tally = Tally::default();
    for epoch in 1.. {
        tally = tally.plus(&play(seed, epoch));
        if tally.commands >= wanted {
            break;
        }
    }
    println!("{tally:?}");
    // Folds of nothing agree too: of each kind there were many, and most commands were done.
    let Tally { commands, commits, by_itself, refused, known, as_is, merged, .. } = tally;
    assert!(commits - by_itself > commands / 2, "{tally:?}");
    for many in [
        by_itself,
        refused,
        known,
        as_is,
        merged,
        tally.conflicts,
        tally.restored,
        tally.resolved,
        tally.moved,
    ] {
        assert!(many > commands / 400, "{tally:?}");
    }
}

#[test]
fn g6_a_seed_plays_the_same_twice() {
    assert_eq!(play(SEED, 7), play(SEED, 7));
    assert_ne!(play(SEED, 7), play(SEED + 1, 7));
}
