//! Server-sent events: from every position to the same state, filtered or not, for as long as they may be heard.

use std::collections::BTreeSet;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use onair_wire::{Cache, Collection, Documents, Revision};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use crate::site::{Ask, MAIN, PATIENCE, Site};

/// An event stream, and the cache that it keeps.
struct Listener {
    body: Incoming,
    waiting: String,
    cache: Cache,
    /// Where it would resume.
    id: String,
    /// The names of the events, as they came.
    heard: Vec<String>,
    _connection: JoinSet<()>,
}

impl Listener {
    async fn open(ask: Ask<'_>, cache: Cache) -> Self {
        let (response, connection) = ask.open().await;
        assert_eq!(response.status(), 200);
        for (name, value) in [
            ("content-type", "text/event-stream"),
            ("cache-control", "no-cache"),
            ("x-accel-buffering", "no"),
        ] {
            assert_eq!(response.headers()[name], value);
        }
        let (id, heard, waiting) = (String::new(), Vec::new(), String::new());
        Self { body: response.into_body(), waiting, cache, id, heard, _connection: connection }
    }

    /// The next event's name; `None` at the end of the stream. Comments are passed over.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.waiting.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.waiting = rest;
                match self.take(&event) {
                    Some(name) => return Some(name),
                    None => continue,
                }
            }
            let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await.expect("news");
            let data = frame?.expect("a stream ends as one, it does not break off").into_data().unwrap();
            self.waiting.push_str(std::str::from_utf8(&data).unwrap());
        }
    }

    fn take(&mut self, event: &str) -> Option<String> {
        let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let (name, data) = (field("event")?.to_owned(), field("data").expect("an event has data"));
        if let Some(id) = field("id") {
            self.id = id.to_owned();
        }
        let data: Value = serde_json::from_str(data).unwrap();
        match name.as_str() {
            "snapshot" => {
                let documents: Documents = serde_json::from_value(data["documents"].clone()).unwrap();
                self.cache = Cache::from_snapshot(Revision(data["revision"].as_u64().unwrap()), documents);
            }
            "commit" => {
                let commit = serde_json::from_value(data).unwrap();
                self.cache.apply(&commit).expect("in order, without gap or duplicate");
            }
            _ => {}
        }
        if matches!(name.as_str(), "snapshot" | "commit") {
            assert!(
                self.id.ends_with(&format!(":{}", self.cache.revision)),
                "{} at {}",
                self.id,
                self.cache.revision
            );
        }
        self.heard.push(name.clone());
        Some(name)
    }

    async fn until(&mut self, revision: u64) {
        while self.cache.revision.0 < revision {
            self.next().await.expect("the stream goes on");
        }
    }
}

/// A production with a bit of everything.
async fn filled(site: &Site) -> u64 {
    site.put("layers/logo", json!({"visible": true, "z": 1})).await;
    site.ask("PATCH", "documents/layers/logo").json(&json!({"visible": false})).send().await.is(200);
    site.put("chat/one", json!("hello")).await;
    site.put("scenes/intro", json!({"title": "a"})).await;
    site.ask("DELETE", "documents/layers/logo").send().await.is(204);
    site.ask("POST", "documents/layers/logo/restore").send().await.is(200);
    site.put("chat/two", json!("there")).await
}

/// What a client that folded the log up to `revision` has.
async fn folded(site: &Site, revision: u64) -> Cache {
    let log = site.get("changes").await;
    let mut cache = Cache::default();
    for commit in log["commits"].as_array().unwrap().iter().take(usize::try_from(revision).unwrap()) {
        cache.apply(&serde_json::from_value(commit.clone()).unwrap()).unwrap();
    }
    cache
}

#[tokio::test]
async fn d4_resuming_from_every_position_comes_to_the_snapshot() {
    let site = Site::new().await;
    let last = filled(&site).await;
    let epoch = site.get(MAIN).await["epoch"].as_str().unwrap().to_owned();
    let mut fresh = Listener::open(site.ask("GET", "events"), Cache::default()).await;
    fresh.until(last).await;
    assert_eq!(fresh.heard, ["snapshot"]);
    assert_eq!(fresh.cache, folded(&site, last).await);
    for after in 0..=last {
        for by_header in [true, false] {
            let position = format!("{epoch}:{after}");
            // The header goes before the parameter.
            let ask = if by_header {
                site.ask("GET", "events?after=zzzz:1").header("last-event-id", &position)
            } else {
                site.ask("GET", &format!("events?after={position}"))
            };
            let mut listener = Listener::open(ask, folded(&site, after).await).await;
            listener.until(last).await;
            let commits = usize::try_from(last - after).unwrap();
            assert_eq!(listener.heard, vec!["commit"; commits], "after {position}");
            assert_eq!(listener.cache, fresh.cache, "after {position}");
        }
    }
    for position in ["zzzz:1", &format!("{epoch}:99"), "99"] {
        let mut listener =
            Listener::open(site.ask("GET", &format!("events?after={position}")), Cache::default()).await;
        assert_eq!(listener.next().await.as_deref(), Some("snapshot"), "{position}");
        assert_eq!(listener.cache, fresh.cache);
    }
}

#[tokio::test]
async fn d4_a_filtered_stream_carries_its_collections_and_every_revision() {
    let site = Site::new().await;
    let mut live = Listener::open(site.ask("GET", "events?collections=chat,scenes"), Cache::default()).await;
    live.until(1).await;
    let last = filled(&site).await;
    live.until(last).await;
    assert_eq!(live.heard.iter().filter(|name| *name == "commit").count() as u64, last - 1);
    let wanted: BTreeSet<Collection> = ["chat", "scenes"].map(|name| name.parse().unwrap()).into();
    let mut documents = folded(&site, last).await.documents;
    documents.retain(|name, _| wanted.contains(name));
    assert_eq!(live.cache.documents, documents);
    for after in ["", "&after=0", "&after=3"] {
        let path = format!("events?collections=chat,scenes{after}");
        let start = after.rsplit('=').next().unwrap().parse().unwrap_or(0);
        let mut cache = folded(&site, start).await;
        cache.documents.retain(|name, _| wanted.contains(name));
        let mut resumed =
            Listener::open(site.ask("GET", &path), Cache::from_snapshot(cache.revision, cache.documents))
                .await;
        resumed.until(last).await;
        assert_eq!(resumed.cache.documents, documents, "{path}");
    }
}

#[tokio::test]
async fn d4_an_import_begins_the_stream_again_and_a_removal_ends_it() {
    let site = Site::new().await;
    filled(&site).await;
    let file = site.ask("GET", "export").send().await.body;
    let late = site.put("layers/late", json!(1)).await;
    let mut listener = Listener::open(site.ask("GET", "events"), Cache::default()).await;
    listener.until(late).await;
    let before = listener.id.clone();
    site.ask("POST", "import").body("application/x-ndjson", file).send().await.is(200);
    while listener.next().await.expect("the stream goes on") != "snapshot" {}
    assert_ne!(before.split(':').next(), listener.id.split(':').next());
    let next = site.put("layers/logo", json!(2)).await;
    listener.until(next).await;
    assert_eq!(listener.cache, folded_from_snapshot(&site).await);
    site.ask("DELETE", MAIN).send().await.is(204);
    while listener.next().await.is_some() {}
}

async fn folded_from_snapshot(site: &Site) -> Cache {
    let mut fresh = Listener::open(site.ask("GET", "events"), Cache::default()).await;
    assert_eq!(fresh.next().await.as_deref(), Some("snapshot"));
    fresh.cache
}

#[tokio::test]
async fn y1_listeners_are_counted_and_listed_and_hear_figures() {
    let site = Site::new().await;
    let ask = site.ask("GET", "events").header("user-agent", "wall/1");
    let mut listener = Listener::open(ask, Cache::default()).await;
    listener.until(1).await;
    let clients = site.get("clients").await;
    let client = &clients["clients"][0];
    assert_eq!((&client["kind"], &client["name"]), (&json!("stream"), &json!("wall/1")));
    assert_eq!((&client["actor"], &client["lastPing"]), (&json!("admin:admin"), &Value::Null));
    assert_eq!(site.get(MAIN).await["clients"], 1);
    site.ask("POST", "signals").json(&json!({"stream": {"fps": 60}})).send().await.is(204);
    while listener.next().await.expect("the stream goes on") != "signal" {}
    drop(listener);
    // The server notices when it next reads from the connection; this is another one, so it may take a few.
    while site.get("clients").await["clients"] != json!([]) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn x1_a_stream_ends_with_its_token() {
    let site = Site::new().await;
    let (id, token) = site.token("viewer", Some(&["main"])).await;
    let mut listener = Listener::open(site.ask("GET", "events").by(&token), Cache::default()).await;
    listener.until(1).await;
    let begun = std::time::Instant::now();
    site.ask("DELETE", &format!("/v1/tokens/{id}")).send().await.is(204);
    while listener.next().await.is_some() {}
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn x1_a_ticket_opens_one_stream() {
    let site = Site::new().await;
    let ticket = site.ask("POST", "/v1/tickets").send().await.json(201);
    let path = format!("events?ticket={}", ticket["ticket"].as_str().unwrap());
    let mut listener = Listener::open(site.ask("GET", &path).by(""), Cache::default()).await;
    listener.until(1).await;
    site.ask("GET", &path).by("").send().await.problem("unauthenticated");
}

#[tokio::test]
async fn o2_a_stream_ends_when_the_server_stops() {
    let site = Site::new().await;
    let mut listener = Listener::open(site.ask("GET", "events"), Cache::default()).await;
    listener.until(1).await;
    assert_eq!(site.server.stop().await, onair_server::serve::Ended::Gracefully);
    while listener.next().await.is_some() {}
}

#[tokio::test]
async fn d5_who_lacks_more_than_may_be_owed_resumes_all_the_same() {
    let site = Site::new().await;
    let position = format!("{}:1", site.get(MAIN).await["epoch"].as_str().unwrap());
    let begun = folded(&site, 1).await;
    let (text, mut last) = ("x".repeat(10_000), 0);
    // So small that a piece of the log ends close to 4 MiB, and what is put around them goes beyond.
    for number in 0..450 {
        last = site.put(&format!("layers/l{}", number % 9), json!({"text": text})).await;
    }
    let mut listener = Listener::open(site.ask("GET", &format!("events?after={position}")), begun).await;
    listener.until(last).await;
    listener.until(site.put("layers/next", json!(1)).await).await;
    assert!(!listener.heard.contains(&"snapshot".to_owned()), "{:?}", listener.heard);
}

#[tokio::test]
async fn b26_who_speaks_http_1_0_hears_events_and_no_chunks() {
    let site = Site::new().await;
    let mut stream = TcpStream::connect(site.server.api()).await.unwrap();
    let (host, token) = (site.server.api(), &site.admin);
    let asked = format!(
        "GET {MAIN}/events HTTP/1.0\r\nhost: {host}\r\nauthorization: Bearer {token}\r\nconnection: keep-alive\r\n\r\n"
    );
    stream.write_all(asked.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\n\n") {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "{}", String::from_utf8_lossy(&answer));
    }
    site.put("layers/logo", json!(1)).await;
    let begun = answer.len();
    while !answer[begun..].ends_with(b"\n\n") {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "{}", String::from_utf8_lossy(&answer));
    }
    let text = String::from_utf8(answer).unwrap();
    let (head, events) = text.split_once("\r\n\r\n").unwrap();
    assert!(!head.to_lowercase().contains("transfer-encoding"), "{head}");
    let firsts: Vec<&str> =
        events.split_terminator("\n\n").map(|event| event.split('\n').next().unwrap()).collect();
    assert_eq!(firsts, ["event: snapshot", "event: commit"], "{events}");
}

#[tokio::test]
async fn b26_streams_of_one_token_have_a_limit() {
    let site = Site::new().await;
    let mut open = Vec::new();
    for _ in 0..256 {
        open.push(Listener::open(site.ask("GET", "events"), Cache::default()).await);
    }
    let refused = site.ask("GET", "events").send().await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "1"));
    refused.problem("too-many-requests");
}

#[tokio::test]
async fn b26_what_no_stream_begins_with_is_refused() {
    let site = Site::new().await;
    let long = "1".repeat(12_000);
    let table = [
        ("events?after=-1", "", "", 422, "after"),
        ("events?after=99999999999999999999", "", "", 422, "after"),
        ("events?after=abc", "", "", 422, "after"),
        ("events?after=", "", "", 422, "after"),
        ("events?collections=", "", "", 422, "collections"),
        ("events?collections=layers,,chat", "", "", 422, "collections"),
        ("events?collections=a/b", "", "", 422, "collections"),
        ("events?colections=layers", "", "", 422, "colections"),
        ("events", "last-event-id", "abc", 400, "Last-Event-ID"),
        ("events", "last-event-id", long.as_str(), 400, "Last-Event-ID"),
    ];
    for (path, header, value, status, place) in table {
        let ask = site.ask("GET", path);
        let answer = if header.is_empty() { ask } else { ask.header(header, value) }.send().await;
        assert_eq!(answer.status, status, "{path} {header}: {value:.40}");
        assert_eq!(answer.body()["errors"][0]["pointer"], place, "{path} {header}");
        answer.problem(if status == 400 { "bad-request" } else { "invalid" });
    }
    site.ask("GET", "events").header("accept", "application/json").send().await.problem("not-acceptable");
    site.ask("GET", "/v1/productions/none/events").send().await.problem("not-found");
}
