//! Servers that lie: frames doubled, reordered, cut, lost, wrong digests, snapshots of the past, another log. Whatever
//! they do, what a client shows as the truth was true at some revision, and once they stop it is in step; every mutation
//! is done once. Time is a number here: nothing waits.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod world;

use std::collections::BTreeSet;

use onair_client::{
    Chance,
    connection::{State, VERSION},
};
use onair_wire::canonical;
use serde_json::json;
use world::{Server, World, id, layers};

/// What a trick makes of a message.
#[derive(Clone, Copy, Debug)]
enum Trick {
    None,
    Lose,
    Double,
    Swap,
    Cut,
    Digest,
    Past,
    Alien,
    Future,
}

const TRICKS: [Trick; 9] = [
    Trick::None,
    Trick::Lose,
    Trick::Double,
    Trick::Swap,
    Trick::Cut,
    Trick::Digest,
    Trick::Past,
    Trick::Alien,
    Trick::Future,
];

fn tricky(server: &Server, kept: &mut Vec<String>, trick: Trick, message: String) -> Vec<String> {
    let released = std::mem::take(kept);
    let made_up = |epoch: &str, revision: u64| {
        json!({ "type": "commit", "production": "main", "epoch": epoch, "revision": revision,
            "at": "2026-11-20T18:00:00.000Z", "actor": "x", "cause": { "kind": "batch" },
            "changes": [{ "op": "put", "collection": "layers", "id": "a", "revision": revision, "value": "lie" }] })
    };
    let mut said = match trick {
        Trick::None => vec![message],
        Trick::Lose => vec![],
        Trick::Double => vec![message.clone(), message],
        Trick::Swap => {
            kept.push(message);
            vec![]
        }
        Trick::Cut => vec![message.chars().take(20).collect()],
        Trick::Digest => {
            let lie = json!({ "type": "digest", "production": "main", "revision": server.revision(),
                "digest": "0".repeat(16) });
            vec![message, lie.to_string()]
        }
        Trick::Past => {
            let documents = json!({ "layers": { "a": { "revision": 1, "value": "old" } } });
            let past = json!({ "type": "snapshot", "production": "main", "epoch": server.epoch, "revision": 1,
                "documents": documents });
            vec![past.to_string(), message]
        }
        Trick::Alien => vec![made_up("other", 2).to_string(), message],
        Trick::Future => vec![made_up(&server.epoch, server.revision() + 5).to_string(), message],
    };
    said.extend(released);
    said
}

fn is_true(world: &World) {
    let replica = world.replica();
    let Some(cache) = replica.confirmed().filter(|_| world.state() == State::Connected) else { return };
    let truth = &world.server.truths[&cache.revision.0];
    assert_eq!(String::from_utf8(canonical(&cache.documents)).unwrap(), *truth, "at {}", cache.revision);
}

#[test]
fn y6_a_hostile_server_is_noticed_and_nothing_is_shown_that_was_not() {
    let mut noticed = BTreeSet::new();
    for seed in 0..400 {
        let mut chance = Chance::new(seed);
        let mut draw = move |below: u64| chance.draw() % below;
        let mut server = Server::new("e1");
        server.edit("a", &json!({ "x": 0, "y": 0 }));
        server.edit("b", &json!({ "x": 0, "y": 0 }));
        let mut world = World::new(server, seed);
        let plan: Vec<Trick> =
            (0..1 + draw(40)).map(|_| TRICKS[usize::try_from(draw(18)).unwrap().min(17) / 2]).collect();
        let (mut turn, mut kept) = (0, Vec::new());
        world.mischief = Some(Box::new(move |server, message| {
            turn += 1;
            tricky(server, &mut kept, plan[turn % plan.len()], message)
        }));
        world.start();
        let mut mine = 0;
        for _ in 0..draw(40) {
            let name = ["a", "b", "d"][usize::try_from(draw(3)).unwrap()];
            match draw(16) {
                0..4 => world.server.edit(name, &json!({ "x": draw(5), "y": draw(5) })),
                4..8 => {
                    mine += 1;
                    let field = ["x", "y"][usize::try_from(draw(2)).unwrap()];
                    world.mutate(&format!("m{mine}"), name, field, draw(5));
                }
                8..11 => world.flush(),
                11..13 => world.digest(),
                13 => world.cut(None),
                _ => world.pass(draw(20_000)),
            }
            is_true(&world);
        }
        // From here on the server is honest.
        world.mischief = None;
        for _ in 0..12 {
            world.pass(30_000);
            world.digest();
        }
        world.retry();
        world.pass(60_000);
        world.digest();
        let connection = world.session.connection();
        let found = (connection.state, connection.pending, connection.lag);
        assert_eq!(found, (State::Connected, 0, 0), "seed {seed}: {connection:?}");
        is_true(&world);
        assert_eq!(world.replica().revision().0, world.server.revision(), "seed {seed}");
        let shown = world.replica().all(&layers());
        assert!(shown.iter().all(|document| !document.pending), "seed {seed}");
        let mut done = world.server.mutations();
        assert_eq!(world.settled.len(), mine, "seed {seed}: nothing lost");
        assert!(world.stored.is_empty(), "seed {seed}");
        let count = done.len();
        done.sort();
        done.dedup();
        assert_eq!(done.len(), count, "seed {seed}: nothing twice");
        noticed.extend(world.reports);
    }
    // Whoever is never lied to proves nothing.
    assert_eq!(noticed, BTreeSet::from(["diverged", "epoch", "gap", "garbled", "went-back"]));
}

#[test]
fn y6_a_wrong_digest_is_reported_and_healed_and_does_not_end_in_a_flood() {
    let mut server = Server::new("e1");
    server.edit("a", &json!(1));
    let mut world = World::new(server, 1);
    world.start();
    let wrong = json!({ "type": "digest", "production": "main", "revision": 1, "digest": "f".repeat(16) });
    world.hear(wrong.to_string());
    assert_eq!(world.reports, ["diverged"]);
    let asked: Vec<bool> = world.said.iter().rev().take(2).map(|it| it["after"].is_string()).collect();
    assert_eq!(
        asked,
        [false, true],
        "the last asks for everything, the one before says where it went astray"
    );
    assert_eq!(world.state(), State::Connected);
    let before = world.said.len();
    for _ in 0..100 {
        world.hear(wrong.to_string());
    }
    assert!(world.said.len() - before < 20, "{}", world.said.len() - before);
    assert_eq!(world.state(), State::Reconnecting);
}

#[test]
fn e4_a_server_of_another_version_is_named_once_with_both_versions() {
    let table = [("99.0.0", true), (VERSION, false)];
    for (server, reported) in table {
        let mut world = World::new(Server::new("e1"), 1);
        world.mischief = Some(Box::new(move |_, text| {
            let mut message: serde_json::Value = serde_json::from_str(&text).unwrap();
            if message["type"] == "welcome" {
                message["server"] = server.into();
            }
            vec![message.to_string()]
        }));
        world.start();
        // Coming back to the same is nothing new.
        world.cut(Some(1001));
        world.pass(1_000);
        assert_eq!(world.opened, 2);
        assert_eq!(world.state(), State::Connected, "it goes on all the same");
        assert_eq!(world.session.connection().server.as_deref(), Some(server));
        if reported {
            assert_eq!(world.reports, ["version"]);
            let wanted = format!("the server is of version 99.0.0, this client was made for {VERSION}");
            assert_eq!(world.report, wanted);
        } else {
            assert!(world.reports.is_empty(), "{:?}", world.reports);
        }
    }
}

#[test]
fn y2_another_log_gets_a_snapshot_and_says_so() {
    let mut server = Server::new("e1");
    server.edit("a", &json!(1));
    let mut world = World::new(server, 1);
    world.start();
    world.server = Server::new("e2");
    world.server.edit("b", &json!(2));
    world.cut(Some(1001));
    world.pass(1_000);
    assert_eq!(world.reports, ["epoch"]);
    assert_eq!(world.replica().get(&layers(), &id("a")), None);
    is_true(&world);
}

#[test]
fn e1_what_is_hopeless_is_not_tried_again() {
    for (code, state, reason) in
        [(4403, State::Failed, "forbidden"), (4401, State::NeedsAuth, "unauthenticated")]
    {
        let mut world = World::new(Server::new("e1"), 1);
        world.start();
        world.cut(Some(code));
        let opened = world.opened;
        world.pass(3_600_000);
        let connection = world.session.connection();
        assert_eq!((connection.state, connection.reason.as_deref()), (state, Some(reason)));
        assert_eq!((world.opened, connection.retry_in), (opened, None));
    }
}

#[test]
fn e1_a_server_that_is_away_is_tried_with_growing_waits() {
    let mut world = World::new(Server::new("e1"), 1);
    world.start();
    world.reachable = false;
    world.cut(None);
    let mut waits = Vec::new();
    for _ in 0..12 {
        let wait = world.session.connection().retry_in.unwrap().0;
        waits.push(wait);
        world.pass(wait);
    }
    assert!(waits[0] <= 500 && waits[11] >= 5_000 && waits[11] <= 10_000, "{waits:?}");
    assert_eq!(world.state(), State::Offline);
    world.reachable = true;
    world.pass(10_000);
    assert_eq!(world.state(), State::Connected);
}

#[test]
fn e1_a_silent_socket_is_noticed() {
    let mut world = World::new(Server::new("e1"), 1);
    world.start();
    let opened = world.opened;
    world.mute = true;
    world.pass(34_000);
    assert_eq!((world.opened, world.state()), (opened, State::Connected));
    world.mute = false;
    world.pass(2_000);
    assert_eq!((world.opened, world.state()), (opened + 1, State::Connected));
}

#[test]
fn e2_what_is_never_answered_stops_and_can_be_retried() {
    let mut world = World::new(Server::new("e1"), 1);
    world.start();
    world.deaf = true;
    world.mutate("m1", "a", "x", 1);
    world.pass(120_000);
    let problem = world.session.queue(&world::main()).unwrap().all()[0].problem.clone();
    assert_eq!(problem.unwrap().code, "unanswered");
    assert_eq!(world.replica().get(&layers(), &id("a")), None, "it is taken back");
    world.deaf = false;
    world.retry();
    world.pass(1_000);
    assert_eq!(world.server.mutations(), ["m1"]);
    assert_eq!(world.session.connection().pending, 0);
}

#[test]
fn e1_a_message_that_is_too_large_is_refused_here() {
    let mut world = World::new(Server::new("e1"), 1);
    world.start();
    world.put("m1", "a", &json!("x".repeat(70_000)));
    assert_eq!(world.settled["m1"], "too-large");
    assert_eq!(world.replica().get(&layers(), &id("a")), None);
    world.put("m2", "a", &json!("x"));
    assert_eq!(world.settled["m2"], "applied");
}
