//! A server of a test's own, and a small client of it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use onair_engine::memory::Memory;
use onair_server::{config::Config, serve::Server};
use onair_wire::Millis;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

/// Whoever waits for so long waits for something that does not come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) const MAIN: &str = "/v1/productions/main";

pub(crate) struct Site {
    pub(crate) server: Server,
    pub(crate) engine: Arc<Memory>,
    pub(crate) admin: String,
    _folder: tempfile::TempDir,
}

impl Site {
    pub(crate) async fn new() -> Self {
        let (folder, engine) = (tempfile::tempdir().unwrap(), Arc::new(Memory::new()));
        let config = Config {
            listen: ([127, 0, 0, 1], 0).into(),
            metrics_listen: ([127, 0, 0, 1], 0).into(),
            data: folder.path().to_owned(),
            signals_debounce: Millis(10),
            ..Config::default()
        };
        let shared: Arc<dyn onair_engine::Engine> = Arc::<Memory>::clone(&engine);
        let server = Server::start(&config, shared).await.unwrap();
        let admin = std::fs::read_to_string(folder.path().join("admin.token")).unwrap().trim().to_owned();
        Self { server, engine, admin, _folder: folder }
    }

    /// A request of the owner.
    pub(crate) fn ask(&self, method: &str, path: &str) -> Ask<'_> {
        let path = if path.starts_with('/') { path.to_owned() } else { format!("{MAIN}/{path}") };
        let authorization = ("authorization".to_owned(), format!("Bearer {}", self.admin).into_bytes());
        Ask { site: self, method: method.into(), path, headers: vec![authorization], body: Bytes::new() }
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.ask("GET", path).send().await.json(200)
    }

    /// Writes a document; says its revision.
    pub(crate) async fn put(&self, document: &str, value: Value) -> u64 {
        let answer = self.ask("PUT", &format!("documents/{document}")).json(&value).send().await;
        assert!(matches!(answer.status, 200 | 201), "{answer:?}");
        answer.body()["revision"].as_u64().unwrap()
    }

    /// A token with a role, for productions or all.
    pub(crate) async fn token(&self, role: &str, productions: Option<&[&str]>) -> (String, String) {
        let mut body = json!({"name": format!("a-{role}"), "role": role});
        if let Some(productions) = productions {
            body["productions"] = json!(productions);
        }
        let made = self.ask("POST", "/v1/tokens").json(&body).send().await.json(201);
        (made["id"].as_str().unwrap().to_owned(), made["token"].as_str().unwrap().to_owned())
    }

    /// Says bytes as they are and reads the answer until the server closes.
    pub(crate) async fn raw(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.server.api()).await.unwrap();
        // A server that has refused already may not read the rest.
        drop(stream.write_all(request).await);
        let mut answer = Vec::new();
        let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        drop(read.expect("the server answers and closes"));
        String::from_utf8_lossy(&answer).into_owned()
    }
}

/// A request that is being put together.
pub(crate) struct Ask<'a> {
    site: &'a Site,
    method: String,
    path: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Bytes,
}

impl Ask<'_> {
    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.into(), value.as_ref().to_vec()));
        self
    }

    pub(crate) fn json(self, value: &Value) -> Self {
        self.body("application/json", value.to_string())
    }

    pub(crate) fn body(mut self, kind: &str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        if kind.is_empty() { self } else { self.header("content-type", kind) }
    }

    /// As somebody else; nobody, when the token is empty.
    pub(crate) fn by(mut self, token: &str) -> Self {
        self.headers.retain(|(name, _)| name != "authorization");
        if token.is_empty() { self } else { self.header("authorization", format!("Bearer {token}")) }
    }

    pub(crate) async fn send(self) -> Answer {
        let asked = format!("{} {}", self.method, self.path);
        let (response, _connection) = self.open().await;
        let (head, body) = response.into_parts();
        // An event stream does not end: its head is the answer.
        if head.headers.get("content-type").is_some_and(|kind| kind == "text/event-stream") {
            return Answer { asked, status: head.status.as_u16(), headers: head.headers, body: Bytes::new() };
        }
        let collected = tokio::time::timeout(PATIENCE, body.collect()).await;
        let body = collected.expect("an answer that ends").expect("a whole answer").to_bytes();
        Answer { asked, status: head.status.as_u16(), headers: head.headers, body }
    }

    /// The answer as it begins; the connection lives as long as what is returned with it.
    pub(crate) async fn open(self) -> (Response<Incoming>, JoinSet<()>) {
        let address = self.site.server.api();
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        let mut driver = JoinSet::new();
        driver.spawn(async move { drop(connection.await) });
        let method: Method = self.method.parse().unwrap();
        let mut request =
            Request::builder().method(method).uri(&self.path).header("host", address.to_string());
        for (name, value) in &self.headers {
            request = request.header(name, value.as_slice());
        }
        let request = request.body(Full::new(self.body)).unwrap();
        let sent = tokio::time::timeout(PATIENCE, sender.send_request(request)).await;
        (sent.expect("an answer").expect("an answer"), driver)
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    asked: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The body, whatever the status.
    pub(crate) fn body(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The body of an answer with this status.
    #[track_caller]
    pub(crate) fn json(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.asked, String::from_utf8_lossy(&self.body));
        assert_eq!(self.header("content-type"), "application/json", "{}", self.asked);
        self.body()
    }

    #[track_caller]
    pub(crate) fn is(&self, status: u16) {
        assert_eq!(self.status, status, "{}: {}", self.asked, String::from_utf8_lossy(&self.body));
    }

    /// The problem, which has this code.
    #[track_caller]
    pub(crate) fn problem(self, code: &str) -> Value {
        let problem = self.body();
        assert_eq!(problem["code"], code, "{}: {} {problem}", self.asked, self.status);
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.asked);
        assert_eq!(problem["status"], self.status, "{}", self.asked);
        for member in ["type", "title", "detail"] {
            assert!(problem[member].is_string(), "{}: {member} of {problem}", self.asked);
        }
        problem
    }
}
