//! One request, one connection: HTTP as the loops from outside need it.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context, Result};

/// Longer than anything that is asked here takes.
const PATIENCE: Duration = Duration::from_secs(90);

/// A server as one who has a token knows it.
#[derive(Clone, Debug)]
pub(super) struct Site {
    api: String,
    token: String,
}

impl Site {
    pub(super) fn new(api: &str, token: &str) -> Self {
        Self { api: api.to_owned(), token: token.to_owned() }
    }

    /// Where it is.
    pub(super) fn api(&self) -> &str {
        &self.api
    }

    /// Opens a connection and asks; what comes is the caller's to read.
    ///
    /// # Errors
    /// The socket's.
    pub(super) fn open(&self, method: &str, path: &str, kind: &str, body: &str) -> Result<TcpStream> {
        let address = self.api.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n\
             content-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            self.token,
            body.len()
        );
        stream.write_all(request.as_bytes())?;
        Ok(stream)
    }

    /// The status and the body; one that came in chunks keeps their lengths in it.
    ///
    /// # Errors
    /// The socket's, or what came is no answer.
    pub(super) fn ask(&self, method: &str, path: &str, kind: &str, body: &str) -> Result<(u16, String)> {
        let mut answer = String::new();
        self.open(method, path, kind, body)?.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("an answer has a head")?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Ok((status.context("an answer has a status")?, body.to_owned()))
    }

    pub(super) fn get(&self, path: &str) -> Result<(u16, String)> {
        self.ask("GET", path, "application/json", "")
    }

    pub(super) fn put(&self, path: &str, body: &str) -> Result<(u16, String)> {
        self.ask("PUT", path, "application/json", body)
    }

    pub(super) fn post(&self, path: &str, body: &str) -> Result<(u16, String)> {
        self.ask("POST", path, "application/json", body)
    }
}
