//! Somebody who is called: says what a test wants, and writes down what it heard.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, Response},
};
use futures_util::{StreamExt, stream};
use tokio::{io::AsyncReadExt, net::TcpListener, task::JoinSet};

/// What it heard.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Heard {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a text"))
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

/// What it says.
#[derive(Clone, Debug)]
pub(crate) enum Say {
    /// This.
    Status(u16, String),
    /// Look there.
    Elsewhere(String),
    /// Nothing, ever.
    Nothing,
    /// The beginning of an answer, and then nothing.
    Beginning,
    /// As many bytes.
    Much(usize),
}

/// A server that ends with its test.
pub(crate) struct Double {
    pub(crate) address: SocketAddr,
    heard: Arc<Mutex<Vec<Heard>>>,
    _tasks: JoinSet<()>,
}

impl Double {
    /// One that always says the same.
    pub(crate) async fn saying(say: Say) -> Self {
        Self::hearing(move |_| say.clone()).await
    }

    /// One that answers with this status and this text.
    pub(crate) async fn answering(status: u16, body: &str) -> Self {
        Self::saying(Say::Status(status, body.into())).await
    }

    /// One that answers what it hears.
    pub(crate) async fn hearing(answer: impl Fn(&Heard) -> Say + Clone + Send + Sync + 'static) -> Self {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let notes = Arc::clone(&heard);
        let router = Router::new().fallback(move |request: Request| {
            let (answer, notes) = (answer.clone(), Arc::clone(&notes));
            async move {
                let (head, body) = request.into_parts();
                let body = to_bytes(body, 1 << 20).await.expect("a body").to_vec();
                let heard = Heard { path: head.uri.path().into(), headers: head.headers, body };
                let say = answer(&heard);
                notes.lock().expect("no panic").push(heard);
                response(say).await
            }
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await.expect("serves") });
        Self { address, heard, _tasks: tasks }
    }

    /// One that hangs up when it has heard the beginning.
    pub(crate) async fn hanging_up() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let read = socket.read(&mut [0; 16]).await;
                drop((read, socket));
            }
        });
        Self { address, heard: Arc::default(), _tasks: tasks }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().expect("no panic").clone()
    }
}

async fn response(say: Say) -> Response<Body> {
    let answer = |status: u16| Response::builder().status(status);
    let made = match say {
        Say::Status(status, body) => answer(status).body(Body::from(body)),
        Say::Elsewhere(place) => answer(307).header("location", place).body(Body::empty()),
        Say::Nothing => std::future::pending().await,
        Say::Beginning => {
            let pieces = stream::iter([Ok::<_, std::io::Error>("{")]).chain(stream::pending());
            answer(200).body(Body::from_stream(pieces))
        }
        Say::Much(bytes) => answer(200).body(Body::from(vec![b' '; bytes])),
    };
    made.expect("an answer")
}
