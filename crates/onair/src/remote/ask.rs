//! One request: made, sent, sent again where that is harmless, and its answer read.

use std::{io, time::Duration};

use bytes::Bytes;
use reqwest::{
    Method, Response, Url,
    header::{CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue},
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    Remote, chance,
    error::{Error, Refused},
    retry::Backoff,
};

/// How long an answer may take (E1).
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a piece of a stream may take: a heartbeat comes every 15 s, and one of them may be lost.
const PATIENCE_PIECE: Duration = Duration::from_secs(45);
/// The largest answer that is taken whole: more than any snapshot that a server keeps in memory for us.
const ANSWER_BYTES_MAX: usize = 512 * 1024 * 1024;
/// How much of a foreign answer is shown.
const EXCERPT_CHARS_MAX: usize = 120;

/// A request on its way.
#[derive(Clone, Debug)]
pub(crate) struct Ask<'a> {
    remote: &'a Remote,
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<Bytes>,
    patience: Duration,
    /// Whether it may be carried out twice.
    harmless: bool,
}

/// An answer that was read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The revision in `ETag`.
    pub(crate) etag: Option<u64>,
    body: Bytes,
    server: String,
}

/// An answer that is read as it comes.
#[derive(Debug)]
pub(crate) struct Stream {
    response: Response,
    server: String,
}

impl<'a> Ask<'a> {
    pub(super) fn new(remote: &'a Remote, method: Method, url: Url) -> Self {
        let harmless = method == Method::GET;
        Self { remote, method, url, headers: HeaderMap::new(), body: None, patience: PATIENCE, harmless }
    }

    /// With a parameter.
    pub(crate) fn query(mut self, name: &str, value: &impl ToString) -> Self {
        self.url.query_pairs_mut().append_pair(name, &value.to_string());
        self
    }

    /// With a parameter, if there is one.
    pub(crate) fn query_some(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.query(name, &value),
            None => self,
        }
    }

    /// With a header of printable ASCII.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("positions, revisions and keys are printable ASCII");
        self.headers.insert(HeaderName::from_static(name), value);
        self
    }

    /// With a JSON body.
    pub(crate) fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string().into())
    }

    /// With a body.
    pub(crate) fn body(mut self, kind: &'static str, body: Bytes) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        self.body = Some(body);
        self
    }

    /// Under a key that the server remembers, which makes it harmless to send it twice (row D6).
    pub(crate) fn once(self) -> Self {
        let key = format!("cli-{:016x}{:016x}", chance(), chance());
        Self { harmless: true, ..self.header("idempotency-key", &key) }
    }

    /// Sent one time and no more, whatever comes of it: for who asks again anyway, and has no place for notes.
    pub(crate) fn single(self) -> Self {
        Self { harmless: false, ..self }
    }

    /// With more time, for what is large.
    pub(crate) fn patient(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Sends it, again where that is harmless and may help, and reads the answer.
    ///
    /// A connection that is refused at the very first try means that there is no server: that is said at once.
    pub(crate) async fn send(self) -> Result<Answer, Error> {
        let mut waits = Backoff::of_request(chance);
        let mut again = false;
        loop {
            let error = match self.attempt().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let absent = matches!(error, Error::NotUp { .. }) && !again;
            let Some(wait) = waits.next().filter(|_| self.harmless && error.is_worth_retrying() && !absent)
            else {
                return Err(error);
            };
            self.remote.report.note(&format!("{error}; trying again in {:.1} s", wait.as_secs_f64()));
            tokio::time::sleep(wait).await;
            again = true;
        }
    }

    /// [`Ask::send`], and the answer as JSON.
    pub(crate) async fn value(self) -> Result<Value, Error> {
        self.send().await?.json()
    }

    /// Sends it once, and reads the answer as it comes.
    pub(crate) async fn stream(self) -> Result<Stream, Error> {
        let server = self.remote.server.to_string();
        let sending = tokio::time::timeout(self.patience, self.request().send());
        let response = match sending.await {
            Ok(sent) => sent.map_err(|error| self.failed(&error))?,
            Err(_) => return Err(self.late()),
        };
        let status = response.status();
        let mut stream = Stream { response, server };
        if status.is_success() {
            return Ok(stream);
        }
        let body = stream.rest().await?;
        Err(refused(status.as_u16(), &body, stream.server))
    }

    async fn attempt(&self) -> Result<Answer, Error> {
        let whole = async {
            let mut stream = self.clone().stream().await?;
            let status = stream.response.status().as_u16();
            let etag = stream.response.headers().get(ETAG).and_then(|tag| tag.to_str().ok());
            let etag = etag.and_then(|tag| tag.trim_matches('"').parse().ok());
            let body = stream.rest().await?;
            Ok(Answer { status, etag, body, server: stream.server })
        };
        tokio::time::timeout(self.patience, whole).await.unwrap_or_else(|_| Err(self.late()))
    }

    fn request(&self) -> reqwest::RequestBuilder {
        let mut request = self.remote.client.request(self.method.clone(), self.url.clone());
        request = request.headers(self.headers.clone());
        if let Some(token) = &self.remote.token {
            request = request.bearer_auth(token);
        }
        match &self.body {
            Some(body) => request.body(body.clone()),
            None => request,
        }
    }

    fn late(&self) -> Error {
        Error::Timeout { server: self.remote.server.to_string(), seconds: self.patience.as_secs() }
    }

    fn failed(&self, error: &reqwest::Error) -> Error {
        let (server, detail) = (self.remote.server.to_string(), innermost(error));
        match error.is_connect() {
            true => Error::NotUp { server, detail },
            false => Error::Network { server, detail },
        }
    }
}

impl Answer {
    /// Its body.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|_| foreign(self.status, &self.body, self.server.clone()))
    }

    /// Its body, or nothing where there is none.
    pub(crate) fn json_or_null(&self) -> Result<Value, Error> {
        if self.body.is_empty() { Ok(Value::Null) } else { self.json() }
    }
}

impl Stream {
    /// The next piece; `None` at the end.
    pub(crate) async fn piece(&mut self) -> Result<Option<Bytes>, Error> {
        let late = |_| Error::Timeout { server: self.server.clone(), seconds: PATIENCE_PIECE.as_secs() };
        let piece = tokio::time::timeout(PATIENCE_PIECE, self.response.chunk()).await.map_err(late)?;
        piece.map_err(|error| Error::Network { server: self.server.clone(), detail: innermost(&error) })
    }

    async fn rest(&mut self) -> Result<Bytes, Error> {
        let mut whole = Vec::new();
        while let Some(piece) = self.piece().await? {
            whole.extend_from_slice(&piece);
            if whole.len() > ANSWER_BYTES_MAX {
                let detail = format!("an answer of more than {ANSWER_BYTES_MAX} bytes");
                return Err(Error::Network { server: self.server.clone(), detail });
            }
        }
        Ok(whole.into())
    }
}

fn refused(status: u16, body: &[u8], server: String) -> Error {
    match Refused::read(status, body) {
        Some(refused) => Error::Refused(Box::new(refused)),
        None => foreign(status, body, server),
    }
}

fn foreign(status: u16, body: &[u8], server: String) -> Error {
    let excerpt = String::from_utf8_lossy(body).trim().chars().take(EXCERPT_CHARS_MAX).collect();
    Error::Foreign { server, status, excerpt }
}

/// What is at the bottom of an error: the system's own words, where it has some.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
        if let Some(io) = cause.downcast_ref::<io::Error>().filter(|io| io.raw_os_error().is_some()) {
            return io.to_string();
        }
    }
    cause.to_string()
}
