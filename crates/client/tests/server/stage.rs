//! A server of a test's own, which can be stopped and started again at the same place, and clients of it.

use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use onair_client::{Client, Connection, Options, Production, Told, connection::State};
use onair_engine::{Engine, memory::Memory};
use onair_engine_embedded::{self as embedded, Embedded};
use onair_server::{config::Config, serve::Server};
use onair_wire::{Collection, DocumentId, Millis, ProductionId};
use serde_json::{Value, json};
use tokio::{net::TcpStream, sync::broadcast};

/// Whoever waits for so long waits for something that does not come.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn patient<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(came) => came,
        Err(_) => panic!("{what} does not come"),
    }
}

pub(crate) struct Stage {
    server: Option<Server>,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) address: SocketAddr,
}

impl Stage {
    /// A server in memory: started again, it begins another log.
    pub(crate) async fn new() -> Self {
        Self::over(|_| Arc::new(Memory::new())).await
    }

    /// A server on the embedded engine: started again, it goes on.
    pub(crate) async fn lasting() -> Self {
        Self::over(embedded).await
    }

    async fn over(open: fn(&tempfile::TempDir) -> Arc<dyn Engine>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = config(&folder, ([127, 0, 0, 1], 0).into());
        let server = Server::start(&config, open(&folder)).await.unwrap();
        let address = server.api();
        Self { server: Some(server), folder, address }
    }

    /// Stops the server, as an operator does.
    pub(crate) async fn stop(&mut self) {
        self.server.take().expect("it runs").stop().await;
    }

    /// Starts it again at the same place, with what it had on disk.
    pub(crate) async fn start(&mut self) {
        let (config, engine) = (config(&self.folder, self.address), embedded(&self.folder));
        self.server = Some(Server::start(&config, engine).await.unwrap());
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn client(&self) -> Client {
        self.client_with(|_| {})
    }

    pub(crate) fn client_with(&self, how: impl FnOnce(&mut Options)) -> Client {
        let mut options = Options::new(self.url());
        // A test is not to wait as long as a person bears.
        options.backoff.first = Millis(20);
        options.backoff.max = Millis(200);
        how(&mut options);
        Client::connect(options).unwrap()
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let token = std::fs::read_to_string(self.folder.path().join("admin.token")).unwrap();
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake::<_, Full<Bytes>>(TokioIo::new(stream)).await.unwrap();
        let driver = tokio::task::JoinSet::from_iter([async move { drop(connection.await) }]);
        let mut request = hyper::Request::builder().method(method).uri(path);
        request = request.header("host", self.address.to_string());
        request = request.header("authorization", format!("Bearer {}", token.trim()));
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let response = sender.send_request(request.body(Full::from(body)).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        drop(driver);
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    pub(crate) async fn token(&self, role: &str, productions: &[&str]) -> (String, String) {
        let body = json!({ "name": format!("{role}-token"), "role": role, "productions": productions });
        let (status, answer) = self.call("POST", "/v1/tokens", Some(body)).await;
        assert_eq!(status, 201, "{answer}");
        (answer["id"].as_str().unwrap().to_owned(), answer["token"].as_str().unwrap().to_owned())
    }
}

fn embedded(folder: &tempfile::TempDir) -> Arc<dyn Engine> {
    Arc::new(Embedded::open(&embedded::Options::new(folder.path().join("log"))).unwrap())
}

fn config(folder: &tempfile::TempDir, listen: SocketAddr) -> Config {
    Config {
        listen,
        metrics_listen: ([127, 0, 0, 1], 0).into(),
        data: folder.path().to_owned(),
        signals_debounce: Millis(10),
        ..Config::default()
    }
}

pub(crate) fn main() -> ProductionId {
    ProductionId::new("main").unwrap()
}

pub(crate) fn layers() -> Collection {
    Collection::new("layers").unwrap()
}

pub(crate) fn id(name: &str) -> DocumentId {
    DocumentId::new(name).unwrap()
}

/// A production that is followed and here.
pub(crate) async fn follow(client: &Client) -> Production {
    let production = client.production(main(), None);
    patient("the snapshot", production.ready()).await.unwrap();
    production
}

/// Waits until the connection is as wanted.
pub(crate) async fn until(client: &Client, wanted: impl FnMut(&Connection) -> bool) -> Connection {
    let mut connection = client.connection();
    patient("that state of the connection", connection.wait_for(wanted)).await.unwrap().clone()
}

pub(crate) async fn until_state(client: &Client, state: State) -> Connection {
    until(client, |connection| connection.state == state).await
}

/// Listens until something is told.
pub(crate) async fn hear<T>(
    told: &mut broadcast::Receiver<Arc<Told>>,
    mut wanted: impl FnMut(&Told) -> Option<T>,
) -> T {
    let listening = async {
        loop {
            if let Some(found) = wanted(&told.recv().await.unwrap()) {
                return found;
            }
        }
    };
    patient("that news", listening).await
}

/// Waits until both have the same, and that is what a newcomer gets.
pub(crate) async fn until_equal(stage: &Stage, productions: &[&Production]) {
    let fresh = stage.client();
    let newcomer = follow(&fresh).await;
    let position = newcomer.position().unwrap();
    for production in productions {
        let mut told = production.watch();
        let wait = async {
            while production.position().is_none_or(|here| here.revision < position.revision) {
                told.recv().await.unwrap();
            }
        };
        patient("the last commit", wait).await;
        if production.position() == Some(position.clone()) {
            assert_eq!(production.digest(), newcomer.digest());
        }
    }
    fresh.close().await;
}
