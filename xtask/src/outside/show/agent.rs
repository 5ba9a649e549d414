//! An agent: carries out one task after the other, in the order in which they came, over one connection after the
//! other. It lives longer than the server, and comes back to the next one.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Value, json};
use tungstenite::{Error, Message, WebSocket};

use super::PRODUCTION;
use super::scene::{End, Scene};
use super::world::Asked;

/// How long it waits for a word before it looks whether all is over.
const LOOK: Duration = Duration::from_millis(100);
/// Before it comes back.
const COME_BACK: Duration = Duration::from_millis(15);

/// The agent of `service`, until all is over.
pub(super) fn run(scene: &Scene, service: &'static str) {
    let mut drawn = (0, 0);
    while !scene.is_over() {
        if let Some(api) = scene.server() {
            // However a connection ends, another follows; what is wrong is seen by what the server comes to.
            let _ = serve(scene, service, &api, &mut drawn);
        }
        thread::sleep(COME_BACK);
    }
}

/// One connection.
fn serve(scene: &Scene, service: &'static str, api: &str, drawn: &mut (u32, u64)) -> Result<()> {
    let address = api.trim_start_matches("http://");
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let Ok((mut socket, _)) = tungstenite::client(format!("ws://{address}/v1/agents"), stream) else {
        bail!("no handshake")
    };
    socket.get_ref().set_read_timeout(Some(LOOK))?;
    let connection = scene.connection();
    let instance = scene.world().instance(service);
    let register = json!({
        "type": "register", "production": PRODUCTION, "service": service, "instance": instance, "client": "show",
    });
    say(&mut socket, &register)?;
    while !scene.is_over() {
        let Some(message) = hear(&mut socket)? else { continue };
        if message["type"] == "problem" && message["id"].is_null() {
            bail!("refused: {message}");
        }
        if message["type"] == "task" {
            carry_out(scene, service, &mut socket, connection, drawn, &message)?;
        }
    }
    Ok(())
}

fn carry_out(
    scene: &Scene,
    service: &'static str,
    socket: &mut WebSocket<TcpStream>,
    connection: u64,
    drawn: &mut (u32, u64),
    task: &Value,
) -> Result<()> {
    let text = |name: &str| task[name].as_str().unwrap_or_default().to_owned();
    if text("action") == "health" {
        return say(socket, &json!({"type": "done", "id": task["id"], "result": {"healthy": true}}));
    }
    let attempt = task["attempt"].as_u64().unwrap_or_default();
    let asked = Asked { action: text("action"), key: text("key"), attempt };
    let (call, fault, end) = scene.meet(service, connection, drawn, asked);
    let (answer, word) = match end {
        End::Done | End::DoneAndGone => (json!({"type": "done", "id": task["id"]}), ", told so"),
        End::Failed { retryable } => {
            let error = if retryable { "not this time" } else { "it cannot" };
            (json!({"type": "failed", "id": task["id"], "error": error, "retryable": retryable}), ", told so")
        }
        End::Silence | End::Broken => {
            scene.world().over(call, fault, None);
            if end == End::Broken {
                bail!("the connection breaks");
            }
            return Ok(());
        }
    };
    {
        // Before it is said: whoever hears it may ask for the next thing at once.
        let mut world = scene.world();
        if end == End::DoneAndGone {
            world.crash(service);
        }
        world.over(call, fault, Some(word));
    }
    say(socket, &answer)?;
    if end == End::DoneAndGone {
        bail!("it crashes");
    }
    Ok(())
}

fn say(socket: &mut WebSocket<TcpStream>, message: &Value) -> Result<()> {
    Ok(socket.send(Message::text(message.to_string()))?)
}

/// The next message, if one comes soon.
fn hear(socket: &mut WebSocket<TcpStream>) -> Result<Option<Value>> {
    match socket.read() {
        Ok(Message::Text(text)) => Ok(Some(serde_json::from_str(&text)?)),
        Ok(Message::Close(frame)) => bail!("closed: {frame:?}"),
        Ok(_) => Ok(None),
        Err(Error::Io(error)) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
