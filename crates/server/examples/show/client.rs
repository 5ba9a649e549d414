//! A client of the server under measurement: one connection that is kept, and nothing between it and the figures.

use std::{io, net::SocketAddr};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpStream, task::JoinSet};

pub(crate) struct Client {
    host: String,
    token: String,
    sender: http1::SendRequest<Full<Bytes>>,
    _connection: JoinSet<()>,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr, token: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        let connection = JoinSet::from_iter([async move { drop(connection.await) }]);
        Ok(Self { host: address.to_string(), token: token.to_owned(), sender, _connection: connection })
    }

    /// The body of an answer that is 200 or 201; any other is an error.
    pub(crate) async fn ask(&mut self, method: &str, path: &str, body: &Value) -> io::Result<Value> {
        let (status, body) = self.send(method, path, body).await?;
        match status {
            200 | 201 => Ok(body),
            _ => Err(io::Error::other(format!("{method} {path}: {status} {body}"))),
        }
    }

    pub(crate) async fn send(&mut self, method: &str, path: &str, body: &Value) -> io::Result<(u16, Value)> {
        let text = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.host)
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .body(Full::new(text))
            .map_err(io::Error::other)?;
        self.sender.ready().await.map_err(io::Error::other)?;
        let response = self.sender.send_request(request).await.map_err(io::Error::other)?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }
}
