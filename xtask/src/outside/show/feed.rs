//! A service behind a URL: one request after the other, in the order in which they came, so that what a server asked
//! that is dead by now is done before what the next one asks.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use super::scene::{End, Scene};
use super::world::Asked;

/// A request that takes longer to arrive is of a server that died over it.
const ARRIVE: Duration = Duration::from_secs(2);

/// Answers until all is over, which a last connection says.
pub(super) fn run(scene: &Scene, listener: &TcpListener) {
    let mut drawn = (0, 0);
    for stream in listener.incoming() {
        if scene.is_over() {
            return;
        }
        // What breaks here is what a service may do.
        let _ = stream.map_err(Into::into).and_then(|stream| serve(scene, &stream, &mut drawn));
    }
}

fn serve(scene: &Scene, stream: &TcpStream, drawn: &mut (u32, u64)) -> Result<()> {
    stream.set_read_timeout(Some(ARRIVE))?;
    let body = read(stream)?;
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    if text("action") == "health" {
        return answer(stream, "200 OK", "{\"healthy\":true}");
    }
    let attempt = body["attempt"].as_u64().unwrap_or_default();
    let asked = Asked { action: text("action"), key: text("key"), attempt };
    let (call, fault, end) = scene.meet("feed", scene.connection(), drawn, asked);
    let told = match end {
        End::Done | End::DoneAndGone => Some(("200 OK", "{}")),
        End::Failed { retryable: true } => Some(("503 Service Unavailable", "not this time")),
        End::Failed { retryable: false } => Some(("422 Unprocessable Content", "it cannot")),
        // Said by something on the way that knows nothing.
        End::Silence => Some(("504 Gateway Timeout", "nobody knows")),
        End::Broken => None,
    };
    let knows = told.filter(|_| end != End::Silence);
    scene.world().over(call, fault, knows.map(|_| ", told so"));
    if let Some((status, body)) = told {
        answer(stream, status, body)?;
    }
    Ok(())
}

/// The body of a request.
fn read(stream: &TcpStream) -> Result<Value> {
    let mut reader = BufReader::new(stream);
    let (mut length, mut line) = (0, String::new());
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let header = line.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().context("a length is a number")?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    serde_json::from_slice(&body).context("a call is JSON")
}

fn answer(mut stream: &TcpStream, status: &str, body: &str) -> Result<()> {
    let head = "content-type: application/json\r\nconnection: close";
    let answer = format!("HTTP/1.1 {status}\r\n{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    Ok(stream.write_all(answer.as_bytes())?)
}
