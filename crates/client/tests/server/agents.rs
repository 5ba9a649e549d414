//! Agents that carry out what a show asks.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use onair_client::{
    agent::{Agent, Failure, Options},
    connection::State,
};
use onair_wire::{Millis, TaskAction};
use serde_json::json;

use super::stage::{Stage, follow, main, patient};

async fn studio() -> Stage {
    let stage = Stage::lasting().await;
    let manifest = json!({ "services": [{ "name": "host", "adapter": { "type": "agent" }, "required": true }],
        "start": ["host"], "requires": [] });
    let (status, answer) = stage.call("PUT", "/v1/productions/main", Some(manifest)).await;
    assert!(status < 300, "{answer}");
    stage
}

fn options(stage: &Stage) -> Options {
    let mut options = Options::new(stage.url(), main(), "host");
    (options.backoff.first, options.backoff.max) = (Millis(20), Millis(200));
    options
}

#[tokio::test]
async fn s3_an_agent_carries_out_a_show() {
    let mut stage = studio().await;
    let (starts, all) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counts = (Arc::clone(&starts), Arc::clone(&all));
    let agent = Agent::start(options(&stage), move |task| {
        let (starts, all) = (Arc::clone(&counts.0), Arc::clone(&counts.1));
        async move {
            all.fetch_add(1, Ordering::Relaxed);
            match task.action {
                TaskAction::Start if starts.fetch_add(1, Ordering::Relaxed) == 0 => {
                    Err(Failure { error: "the first time it does not".into(), retryable: true })
                }
                _ => Ok(json!({ "attempt": task.attempt })),
            }
        }
    })
    .unwrap();
    let mut connection = agent.connection();
    patient("the agent", connection.wait_for(|it| it.state == State::Connected)).await.unwrap();
    patient("the tasks", agent.active().wait_for(|active| *active)).await.unwrap();
    agent.status(true, Some(json!({ "cameras": 2 }))).await;

    let client = stage.client();
    let production = follow(&client).await;
    patient("ready", production.act("initialize", None)).await.unwrap();
    patient("live", production.act("start", None)).await.unwrap();
    assert_eq!(starts.load(Ordering::Relaxed), 2, "what failed for now is tried again");

    stage.stop().await;
    patient("the end", connection.wait_for(|it| it.state != State::Connected)).await.unwrap();
    stage.start().await;
    patient("it again", connection.wait_for(|it| it.state == State::Connected)).await.unwrap();
    patient("ready", production.ready()).await.unwrap();
    patient("the end", production.act("stop", None)).await.unwrap();
    assert!(all.load(Ordering::Relaxed) >= 4);
    agent.close().await;
}

#[tokio::test]
async fn s2_an_agent_that_is_forbidden_stays_away() {
    let stage = studio().await;
    let (_, token) = stage.token("viewer", &["main"]).await;
    let mut options = options(&stage);
    options.token = Some(onair_client::Token::new(token));
    let agent = Agent::start(options, |_| async { Ok(json!({})) }).unwrap();
    let connection = patient("the end", agent.ended()).await;
    assert_eq!((connection.state, connection.reason.as_deref()), (State::Failed, Some("forbidden")));
}

#[tokio::test]
async fn s2_who_is_replaced_under_its_own_name_does_not_fight() {
    let stage = studio().await;
    let named = || Options { instance: Some("i-1".parse().unwrap()), ..options(&stage) };
    let first = Agent::start(named(), |_| async { Ok(json!({})) }).unwrap();
    let mut connection = first.connection();
    patient("the agent", connection.wait_for(|it| it.state == State::Connected)).await.unwrap();
    let second = Agent::start(named(), |_| async { Ok(json!({})) }).unwrap();
    assert_eq!(patient("the end", first.ended()).await.state, State::Failed);
    let mut connection = second.connection();
    patient("the other", connection.wait_for(|it| it.state == State::Connected)).await.unwrap();
}
