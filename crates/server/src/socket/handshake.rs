//! From a request to a connection: the opening handshake of RFC 6455, section 4.2.
//!
//! No extension is ever agreed to. `permessage-deflate` would make every frame a frame for one client, with a
//! compressor of its own, and the point of this server is that a frame is the same for everybody. No subprotocol
//! either: there is one.

use axum::{
    body::Body,
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderValue, Method, StatusCode, Version,
    header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE},
    request::Parts,
};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use onair_wire::{Code, Problem};
use tokio_util::task::TaskTracker;
use tungstenite::handshake::derive_accept_key;

use super::{Connection, MESSAGE_BYTES_MAX};
use crate::{
    Failure,
    net::{Admission, HttpSide},
};

/// The only version of the protocol that was ever finished.
const VERSION: HeaderValue = HeaderValue::from_static("13");
const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");
const TO_UPGRADE: HeaderValue = HeaderValue::from_static("upgrade");

/// Why a request is not answered by 101.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It does not ask for a WebSocket, or for another version: 426, with what to ask for.
    UpgradeRequired,
    /// It asks, and not as it should: 400.
    BadRequest(&'static str),
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::UpgradeRequired => {
                let headers =
                    [(UPGRADE, WEBSOCKET), (CONNECTION, TO_UPGRADE), (SEC_WEBSOCKET_VERSION, VERSION)];
                let mut problem = Problem::new(Code::BadRequest, "this address speaks WebSocket, version 13");
                problem.status = StatusCode::UPGRADE_REQUIRED.as_u16();
                (headers, Failure::from(problem)).into_response()
            }
            Self::BadRequest(why) => Failure::new(Code::BadRequest, why).into_response(),
        }
    }
}

/// A request that may be answered by 101: an extractor.
#[derive(Debug)]
pub struct Upgrade {
    socket: OnUpgrade,
    accept: HeaderValue,
    admission: Option<Admission>,
    message_bytes_max: usize,
}

impl Upgrade {
    /// Checks the request.
    ///
    /// # Errors
    /// [`Refused`], which is the answer.
    pub fn new(parts: &mut Parts) -> Result<Self, Refused> {
        let headers = &parts.headers;
        if !has_token(headers, &UPGRADE, "websocket") {
            return Err(Refused::UpgradeRequired);
        }
        if parts.method != Method::GET || parts.version < Version::HTTP_11 {
            return Err(Refused::BadRequest("a WebSocket begins with GET over HTTP/1.1"));
        }
        if !has_token(headers, &CONNECTION, "upgrade") {
            return Err(Refused::BadRequest("`Connection` does not say `upgrade`"));
        }
        if headers.get(SEC_WEBSOCKET_VERSION) != Some(&VERSION) {
            return Err(Refused::UpgradeRequired);
        }
        let key = headers.get(SEC_WEBSOCKET_KEY).filter(|key| is_key(key.as_bytes()));
        let key = key.ok_or(Refused::BadRequest("`Sec-WebSocket-Key` is not 16 bytes in base 64"))?;
        let accept = derive_accept_key(key.as_bytes());
        let accept = HeaderValue::try_from(accept).expect("base 64 is a header value");
        let socket = parts.extensions.remove::<OnUpgrade>();
        let socket = socket.ok_or(Refused::BadRequest("this connection cannot be taken over"))?;
        let admission = parts.extensions.get::<Admission>().cloned();
        Ok(Self { socket, accept, admission, message_bytes_max: MESSAGE_BYTES_MAX })
    }

    /// With another limit than [`MESSAGE_BYTES_MAX`].
    #[must_use]
    pub fn message_bytes_max(self, message_bytes_max: usize) -> Self {
        Self { message_bytes_max, ..self }
    }

    /// The answer; when it has been sent, `serve` gets the connection, as one of `tasks`.
    pub fn accept<Session>(
        self,
        tasks: &TaskTracker,
        serve: impl FnOnce(Connection) -> Session + Send + 'static,
    ) -> Response
    where
        Session: Future<Output = ()> + Send,
    {
        let Self { socket, accept, admission, message_bytes_max } = self;
        tasks.spawn(async move {
            // A client that left before it was answered, or a server that is not ours underneath: nobody to serve.
            let Ok(socket) = socket.await else { return };
            let Ok(parts) = socket.downcast::<TokioIo<HttpSide>>() else { return };
            let connection = Connection::new(
                parts.io.into_inner().0.into_socket(),
                &parts.read_buf,
                message_bytes_max,
                admission,
            );
            drop(parts.read_buf);
            serve(connection).await;
        });
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, TO_UPGRADE);
        headers.insert(UPGRADE, WEBSOCKET);
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        response
    }
}

impl<S: Sync> FromRequestParts<S> for Upgrade {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        Self::new(parts)
    }
}

/// Whether one of the comma-separated words of a header is `token`, in any case.
fn has_token(headers: &HeaderMap, name: &http::HeaderName, token: &str) -> bool {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|word| word.trim().eq_ignore_ascii_case(token))
}

/// 16 bytes in base 64 are 22 characters and two signs of equality.
fn is_key(key: &[u8]) -> bool {
    let good = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    matches!(key, [digits @ .., b'=', b'='] if digits.len() == 22 && digits.iter().all(good))
}
