//! Documents: written with preconditions, merged, deleted, brought back, looked at as they were.

use serde_json::{Value, json};

use crate::site::Site;

const LOGO: &str = "documents/layers/logo";

#[tokio::test]
async fn d3_a_document_is_created_replaced_and_deleted() {
    let site = Site::new().await;
    let created = site.ask("PUT", LOGO).json(&json!({"visible": true})).send().await;
    assert_eq!(created.header("etag"), "\"2\"");
    assert_eq!(created.json(201), json!({"id": "logo", "revision": 2, "outcome": "applied"}));
    let replaced = site.ask("PUT", LOGO).json(&json!({"visible": false})).send().await;
    assert_eq!((replaced.status, replaced.header("etag")), (200, "\"3\""));
    let read = site.ask("GET", LOGO).send().await;
    assert_eq!(read.header("etag"), "\"3\"");
    let document = read.json(200);
    assert_eq!((&document["id"], &document["revision"]), (&json!("logo"), &json!(3)));
    assert_eq!(document["value"], json!({"visible": false}));
    for date in ["createdAt", "updatedAt"] {
        assert!(document[date].as_str().unwrap().ends_with('Z'), "{document}");
    }
    site.ask("GET", LOGO).header("if-none-match", "\"3\"").send().await.is(304);
    let deleted = site.ask("DELETE", LOGO).send().await;
    assert_eq!((deleted.status, deleted.header("etag"), deleted.body.len()), (204, "\"4\"", 0));
    assert_eq!(site.ask("GET", LOGO).send().await.problem("gone")["revision"], 4);
    site.ask("DELETE", LOGO).send().await.problem("gone");
    site.ask("GET", "documents/layers/none").send().await.problem("not-found");
    // What comes back under its old name is created.
    site.ask("PUT", LOGO).json(&json!(1)).send().await.is(201);
}

#[tokio::test]
async fn d3_preconditions_are_those_of_rfc_9110() {
    let site = Site::new().await;
    site.put("layers/logo", json!(1)).await;
    site.put("layers/logo", json!(2)).await;
    // The document is at 3, the production too.
    let table: [(&str, &str, &str, &str, u16, &str); 20] = [
        ("late", "PUT", "if-match", "\"2\"", 412, "revision-mismatch"),
        ("late", "PATCH", "if-match", "\"2\"", 412, "revision-mismatch"),
        ("late", "DELETE", "if-match", "\"2\"", 412, "revision-mismatch"),
        ("future", "PUT", "if-match", "\"99\"", 412, "revision-mismatch"),
        ("weak", "PUT", "if-match", "W/\"3\"", 412, "revision-mismatch"),
        ("never given out", "PUT", "if-match", "\"abc\"", 412, "revision-mismatch"),
        ("zero", "PUT", "if-match", "\"0\"", 412, "revision-mismatch"),
        ("two, none of them", "PUT", "if-match", "\"1\", \"2\"", 412, "revision-mismatch"),
        ("unquoted", "PUT", "if-match", "3", 400, "bad-request"),
        ("half a tag", "PUT", "if-match", "\"3", 400, "bad-request"),
        ("empty", "PUT", "if-match", "", 400, "bad-request"),
        ("create only", "PUT", "if-none-match", "*", 409, "already-exists"),
        ("any but this", "PUT", "if-none-match", "\"3\"", 412, "revision-mismatch"),
        ("unquoted", "PUT", "if-none-match", "3", 400, "bad-request"),
        ("exactly", "PUT", "if-match", "\"3\"", 200, ""),
        ("any", "PUT", "if-match", "*", 200, ""),
        ("two, one of them", "PUT", "if-match", "\"2\", \"5\"", 200, ""),
        ("any but another", "PUT", "if-none-match", "\"2\"", 200, ""),
        ("exactly", "PATCH", "if-match", "\"7\"", 200, ""),
        ("exactly", "DELETE", "if-match", "\"8\"", 204, ""),
    ];
    for (name, method, header, tag, status, code) in table {
        let body = if method == "DELETE" { "" } else { "{}" };
        let answer = site.ask(method, LOGO).body("application/json", body).header(header, tag).send().await;
        assert_eq!(answer.status, status, "{name}: {method} with {header}: {tag}: {:?}", answer.body());
        if !code.is_empty() {
            let problem = answer.problem(code);
            if code == "revision-mismatch" {
                assert_eq!(problem["current"], json!({"revision": 3, "value": 2}), "{name}");
            }
        }
    }
    let missing =
        site.ask("PUT", "documents/layers/none").json(&json!(1)).header("if-match", "*").send().await;
    assert_eq!(missing.problem("revision-mismatch")["current"]["revision"], 0);
    let both = site.ask("PUT", LOGO).json(&json!(1)).header("if-match", "*").header("if-none-match", "*");
    both.send().await.problem("bad-request");
    let created = site.ask("PUT", "documents/layers/new").json(&json!(1)).header("if-none-match", "*");
    created.send().await.is(201);
}

#[tokio::test]
async fn d6_a_retry_is_answered_like_the_first_and_done_once() {
    let site = Site::new().await;
    let write = |value: Value, tag: &'static str| {
        site.ask("PUT", LOGO)
            .json(&value)
            .header("idempotency-key", "k-1")
            .header("if-none-match", tag)
            .send()
    };
    let first = write(json!({"a": 1, "b": 2}), "*").await;
    site.put("layers/other", json!(1)).await;
    let again = write(json!({"b": 2, "a": 1}), "*").await;
    assert_eq!((first.status, &first.body, first.header("etag")), (201, &again.body, again.header("etag")));
    assert_eq!(again.status, 201);
    let reused = write(json!({"a": 2}), "*").await;
    reused.is(422);
    assert_eq!(reused.problem("mutation-id-reused")["revision"], 2);
    let delete = |key| site.ask("DELETE", LOGO).header("if-match", "*").header("idempotency-key", key).send();
    delete("k-2").await.is(204);
    delete("k-2").await.is(204);
    delete("k-3").await.problem("revision-mismatch");
    assert_eq!(site.get("/v1/productions/main").await["revision"], 4);
}

#[tokio::test]
async fn k1_a_late_edit_is_merged_by_its_base() {
    let site = Site::new().await;
    let base = site.put("scenes/intro", json!({"title": "a", "note": "x"})).await;
    site.ask("PATCH", "documents/scenes/intro").json(&json!({"note": "y"})).send().await.is(200);
    let late = format!("documents/scenes/intro?base={base}");
    let merged = site.ask("PUT", &late).json(&json!({"title": "b", "note": "x"})).send().await.json(200);
    assert_eq!(merged["outcome"], "merged");
    assert_eq!(site.get("documents/scenes/intro").await["value"], json!({"title": "b", "note": "y"}));
    let clash = site.ask("PATCH", &late).json(&json!({"title": "c"})).send().await;
    // Nothing of it could be done: the document is as it was.
    assert_eq!(clash.header("etag"), "\"4\"");
    let clash = clash.json(200);
    assert_eq!(clash["outcome"], "conflict");
    let id = clash["conflicts"][0].as_str().unwrap().to_owned();
    let open = site.get("conflicts?status=open").await;
    assert_eq!(open["conflicts"][0]["id"], id.as_str());
    assert_eq!(open["conflicts"][0]["path"], "/title");
    let late_delete = site.ask("DELETE", &late).send().await.json(200);
    assert_eq!(late_delete["outcome"], "conflict");

    let resolve = format!("conflicts/{id}/resolve");
    let bad = site.ask("POST", &resolve).json(&json!({"choose": "merge"})).send().await.problem("invalid");
    assert_eq!(bad["errors"][0]["pointer"], "/value");
    let done = site.ask("POST", &resolve).json(&json!({"choose": "local"})).send().await.json(200);
    assert_eq!((&done["id"], &done["outcome"]), (&json!(id), &json!("applied")));
    assert_eq!(site.get("documents/scenes/intro").await["value"]["title"], "c");
    site.ask("POST", &resolve).json(&json!({"choose": "local"})).send().await.problem("not-allowed");
    assert_eq!(site.get("conflicts?status=resolved").await["conflicts"].as_array().unwrap().len(), 1);
    let unknown = site.ask("POST", "conflicts/none/resolve").json(&json!({"choose": "local"})).send().await;
    unknown.problem("not-found");
}

#[tokio::test]
async fn d2_a_batch_is_all_or_nothing() {
    let site = Site::new().await;
    let put = |id: &str| json!({"op": "put", "collection": "layers", "document": id, "value": id});
    let batch = json!({"id": "b-1", "mutations": [put("a"), put("b")]});
    let done = site.ask("POST", "mutations").json(&batch).send().await.json(200);
    assert_eq!(done, json!({"id": "b-1", "revision": 2, "outcome": "applied"}));
    assert_eq!(site.ask("POST", "mutations").json(&batch).send().await.json(200), done);
    let late = json!({"mutations": [put("c"), {"op": "patch", "collection": "layers", "document": "a", "patch": {}, "ifRevision": 1}]});
    site.ask("POST", "mutations").json(&late).send().await.problem("revision-mismatch");
    site.ask("GET", "documents/layers/c").send().await.problem("not-found");
    let differs = site.ask("POST", "mutations").json(&batch).header("idempotency-key", "b-2").send().await;
    assert_eq!(differs.problem("invalid")["errors"][0]["pointer"], "/id");
}

#[tokio::test]
async fn d4_a_deleted_document_and_an_earlier_version_come_back() {
    let site = Site::new().await;
    let first = site.put("layers/logo", json!("one")).await;
    site.put("layers/logo", json!("two")).await;
    site.ask("POST", "documents/layers/logo/restore").send().await.problem("not-allowed");
    site.ask("DELETE", LOGO).send().await.is(204);
    let restored = site.ask("POST", "documents/layers/logo/restore").send().await;
    assert_eq!(restored.header("etag"), "\"5\"");
    restored.json(200);
    assert_eq!(site.get(LOGO).await["value"], "two");
    let earlier = site.ask("POST", "documents/layers/logo/restore").json(&json!({"revision": first}));
    earlier.send().await.is(200);
    assert_eq!(site.get(LOGO).await["value"], "one");
    let future =
        site.ask("POST", "documents/layers/logo/restore").json(&json!({"revision": 99})).send().await;
    assert_eq!(future.problem("invalid")["errors"][0]["pointer"], "/revision");
}

#[tokio::test]
async fn d5_a_history_is_newest_first_and_as_long_as_is_kept() {
    let site = Site::new().await;
    let manifest = json!({"collections": {"short": {"keep": {"versions": 2}}}});
    site.ask("PUT", "/v1/productions/main").json(&manifest).send().await.is(200);
    for collection in ["layers", "short"] {
        let path = format!("documents/{collection}/logo");
        site.put(&format!("{collection}/logo"), json!({"n": 1})).await;
        site.ask("PATCH", &path).json(&json!({"n": 2})).send().await.is(200);
        site.ask("DELETE", &path).send().await.is(204);
    }
    let long = site.get("documents/layers/logo/history").await;
    let versions = long["versions"].as_array().unwrap();
    let shown: Vec<_> = versions.iter().map(|v| (&v["revision"], v.get("value"), v.get("deleted"))).collect();
    assert_eq!(
        shown,
        [
            (&json!(5), None, Some(&json!(true))),
            (&json!(4), Some(&json!({"n": 2})), None),
            (&json!(3), Some(&json!({"n": 1})), None),
        ]
    );
    assert_eq!(versions[0]["actor"], "admin:admin");
    let count = async |path: &str| site.get(path).await["versions"].as_array().unwrap().len();
    assert_eq!(count("documents/short/logo/history?limit=50").await, 2);
    assert_eq!(count("documents/layers/logo/history?limit=1").await, 1);
    site.ask("GET", "documents/layers/none/history").send().await.problem("not-found");
}

#[tokio::test]
async fn d1_documents_are_listed_by_page() {
    let site = Site::new().await;
    for name in ["a", "b", "c", "d", "e"] {
        site.put(&format!("layers/{name}"), json!({"name": name})).await;
    }
    let first = site.get("documents/layers?limit=2").await;
    assert_eq!(first["documents"][1], json!({"id": "b", "revision": 3, "value": {"name": "b"}}));
    assert_eq!(first["cursor"], "b");
    // What was deleted meanwhile is no obstacle.
    site.ask("DELETE", "documents/layers/b").send().await.is(204);
    let second = site.get("documents/layers?limit=2&cursor=b").await;
    assert_eq!((&second["documents"][0]["id"], &second["cursor"]), (&json!("c"), &json!("d")));
    let last = site.get("documents/layers?limit=2&cursor=d").await;
    assert_eq!(last, json!({"documents": [{"id": "e", "revision": 6, "value": {"name": "e"}}]}));
    assert_eq!(site.get("documents/nothing").await, json!({"documents": []}));
    let lifecycle = site.get("documents/_system/lifecycle").await;
    assert_eq!(lifecycle["value"]["phase"], "idle");
}
