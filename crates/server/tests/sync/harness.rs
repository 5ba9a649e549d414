//! A server of a test's own, and clients of it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use onair_engine::{Engine, memory::Memory};
use onair_server::{config::Config, serve::Server};
use onair_wire::{Cache, Commit, Documents, Millis, Revision};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::TcpStream,
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

/// Whoever waits for so long waits for something that does not come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Stage {
    pub(crate) server: Server,
    pub(crate) folder: tempfile::TempDir,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::over(Arc::new(Memory::new())).await
    }

    pub(crate) async fn over(engine: Arc<dyn Engine>) -> Self {
        Self::with(engine, |_| {}).await
    }

    /// With a configuration that is changed before it is used.
    pub(crate) async fn with(engine: Arc<dyn Engine>, change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(&folder);
        change(&mut config);
        let server = Server::start(&config, engine).await.unwrap();
        Self { server, folder }
    }

    pub(crate) fn admin(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("admin.token")).unwrap().trim().to_owned()
    }

    pub(crate) async fn client(&self) -> Client {
        let mut client = self.socket().await;
        client.say(&json!({"type": "hello"})).await;
        assert_eq!(client.hear().await["type"], "welcome");
        client
    }

    /// A client that has not said `hello`.
    pub(crate) async fn socket(&self) -> Client {
        self.open("/v1/sync").await
    }

    /// A socket that has said nothing.
    pub(crate) async fn open(&self, path: &str) -> Client {
        let url = format!("ws://{}{path}", self.server.api());
        let (socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        Client { socket, caches: BTreeMap::new() }
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let admin = self.admin();
        self.call_as(Some(&admin), method, path, body).await
    }

    pub(crate) async fn call_as(
        &self,
        token: Option<&str>,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let host = self.server.api().to_string();
        let stream = TcpStream::connect(&host).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake::<_, Full<bytes::Bytes>>(TokioIo::new(stream))
                .await
                .unwrap();
        let driver = tokio::task::JoinSet::from_iter([async move { drop(connection.await) }]);
        let mut request = hyper::Request::builder().method(method).uri(path).header("host", host);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let response = sender.send_request(request.body(Full::from(body)).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        // An event stream does not end: its head is the answer.
        if response.headers().get("content-type").is_some_and(|kind| kind == "text/event-stream") {
            return (status, Value::Null);
        }
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        drop(driver);
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    /// An event stream.
    pub(crate) async fn events(&self, path: &str) -> Events {
        let host = self.server.api().to_string();
        let mut stream = TcpStream::connect(&host).await.unwrap();
        let request = format!("GET {path} HTTP/1.0\r\nhost: {host}\r\naccept: text/event-stream\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        Events { lines: BufReader::new(stream).lines() }
    }

    pub(crate) async fn begin(&self, production: &str) {
        let (status, answer) = self.call("PUT", &format!("/v1/productions/{production}"), None).await;
        assert_eq!(status, 201, "{answer}");
    }

    pub(crate) async fn token(&self, role: &str, productions: Option<&[&str]>) -> (String, String) {
        let mut body = json!({"name": format!("{role}-token"), "role": role});
        if let Some(productions) = productions {
            body["productions"] = json!(productions);
        }
        let (status, answer) = self.call("POST", "/v1/tokens", Some(body)).await;
        assert_eq!(status, 201, "{answer}");
        (answer["id"].as_str().unwrap().to_owned(), answer["token"].as_str().unwrap().to_owned())
    }
}

pub(crate) fn config(folder: &tempfile::TempDir) -> Config {
    Config {
        listen: ([127, 0, 0, 1], 0).into(),
        metrics_listen: ([127, 0, 0, 1], 0).into(),
        data: folder.path().to_owned(),
        signals_debounce: Millis(10),
        ..Config::default()
    }
}

/// An event stream, line by line.
pub(crate) struct Events {
    lines: Lines<BufReader<TcpStream>>,
}

impl Events {
    /// The id and the commit of the next `commit` event.
    pub(crate) async fn commit(&mut self) -> (String, Commit) {
        let (mut event, mut id) = (String::new(), String::new());
        loop {
            let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await.expect("an event comes");
            let line = line.unwrap().expect("the stream goes on");
            match line.split_once(": ") {
                Some(("event", name)) => event = name.to_owned(),
                Some(("id", text)) => id = text.to_owned(),
                Some(("data", text)) if event == "commit" => {
                    return (id, Commit::decode(text.as_bytes()).unwrap());
                }
                _ => {}
            }
        }
    }
}

/// A client that keeps a cache of each production it is subscribed to.
pub(crate) struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) caches: BTreeMap<String, Cache>,
}

impl Client {
    pub(crate) async fn say(&mut self, message: &Value) {
        self.send(Message::text(message.to_string())).await;
    }

    pub(crate) async fn send(&mut self, message: Message) {
        // A server that has closed already says why when it is listened to.
        drop(self.socket.send(message).await);
    }

    /// The next message; commits and snapshots are applied on the way.
    pub(crate) async fn hear(&mut self) -> Value {
        match self.next().await {
            Ok(message) => message,
            Err(code) => panic!("closed with {code:?}"),
        }
    }

    /// The next message, or the code the server closed with.
    pub(crate) async fn next(&mut self) -> Result<Value, Option<u16>> {
        loop {
            let message =
                tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("the server says something");
            match message {
                Some(Ok(Message::Text(text))) => {
                    let message: Value = serde_json::from_str(&text).unwrap();
                    self.keep(&message);
                    return Ok(message);
                }
                Some(Ok(Message::Close(frame))) => return Err(frame.map(|frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    fn keep(&mut self, message: &Value) {
        let production = message["production"].as_str().unwrap_or_default().to_owned();
        match message["type"].as_str() {
            Some("snapshot") => {
                let documents: Documents = serde_json::from_value(message["documents"].clone()).unwrap();
                let revision = Revision(message["revision"].as_u64().unwrap());
                self.caches.insert(production, Cache::from_snapshot(revision, documents));
            }
            Some("commit") => {
                let cache = self.caches.entry(production).or_default();
                cache.apply(&commit_of(message)).expect("in order, without gap or duplicate");
            }
            Some("digest") => {
                let cache = &self.caches[&production];
                assert_eq!(cache.revision.0, message["revision"], "a digest of another revision");
                assert_eq!(cache.digest().to_string(), message["digest"], "the digest differs");
            }
            _ => {}
        }
    }

    /// The next message of that type.
    pub(crate) async fn wait_for(&mut self, kind: &str) -> Value {
        loop {
            let message = self.hear().await;
            if message["type"] == kind {
                return message;
            }
            assert_ne!(message["type"], "problem", "while waiting for {kind}: {message}");
        }
    }

    /// The code the server closes with.
    pub(crate) async fn wait_for_close(&mut self) -> Option<u16> {
        loop {
            if let Err(code) = self.next().await {
                return code;
            }
        }
    }

    pub(crate) async fn subscribe(
        &mut self,
        production: &str,
        after: Option<String>,
        collections: Option<&[&str]>,
    ) -> Value {
        let mut message = json!({"type": "subscribe", "production": production});
        if let Some(after) = after {
            message["after"] = after.into();
        }
        if let Some(collections) = collections {
            message["collections"] = json!(collections);
        }
        self.say(&message).await;
        self.wait_for("subscribed").await
    }

    pub(crate) async fn mutate(&mut self, production: &str, id: &str, mutations: Value) -> Value {
        self.say(&json!({"type": "mutate", "id": id, "production": production, "mutations": mutations}))
            .await;
        loop {
            let message = self.hear().await;
            if message["id"] == id {
                return message;
            }
        }
    }

    /// Listens until the cache of a production has come to `revision`.
    pub(crate) async fn until(&mut self, production: &str, revision: u64) {
        while self.caches.get(production).is_none_or(|cache| cache.revision.0 < revision) {
            self.hear().await;
        }
    }
}

/// The commit in a `commit` message.
pub(crate) fn commit_of(message: &Value) -> Commit {
    let mut commit = message.as_object().unwrap().clone();
    for name in ["type", "production", "epoch"] {
        commit.remove(name);
    }
    serde_json::from_value(commit.into()).unwrap()
}

pub(crate) fn put(collection: &str, document: &str, value: Value) -> Value {
    json!({"op": "put", "collection": collection, "document": document, "value": value})
}
