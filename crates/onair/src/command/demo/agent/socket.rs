//! The socket of an agent: `GET /v1/agents`, spoken as the contract has it (section 4), and nothing more.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use onair_wire::TaskAction;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, Utf8Bytes},
};

/// What the server says to an agent.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub(super) enum Heard {
    /// It is registered.
    Registered {},
    /// Something is to be done.
    Task(Task),
    /// Nobody waits for the answer to this task any more.
    Cancel { id: String },
    /// It is refused.
    Problem { detail: String },
    /// Something that changes nothing for this one.
    #[serde(other)]
    Other,
}

/// Something to be done.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Task {
    pub(super) id: String,
    pub(super) action: TaskAction,
    /// The same for each attempt.
    pub(super) key: Arc<str>,
    pub(super) params: Value,
}

/// A connection that is registered.
pub(super) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Connects and registers.
    pub(super) async fn connect(server: &str, register: &Value) -> anyhow::Result<Self> {
        let address = server.trim_end_matches('/').replacen("http", "ws", 1);
        let (socket, _) = connect_async(format!("{address}/v1/agents")).await?;
        let mut socket = Self(socket);
        socket.say(register).await?;
        match socket.next().await? {
            Heard::Registered {} => Ok(socket),
            Heard::Problem { detail } => bail!("refused: {detail}"),
            other => bail!("the server began with {other:?}"),
        }
    }

    /// What the server says next. Signs of life are given meanwhile.
    ///
    /// # Cancellation
    /// Nothing is lost.
    pub(super) async fn next(&mut self) -> anyhow::Result<Heard> {
        loop {
            match self.0.next().await.context("the connection is over")?? {
                Message::Text(text) => {
                    return serde_json::from_str(&text).with_context(|| format!("not understood: {text}"));
                }
                Message::Close(frame) => bail!("the server closed the connection: {frame:?}"),
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }

    /// A task is done.
    pub(super) async fn done(&mut self, id: &str, result: &Value) -> anyhow::Result<()> {
        self.say(&json!({ "type": "done", "id": id, "result": result })).await
    }

    async fn say(&mut self, message: &Value) -> anyhow::Result<()> {
        Ok(self.0.send(Message::Text(Utf8Bytes::from(message.to_string()))).await?)
    }
}
