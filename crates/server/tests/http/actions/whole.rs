//! A show with services that do what they are asked.

use serde_json::{Value, json};

use super::{at, post};
use crate::site::{MAIN, Site};

fn names(steps: &Value) -> Vec<&str> {
    steps.as_array().unwrap().iter().map(|step| step["name"].as_str().unwrap()).collect()
}

fn moves(history: &Value) -> Vec<(&str, &str, &str)> {
    let word =
        |value: &Value, name: &str| value[name].as_str().map(|word| word.to_owned().leak() as &str).unwrap();
    history.as_array().unwrap().iter().map(|t| (word(t, "from"), word(t, "to"), word(t, "reason"))).collect()
}

#[tokio::test]
async fn l4_a_whole_show_over_http() {
    let site = Site::new().await;
    site.put("feed/one", json!({"url": "https://example.com"})).await;
    let ready = post(&site, "initialize").await.json(200);
    assert_eq!((&ready["phase"], ready.as_object().unwrap().len()), (&json!("ready"), 3));
    let told = json!({"sessionId": "s-1", "kind": "analysis"});
    let live = site.ask("POST", "start").json(&told).send().await.json(200);
    assert_eq!(live["phase"], "live");

    let id = live["sequence"].as_str().unwrap();
    let sequence = site.get(&format!("sequences/{id}")).await;
    assert_eq!((&sequence["kind"], &sequence["status"]), (&json!("start"), &json!("done")));
    let steps = &sequence["steps"];
    assert_eq!(
        names(steps),
        ["livefeed.start", "session.start", "host.start", "producer.start", "backends.tell"]
    );
    let steps = steps.as_array().unwrap();
    assert!(steps[..4].iter().all(|step| step["status"] == "done" && step["attempts"] == 1), "{steps:?}");
    let ended: Vec<&str> = steps[..4].iter().map(|step| step["endedAt"].as_str().unwrap()).collect();
    assert!(ended.is_sorted(), "in order: {ended:?}");

    let shown = site.get(MAIN).await;
    assert_eq!(shown["lifecycle"]["sessionId"], "s-1");
    assert_eq!(shown["services"]["host"]["status"], "active");
    assert_eq!((&shown["stream"]["isLive"], &shown["stream"]["isPaused"]), (&json!(true), &json!(false)));
    assert_eq!(shown["can"]["stop"], json!({"allowed": true}));
    assert_eq!(shown["can"]["start"]["allowed"], false);
    assert_eq!((&shown["backends"], &shown["revision"]), (&json!({}), &live["revision"]));

    let paused = post(&site, "pause").await.json(200);
    assert_eq!((&paused["sequence"], &paused["phase"]), (&Value::Null, &json!("live")));
    assert_eq!(site.get(MAIN).await["stream"]["isPaused"], true);
    assert_eq!(post(&site, "resume").await.json(200)["sequence"], Value::Null);
    assert_eq!(site.get(MAIN).await["lifecycle"]["paused"], false);
    site.ask("DELETE", MAIN).send().await.problem("not-allowed");

    let stopped = post(&site, "stop").await.json(200);
    assert_eq!(stopped["phase"], "ready");
    let stop = site.get(&format!("sequences/{}", stopped["sequence"].as_str().unwrap())).await;
    assert_eq!(
        names(&stop["steps"]),
        ["backends.tell", "producer.stop", "host.stop", "session.stop", "livefeed.stop"]
    );
    let shown = site.get(MAIN).await;
    assert_eq!(shown["services"]["host"]["status"], "ready");
    assert_eq!(
        moves(&shown["lifecycle"]["history"]),
        [
            ("idle", "initializing", "user_action"),
            ("initializing", "ready", "dependency_ready"),
            ("ready", "starting", "user_action"),
            ("starting", "live", "dependency_ready"),
            ("live", "stopping", "user_action"),
            ("stopping", "idle", "user_action"),
            ("idle", "initializing", "system_init"),
            ("initializing", "ready", "dependency_ready"),
        ]
    );
    for transition in shown["lifecycle"]["history"].as_array().unwrap() {
        assert!(transition["actor"].is_string() && transition["at"].is_string(), "{transition}");
        assert!(transition["lasted"].is_u64(), "{transition}");
    }
    let listed = site.get("sequences").await;
    let kinds: Vec<&Value> = listed["sequences"].as_array().unwrap().iter().map(|s| &s["kind"]).collect();
    assert_eq!(kinds.last(), Some(&&json!("initialize")), "newest first: {kinds:?}");
    assert!(kinds.contains(&&json!("start")) && kinds.contains(&&json!("stop")));
}

#[tokio::test]
async fn l7_an_emergency_stop_is_forced_and_says_so() {
    let site = Site::new().await;
    let path = at(&site, "main", "live").await;
    let stopped = post(&site, "emergency-stop").await.json(200);
    assert_eq!(stopped["phase"], "idle");
    let history = site.get(&path).await["lifecycle"]["history"].clone();
    let forced = history.as_array().unwrap().last().unwrap();
    assert_eq!(
        (&forced["from"], &forced["to"], &forced["reason"]),
        (&json!("live"), &json!("idle"), &json!("forced"))
    );
    let sequence = site.get(&format!("sequences/{}", stopped["sequence"].as_str().unwrap())).await;
    assert_eq!(sequence["kind"], "emergency-stop");
    assert!(sequence["steps"].as_array().unwrap().iter().all(|step| step["force"] == true), "{sequence}");
}

#[tokio::test]
async fn l4_whoever_does_not_wait_is_answered_at_once() {
    let site = Site::new().await;
    at(&site, "main", "ready").await;
    let begun = site.ask("POST", "start").header("prefer", "respond-async").send().await;
    assert_eq!(begun.header("preference-applied"), "respond-async");
    let body = begun.json(202);
    assert!(body["sequence"].as_str().unwrap().starts_with("start-"), "{body}");
    let paused = site.ask("POST", "pause").header("prefer", "respond-async").send().await;
    assert!(matches!(paused.status, 202 | 409), "{paused:?}");
}

#[tokio::test]
async fn l9_a_dry_run_lists_the_steps_and_changes_nothing() {
    let site = Site::new().await;
    at(&site, "main", "ready").await;
    let before = site.get(MAIN).await;
    for action in ["initialize", "start", "stop", "pause", "resume", "emergency-stop", "recover"] {
        let plan = post(&site, &format!("{action}?dryRun=true")).await.json(200);
        assert_eq!(plan["allowed"], before["can"][action]["allowed"], "{action}");
        assert!(plan["missingDependencies"].is_array() && plan["irreversible"].is_array(), "{plan}");
    }
    let plan = post(&site, "start?dryRun=true").await.json(200);
    assert_eq!(
        names(&plan["steps"]),
        ["livefeed.start", "session.start", "host.start", "producer.start", "backends.tell"]
    );
    assert_eq!(plan["steps"][4]["skipped"], true, "there is nobody to tell");
    assert_eq!(
        (&plan["steps"][2]["deadline"], &plan["steps"][2]["compensation"]),
        (&json!(15_000), &json!("host.stop"))
    );
    let after = site.get(MAIN).await;
    assert_eq!((&after["revision"], &after["lifecycle"]), (&before["revision"], &before["lifecycle"]));
    let told = site.ask("POST", "start?dryRun=true").json(&json!({"kind": ""})).send().await;
    assert_eq!(told.problem("invalid")["errors"][0]["pointer"], "/kind");

    // What tells backends cannot be taken back.
    let manifest = json!({"backends": [{"name": "hook", "type": "convex", "url": "https://hook.invalid"}]});
    site.ask("PUT", "/v1/productions/told").json(&manifest).send().await.is(201);
    let plan = post(&site, "/v1/productions/told/start?dryRun=true").await.json(200);
    assert_eq!(
        (&plan["irreversible"], &plan["steps"][4]["skipped"]),
        (&json!(["backends.tell"]), &json!(false))
    );
}

#[tokio::test]
async fn l4_a_retry_under_the_same_key_acts_once() {
    let site = Site::new().await;
    at(&site, "main", "ready").await;
    let press = |path: &'static str| site.ask("POST", path).header("idempotency-key", "k-1").send();
    let first = press("start").await.json(200);
    post(&site, "stop").await.json(200);
    let again = press("start").await.json(200);
    assert_eq!(again["sequence"], first["sequence"]);
    assert_eq!(again["phase"], "ready", "it was done once, and stopped since");
    press("stop").await.problem("mutation-id-reused");
}

#[tokio::test]
async fn t2_stream_acts_on_the_default_production() {
    let site = Site::new().await;
    at(&site, "main", "ready").await;
    let planned = post(&site, "/stream/start?dryRun=true").await.json(200);
    assert_eq!(planned["allowed"], true);
    let live = site.ask("POST", "/stream/start").json(&json!({"sessionId": "s-9"})).send().await.json(200);
    assert_eq!(live["phase"], "live");
    let status = site.get("/stream/status").await;
    assert_eq!((&status["isLive"], &status["phase"]), (&json!(true), &json!("live")));
    let paused = async || site.get("/stream/status").await["isPaused"].clone();
    post(&site, "/stream/pause").await.json(200);
    assert_eq!(paused().await, true);
    post(&site, "/stream/pause").await.json(200);
    assert_eq!(paused().await, false, "the same button goes on");
    let press = || site.ask("POST", "/stream/pause").header("idempotency-key", "k").send();
    for _ in 0..2 {
        press().await.json(200);
        assert_eq!(paused().await, true, "a retry is no second press");
    }
    assert_eq!(post(&site, "/stream/stop").await.json(200)["phase"], "ready");
    post(&site, "/stream/stop").await.problem("not-allowed");
}

#[tokio::test]
async fn b3_backends_are_shown_and_told_again() {
    let site = Site::new().await;
    let manifest = json!({"backends": [{"name": "hook", "type": "convex", "url": "https://hook.invalid"}]});
    site.ask("PUT", MAIN).json(&manifest).send().await.is(200);
    let listed = site.get("backends").await;
    let hook = &listed["backends"][0];
    assert_eq!((&hook["name"], &hook["type"], &hook["lag"]), (&json!("hook"), &json!("convex"), &json!(0)));
    assert_eq!(site.get(MAIN).await["backends"]["hook"]["lag"], 0);
    let replayed = site.ask("POST", "backends/hook/replay").json(&json!({"from": 1})).send().await.json(200);
    assert_eq!((&replayed["name"], &replayed["status"]), (&json!("hook"), &json!("retrying")));
    post(&site, "backends/hook/replay").await.json(200);
    let table = [
        ("backends/none/replay", json!(null), "not-found"),
        ("backends/hook/replay", json!({"from": 99}), "invalid"),
        ("backends/hook/replay", json!({"form": 1}), "invalid"),
    ];
    for (path, body, code) in table {
        site.ask("POST", path).json(&body).send().await.problem(code);
    }
    let (_, operator) = site.token("operator", None).await;
    site.ask("POST", "backends/hook/replay").by(&operator).send().await.problem("forbidden");
}
