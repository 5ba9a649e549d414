//! Several agents of one service: who is active, who takes over, and who comes back (rows S2, S3).

use serde_json::{Value, json};

use super::{Agent, act, bring, get, live, obeyed, stage, until};

/// A task was given to an agent that was gone before it answered: the one that stood by must be asked for the very same,
/// or what was half done is done twice.
#[tokio::test]
async fn s3_who_stands_by_is_given_the_same_task_under_the_same_key() {
    let stage = stage(json!({})).await;
    let mut producer = Agent::new(&stage, "producer").await;
    let (mut first, mut second) = (Agent::new(&stage, "host").await, Agent::new(&stage, "host").await);
    assert!(first.is_active() && !second.is_active());
    let agents = async {
        let lost = first.task("initialize").await;
        drop(first);
        second.told("active").await;
        let again = second.task("initialize").await;
        for name in ["key", "deadline", "attempt", "params"] {
            assert_eq!(again[name], lost[name], "{name}");
        }
        let late = second.refused(json!({"type": "done", "id": lost["id"]})).await;
        assert_eq!((&late["code"], &late["id"]), (&json!("gone"), &lost["id"]), "{late}");
        second.done(&again).await;
    };
    let serve = async {
        let task = producer.task("initialize").await;
        producer.done(&task).await;
    };
    let ((status, ready), (), ()) = tokio::join!(act(&stage, "initialize"), agents, serve);
    assert_eq!((status, &ready["phase"]), (200, &json!("ready")), "{ready}");
    let steps = get(&stage, "/sequences").await["sequences"][0]["steps"].clone();
    assert!(steps.as_array().unwrap().iter().all(|step| step["attempts"] == 1), "{steps}");
}

#[tokio::test]
async fn s3_those_who_stand_by_take_over_in_their_order() {
    let stage = stage(json!({})).await;
    let mut agents = Vec::new();
    for _ in 0..4 {
        agents.push(Agent::new(&stage, "host").await);
    }
    assert_eq!(agents.iter().map(Agent::is_active).collect::<Vec<_>>(), [true, false, false, false]);
    // One that leaves without having been active changes nothing.
    drop(agents.remove(1));
    while agents.len() > 1 {
        drop(agents.remove(0));
        agents[0].told("active").await;
        let session = agents[0].registered["session"].clone();
        until(&stage, |shown| shown["services"]["host"]["instance"] == session).await;
        for other in &mut agents[1..] {
            other.is_heard().await;
            assert!(other.told.is_empty(), "{:?}", other.told);
        }
    }
}

#[tokio::test]
async fn s3_who_is_passed_over_is_told_not_to_answer() {
    let stage = stage(json!({})).await;
    let mut producer = Agent::new(&stage, "producer").await;
    let (mut first, mut second) = (Agent::new(&stage, "host").await, Agent::new(&stage, "host").await);
    let agents = async {
        let task = first.task("initialize").await;
        first.status(false).await;
        assert_eq!(first.told("cancel").await["id"], task["id"]);
        first.told("standby").await;
        let late = first.refused(json!({"type": "done", "id": task["id"]})).await;
        assert_eq!((&late["code"], &late["id"]), (&json!("gone"), &task["id"]), "{late}");
        second.told("active").await;
        let again = second.task("initialize").await;
        assert_eq!(again["key"], task["key"]);
        second.done(&again).await;
    };
    let serve = async {
        let task = producer.task("initialize").await;
        producer.done(&task).await;
    };
    let ((status, ready), (), ()) = tokio::join!(act(&stage, "initialize"), agents, serve);
    assert_eq!((status, &ready["phase"]), (200, &json!("ready")), "{ready}");
}

#[tokio::test]
async fn s2_who_comes_back_as_the_same_instance_takes_its_place() {
    let stage = stage(json!({})).await;
    let mut producer = Agent::new(&stage, "producer").await;
    let mut old = Agent::instance(&stage, "host", "left").await;
    bring(&stage, &mut [&mut old, &mut producer], &["initialize", "start"]).await;
    let standby = Agent::new(&stage, "host").await;
    let before = get(&stage, "").await["revision"].clone();
    let mut new = Agent::instance(&stage, "host", "left").await;
    assert!(new.is_active() && !standby.is_active());
    assert_eq!(old.client.wait_for_close().await, Some(1008), "its old connection is over");
    new.is_heard().await;
    assert!(new.told.is_empty(), "it has kept its state, so nothing is asked of it again: {:?}", new.told);
    let shown = get(&stage, "").await;
    assert_eq!((&shown["services"]["host"]["instance"], &shown["revision"]), (&json!("left"), &before));
    bring(&stage, &mut [&mut new, &mut producer], &["stop"]).await;
}

fn reasserted(sequences: &Value) -> Option<&Value> {
    sequences["sequences"].as_array().unwrap().iter().find(|sequence| sequence["service"] == "host")
}

/// The host was another program than the one that had been started: the show was live, and nobody hosted it.
#[tokio::test]
async fn s3_who_comes_back_as_another_instance_while_live_is_started_again() {
    let stage = stage(json!({})).await;
    let (mut producer, mut old) =
        (Agent::new(&stage, "producer").await, Agent::instance(&stage, "host", "left").await);
    bring(&stage, &mut [&mut old, &mut producer], &["initialize", "start"]).await;
    let session = get(&stage, "").await["lifecycle"]["sessionId"].clone();
    drop(old);
    let mut new = Agent::instance(&stage, "host", "right").await;
    let whole = until(&stage, |shown| {
        let host = &shown["services"]["host"];
        host["instance"] == "right" && host["stale"].is_null() && shown["lifecycle"]["sequence"].is_null()
    });
    let (shown, tasks) = obeyed(&mut [&mut new, &mut producer], whole).await;
    let asked: Vec<(&str, &Value)> =
        tasks.iter().map(|task| (task["action"].as_str().unwrap(), &task["params"]["sessionId"])).collect();
    assert_eq!(asked, [("initialize", &session), ("start", &session)], "{tasks:?}");
    assert_eq!(
        (&shown["lifecycle"]["phase"], &shown["services"]["host"]["status"]),
        (&json!("live"), &json!("active"))
    );
    let sequences = get(&stage, "/sequences").await;
    let sequence = reasserted(&sequences).expect("a sequence of its own");
    assert_eq!(
        (&sequence["kind"], &sequence["startedBy"], &sequence["status"]),
        (&json!("recover"), &json!("server:recovery"), &json!("done")),
        "{sequence}"
    );
    let changes = get(&stage, "/changes?after=0&limit=1000").await;
    let why = |commit: &&Value| commit["cause"]["reasserted"] == true;
    let commit = changes["commits"].as_array().unwrap().iter().find(why).expect("history says so");
    assert_eq!(
        (&commit["cause"]["service"], &commit["cause"]["sequence"]),
        (&json!("host"), &sequence["id"])
    );
}

#[tokio::test]
async fn s3_a_standby_that_takes_over_while_live_is_started() {
    let stage = stage(json!({})).await;
    let (host, mut producer) = live(&stage).await;
    let mut standby = Agent::new(&stage, "host").await;
    drop(host);
    let session = standby.registered["session"].clone();
    let whole = until(&stage, |shown| {
        let host = &shown["services"]["host"];
        host["instance"] == session && host["stale"].is_null() && shown["lifecycle"]["sequence"].is_null()
    });
    let (shown, tasks) = obeyed(&mut [&mut standby, &mut producer], whole).await;
    assert_eq!(shown["lifecycle"]["phase"], "live");
    assert_eq!(tasks.iter().map(|task| &task["action"]).collect::<Vec<_>>(), ["initialize", "start"]);
}
