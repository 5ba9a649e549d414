//! Whole histories through the director on the memory engine: whatever happens at once and in which order, the server,
//! the cache, and a client by the rules of its session come to the same; and every position that a client can come back
//! with is answered by exactly what it lacks or by a snapshot (rows Y2, Y6, D4, D5, F23).
//!
//! Rounds are few in CI; `ONAIR_HISTORIES=N` plays N, `ONAIR_SEED=S` begins at the seed S. The seed is printed.

#[path = "../../../core/examples/billion/chance.rs"]
#[allow(dead_code, reason = "a part of it is used here")]
mod chance;
mod client;
mod golden;
mod history;
mod resume;
mod stage;

use std::env;

use tokio::runtime::Builder;

use client::Client;
use history::History;

/// Histories in CI; those in which every position is looked at, which are some thousand in each, are fewer.
const ROUNDS: u64 = 20;
const ROUNDS_EVERYWHERE: u64 = 4;

fn said(name: &str, otherwise: u64) -> u64 {
    let said = env::var(name).ok();
    said.map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text}")))
}

/// Runs `round` for each seed, in a runtime of its own whose time passes when nothing else is to be done.
fn rounds<F: Future<Output = usize>>(what: &str, count: u64, round: impl Fn(u64) -> F) {
    let (first, count) = (said("ONAIR_SEED", 1), said("ONAIR_HISTORIES", count));
    let mut looked = 0;
    for seed in first..first + count {
        println!("ONAIR_SEED={seed} ONAIR_HISTORIES=1");
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        looked += runtime.expect("a runtime").block_on(round(seed));
    }
    println!("{count} histories from seed {first}: {looked} {what}");
    assert!(looked > usize::try_from(count).expect("small"), "next to nothing was looked at");
}

#[test]
fn y6_any_interleaving_gives_server_and_clients_the_same_digest() {
    rounds("commits", ROUNDS, async |seed| {
        let mut history = History::begin(seed).await;
        let mut clients = [Client::new(None), Client::new(Some(&["scenes", "_conflicts"]))];
        for _ in 0..30 {
            history.happen().await;
            for client in &mut clients {
                client.hear(&history.handle, &mut history.chance).await;
            }
        }
        for client in &mut clients {
            client.catch_up(&history.handle).await;
            client.agrees(&history.handle);
        }
        history.agrees().await
    });
}

#[test]
fn y2_a_resume_from_every_position_is_what_is_lacking_or_a_snapshot() {
    rounds("positions", ROUNDS_EVERYWHERE, async |seed| {
        let mut history = History::begin(seed).await;
        for _ in 0..10 {
            history.happen().await;
        }
        let mut looked = resume::from_everywhere(&history).await;
        history.trim().await;
        looked += resume::from_everywhere(&history).await;
        history.happen().await;
        history.import().await;
        looked += resume::from_everywhere(&history).await;
        history.happen().await;
        looked + resume::from_everywhere(&history).await
    });
}
