//! Resuming: exactly what is missing, or a snapshot, never somebody else's commits (rows D4, D5, Y1, O6; faults F11,
//! F23).

use std::sync::Arc;

use onair_engine::Engine;
use onair_engine_embedded::{Embedded, Options};
use onair_server::serve::{Ended, Server};
use serde_json::json;

use super::harness::{Stage, config, put};

async fn play(stage: &Stage, count: u64) {
    let mut writer = stage.client().await;
    for n in 0..count {
        writer
            .mutate(
                "main",
                &format!("w-{n}"),
                json!([put("layers", &format!("d{}", n % 5), json!({"n": n}))]),
            )
            .await;
    }
}

#[tokio::test]
async fn d5_resume_from_every_position_equals_the_snapshot() {
    let stage = Stage::new().await;
    play(&stage, 30).await;
    let mut fresh = stage.client().await;
    let head = fresh.subscribe("main", None, None).await;
    fresh.wait_for("snapshot").await;
    let epoch = head["epoch"].as_str().unwrap();
    for after in 0..=31 {
        let mut client = stage.client().await;
        // A client that has the state of `after` goes on from there.
        let mut early = stage.client().await;
        early.subscribe("main", Some(format!("{epoch}:0")), None).await;
        early.until("main", after).await;
        let (_, then) = stage.call("GET", &format!("/v1/productions/main?at={after}"), None).await;
        assert_eq!(then["revision"], after);
        client.subscribe("main", Some(format!("{epoch}:{after}")), None).await;
        let known =
            stage.server.app().productions.loaded()[0].state_at(onair_wire::Revision(after)).await.unwrap();
        let cache = onair_wire::Cache::from_snapshot(known.revision(), known.cache_documents(|_| true));
        client.caches.insert("main".into(), cache);
        client.until("main", 31).await;
        assert_eq!(client.caches["main"].digest(), fresh.caches["main"].digest(), "from {after}");
    }
}

#[tokio::test]
async fn f23_a_foreign_future_or_unknown_position_gets_a_snapshot() {
    let stage = Stage::new().await;
    play(&stage, 3).await;
    for after in ["other:2", "99", "zzzz:0"] {
        let mut client = stage.client().await;
        client.subscribe("main", Some(after.into()), None).await;
        assert_eq!(client.hear().await["type"], "snapshot", "after {after}");
    }
    let mut client = stage.client().await;
    client
        .caches
        .insert("main".into(), onair_wire::Cache::from_snapshot(onair_wire::Revision(2), Default::default()));
    client.subscribe("main", Some("2".into()), None).await;
    assert_eq!(client.hear().await["revision"], 3, "a bare revision is of the log there is");
}

#[tokio::test]
async fn y1_a_restart_in_the_middle_is_resumed_without_gap_or_duplicate() {
    let log = tempfile::tempdir().unwrap();
    let open = || Arc::new(Embedded::open(&Options::new(log.path())).unwrap()) as Arc<dyn Engine>;
    let stage = Stage::over(open()).await;
    let mut reader = stage.client().await;
    let head = reader.subscribe("main", None, None).await;
    reader.wait_for("snapshot").await;
    play(&stage, 10).await;
    reader.until("main", 11).await;
    let Stage { server, folder } = stage;
    assert_eq!(server.stop().await, Ended::Gracefully);
    assert_eq!(reader.wait_for_close().await, Some(1001), "told to come back");
    let server = Server::start(&config(&folder), open()).await.unwrap();
    let stage = Stage { server, folder };
    play_more(&stage).await;
    let mut again = stage.client().await;
    again.caches = std::mem::take(&mut reader.caches);
    let position = format!("{}:11", head["epoch"].as_str().unwrap());
    assert_eq!(again.subscribe("main", Some(position), None).await["epoch"], head["epoch"], "the same log");
    again.until("main", 16).await;
    let state = stage.server.app().productions.loaded()[0].state();
    assert_eq!(again.caches["main"].digest(), state.digest(|_| true));
}

async fn play_more(stage: &Stage) {
    let mut writer = stage.client().await;
    let known = writer.mutate("main", "w-9", json!([put("layers", "d4", json!({"n": 9}))])).await;
    assert_eq!(known["revision"], 11, "mutation ids survive a restart");
    for n in 0..5 {
        writer.mutate("main", &format!("x-{n}"), json!([put("layers", "late", json!(n))])).await;
    }
}

#[tokio::test]
async fn f11_a_production_that_is_replaced_or_removed_says_so_to_who_watches() {
    let stage = Stage::new().await;
    stage.begin("show").await;
    let mut reader = stage.client().await;
    let before = reader.subscribe("show", None, None).await;
    reader.wait_for("snapshot").await;
    let mut writer = stage.client().await;
    writer.mutate("show", "m-1", json!([put("layers", "logo", json!(1))])).await;
    reader.until("show", 2).await;
    let productions = &stage.server.app().productions;
    let handle = productions.open(&onair_wire::ProductionId::new("show").unwrap()).await.unwrap();
    let mut pieces = handle.export();
    let mut file = Vec::new();
    while let Some(piece) = pieces.recv().await {
        file.extend_from_slice(&piece.unwrap());
    }
    let import = onair_runtime::transfer::Import::read(&file.into()).unwrap();
    productions.import(handle.id(), import).await.unwrap();
    let after = reader.wait_for("subscribed").await;
    assert_ne!(after["epoch"], before["epoch"], "another log");
    assert_eq!(reader.wait_for("snapshot").await["revision"], 2);
    assert_eq!(writer.mutate("show", "m-2", json!([put("layers", "logo", json!(2))])).await["revision"], 3);
    reader.until("show", 3).await;
    assert_eq!(stage.call("DELETE", "/v1/productions/show", None).await.0, 204);
    loop {
        let message = reader.hear().await;
        if message["type"] == "problem" {
            assert_eq!((&message["code"], &message["production"]), (&json!("not-found"), &json!("show")));
            break;
        }
    }
}

#[tokio::test]
async fn d4_subscriptions_of_one_connection_keep_to_themselves_and_end_one_by_one() {
    let stage = Stage::new().await;
    stage.begin("a").await;
    stage.begin("b").await;
    let mut reader = stage.client().await;
    for production in ["a", "b"] {
        reader.subscribe(production, None, None).await;
        reader.wait_for("snapshot").await;
    }
    let mut writer = stage.client().await;
    writer.mutate("a", "a-1", json!([put("layers", "x", json!(1))])).await;
    reader.until("a", 2).await;
    reader.say(&json!({"type": "unsubscribe", "production": "a"})).await;
    reader.say(&json!({"type": "ping"})).await;
    reader.wait_for("pong").await;
    writer.mutate("a", "a-2", json!([put("layers", "x", json!(2))])).await;
    writer.mutate("b", "b-1", json!([put("layers", "x", json!(1))])).await;
    reader.until("b", 2).await;
    assert_eq!(reader.caches["a"].revision.0, 2, "nothing more of it");
}
