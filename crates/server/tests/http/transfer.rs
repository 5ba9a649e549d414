//! A production as one file, out and in (row O6).

use serde_json::json;

use crate::site::{MAIN, Site};

async fn exported(site: &Site) -> bytes::Bytes {
    let answer = site.ask("GET", "export").send().await;
    answer.is(200);
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"main-3.ndjson\"");
    answer.body
}

async fn filled() -> Site {
    let site = Site::new().await;
    site.put("layers/logo", json!({"visible": true})).await;
    site.put("chat/one", json!("hello")).await;
    site
}

#[tokio::test]
async fn o6_what_was_exported_comes_back_under_a_new_epoch() {
    let site = filled().await;
    let file = exported(&site).await;
    let before = site.get(MAIN).await;
    for name in ["main", "copy"] {
        let path = format!("/v1/productions/{name}/import");
        let answer =
            site.ask("POST", &path).body("application/x-ndjson", file.clone()).send().await.json(200);
        assert_eq!((&answer["production"], &answer["revision"]), (&json!(name), &json!(3)));
        assert_eq!(answer["commits"], 3);
        assert_ne!(answer["epoch"], before["epoch"]);
        let after = site.get(&format!("/v1/productions/{name}")).await;
        assert_eq!(after["documents"], before["documents"]);
        assert_eq!(after["epoch"], answer["epoch"]);
    }
}

#[tokio::test]
async fn b31_a_file_that_is_not_whole_changes_nothing() {
    let site = filled().await;
    let file = String::from_utf8(exported(&site).await.to_vec()).unwrap();
    let lines: Vec<&str> = file.lines().collect();
    let without = |gone: usize| {
        let kept = lines.iter().enumerate().filter(|(at, _)| *at != gone).map(|(_, line)| *line);
        kept.collect::<Vec<_>>().join("\n")
    };
    let table = [
        ("empty", String::new(), "line 1"),
        ("no export", "{}\n".into(), "line 1"),
        ("no JSON", "hello\n".into(), "line 1"),
        ("truncated in a line", file[..file.len() / 2].to_owned(), ""),
        ("without its last line", without(lines.len() - 1), ""),
        ("with a hole", without(2), "line 3"),
        ("another byte", file.replace("hello", "hellO"), &format!("line {}", lines.len())),
        ("something behind", format!("{file}{{}}\n"), ""),
        ("a name that leads elsewhere", file.replacen("\"main\"", "\"../x\"", 1), "line 1"),
    ];
    for (name, file, place) in table {
        let answer = site.ask("POST", "import").body("application/octet-stream", file).send().await;
        assert_eq!(answer.status, 422, "{name}: {:?}", answer.body());
        let problem = answer.problem("invalid");
        let pointer = problem["errors"][0]["pointer"].as_str().unwrap();
        assert!(pointer.starts_with(place) && pointer.starts_with("line "), "{name}: {problem}");
    }
    assert_eq!(site.get(MAIN).await["revision"], 3);
    let other = site.ask("POST", "import").body("application/json", "{}").send().await;
    other.problem("unsupported-media-type");
    let large = format!(
        "POST {MAIN}/import HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/x-ndjson\r\ncontent-length: 10000000000\r\nconnection: close\r\n\r\n",
        site.server.api(),
        site.admin
    );
    assert!(site.raw(large.as_bytes()).await.starts_with("HTTP/1.1 413"));
}
