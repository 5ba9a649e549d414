//! Services that are away or unwell: how that is noticed, and what it does to a show that is live (row S3).

use onair_wire::Millis;
use serde_json::json;

use super::{Agent, get, live, stage, stage_at, until};

#[tokio::test]
async fn s3_a_required_service_that_is_not_well_ends_the_show() {
    let stage = stage(json!({"healthTimeout": 100})).await;
    let (mut host, _producer) = live(&stage).await;
    host.client.say(&json!({"type": "status", "healthy": false, "details": {"temperature": 90}})).await;
    let shown = until(&stage, |shown| shown["lifecycle"]["phase"] == "error").await;
    let (service, error) = (&shown["services"]["host"], &shown["lifecycle"]["error"]);
    assert_eq!((&service["healthy"], &service["details"]), (&json!(false), &json!({"temperature": 90})));
    assert_eq!((&error["code"], &error["service"]), (&json!("dependency-lost"), &json!("host")), "{error}");
    assert!(error["message"].as_str().unwrap().contains("not well"), "{error}");
}

#[tokio::test]
async fn s3_being_unwell_for_a_while_is_shown_and_forgiven() {
    let stage = stage(json!({"healthTimeout": 3_600_000})).await;
    let (mut host, _producer) = live(&stage).await;
    host.status(false).await;
    let shown = until(&stage, |shown| shown["services"]["host"]["healthy"] == false).await;
    assert!(shown["services"]["host"]["awaySince"].is_string(), "{shown}");
    host.status(true).await;
    let shown = until(&stage, |shown| shown["services"]["host"]["healthy"] == true).await;
    let host = &shown["services"]["host"];
    assert_eq!((&shown["lifecycle"]["phase"], &host["status"]), (&json!("live"), &json!("active")));
    assert!(host["error"].is_null() && host["awaySince"].is_null(), "{host}");
    assert!(shown["lifecycle"]["error"].is_null(), "{shown}");
}

/// An agent whose machine lost its network closes nothing: only its silence can be noticed.
#[tokio::test]
async fn s3_silence_is_noticed_and_ends_the_show_in_time() {
    let stage = stage_at(Millis(100), json!({"healthTimeout": 200})).await;
    let (mut host, mut producer) = live(&stage).await;
    // The producer answers the server's pings because somebody listens for it; the host does not.
    let shown = tokio::select! {
        shown = until(&stage, |shown| shown["lifecycle"]["phase"] == "error") => shown,
        message = producer.hear() => panic!("{message}"),
    };
    let (service, error) = (&shown["services"]["host"], &shown["lifecycle"]["error"]);
    assert_eq!((&error["code"], &error["service"]), (&json!("dependency-lost"), &json!("host")), "{error}");
    assert!(error["message"].as_str().unwrap().contains("no sign of life"), "{error}");
    assert_eq!(
        (&service["healthy"], &shown["services"]["producer"]["healthy"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(host.client.wait_for_close().await, Some(1008));
    // Within two heartbeats and a half it is away, and behind `healthTimeout` the show is not whole any more.
    let away = service["awaySince"].as_str().unwrap();
    let history = get(&stage, "").await["lifecycle"]["history"].clone();
    let fell = history.as_array().unwrap().last().unwrap();
    assert_eq!((&fell["to"], &fell["reason"]), (&json!("error"), &json!("error")), "{fell}");
    assert!(fell["at"].as_str().unwrap() > away, "{fell} {away}");
}

#[tokio::test]
async fn s3_who_is_away_for_a_moment_costs_nothing() {
    let stage = stage(json!({"healthTimeout": 3_600_000})).await;
    let mut producer = Agent::new(&stage, "producer").await;
    let mut host = Agent::instance(&stage, "host", "left").await;
    super::bring(&stage, &mut [&mut host, &mut producer], &["initialize", "start"]).await;
    drop(host);
    let shown = until(&stage, |shown| shown["services"]["host"]["healthy"] == false).await;
    let error = shown["services"]["host"]["error"].as_str().unwrap().to_owned();
    assert!(error.contains("connection"), "{error}");
    let mut host = Agent::instance(&stage, "host", "left").await;
    let shown = until(&stage, |shown| shown["services"]["host"]["healthy"] == true).await;
    assert_eq!(shown["lifecycle"]["phase"], "live");
    host.is_heard().await;
    assert!(host.told.is_empty(), "{:?}", host.told);
}

/// A manifest had given the host to another adapter. The agent that was still connected left, the show that it had no
/// part in was told that its host was gone, and fell.
#[tokio::test]
async fn s3_an_agent_of_a_service_that_is_none_of_agents_any_more_is_not_heard() {
    let stage = stage(json!({"healthTimeout": 1})).await;
    let mut host = Agent::new(&stage, "host").await;
    until(&stage, |shown| shown["services"]["host"]["healthy"] == true).await;
    let services =
        json!({"services": [{"name": "host"}], "requires": [], "settings": {"autoRecovery": false}});
    let (status, answer) = stage.call("PUT", super::MAIN, Some(services)).await;
    assert_eq!(status, 200, "{answer}");
    super::bring(&stage, &mut [&mut host], &["initialize", "start"]).await;
    host.status(false).await;
    host.is_heard().await;
    drop(host);
    // A report of the same line that is taken is behind those that are not.
    let other = json!({"services": [{"name": "probe", "adapter": {"type": "agent"}}]});
    assert_eq!(stage.call("PUT", "/v1/productions/other", Some(other)).await.0, 201);
    let message = json!({"type": "register", "production": "other", "service": "probe"});
    let _probe = Agent::saying(&stage, &message).await;
    let seen = async {
        loop {
            let (_, shown) = stage.call("GET", "/v1/productions/other", None).await;
            if shown["services"]["probe"]["healthy"] == true {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::harness::PATIENCE, seen).await.expect("it is seen");
    let shown = get(&stage, "").await;
    assert_eq!(shown["lifecycle"]["phase"], "live", "{}", shown["lifecycle"]);
    let host = &shown["services"]["host"];
    assert!(host["error"].is_null() && host["instance"].is_null(), "{host}");
}

#[tokio::test]
async fn s3_an_agent_whose_service_is_gone_is_told_so() {
    let stage = stage_at(Millis(100), json!({})).await;
    let mut host = Agent::new(&stage, "host").await;
    let services = json!({"services": [{"name": "host"}], "requires": []});
    assert_eq!(stage.call("PUT", super::MAIN, Some(services)).await.0, 200);
    assert_eq!(host.client.wait_for_close().await, Some(1008), "it is reached in another way");
    let other = "/v1/productions/other";
    assert_eq!(stage.call("PUT", other, Some(super::manifest(json!({})))).await.0, 201);
    let message = json!({"type": "register", "production": "other", "service": "host"});
    let mut host = Agent::saying(&stage, &message).await;
    assert_eq!(stage.call("DELETE", other, None).await.0, 204);
    assert_eq!(host.client.wait_for_close().await, Some(1008), "its production is gone");
}
