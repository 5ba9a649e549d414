//! Answers that are none: each is told with its code and the id it named, and changes nothing (rows S2, S3).

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::{Agent, MAIN, act, get, manifest, stage};

fn done(id: &Value) -> Value {
    json!({"type": "done", "id": id})
}

#[tokio::test]
async fn s3_an_answer_that_is_not_waited_for_is_told_with_its_code() {
    let stage = stage(json!({})).await;
    let (status, answer) = stage.call("PUT", "/v1/productions/other", Some(manifest(json!({})))).await;
    assert_eq!(status, 201, "{answer}");
    let mut host = Agent::new(&stage, "host").await;
    let mut standby = Agent::new(&stage, "host").await;
    let mut producer = Agent::new(&stage, "producer").await;
    let message = json!({"type": "register", "production": "other", "service": "host"});
    let mut elsewhere = Agent::saying(&stage, &message).await;
    let agents = async {
        let (mine, its) = (host.task("initialize").await, producer.task("initialize").await);
        let (mine, its) = (mine["id"].clone(), its["id"].clone());
        for other in [&mut producer, &mut standby, &mut elsewhere] {
            for answer in [done(&mine), json!({"type": "failed", "id": mine, "error": "mine now"})] {
                let problem = other.refused(answer).await;
                assert_eq!((&problem["code"], &problem["id"]), (&json!("forbidden"), &mine), "{problem}");
            }
        }
        let (session, n) = mine.as_str().unwrap().rsplit_once('.').unwrap();
        let next: u64 = n.parse::<u64>().unwrap() + 1;
        for unknown in
            ["nobody", "", "s-0000000000000000.1", &format!("{session}.{next}"), &format!("{session}.01")]
        {
            let problem = host.refused(done(&json!(unknown))).await;
            assert_eq!(
                (&problem["code"], &problem["id"]),
                (&json!("not-found"), &json!(unknown)),
                "{problem}"
            );
        }
        host.client.say(&done(&mine)).await;
        for again in [done(&mine), json!({"type": "failed", "id": mine, "error": "after all"})] {
            let problem = host.refused(again).await;
            assert_eq!((&problem["code"], &problem["id"]), (&json!("gone"), &mine), "{problem}");
            assert!(problem["detail"].as_str().unwrap().contains("answered before"), "{problem}");
        }
        producer.client.say(&done(&its)).await;
    };
    let ((status, ready), ()) = tokio::join!(act(&stage, "initialize"), agents);
    assert_eq!((status, &ready["phase"]), (200, &json!("ready")), "{ready}");
    let steps = get(&stage, "/sequences").await["sequences"][0]["steps"].clone();
    assert!(steps.as_array().unwrap().iter().all(|step| step["error"].is_null()), "{steps}");
}

#[tokio::test]
async fn s3_an_answer_behind_the_deadline_comes_too_late() {
    let stage = stage(json!({"initializationTimeout": 100, "maxRetries": 0})).await;
    let (mut host, mut producer) = (Agent::new(&stage, "host").await, Agent::new(&stage, "producer").await);
    let agents = async {
        let (task, its) = (host.task("initialize").await, producer.task("initialize").await);
        producer.done(&its).await;
        assert_eq!(host.told("cancel").await["id"], task["id"]);
        let late = host.refused(done(&task["id"])).await;
        assert_eq!((&late["code"], &late["id"]), (&json!("gone"), &task["id"]), "{late}");
        assert!(late["detail"].as_str().unwrap().contains("nobody waits"), "{late}");
    };
    let ((status, problem), ()) = tokio::join!(act(&stage, "initialize"), agents);
    assert_eq!((status, &problem["code"]), (504, &json!("step-timeout")), "{problem}");
    let (_, shown) = stage.call("GET", MAIN, None).await;
    assert_eq!(shown["lifecycle"]["phase"], "error");
}

#[tokio::test]
async fn s2_bad_messages_of_an_agent_are_named_by_code_and_place() {
    let table = [
        ("no JSON", "{".into(), "bad-json", ""),
        ("not an object", "[]".into(), "invalid", ""),
        ("no type", "{}".into(), "invalid", "/type"),
        ("a type of the other protocol", json!({"type": "hello"}).to_string(), "invalid", "/type"),
        ("no id", json!({"type": "done"}).to_string(), "invalid", ""),
        ("an id that is a number", json!({"type": "done", "id": 7}).to_string(), "invalid", "/id"),
        ("no error", json!({"type": "failed", "id": "x"}).to_string(), "invalid", ""),
        (
            "a misspelt field",
            json!({"type": "done", "id": "x", "reslut": 1}).to_string(),
            "invalid",
            "/reslut",
        ),
        (
            "health that is a word",
            json!({"type": "status", "healthy": "yes"}).to_string(),
            "invalid",
            "/healthy",
        ),
        ("registered already", super::register("host").to_string(), "invalid", "/type"),
    ];
    let stage = stage(json!({})).await;
    let mut host = Agent::new(&stage, "host").await;
    for (name, text, code, pointer) in table {
        host.client.send(Message::text(text)).await;
        let problem = host.told("problem").await;
        assert_eq!(problem["code"], code, "{name}: {problem}");
        assert_eq!(
            problem["errors"][0]["pointer"].as_str().unwrap_or_default(),
            pointer,
            "{name}: {problem}"
        );
    }
    host.is_heard().await;
    host.client.send(Message::binary(vec![1])).await;
    assert_eq!(host.client.wait_for_close().await, Some(1003), "binary where text belongs");
}

/// An error may be as long as a message; what is kept of it becomes part of a document.
#[tokio::test]
async fn s2_a_long_error_is_cut() {
    let stage = stage(json!({})).await;
    let (mut host, mut producer) = (Agent::new(&stage, "host").await, Agent::new(&stage, "producer").await);
    let agents = async {
        let (task, its) = (host.task("initialize").await, producer.task("initialize").await);
        producer.done(&its).await;
        host.fails(&task, &"ä".repeat(20_000), false).await;
    };
    let ((status, problem), ()) = tokio::join!(act(&stage, "initialize"), agents);
    assert_eq!(status, 502, "{problem}");
    let error = get(&stage, "").await["services"]["host"]["error"].clone();
    assert_eq!(error.as_str().unwrap().chars().count(), onair_wire::agent::ERROR_LENGTH_MAX);
}
