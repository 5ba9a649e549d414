//! A client of the sync protocol, as small as the crash loop needs it, over somebody else's WebSocket.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

/// No answer for so long means that there will be none.
pub(in crate::outside) const PATIENCE: Duration = Duration::from_secs(20);

/// One connection behind `welcome`.
pub(in crate::outside) struct Client {
    socket: WebSocket<TcpStream>,
}

/// What to connect to.
pub(in crate::outside) fn address(api: &str) -> &str {
    api.trim_start_matches("http://")
}

/// Begins a production with the default manifest.
pub(super) fn create(api: &str, token: &str, production: &str) -> Result<()> {
    let mut stream = TcpStream::connect(address(api))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let request = format!(
        "PUT /v1/productions/{production} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\n\
         content-length: 0\r\nconnection: close\r\n\r\n",
        address(api)
    );
    stream.write_all(request.as_bytes())?;
    let mut status = String::new();
    BufReader::new(stream).read_line(&mut status)?;
    if !status.starts_with("HTTP/1.1 201") {
        bail!("{production} was not begun: {}", status.trim());
    }
    Ok(())
}

impl Client {
    /// Connects and says `hello`.
    pub(in crate::outside) fn connect(api: &str) -> Result<Self> {
        let stream = TcpStream::connect(address(api))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let url = format!("ws://{}/v1/sync", address(api));
        let (socket, _) =
            tungstenite::client(url, stream).map_err(|error| anyhow::anyhow!("no handshake: {error}"))?;
        let mut client = Self { socket };
        client.say(&json!({"type": "hello", "client": "crash"}))?;
        client.wait_for("welcome")?;
        Ok(client)
    }

    pub(super) fn say(&mut self, message: &Value) -> Result<()> {
        Ok(self.socket.send(Message::text(message.to_string()))?)
    }

    /// The next message.
    pub(super) fn hear(&mut self) -> Result<Value> {
        loop {
            match self.socket.read()? {
                Message::Text(text) => return serde_json::from_str(&text).context("a message is JSON"),
                Message::Close(frame) => bail!("closed: {frame:?}"),
                _ => {}
            }
        }
    }

    /// The next message of that type; others are passed over.
    pub(in crate::outside) fn wait_for(&mut self, kind: &str) -> Result<Value> {
        loop {
            let message = self.hear()?;
            match message["type"].as_str() {
                Some(found) if found == kind => return Ok(message),
                Some("problem") => bail!("while waiting for {kind}: {message}"),
                _ => {}
            }
        }
    }

    /// One mutation that puts a document.
    pub(in crate::outside) fn put(&mut self, production: &str, id: &str, value: &Value) -> Result<()> {
        let mutation = json!({"op": "put", "collection": "layers", "document": id, "value": value});
        self.say(&json!({"type": "mutate", "id": id, "production": production, "mutations": [mutation]}))
    }
}
