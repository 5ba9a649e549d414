//! A WebSocket to a server: made, read, written; what goes wrong is a problem. Both shells use it.

use std::{sync::Arc, time::Duration};

use futures_util::{SinkExt, StreamExt};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{self, Message, protocol::WebSocketConfig},
};

use crate::problem::Problem;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a good-bye may take.
const GOOD_BYE: Duration = Duration::from_secs(1);
/// The largest message that is taken: a snapshot is one, and this is the largest file that the server imports.
const MESSAGE_BYTES_MAX: usize = 512 * 1024 * 1024;

/// A text that is no address of a server.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("an address looks like http://127.0.0.1:4200, not {0:?}")]
pub struct AddressError(String);

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(Arc<str>);

impl Address {
    /// Reads `http://`, `https://`, `ws://` or `wss://` with a host, and a path where the server stands behind one.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let wrong = || AddressError(text.chars().take(120).collect());
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let scheme = match scheme {
            "http" | "ws" => "ws",
            "https" | "wss" => "wss",
            _ => return Err(wrong()),
        };
        let rest = rest.trim_end_matches('/');
        let plain = !rest.is_empty() && !rest.starts_with('/') && !rest.contains(['@', '?', '#', ' ']);
        if !plain {
            return Err(wrong());
        }
        Ok(Self(format!("{scheme}://{rest}").into()))
    }

    /// The address of one of its protocols: `/v1/sync` say.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

/// What comes from the other side.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A message.
    Text(String),
    /// A sign of life that is no message.
    Alive,
    /// The end: the close code, or what went wrong.
    Closed(Option<u16>, Option<Problem>),
}

/// A WebSocket.
#[derive(Debug)]
pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Connects.
    ///
    /// # Cancellation
    /// Nothing is left when the future is dropped.
    pub(crate) async fn connect(address: String) -> Result<Self, Problem> {
        // Which library does the cryptography is chosen once per process; a second choice is no harm.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let config = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX));
        let connecting = tokio_tungstenite::connect_async_with_config(address, Some(config), true);
        match tokio::time::timeout(CONNECT, connecting).await {
            Ok(Ok((socket, _))) => Ok(Self(socket)),
            Ok(Err(tungstenite::Error::Http(answer))) => {
                let body = answer.body().as_deref().unwrap_or_default();
                Err(Problem::of_answer(answer.status().as_u16(), body))
            }
            Ok(Err(error)) => Err(Problem::local("no connection", error.to_string())),
            Err(_) => Err(Problem::local("timeout", format!("no connection within {CONNECT:?}"))),
        }
    }

    /// The next thing that comes.
    ///
    /// # Cancellation
    /// Nothing is lost when the future is dropped.
    pub(crate) async fn next(&mut self) -> Heard {
        match self.0.next().await {
            Some(Ok(Message::Text(text))) => Heard::Text(text.as_str().to_owned()),
            Some(Ok(Message::Close(Some(frame)))) => {
                let code = u16::from(frame.code);
                let why = Problem::local(&format!("closed {code}"), frame.reason.as_str());
                Heard::Closed(Some(code), Some(why))
            }
            Some(Ok(Message::Close(None))) => Heard::Closed(None, None),
            Some(Ok(_)) => Heard::Alive,
            Some(Err(error)) => Heard::Closed(None, Some(Problem::local("no connection", error.to_string()))),
            None => Heard::Closed(None, None),
        }
    }

    /// Sends texts, all of them in one go.
    ///
    /// # Cancellation
    /// Some may have been sent when the future is dropped.
    pub(crate) async fn send(&mut self, texts: Vec<String>) -> Result<(), Problem> {
        let broken = |error: tungstenite::Error| Problem::local("no connection", error.to_string());
        for text in texts {
            self.0.feed(Message::text(text)).await.map_err(broken)?;
        }
        self.0.flush().await.map_err(broken)
    }

    /// Says good-bye, and does not wait for the answer.
    ///
    /// # Cancellation
    /// The other side notices by itself when the future is dropped.
    pub(crate) async fn close(mut self) {
        // Whoever is gone, or does not listen, need not be told that we go.
        let _ = tokio::time::timeout(GOOD_BYE, self.0.close(None)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn y2_addresses() {
        for (text, expected) in [
            ("http://127.0.0.1:4200", "ws://127.0.0.1:4200/v1/sync"),
            ("https://studio.example/onair/", "wss://studio.example/onair/v1/sync"),
            ("ws://[::1]:1", "ws://[::1]:1/v1/sync"),
        ] {
            assert_eq!(Address::parse(text).unwrap().at("/v1/sync"), expected);
        }
        for bad in ["", "localhost:4200", "ftp://x", "http://", "http://a:b@c", "http://a?b", "http:///x"] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }
}
