//! The laws on very many merges from a seed: 20 000 with every test run, `ONAIR_MERGES` says otherwise.
//!
//! `ONAIR_MERGES=1000000 cargo test --release -p onair-core --test merge many -- --nocapture` is the long run;
//! `ONAIR_SEED` repeats one that failed.
#![expect(clippy::disallowed_macros, clippy::disallowed_methods, reason = "a random test prints its seed")]

use std::{env, str::FromStr};

use onair_core::{
    merge::{Strategies, Strategy},
    pointer,
};
use serde_json::{Map, Value, json};

use crate::laws::{Question, check};

const MERGES: u32 = 20_000;
const SEED: u64 = 0x6f6e_6169_7231;

/// Few names, so that both sides meet; among them those that merge in a way of their own or need an escape.
const NAMES: [&str; 7] = ["a", "b", "at", "status", "tags", "x/y~", "ü"];

/// splitmix64 (Steele, Lea, Flood 2014): deterministic on every machine, and small enough to read.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let i = self.below(from.len() as u64);
        from[usize::try_from(i).expect("below a length")]
    }
}

fn leaf(chance: &mut Chance) -> Value {
    match chance.below(6) {
        0 => Value::Null,
        1 => json!(chance.below(3)),
        2 => json!(1.0),
        3 => json!(chance.pick(&["", "draft", "live"])),
        4 => json!(format!("2026-11-20T{:02}:00:00Z", chance.below(5))),
        _ => json!(chance.pick(&["2026-11-20T03:00:00+02:00", "2026-11-20 03:00"])),
    }
}

fn value(chance: &mut Chance, depth: u64) -> Value {
    match chance.below(3 + depth) {
        0 | 1 => leaf(chance),
        2 => (0..chance.below(5)).map(|_| leaf(chance)).collect(),
        _ => object(chance, depth - 1),
    }
}

fn object(chance: &mut Chance, depth: u64) -> Value {
    let members = (0..chance.below(6)).map(|_| (chance.pick(&NAMES).to_owned(), value(chance, depth)));
    members.collect::<Map<_, _>>().into()
}

/// Another version: most members as they were, some changed, deleted or added, at any depth.
fn edited(chance: &mut Chance, old: &Value, depth: u64) -> Value {
    match old {
        Value::Object(members) if chance.below(8) > 0 => edited_members(chance, members.clone(), depth),
        Value::Array(elements) if chance.below(4) > 0 => {
            let mut elements = elements.clone();
            elements.retain(|_| chance.below(4) > 0);
            elements.extend((0..chance.below(3)).map(|_| leaf(chance)));
            elements.into()
        }
        _ => value(chance, depth),
    }
}

fn edited_members(chance: &mut Chance, mut members: Map<String, Value>, depth: u64) -> Value {
    let below = depth.saturating_sub(1);
    for name in NAMES {
        match chance.below(10) {
            0 => drop(members.remove(name)),
            1 => drop(members.insert(name.to_owned(), value(chance, below))),
            2..=4 => drop(members.entry(name).and_modify(|old| *old = edited(chance, old, below))),
            _ => {}
        }
    }
    members.into()
}

fn strategies(chance: &mut Chance) -> Strategies {
    let pairs = (0..chance.below(4)).map(|_| {
        let mut path = String::new();
        for _ in 0..chance.pick(&[0, 1, 1, 1, 2, 2]) {
            pointer::push(&mut path, chance.pick(&NAMES));
        }
        (path, chance.pick(&Strategy::ALL).as_str())
    });
    Strategies::parse(pairs).expect("pointers and strategies")
}

fn question(chance: &mut Chance) -> Question {
    let base = (chance.below(10) > 0).then(|| object(chance, 3));
    let mut side = || match chance.below(20) {
        0 => None,
        1 => Some(value(chance, 3)),
        _ => Some(edited(chance, base.as_ref().unwrap_or(&json!({})), 3)),
    };
    let (local, server) = (side(), side());
    Question { base, local, server, strategies: strategies(chance) }
}

fn setting<T: FromStr>(name: &str, usual: T) -> T {
    let Ok(text) = env::var(name) else { return usual };
    text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}"))
}

#[test]
fn k1_many_merges_keep_the_laws() {
    let (merges, seed) = (setting("ONAIR_MERGES", MERGES), setting("ONAIR_SEED", SEED));
    println!("{merges} merges with ONAIR_SEED={seed}");
    let mut chance = Chance(seed);
    for _ in 0..merges {
        check(&question(&mut chance));
    }
}
