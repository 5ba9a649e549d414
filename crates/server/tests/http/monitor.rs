//! The monitor page: what is embedded, and how a browser is told to treat it.

use crate::site::Site;

#[tokio::test]
async fn m1_the_page_loads_what_this_server_serves_and_nothing_else() {
    let site = Site::new().await;
    for path in ["/", "/?production=main", "/monitor/index.html"] {
        let page = site.ask("GET", path).by("").send().await;
        page.is(200);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        let policy = page.header("content-security-policy");
        assert!(policy.contains("default-src 'none'; script-src 'self'; style-src 'self'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        let html = String::from_utf8(page.body.to_vec()).unwrap();
        assert!(!html.contains("://"), "nothing comes from elsewhere");
        for part in html.split('"').filter(|part| part.starts_with("/monitor/")) {
            site.ask("GET", part).by("").send().await.is(200);
        }
        assert!(html.contains("/monitor/monitor.js") && html.contains("/monitor/monitor.css"));
        assert!(!html.contains("<style") && !html.replace("<script type=\"module\"", "").contains("<script"));
    }
    site.ask("GET", "/?other=1").by("").send().await.problem("invalid");
    site.ask("GET", "/monitor/none.js").by("").send().await.problem("not-found");
}

#[tokio::test]
async fn m1_a_browser_that_has_the_page_is_not_sent_it_again() {
    let site = Site::new().await;
    let plain = site.ask("GET", "/monitor/monitor.js").send().await;
    plain.is(200);
    assert_eq!((plain.header("content-encoding"), plain.header("vary")), ("", "accept-encoding"));
    let tag = plain.header("etag").to_owned();
    for (accept, encoding) in
        [("gzip, br", "gzip"), ("br;q=1, GZIP;q=0.5", "gzip"), ("gzip;q=0", ""), ("br", "")]
    {
        let answer = site.ask("GET", "/monitor/monitor.js").header("accept-encoding", accept).send().await;
        assert_eq!((answer.header("content-encoding"), answer.header("etag")), (encoding, tag.as_str()));
        assert_eq!(answer.body.len() < plain.body.len(), encoding == "gzip", "{accept}");
    }
    for known in [tag.as_str(), "*", &format!("\"other\", {tag}")] {
        let answer = site.ask("GET", "/monitor/monitor.js").header("if-none-match", known).send().await;
        assert_eq!((answer.status, answer.body.len()), (304, 0), "{known}");
    }
    site.ask("GET", "/monitor/monitor.js").header("if-none-match", "\"other\"").send().await.is(200);
}

#[tokio::test]
async fn m3_a_snapshot_has_the_collections_of_the_server_when_asked() {
    let site = Site::new().await;
    site.put("layers/logo", serde_json::json!(1)).await;
    site.put("layers/logo", serde_json::json!(2)).await;
    let then = site.get("/v1/productions/main?at=2&whole=true").await;
    assert_eq!(then["documents"]["layers"]["logo"]["value"], 1);
    assert_eq!(then["documents"]["_system"]["lifecycle"]["value"]["phase"], "idle");
    assert_eq!(then["documents"]["_services"].as_object().map(serde_json::Map::len), Some(4));
    assert!(site.get("/v1/productions/main?at=2").await["documents"]["_system"].is_null());
    assert_eq!(site.get("/v1/productions/main?whole=true").await["documents"]["layers"]["logo"]["value"], 2);
}
