//! What a commit costs in a production of few and of many documents: `cargo run --release -p onair-core --example flat`.
//!
//! Each commit puts one document of 200 bytes under a mutation id, and the state before it is still held by somebody, as
//! what is shown is. Sizes take turns, so that a machine that slows down does so for all of them.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on has failed")]
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a program that measures has a clock and tells"
)]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use onair_core::{Command, Decision, Intent, Production, decide};
use onair_wire::{Actor, Epoch, Mutation, MutationId, ProductionId, Timestamp, json};
use serde_json::{Value, json};

const SIZES: [u64; 5] = [1, 10, 100, 1_000, 10_000];
const ROUNDS: u64 = 9;
const COMMITS: u64 = 2_000;

/// A production, and how many commits it has seen.
struct Show {
    production: Production,
    documents: u64,
    said: u64,
}

impl Show {
    fn new(documents: u64) -> Self {
        let (id, epoch) = (ProductionId::new("main").unwrap(), Epoch::new("e1").unwrap());
        let mut show = Self { production: Production::begin(id, epoch), documents, said: 0 };
        show.commit(Intent::Configure(Value::Null), None);
        (0..documents).for_each(|_| show.put());
        show
    }

    fn put(&mut self) {
        self.said += 1;
        let document = format!("d{}", self.said * 7_919 % self.documents);
        let value = json!({ "n": self.said, "text": "x".repeat(170) });
        let wish = json!({"op": "put", "collection": "layers", "document": document, "value": value});
        let mutation: Mutation = json::from_value(wish).unwrap();
        let id = MutationId::new(format!("m{}", self.said)).unwrap();
        self.commit(Intent::Mutate(vec![mutation]), Some(id));
    }

    fn commit(&mut self, intent: Intent, mutation: Option<MutationId>) {
        let actor = Actor::new("operator:kim").unwrap();
        let command = Command { actor, mutation, intent, versions: Default::default() };
        let now = Timestamp::from_millis(1_000);
        let Decision::Commit(commit, _) = decide(&self.production, &command, now).unwrap() else {
            panic!("nothing was committed")
        };
        let shown = self.production.clone();
        self.production.apply(&commit).unwrap();
        black_box((shown, commit.encode()));
    }

    fn round(&mut self) -> Duration {
        let begun = Instant::now();
        (0..COMMITS).for_each(|_| self.put());
        begun.elapsed() / u32::try_from(COMMITS).unwrap()
    }
}

fn main() {
    let mut shows = SIZES.map(Show::new);
    let mut took = SIZES.map(|_| Vec::new());
    for _ in 0..ROUNDS {
        for (show, took) in shows.iter_mut().zip(&mut took) {
            took.push(show.round());
        }
    }
    let medians = took.map(|mut took| {
        took.sort_unstable();
        took[took.len() / 2]
    });
    for (size, median) in SIZES.into_iter().zip(medians) {
        let ratio = median.as_secs_f64() / medians[0].as_secs_f64();
        println!("{size:>6} documents: {:>6.2} µs a commit, × {ratio:.2}", median.as_secs_f64() * 1e6);
    }
}
