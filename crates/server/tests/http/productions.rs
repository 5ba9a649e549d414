//! Productions: listed by page, begun, shown as they are and were, removed.

use serde_json::json;

use crate::site::{MAIN, Site};

#[tokio::test]
async fn d1_a_production_is_begun_once_and_then_changed() {
    let site = Site::new().await;
    let begun = site.ask("PUT", "/v1/productions/show").send().await;
    assert_eq!(begun.header("location"), "/v1/productions/show");
    assert_eq!(begun.json(201)["revision"], 1);
    let manifest = json!({"collections": {"polls": {"keep": {"versions": 2}}}});
    let changed = site.ask("PUT", "/v1/productions/show").json(&manifest).send().await.json(200);
    assert_eq!(changed["revision"], 2);
    let schema = json!({"collections": {"polls": {"schema": {"$ref": "https://example.com/x"}}}});
    let refused = site.ask("PUT", "/v1/productions/show").json(&schema).send().await;
    refused.is(422);
    assert_eq!(refused.problem("invalid")["errors"][0]["pointer"], "/collections/polls/schema");
    site.ask("PUT", "/v1/productions/none").json(&json!({"servces": []})).send().await.is(422);
    site.ask("GET", "/v1/productions/none").send().await.problem("not-found");
}

#[tokio::test]
async fn d1_productions_are_listed_by_page_and_by_reach() {
    let site = Site::new().await;
    for name in ["a", "b", "c", "d"] {
        site.ask("PUT", &format!("/v1/productions/{name}")).send().await.is(201);
    }
    let (mut names, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = site.get(&format!("/v1/productions?limit=2{cursor}")).await;
        let listed = page["productions"].as_array().unwrap();
        names.extend(listed.iter().map(|listed| listed["id"].as_str().unwrap().to_owned()));
        assert_eq!(listed[0]["phase"], "idle");
        let Some(next) = page["cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(names, ["a", "b", "c", "d", "main"]);
    let (_, token) = site.token("viewer", Some(&["b", "d", "main"])).await;
    let seen = site.ask("GET", "/v1/productions?limit=2").by(&token).send().await.json(200);
    let ids: Vec<&str> =
        seen["productions"].as_array().unwrap().iter().map(|listed| listed["id"].as_str().unwrap()).collect();
    assert_eq!((ids, seen["cursor"].as_str()), (vec!["b", "d"], Some("d")));
}

#[tokio::test]
async fn d5_every_revision_is_what_folding_to_it_makes() {
    let site = Site::new().await;
    site.put("layers/logo", json!({"visible": true})).await;
    let patch = site
        .ask("PATCH", "documents/layers/logo")
        .body("application/merge-patch+json", r#"{"visible":false,"x":1}"#);
    patch.send().await.is(200);
    site.put("chat/one", json!("hello")).await;
    site.ask("DELETE", "documents/layers/logo").send().await.is(204);
    site.ask("POST", "documents/layers/logo/restore").send().await.is(200);
    let log = site.get("changes").await;
    let mut cache = onair_wire::Cache::default();
    for commit in log["commits"].as_array().unwrap() {
        cache.apply(&serde_json::from_value(commit.clone()).unwrap()).unwrap();
        let answer = site.ask("GET", &format!("{MAIN}?at={}", cache.revision)).send().await;
        assert_eq!(answer.header("etag"), format!("\"{}\"", cache.revision));
        let shown = answer.json(200);
        let mut documents = cache.documents.clone();
        documents.retain(|name, _| !name.is_server());
        assert_eq!(shown["documents"], json!(documents), "at {}", cache.revision);
        assert_eq!(shown["revision"], cache.revision.0);
    }
    assert_eq!(
        site.get(MAIN).await["documents"],
        site.get(&format!("{MAIN}?at={}", cache.revision)).await["documents"]
    );
    let future = site.ask("GET", &(MAIN.to_owned() + "?at=99")).send().await.problem("invalid");
    assert_eq!(future["errors"][0]["pointer"], "at");
}

#[tokio::test]
async fn d3_a_snapshot_is_not_sent_twice() {
    let site = Site::new().await;
    let first = site.ask("GET", MAIN).send().await;
    let tag = first.header("etag").to_owned();
    assert_eq!((tag.as_str(), first.header("cache-control")), ("\"1\"", "no-cache"));
    let again = site.ask("GET", MAIN).header("if-none-match", format!("\"9\", W/{tag}")).send().await;
    again.is(304);
    assert!(again.body.is_empty() && again.header("etag") == tag);
    site.put("layers/logo", json!(1)).await;
    site.ask("GET", MAIN).header("if-none-match", &tag).send().await.is(200);
    site.ask("HEAD", MAIN).send().await.is(200);
}

#[tokio::test]
async fn d1_a_production_is_removed_with_its_log() {
    let site = Site::new().await;
    site.ask("PUT", "/v1/productions/show").send().await.is(201);
    site.ask("DELETE", "/v1/productions/show").send().await.is(204);
    site.ask("GET", "/v1/productions/show").send().await.problem("not-found");
    site.ask("DELETE", "/v1/productions/show").send().await.problem("not-found");
}
