//! What is refused, with its reason, and manifests that are none.

use serde_json::{Value, json};

use super::{at, post};
use crate::site::{MAIN, Site};

const ACTIONS: [&str; 7] = ["initialize", "start", "stop", "pause", "resume", "emergency-stop", "recover"];

#[tokio::test]
async fn l9_every_action_in_every_phase_is_as_can_says() {
    // The phase that each action leads to from each phase, in the order of `ACTIONS`; `-`: it is refused.
    let table = [
        ("idle", ["ready", "-", "-", "-", "-", "idle", "-"]),
        ("ready", ["-", "live", "-", "-", "-", "idle", "-"]),
        ("live", ["-", "-", "ready", "live", "live", "idle", "-"]),
        ("paused", ["-", "-", "ready", "live", "live", "idle", "-"]),
    ];
    let site = Site::new().await;
    for (phase, row) in table {
        for (action, leads_to) in ACTIONS.into_iter().zip(row) {
            let path = at(&site, &format!("{phase}-{action}"), phase).await;
            let can = site.get(&format!("{path}/can")).await;
            assert_eq!(can.as_object().unwrap().len(), ACTIONS.len());
            assert_eq!(can[action]["allowed"], leads_to != "-", "{action} in {phase}: {can}");
            let answer = post(&site, &format!("{path}/{action}")).await;
            if leads_to == "-" {
                answer.is(409);
                let problem = answer.problem("not-allowed");
                assert_eq!(problem["reason"], can[action]["reason"], "{action} in {phase}");
                let missing = can[action].get("missingDependencies").cloned().unwrap_or(json!([]));
                assert_eq!(problem["missingDependencies"], missing, "{action} in {phase}");
            } else {
                assert_eq!(answer.json(200)["phase"], leads_to, "{action} in {phase}");
            }
        }
    }
}

#[tokio::test]
async fn l4_a_start_needs_content_and_says_so() {
    let site = Site::new().await;
    post(&site, "initialize").await.json(200);
    let problem = post(&site, "start").await.problem("not-allowed");
    assert_eq!(problem["missingDependencies"], json!(["feed"]));
    assert!(problem["reason"].as_str().unwrap().contains("feed"), "{problem}");
    site.put("feed/one", json!(1)).await;
    assert_eq!(post(&site, "start").await.json(200)["phase"], "live");
}

#[tokio::test]
async fn l9_validate_says_whether_a_phase_can_be_reached() {
    let site = Site::new().await;
    let asked = async |to: &str| site.get(&format!("validate?to={to}")).await;
    let live = asked("live").await;
    assert_eq!(live["valid"], false);
    assert!(live["reason"].is_string(), "{live}");
    assert!(live["missingDependencies"].as_array().unwrap().contains(&json!("feed")), "{live}");
    let ready = json!({"valid": true, "reason": null, "missingDependencies": []});
    assert_eq!(asked("ready").await, ready);
    let unknown = site.ask("GET", "validate?to=air").send().await.problem("invalid");
    assert_eq!(unknown["errors"][0]["pointer"], "to");
    assert!(unknown["detail"].as_str().unwrap().contains("`stopping`"), "{unknown}");
    site.ask("GET", "validate").send().await.problem("invalid");
}

#[tokio::test]
async fn l4_what_an_action_is_told_is_read_strictly() {
    let site = Site::new().await;
    let path = at(&site, "main", "ready").await;
    let table = [
        ("start", json!({"sesionId": "x"}), "/sesionId"),
        ("start", json!({"sessionId": 7}), "/sessionId"),
        ("start", json!({"sessionId": ""}), "/sessionId"),
        ("start", json!({"kind": "a\u{7}"}), "/kind"),
        ("start", json!({"kind": "x".repeat(129)}), "/kind"),
        ("start", json!([]), ""),
        ("stop", json!({"sessionId": "x"}), "/sessionId"),
        ("pause", json!(true), ""),
        ("/stream/pause", json!({"on": true}), "/on"),
    ];
    for (action, body, pointer) in table {
        let answer = site.ask("POST", action).json(&body).send().await;
        answer.is(422);
        assert_eq!(answer.problem("invalid")["errors"][0]["pointer"], pointer, "{action} {body}");
    }
    site.ask("POST", "start").body("text/plain", "{}").send().await.problem("unsupported-media-type");
    post(&site, "start?dryrun=true").await.problem("invalid");
    post(&site, "start?dryRun=yes").await.problem("invalid");
    for body in [json!({}), Value::Null] {
        let idle = site.ask("POST", "emergency-stop").json(&body).send().await.json(200);
        assert_eq!(idle["phase"], "idle");
    }
    assert_eq!(site.get(&path).await["lifecycle"]["phase"], "idle");
}

#[tokio::test]
async fn l11_settings_out_of_range_are_named() {
    let site = Site::new().await;
    let table = [
        ("startupTimeout", json!(0)),
        ("startupTimeout", json!(3_600_001)),
        ("startupTimeout", json!("10s")),
        ("maxRetries", json!(101)),
        ("maxRetries", json!(-1)),
        ("backoffMultiplier", json!(0.5)),
        ("autoRecovery", json!(1)),
        ("startUpTimeout", json!(1)),
    ];
    for (name, value) in table {
        let answer = site.ask("PATCH", "settings").json(&json!({name: value})).send().await;
        answer.is(422);
        assert_eq!(answer.problem("invalid")["errors"][0]["pointer"], format!("/{name}"), "{value}");
    }
    assert_eq!(site.get(MAIN).await["revision"], 1);
}

#[tokio::test]
async fn s1_a_manifest_that_cannot_be_is_refused_with_the_place() {
    let site = Site::new().await;
    let table = [
        (
            json!({"services": [{"name": "a", "after": ["b"]}, {"name": "b", "after": ["a"]}]}),
            "/services/0/after",
        ),
        (json!({"services": [{"name": "a", "after": ["a"]}]}), "/services/0/after"),
        (json!({"services": [{"name": "a", "after": ["x"]}]}), "/services/0/after/0"),
        (json!({"services": [{"name": "a"}, {"name": "a"}]}), "/services/1/name"),
        (json!({"services": [{"name": "a", "adapter": {"type": "magic"}}]}), "/services/0/adapter/type"),
        (
            json!({"services": [{"name": "a", "adapter": {"type": "builtin", "url": "x"}}]}),
            "/services/0/adapter/url",
        ),
        (json!({"services": [{"name": "a"}], "start": ["b"]}), "/start/0"),
        (json!({"services": [{"name": "b", "after": ["a"]}, {"name": "a"}]}), "/start/0"),
        (json!({"requires": [{"service": "x", "is": "initialized"}]}), "/requires/0/service"),
    ];
    for (manifest, pointer) in table {
        let answer = site.ask("PUT", "/v1/productions/none").json(&manifest).send().await;
        answer.is(422);
        assert_eq!(answer.problem("invalid")["errors"][0]["pointer"], pointer, "{manifest}");
    }
    site.ask("GET", "/v1/productions/none").send().await.problem("not-found");
}
