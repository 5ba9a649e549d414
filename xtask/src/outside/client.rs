//! A client of the sync protocol, as small as the loops from outside need it, over somebody else's WebSocket.

use std::{io::ErrorKind, net::TcpStream, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tungstenite::{Error, Message, WebSocket};

use super::http::Site;

/// No answer for so long means that there will be none.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// One connection behind `welcome`.
pub(super) struct Client {
    socket: WebSocket<TcpStream>,
}

/// What to connect to.
pub(super) fn address(api: &str) -> &str {
    api.trim_start_matches("http://")
}

/// Begins a production with the default manifest.
pub(super) fn create(api: &str, token: &str, production: &str) -> Result<()> {
    let (status, body) = Site::new(api, token).put(&format!("/v1/productions/{production}"), "")?;
    ensure!(status == 201, "{production} was not begun: {status} {body}");
    Ok(())
}

impl Client {
    /// Connects and says `hello`.
    pub(super) fn connect(api: &str) -> Result<Self> {
        let address = address(api);
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let url = format!("ws://{address}/v1/sync");
        let (socket, _) =
            tungstenite::client(url, stream).map_err(|error| anyhow::anyhow!("no handshake: {error}"))?;
        let mut client = Self { socket };
        client.say(&json!({"type": "hello", "client": "xtask"}))?;
        client.wait_for("welcome")?;
        Ok(client)
    }

    pub(super) fn say(&mut self, message: &Value) -> Result<()> {
        Ok(self.socket.send(Message::text(message.to_string()))?)
    }

    /// The next message.
    pub(super) fn hear(&mut self) -> Result<Value> {
        self.hear_within(PATIENCE)?.context("no message came")
    }

    /// The next message, if one comes in time.
    pub(super) fn hear_within(&mut self, patience: Duration) -> Result<Option<Value>> {
        self.socket.get_ref().set_read_timeout(Some(patience))?;
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    return serde_json::from_str(&text).map(Some).context("a message is JSON");
                }
                Ok(Message::Close(frame)) => bail!("closed: {frame:?}"),
                Ok(_) => {}
                Err(Error::Io(error))
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    return Ok(None);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The next message of that type; others are passed over.
    pub(super) fn wait_for(&mut self, kind: &str) -> Result<Value> {
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
    pub(super) fn put(&mut self, production: &str, id: &str, value: &Value) -> Result<()> {
        let mutation = json!({"op": "put", "collection": "layers", "document": id, "value": value});
        self.say(&json!({"type": "mutate", "id": id, "production": production, "mutations": [mutation]}))
    }
}
