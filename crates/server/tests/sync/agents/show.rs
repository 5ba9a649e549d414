//! A show whose host and producer are agents: what they are given, and what comes of what they answer.

use serde_json::{Value, json};

use super::{Agent, MAIN, act, bring, get, live, obeyed, stage, until};

fn words<'a>(tasks: &'a [Value], name: &str) -> Vec<&'a str> {
    tasks.iter().map(|task| task[name].as_str().unwrap()).collect()
}

#[tokio::test]
async fn s3_a_show_is_carried_out_by_agents() {
    let stage = stage(json!({})).await;
    let mut message = super::register("host");
    message["client"] = json!({"name": "camera", "version": "2"});
    let mut host = Agent::saying(&stage, &message).await;
    let mut producer = Agent::new(&stage, "producer").await;
    let registered = &host.registered;
    assert_eq!(
        (&registered["production"], &registered["service"], &registered["active"], &registered["heartbeat"]),
        (&json!("main"), &json!("host"), &json!(true), &json!(60_000)),
    );
    let clients = get(&stage, "/clients").await["clients"].clone();
    let (kind, name, id) = (&clients[0]["kind"], &clients[0]["name"], &clients[0]["id"]);
    assert_eq!((kind, name, id), (&json!("agent"), &json!("camera 2"), &registered["session"]));

    let mut both = [&mut host, &mut producer];
    let ((status, ready), tasks) = obeyed(&mut both, act(&stage, "initialize")).await;
    assert_eq!((status, &ready["phase"]), (200, &json!("ready")), "{ready}");
    assert_eq!(words(&tasks, "action"), ["initialize", "initialize"], "side by side");
    let told = json!({"sessionId": "s-1", "kind": "analysis"});
    let path = format!("{MAIN}/start");
    let start = stage.call("POST", &path, Some(told.clone()));
    let ((status, shown), tasks) = obeyed(&mut both, start).await;
    assert_eq!((status, &shown["phase"]), (200, &json!("live")), "{shown}");
    let epoch = get(&stage, "").await["epoch"].clone();
    let key = |service: &str| {
        let (epoch, sequence) = (epoch.as_str().unwrap(), shown["sequence"].as_str().unwrap());
        format!("main:{epoch}:{sequence}:{service}.start")
    };
    assert_eq!(words(&tasks, "key"), [key("host"), key("producer")], "one after the other");
    for task in &tasks {
        assert_eq!((&task["params"], &task["attempt"]), (&told, &json!(1)), "{task}");
    }
    let steps = get(&stage, &format!("/sequences/{}", shown["sequence"].as_str().unwrap())).await;
    assert_eq!(tasks[0]["deadline"], steps["steps"][2]["deadline"], "what the agent is told is what is kept");

    let service = get(&stage, "").await["services"]["host"].clone();
    assert_eq!(
        (&service["status"], &service["adapter"], &service["healthy"], &service["instance"]),
        (&json!("active"), &json!("agent"), &json!(true), &host.registered["session"]),
    );
    let ((status, stopped), tasks) = obeyed(&mut [&mut host, &mut producer], act(&stage, "stop")).await;
    assert_eq!((status, &stopped["phase"]), (200, &json!("ready")), "{stopped}");
    let asked: Vec<&str> = words(&tasks, "key").iter().map(|key| key.rsplit(':').next().unwrap()).collect();
    assert_eq!(asked, ["producer.stop", "host.stop"], "in reverse, and nobody is made ready again");
}

#[tokio::test]
async fn l5_what_an_agent_says_went_wrong_is_told_after_the_rollback() {
    let stage = stage(json!({})).await;
    let (mut host, mut producer) = (Agent::new(&stage, "host").await, Agent::new(&stage, "producer").await);
    bring(&stage, &mut [&mut host, &mut producer], &["initialize"]).await;
    let agents = async {
        let first = host.task("start").await;
        host.fails(&first, "the camera is in use", true).await;
        let second = host.task("start").await;
        assert_eq!((&second["key"], &second["attempt"]), (&first["key"], &json!(2)), "{first} {second}");
        assert_ne!(second["id"], first["id"]);
        host.done(&second).await;
        let task = producer.task("start").await;
        producer.fails(&task, "no script", false).await;
        let undo = host.task("stop").await;
        host.done(&undo).await;
    };
    let ((status, problem), ()) = tokio::join!(act(&stage, "start"), agents);
    assert_eq!((status, &problem["code"]), (502, &json!("step-failed")), "{problem}");
    assert_eq!(problem["error"]["step"], "producer.start");
    assert!(problem["detail"].as_str().unwrap().ends_with("no script"), "{problem}");
    let services = get(&stage, "").await["services"].clone();
    assert_eq!(
        (&services["host"]["status"], &services["producer"]["status"]),
        (&json!("ready"), &json!("failed"))
    );
}

#[tokio::test]
async fn l6_a_stop_during_a_start_tells_the_agent_that_nobody_waits() {
    let stage = stage(json!({})).await;
    let (mut host, mut producer) = (Agent::new(&stage, "host").await, Agent::new(&stage, "producer").await);
    bring(&stage, &mut [&mut host, &mut producer], &["initialize"]).await;
    let stop = async {
        let task = host.task("start").await;
        let agents = async {
            assert_eq!(host.told("cancel").await["id"], task["id"]);
            let undo = host.task("stop").await;
            host.done(&undo).await;
        };
        tokio::join!(act(&stage, "stop"), agents).0
    };
    let ((status, started), (_, stopped)) = tokio::join!(act(&stage, "start"), stop);
    assert_eq!((status, &started["error"]["code"]), (502, &json!("cancelled")), "{started}");
    assert_eq!(stopped["phase"], "ready", "{stopped}");
    let kinds = get(&stage, "/sequences").await;
    assert_eq!(kinds["sequences"][0]["kind"], "rollback", "it may have gone on, so it is asked to go off");
}

#[tokio::test]
async fn l7_an_emergency_stop_is_answered_while_an_agent_hangs() {
    let stage = stage(json!({})).await;
    let (mut host, _producer) = live(&stage).await;
    let (status, stopped) = act(&stage, "emergency-stop").await;
    assert_eq!((status, &stopped["phase"]), (200, &json!("idle")), "{stopped}");
    let task = host.task("stop").await;
    assert_eq!(task["params"]["force"], true, "{task}");
    let path = format!("/sequences/{}", stopped["sequence"].as_str().unwrap());
    assert_eq!(get(&stage, &path).await["status"], "running", "the host has not said that it is off");
    host.done(&task).await;
    until(&stage, |shown| shown["services"]["host"]["status"] == "down").await;
}

#[tokio::test]
async fn l3_a_task_waits_for_an_agent() {
    let stage = stage(json!({})).await;
    let mut producer = Agent::new(&stage, "producer").await;
    let agents = async {
        let task = producer.task("initialize").await;
        producer.done(&task).await;
        let mut host = Agent::new(&stage, "host").await;
        let task = host.task("initialize").await;
        host.done(&task).await;
        host
    };
    let ((status, ready), host) = tokio::join!(act(&stage, "initialize"), agents);
    assert_eq!((status, &ready["phase"]), (200, &json!("ready")), "{ready}");
    assert!(host.is_active());
}

#[tokio::test]
async fn l3_without_an_agent_it_is_tried_again_and_then_said() {
    let stage = stage(json!({"initializationTimeout": 1_000, "maxRetries": 1})).await;
    let (status, problem) = act(&stage, "initialize").await;
    assert!(matches!(status, 502 | 504), "{problem}");
    let steps = get(&stage, "/sequences").await["sequences"][0]["steps"].clone();
    let host = steps.as_array().unwrap().iter().find(|step| step["name"] == "host.initialize").unwrap();
    assert_eq!(host["attempts"], 2, "{host}");
    // A machine that is slow hears of the deadline first.
    let detail = problem["detail"].as_str().unwrap();
    let said = ["no agent of host was there in time", "no answer within 1000 ms"];
    assert!(said.iter().any(|said| detail.ends_with(said)), "{detail}");
}
