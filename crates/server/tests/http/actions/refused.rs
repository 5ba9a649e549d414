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
            let before = site.get(&path).await;
            let answer = post(&site, &format!("{path}/{action}")).await;
            if leads_to == "-" {
                assert_eq!(site.get(&path).await["revision"], before["revision"], "{action} in {phase}");
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
    // What is just within its range, and what is just beyond or of another kind.
    let wait = (json!([1, 3_600_000]), json!([0, 3_600_001, -1, 1.5, "10s", null, true]));
    let flag = (json!([true, false]), json!([0, 1, "true", null]));
    let table = [
        ("initializationTimeout", &wait),
        ("startupTimeout", &wait),
        ("shutdownTimeout", &wait),
        ("healthTimeout", &wait),
        ("retryDelay", &wait),
        ("maxRetries", &(json!([0, 100]), json!([101, -1, 0.5, "3", null]))),
        ("backoffMultiplier", &(json!([1, 1.5, 10]), json!([0.5, 10.5, -2, "2", null]))),
        ("autoRecovery", &flag),
        ("backendSync", &flag),
        ("stateValidation", &flag),
        ("verbose", &flag),
        ("startUpTimeout", &(json!([]), json!([1]))),
    ];
    let known = site.get("settings").await;
    for name in known["settings"].as_object().unwrap_or(known.as_object().unwrap()).keys() {
        assert!(table.iter().any(|(listed, _)| listed == name), "say which values {name} may have");
    }
    for (name, (good, bad)) in table {
        for value in good.as_array().unwrap() {
            site.ask("PATCH", "settings").json(&json!({name: value})).send().await.json(200);
        }
        let before = site.get(MAIN).await["revision"].clone();
        for value in bad.as_array().unwrap() {
            let answer = site.ask("PATCH", "settings").json(&json!({name: value})).send().await;
            assert_eq!(answer.status, 422, "{name} {value}");
            let problem = answer.problem("invalid");
            assert_eq!(problem["errors"][0]["pointer"], format!("/{name}"), "{value}: {problem}");
            assert!(!problem["errors"][0]["detail"].as_str().unwrap().is_empty(), "{problem}");
        }
        let both = json!({"verbose": true, name: bad[0]});
        site.ask("PATCH", "settings").json(&both).send().await.problem("invalid");
        assert_eq!(site.get(MAIN).await["revision"], before, "{name}: nothing was changed");
    }
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
        (json!({"services": [{"name": "a"}, {"name": "b"}], "start": ["a", "b", "a"]}), "/start/2"),
        (json!({"services": [{"name": "a/b"}]}), "/services/0/name"),
        (
            json!({"services": [{"name": "a", "adapter": {"type": "agent", "url": "x"}}]}),
            "/services/0/adapter/url",
        ),
        (json!({"services": [{"name": "a", "adapter": {"type": "http"}}]}), "/services/0/adapter/url"),
        // A command comes from the configuration file of the server, and from nowhere else.
        (
            json!({"services": [{"name": "a", "adapter": {"type": "process", "name": "x", "command": ["sh"]}}]}),
            "/services/0/adapter/command",
        ),
        (
            json!({"services": [{"name": "a", "adapter": {"type": "process", "name": "x"}}]}),
            "/services/0/adapter/name",
        ),
        (json!({"services": [{"name": "a", "adapter": {"type": "process"}}]}), "/services/0/adapter/name"),
        (json!({"services": [{"name": "a", "adapter": {"type": "obs"}}]}), "/services/0/adapter/type"),
        (json!({"services": [{"name": "a", "adapter": {"type": "ffmpeg"}}]}), "/services/0/adapter/type"),
        (json!({"settings": {"startupTimeout": 0}}), "/settings/startupTimeout"),
    ];
    for (manifest, pointer) in table {
        let answer = site.ask("PUT", "/v1/productions/none").json(&manifest).send().await;
        answer.is(422);
        assert_eq!(answer.problem("invalid")["errors"][0]["pointer"], pointer, "{manifest}");
    }
    site.ask("GET", "/v1/productions/none").send().await.problem("not-found");
}
