//! Findings over HTTP: looking now, what stands and what stood, and what blocks a start (rows A2, A3).

use serde_json::{Value, json};

use crate::site::Site;

const FOUND: &str = "/v1/productions/found";

/// A production whose settings contradict each other, as the manifest of the second kind does not.
async fn manifest(site: &Site, retry_delay: u64, block: &str) {
    let manifest = json!({ "services": [{ "name": "host" }], "requires": [], "validation": { "blockStart": block },
        "settings": { "retryDelay": retry_delay } });
    let answer = site.ask("PUT", FOUND).json(&manifest).send().await;
    assert!(matches!(answer.status, 200 | 201), "{answer:?}");
}

async fn post(site: &Site, path: &str, body: &Value) -> crate::site::Answer {
    site.ask("POST", &format!("{FOUND}/{path}")).json(body).send().await
}

#[tokio::test]
async fn a2_a_check_says_what_stands_and_the_lists_keep_it() {
    let site = Site::new().await;
    manifest(&site, 20_000, "error").await;
    let report = post(&site, "check", &json!({})).await.json(200);
    assert_eq!(
        (&report["ok"], &report["counts"]),
        (&json!(true), &json!({"error": 0, "warning": 1, "info": 0}))
    );
    let finding = &report["findings"][0];
    assert_eq!((&finding["code"], &finding["subjects"]), (&json!("CF001"), &json!(["retryDelay"])));
    assert!(finding["message"].as_str().unwrap().contains("20000"), "{finding}");

    let found = site.get(&format!("{FOUND}/findings")).await;
    assert_eq!(
        (&found["findings"][0]["code"], &found["findings"][0]["clearedAt"]),
        (&json!("CF001"), &Value::Null)
    );
    let page = async |query: &str| {
        site.get(&format!("{FOUND}/findings{query}")).await["findings"].as_array().unwrap().len()
    };
    assert_eq!(
        (page("?severity=warning").await, page("?severity=error").await, page("?code=SM001").await),
        (1, 0, 0)
    );
    assert_eq!(site.get(FOUND).await["findings"], json!({"error": 0, "warning": 1, "info": 0}));

    manifest(&site, 1_000, "error").await;
    assert_eq!(post(&site, "check", &json!({})).await.json(200)["findings"], json!([]));
    assert_eq!((page("").await, page("/history").await), (0, 1));
    let stats = site.get(&format!("{FOUND}/findings/stats")).await;
    assert_eq!(
        (&stats["standing"], &stats["cleared"], &stats["byCode"]["CF001"]["opened"]),
        (&json!(0), &json!(1), &json!(1))
    );
    assert!(stats["checks"].as_u64().unwrap() >= 2 && stats["checkedAt"].is_string(), "{stats}");
}

#[tokio::test]
async fn a3_a_check_that_fails_is_a_refusal_with_what_stands() {
    let site = Site::new().await;
    manifest(&site, 20_000, "error").await;
    post(&site, "check?fail=error", &json!({})).await.is(200);
    let refused = post(&site, "check?fail=warning", &json!({})).await.problem("not-allowed");
    assert_eq!(
        (&refused["reason"], &refused["findings"][0]["code"]),
        (&json!("CF001 stands"), &json!("CF001"))
    );
    post(&site, "check?fail=fatal", &json!({})).await.problem("invalid");
    let viewer = site.token("viewer", None).await.1;
    site.ask("POST", &format!("{FOUND}/check")).by(&viewer).send().await.problem("forbidden");
}

#[tokio::test]
async fn a3_a_start_says_what_blocks_it_and_the_glass_can_be_broken() {
    let site = Site::new().await;
    manifest(&site, 20_000, "warning").await;
    post(&site, "initialize", &json!({})).await.is(200);
    let refused = post(&site, "start", &json!({})).await.problem("not-allowed");
    assert_eq!((&refused["findings"], &refused["missingDependencies"]), (&json!(["CF001"]), &json!([])));
    assert!(refused["reason"].as_str().unwrap().contains("CF001"), "{refused}");
    let can = site.get(&format!("{FOUND}/can")).await;
    assert_eq!((&can["start"]["allowed"], &can["start"]["findings"]), (&json!(false), &json!(["CF001"])));
    let valid = site.get(&format!("{FOUND}/validate?to=live")).await;
    assert_eq!((&valid["valid"], &valid["findings"]), (&json!(false), &json!(["CF001"])));
    let plan = post(&site, "start?dryRun=true", &json!({})).await.json(200);
    assert_eq!((&plan["allowed"], &plan["findings"]), (&json!(false), &json!(["CF001"])));

    post(&site, "start", &json!({"breakGlass": " "})).await.problem("invalid");
    post(&site, "start", &json!({"breakGlass": true})).await.problem("invalid");
    let live = post(&site, "start", &json!({"breakGlass": "the audience waits"})).await.json(200);
    assert_eq!(live["phase"], "live");
    let history = site.get(FOUND).await["lifecycle"]["history"].clone();
    let broken: Vec<_> =
        history.as_array().unwrap().iter().filter(|it| !it["breakGlass"].is_null()).collect();
    let expected = json!({"reason": "the audience waits", "findings": ["CF001"]});
    assert_eq!((broken.len(), &broken[0]["breakGlass"]), (1, &expected));
}

#[tokio::test]
async fn b32_the_page_of_a_rule_is_served_as_that_of_a_problem() {
    let site = Site::new().await;
    let page = site.ask("GET", "/docs/problems/SM001").by("").send().await;
    page.is(200);
    assert!(page.body.starts_with(b"# SM001\n"));
    site.ask("GET", "/docs/problems/SM000").by("").send().await.problem("not-found");
}
