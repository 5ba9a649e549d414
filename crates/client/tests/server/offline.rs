//! The server is gone for a while.

use onair_client::{Report, Told, connection::State};
use onair_wire::Outcome;
use serde_json::{Value, json};

use super::stage::{Stage, follow, hear, id, layers, main, patient, until, until_equal, until_state};

/// The mutations of `layers`, as the log has them.
async fn log(stage: &Stage) -> Vec<Value> {
    let (_, answer) = stage.call("GET", "/v1/productions/main/changes?after=0&limit=500", None).await;
    let commits = answer["commits"].as_array().unwrap().iter();
    commits.filter(|commit| commit["changes"][0]["collection"] == "layers").cloned().collect()
}

#[tokio::test]
async fn y4_what_was_edited_offline_is_replayed_once_and_in_order() {
    let mut stage = Stage::lasting().await;
    let (one, other) = (stage.client(), stage.client());
    let (mine, theirs) = (follow(&one).await, follow(&other).await);
    mine.put(layers(), id("logo"), json!({ "n": 0 })).await.unwrap();
    stage.stop().await;
    until(&one, |connection| connection.state == State::Offline).await;
    let outcomes: Vec<_> = (1..=30)
        .map(|n| match n % 3 {
            0 => mine.put(layers(), id(&format!("d{n}")), json!({ "n": n })),
            1 => mine.patch(layers(), id("logo"), json!({ "n": n })),
            _ => mine.patch(layers(), id("logo"), json!({ "m": n })),
        })
        .collect();
    let shown = mine.get(&layers(), &id("logo")).unwrap();
    assert_eq!((&*shown.value, shown.pending), (&json!({ "n": 28, "m": 29 }), true));
    assert_eq!(one.connection().borrow().pending, 30);
    stage.start().await;
    for outcome in outcomes {
        assert_eq!(patient("an outcome", outcome).await.unwrap().outcome, Outcome::Applied);
    }
    until_state(&one, State::Connected).await;
    until_state(&other, State::Connected).await;
    assert_eq!(one.connection().borrow().pending, 0);
    let logged = log(&stage).await;
    let mut ids: Vec<&str> = logged.iter().filter_map(|commit| commit["mutation"].as_str()).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "nothing twice");
    let numbers: Vec<u64> = logged
        .iter()
        .flat_map(|commit| commit["changes"].as_array().unwrap())
        .filter_map(|change| change["value"]["n"].as_u64().filter(|n| *n > 0))
        .collect();
    assert!(numbers.is_sorted(), "in order: {numbers:?}");
    assert_eq!(
        *theirs.get(&layers(), &id("logo")).map_or(json!(null).into(), |it| it.value),
        json!({ "n": 28, "m": 29 })
    );
    until_equal(&stage, &[&mine, &theirs]).await;
}

#[tokio::test]
async fn y4_the_queue_survives_the_program() {
    let mut stage = Stage::lasting().await;
    let file = stage.folder.path().join("queue");
    let client = stage.client_with(|options| options.queue = Some(file.clone()));
    let production = follow(&client).await;
    stage.stop().await;
    until_state(&client, State::Offline).await;
    for n in 0..5 {
        drop(production.put(layers(), id(&format!("d{n}")), json!(n)));
    }
    // Closing does what was asked for, and the file has it.
    client.close().await;
    drop((client, production));
    stage.start().await;
    for _ in 0..2 {
        let again = stage.client_with(|options| options.queue = Some(file.clone()));
        let production = follow(&again).await;
        until(&again, |connection| connection.pending == 0).await;
        assert_eq!(production.documents(&layers()).len(), 5);
        again.close().await;
    }
    assert_eq!(log(&stage).await.len(), 5, "once");
}

#[tokio::test]
async fn y2_another_log_is_noticed_and_read_anew() {
    let mut stage = Stage::new().await;
    let client = stage.client();
    let production = follow(&client).await;
    production.put(layers(), id("logo"), json!(1)).await.unwrap();
    let mut told = production.watch();
    stage.stop().await;
    stage.start().await;
    hear(&mut told, |told| matches!(told, Told::Report(Report::Epoch { .. })).then_some(())).await;
    assert_eq!(production.get(&layers(), &id("logo")), None);
    until_state(&client, State::Connected).await;
    until_equal(&stage, &[&production]).await;
    assert_eq!(production.id(), &main());
}

#[tokio::test]
async fn e2_a_full_queue_refuses_what_is_new_and_keeps_what_is_old() {
    let mut stage = Stage::new().await;
    let client = stage.client();
    let production = follow(&client).await;
    stage.stop().await;
    until_state(&client, State::Offline).await;
    let mut outcomes: Vec<_> = (0..=onair_client::QUEUE_MAX)
        .map(|n| production.put(layers(), id(&format!("d{n}")), json!(n)))
        .collect();
    let refused = patient("a refusal", outcomes.pop().unwrap()).await.unwrap_err();
    assert_eq!((refused.code.as_str(), refused.is_retryable()), ("queue-full", true));
    assert_eq!(production.queue().len(), onair_client::QUEUE_MAX);
    assert_eq!(production.documents(&layers()).len(), onair_client::QUEUE_MAX);
    production.clear(None);
    assert_eq!(patient("an end", outcomes.remove(0)).await.unwrap_err().code, "cleared");
    assert!(production.documents(&layers()).is_empty(), "it is taken back");
}
