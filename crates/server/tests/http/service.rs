//! The server itself, `/stream`, signals, settings, clients, and who may do what.

use serde_json::{Value, json};

use crate::site::Site;

#[tokio::test]
async fn t3_every_answer_without_a_handler_is_a_problem() {
    let site = Site::new().await;
    let table = [
        ("GET", "/nothing", 404, "not-found", ""),
        ("GET", "/v1/productions/main/start", 405, "method-not-allowed", "POST"),
        ("POST", "/v1/productions/main/begin", 404, "not-found", ""),
        ("GET", "/v1/productions/main/documents", 404, "not-found", ""),
        ("POST", "/v1/productions/main", 405, "method-not-allowed", "GET,HEAD,PUT,DELETE"),
        ("PUT", "/livez", 405, "method-not-allowed", "GET,HEAD"),
        ("GET", "/v1/productions/main/mutations", 405, "method-not-allowed", "POST"),
        ("FROB", "/version", 405, "method-not-allowed", "GET,HEAD"),
        ("GET", "/v1/productions/main/documents/layers/", 422, "invalid", ""),
        ("GET", "/docs/problems/none", 404, "not-found", ""),
    ];
    for (method, path, status, code, allow) in table {
        let answer = site.ask(method, path).send().await;
        assert_eq!((answer.status, answer.header("allow")), (status, allow), "{method} {path}");
        answer.problem(code);
    }
    let head = site.ask("HEAD", "/nothing").send().await;
    assert_eq!((head.status, head.body.len()), (404, 0));
}

#[tokio::test]
async fn o3_the_server_says_how_it_is() {
    let site = Site::new().await;
    assert_eq!(site.ask("GET", "/livez").by("").send().await.json(200), json!({"status": "live"}));
    assert_eq!(site.ask("GET", "/readyz").by("").send().await.json(200), json!({"status": "ready"}));
    assert_eq!(site.get("/version").await["name"], "onair");
    let docs = site.ask("GET", "/docs").by("").send().await;
    docs.is(200);
    let policy = docs.header("content-security-policy").to_owned();
    let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
    let page = String::from_utf8(docs.body.to_vec()).unwrap();
    assert!(page.contains(&format!("<script nonce=\"{nonce}\">")) && !page.contains("{nonce}"));
    assert!(!page.contains("http://") && !page.contains("https://"), "the page works offline");
    assert_ne!(site.ask("GET", "/docs").send().await.header("content-security-policy"), policy);
}

#[tokio::test]
async fn e1_a_log_that_does_not_take_more_is_read_on() {
    let site = Site::new().await;
    site.put("layers/logo", json!(1)).await;
    let write = || site.ask("PUT", "documents/layers/logo").json(&json!(2)).send();
    site.engine.set_unavailable(true);
    let away = write().await;
    away.is(503);
    away.problem("engine-unavailable");
    site.engine.set_unavailable(false);
    write().await.is(200);
    site.engine.fail_next_append();
    write().await.problem("engine-unavailable");
    let refused = write().await;
    refused.is(503);
    refused.problem("read-only");
    assert_eq!(site.get("documents/layers/logo").await["value"], 2);
    let ready = site.ask("GET", "/readyz").by("").send().await.problem("read-only");
    assert_eq!(ready["reasons"].as_array().map(Vec::len), Some(1));
    site.ask("GET", "/livez").send().await.is(200);
}

#[tokio::test]
async fn e1_every_code_has_its_page() {
    let site = Site::new().await;
    for code in onair_wire::Code::ALL {
        let path = format!("/docs/problems/{code}");
        let text = site.ask("GET", &path).by("").send().await;
        assert_eq!((text.status, text.header("content-type")), (200, "text/markdown; charset=utf-8"));
        assert_eq!(text.body, code.page().as_bytes());
        let page = site.ask("GET", &path).header("accept", "text/html,*/*;q=0.8").send().await;
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert!(String::from_utf8_lossy(&page.body).contains(&format!("<h1>{code}</h1>")));
    }
}

#[tokio::test]
async fn t2_stream_is_a_short_way_to_the_default_production() {
    let site = Site::new().await;
    let figures = json!({"stream": {"fps": 59.9, "targetFPS": 60, "frameCount": 7}});
    site.ask("POST", "signals").json(&figures).send().await.is(204);
    let status = site.get("/stream/status").await;
    assert_eq!((&status["fps"], &status["targetFPS"]), (&json!(59.9), &json!(60.0)));
    assert_eq!((&status["phase"], &status["revision"]), (&json!("idle"), &json!(1)));
    assert_eq!((&status["isLive"], &status["startTime"]), (&json!(false), &Value::Null));

    site.put("layers/logo", json!({"visible": true, "z": 1})).await;
    let hide = json!({"visible": false});
    let hidden = site.ask("POST", "/stream/layers/logo/visibility").json(&hide).send().await;
    assert_eq!(hidden.json(200), json!({"id": "logo", "revision": 3, "outcome": "applied"}));
    let layers = site.get("/stream/layers").await;
    assert_eq!(
        layers,
        json!({"layers": [{"id": "logo", "revision": 3, "value": {"visible": false, "z": 1}}]})
    );
    site.ask("POST", "/stream/layers/none/visibility").json(&hide).send().await.problem("not-found");

    let said =
        site.ask("POST", "/stream/chat").json(&json!({"author": "kim", "text": "<b>hi</b>"})).send().await;
    said.is(201);
    let line = site.get(said.header("location")).await;
    assert_eq!((&line["value"]["author"], &line["value"]["text"]), (&json!("kim"), &json!("<b>hi</b>")));
    // The commit comes a moment later.
    let time = |value: &Value| value.as_str().unwrap().parse::<onair_wire::Timestamp>().unwrap();
    assert!(time(&line["value"]["at"]) <= time(&line["createdAt"]), "{line}");
    let missing = site.ask("POST", "/stream/chat").json(&json!({"author": "kim"})).send().await;
    missing.problem("invalid");
}

#[tokio::test]
async fn l11_settings_are_changed_one_by_one() {
    let site = Site::new().await;
    let before = site.ask("GET", "settings").send().await;
    assert_eq!(before.header("etag"), "\"1\"");
    assert_eq!(before.json(200)["startupTimeout"], 15_000);
    let patch =
        site.ask("PATCH", "settings").body("application/merge-patch+json", r#"{"startupTimeout":20000}"#);
    let after = patch.send().await;
    assert_eq!(after.header("etag"), "\"2\"");
    let after = after.json(200);
    assert_eq!((&after["startupTimeout"], &after["maxRetries"]), (&json!(20_000), &json!(3)));
    site.ask("GET", "settings").header("if-none-match", "\"2\"").send().await.is(304);
}

#[tokio::test]
async fn t3_what_only_the_server_writes_is_listed() {
    let site = Site::new().await;
    for name in ["sequences", "findings", "backends"] {
        assert_eq!(site.get(name).await, json!({name: []}));
    }
    site.ask("GET", "sequences/none").send().await.problem("not-found");
    assert_eq!(site.get("clients").await, json!({"clients": []}));
}

#[tokio::test]
async fn x1_each_call_asks_for_its_role_before_it_reads_the_rest() {
    let site = Site::new().await;
    let mut tokens = Vec::new();
    for role in ["viewer", "agent", "operator"] {
        tokens.push(site.token(role, Some(&["main"])).await.1);
    }
    tokens.push(site.admin.clone());
    // The least role that is let through; what lets it through is a refusal of the rest.
    let table = [
        ("GET", "documents/layers?no=1", 0),
        ("GET", "changes?no=1", 0),
        ("GET", "events?no=1", 0),
        ("GET", "export?no=1", 0),
        ("GET", "/stream/status?no=1", 0),
        ("GET", "can?no=1", 0),
        ("GET", "validate?to=live&no=1", 0),
        ("POST", "signals?no=1", 1),
        ("PUT", "documents/layers/logo?no=1", 2),
        ("POST", "mutations?no=1", 2),
        ("PATCH", "settings?no=1", 2),
        ("POST", "conflicts/x/resolve?no=1", 2),
        ("POST", "/stream/chat?no=1", 2),
        ("POST", "start?no=1", 2),
        ("POST", "emergency-stop?dryRun=1", 2),
        ("POST", "/stream/pause?no=1", 2),
        ("PUT", "/v1/productions/main?no=1", 3),
        ("DELETE", "/v1/productions/main?no=1", 3),
        ("POST", "import?no=1", 3),
        ("POST", "backends/hook/replay?no=1", 3),
    ];
    for (method, path, least) in table {
        for (role, token) in tokens.iter().enumerate() {
            let answer = site.ask(method, path).by(token).send().await;
            let expected = if role >= least { "invalid" } else { "forbidden" };
            assert_eq!(answer.body()["code"], expected, "{method} {path} by role {role}");
        }
        site.ask(method, path).by("").send().await.problem("unauthenticated");
        let other = path.replace("/main", "/other");
        let other = if other.starts_with('/') { other } else { format!("/v1/productions/other/{path}") };
        if !other.starts_with("/stream") {
            site.ask(method, &other).by(&tokens[0]).send().await.problem("forbidden");
        }
    }
}
