//! Commits in order, answers behind them, many clients in step (rows D4, D6, Y1, Y6, T1).

use serde_json::json;

use super::harness::{Stage, put};

#[tokio::test]
async fn d4_every_kind_of_change_reaches_every_subscriber_in_order() {
    let stage = Stage::new().await;
    let (mut writer, mut reader) = (stage.client().await, stage.client().await);
    reader.subscribe("main", None, None).await;
    reader.wait_for("snapshot").await;
    let steps = [
        put("layers", "logo", json!({"visible": true})),
        json!({"op": "patch", "collection": "layers", "document": "logo", "patch": {"visible": false}}),
        put("chat", "m1", json!({"text": "hi"})),
        json!({"op": "delete", "collection": "layers", "document": "logo"}),
        json!({"op": "restore", "collection": "layers", "document": "logo"}),
        json!({"op": "restore", "collection": "layers", "document": "logo", "revision": 2}),
    ];
    for (n, step) in steps.into_iter().enumerate() {
        let result = writer.mutate("main", &format!("m-{n}"), json!([step])).await;
        assert_eq!((&result["type"], &result["revision"]), (&json!("result"), &json!(n + 2)));
        let commit = reader.wait_for("commit").await;
        assert_eq!(
            (&commit["revision"], &commit["mutation"]),
            (&result["revision"], &json!(format!("m-{n}")))
        );
        assert_eq!(commit["actor"], "operator:local");
    }
    let state = stage.server.app().productions.loaded()[0].state();
    assert_eq!(reader.caches["main"].digest(), state.digest(|_| true));
}

#[tokio::test]
async fn d4_the_result_of_a_mutation_comes_behind_the_commit_that_carries_it() {
    let stage = Stage::new().await;
    let mut client = stage.client().await;
    client.subscribe("main", None, None).await;
    client.wait_for("snapshot").await;
    for n in 0..200 {
        let mutation = json!([put("layers", "logo", json!(n))]);
        client.say(&json!({"type": "mutate", "id": format!("m-{n}"), "production": "main", "mutations": mutation})).await;
    }
    let mut answered = 0;
    while answered < 200 {
        let message = client.hear().await;
        if message["type"] == "result" {
            assert!(
                client.caches["main"].revision.0 >= message["revision"].as_u64().unwrap(),
                "{message} came first"
            );
            answered += 1;
        }
    }
}

#[tokio::test]
async fn d6_a_batch_is_one_commit_or_none_and_a_retry_changes_nothing() {
    let stage = Stage::new().await;
    let mut client = stage.client().await;
    let batch = json!([put("layers", "a", json!(1)), put("layers", "b", json!(2))]);
    let first = client.mutate("main", "m-1", batch.clone()).await;
    let again = client.mutate("main", "m-1", batch).await;
    assert_eq!(
        (&first["revision"], &again["revision"], &again["outcome"]),
        (&json!(2), &json!(2), &json!("applied"))
    );
    let half = json!([put("layers", "c", json!(1)), {"op": "delete", "collection": "layers", "document": "nowhere"}]);
    assert_eq!(client.mutate("main", "m-2", half).await["code"], "not-found");
    let other = client.mutate("main", "m-1", json!([put("layers", "a", json!(3))])).await;
    assert_eq!(other["code"], "mutation-id-reused");
    assert_eq!(stage.call("GET", "/v1/productions/main", None).await.1["revision"], 2);
}

#[tokio::test]
async fn k1_two_operators_edit_at_once_and_both_are_kept_or_asked() {
    let stage = Stage::new().await;
    let (mut kim, mut lee) = (stage.client().await, stage.client().await);
    kim.mutate("main", "k-0", json!([put("scenes", "intro", json!({"title": "a", "note": "x"}))])).await;
    let edit = |patch| json!([{"op": "patch", "collection": "scenes", "document": "intro", "patch": patch, "base": 2}]);
    assert_eq!(kim.mutate("main", "k-1", edit(json!({"title": "kim"}))).await["outcome"], "applied");
    assert_eq!(lee.mutate("main", "l-1", edit(json!({"note": "lee"}))).await["outcome"], "merged");
    let conflict = lee.mutate("main", "l-2", edit(json!({"title": "lee"}))).await;
    assert_eq!(conflict["outcome"], "conflict");
    let id = conflict["conflicts"][0].as_str().unwrap();
    let resolve = format!("/v1/productions/main/conflicts/{id}/resolve");
    let (status, answer) = stage.call("POST", &resolve, Some(json!({"choose": "local"}))).await;
    assert_eq!(status, 200, "{answer}");
    let (_, document) = stage.call("GET", "/v1/productions/main/documents/scenes/intro", None).await;
    assert_eq!(document["value"], json!({"title": "lee", "note": "lee"}));
}

#[tokio::test]
async fn y6_the_server_sends_digests_that_a_cache_in_step_equals() {
    let stage = Stage::new().await;
    let (mut all, mut some) = (stage.client().await, stage.client().await);
    all.subscribe("main", None, None).await;
    some.subscribe("main", None, Some(&["layers"])).await;
    for n in 0..5 {
        all.mutate(
            "main",
            &format!("m-{n}"),
            json!([put("layers", "logo", json!(n)), put("chat", "m", json!(n))]),
        )
        .await;
    }
    // The harness holds each digest against its cache.
    all.wait_for("digest").await;
    some.wait_for("digest").await;
    assert_eq!(some.caches["main"].documents.len(), 1, "only what was asked for");
}

#[tokio::test]
async fn t1_signals_are_coalesced_sent_and_never_logged() {
    let stage = Stage::new().await;
    let (mut renderer, mut reader) = (stage.client().await, stage.client().await);
    reader.subscribe("main", None, None).await;
    for n in 0..100 {
        renderer
            .say(&json!({"type": "signal", "production": "main", "stream": {"frameCount": n, "fps": 59.9}}))
            .await;
    }
    let mut last = json!(null);
    let mut heard = 0;
    while last != 99 {
        last = reader.wait_for("signal").await["stream"]["frameCount"].clone();
        heard += 1;
    }
    assert!(heard <= 100, "coalesced: {heard}");
    let (_, status) = stage.call("GET", "/stream/status", None).await;
    assert_eq!(
        (&status["frameCount"], &status["fps"], &status["revision"]),
        (&json!(99), &json!(59.9), &json!(1))
    );
}

#[tokio::test]
async fn presence_tells_how_many_watch_and_clients_who() {
    let stage = Stage::new().await;
    let mut first = stage.client().await;
    first.subscribe("main", None, None).await;
    while first.wait_for("presence").await["clients"] != 1 {}
    let mut second = stage.socket().await;
    second.say(&json!({"type": "hello", "client": {"name": "desk\u{1b}[2J", "version": "2"}})).await;
    second.wait_for("welcome").await;
    second.subscribe("main", None, None).await;
    while first.wait_for("presence").await["clients"] != 2 {}
    let (_, clients) = stage.call("GET", "/v1/productions/main/clients", None).await;
    let names: Vec<_> = clients["clients"].as_array().unwrap().iter().map(|client| &client["name"]).collect();
    assert_eq!(names, [&json!(null), &json!("desk[2J 2")], "control characters are no part of a name");
    drop(second);
    while first.wait_for("presence").await["clients"] != 1 {}
}

#[tokio::test]
async fn y6_a_client_that_went_astray_is_counted_and_reads_anew() {
    let stage = Stage::new().await;
    let mut client = stage.client().await;
    client.subscribe("main", None, None).await;
    client.wait_for("snapshot").await;
    let epoch = client.mutate("main", "m-1", json!([put("layers", "logo", json!(1))])).await;
    assert_eq!(epoch["revision"], 2);
    let good = client.caches["main"].digest().to_string();
    let diverged = || stage.server.app().productions.figures().counted().divergences;
    for (digest, counted) in [(good.as_str(), 0), ("00000000deadbeef", 1)] {
        client.say(&json!({"type": "subscribe", "production": "main", "after": 2, "digest": digest})).await;
        client.wait_for("subscribed").await;
        client.say(&json!({"type": "ping"})).await;
        let mut again = false;
        loop {
            let message = client.hear().await;
            again |= message["type"] == "snapshot";
            if message["type"] == "pong" {
                break;
            }
        }
        assert_eq!((again, diverged()), (counted == 1, counted), "{digest}");
        let (_, shown) = stage.call("GET", "/v1/productions/main/clients", None).await;
        assert_eq!(shown["clients"][0]["diverged"], counted, "and who it was: {shown}");
    }
}

#[tokio::test]
async fn y1_event_streams_and_sockets_carry_the_same_commits() {
    let stage = Stage::new().await;
    let mut socket = stage.client().await;
    socket.subscribe("main", None, None).await;
    socket.wait_for("snapshot").await;
    let mut stream = stage.events("/v1/productions/main/events?after=1").await;
    let mut writer = stage.client().await;
    for n in 0..20 {
        writer
            .mutate(
                "main",
                &format!("m-{n}"),
                json!([put("layers", "logo", json!(n)), put("chat", "m", json!(n))]),
            )
            .await;
    }
    for revision in 2..22 {
        let message = socket.wait_for("commit").await;
        let (id, data) = stream.commit().await;
        let epoch = message["epoch"].as_str().unwrap();
        assert_eq!(id, format!("{epoch}:{revision}"));
        assert_eq!(data, super::harness::commit_of(&message));
    }
}
