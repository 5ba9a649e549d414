//! Which web pages are listened to, and what every answer says about itself (row X2).
//!
//! A browser lets any page open a WebSocket to this server, post a form to it, and, by a name that resolves to this
//! machine, read from it as if it were its own. Against the last stands the check of `Host`, against the others that of
//! `Origin`. Programs send no `Origin` and are let through: a token or the loopback address says who they are.
//!
//! The layer does, in this order: `Host`; `Origin`; preflights; who it is and how often they come; and behind the
//! handler the headers of the answer. What it refuses never reaches a handler.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};
use onair_wire::{Code, Problem};

use super::{
    caller::{Identified, bearer, peer},
    site::{Host, Origin},
};
use crate::{App, Failure, net::Peer};

/// What a page of a configured origin may send beside the headers that need no permission.
const ALLOWED_HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, idempotency-key, if-match, if-none-match, last-event-id, prefer",
);
const ALLOWED_METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
const EXPOSED_HEADERS: HeaderValue =
    HeaderValue::from_static("etag, location, preference-applied, retry-after");

/// Seconds that a browser may keep the answer to a preflight.
const PREFLIGHT_AGE: HeaderValue = HeaderValue::from_static("600");

/// How an answer is to be treated, where its handler said nothing else. Nothing may frame the monitor: a click there
/// stops a show.
const DEFAULTS: [(HeaderName, HeaderValue); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("frame-ancestors 'none'")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
];

/// What is refused before a director hears of it, or instead of it: no director says these.
const AT_THE_BORDER: [Code; 14] = [
    Code::BadJson,
    Code::BadRequest,
    Code::Closing,
    Code::EngineUnavailable,
    Code::Forbidden,
    Code::Internal,
    Code::MethodNotAllowed,
    Code::NotAcceptable,
    Code::OriginRefused,
    Code::ReadOnly,
    Code::RequestTimeout,
    Code::TooManyRequests,
    Code::Unauthenticated,
    Code::UnsupportedMediaType,
];

/// The names of the machine itself.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// What a listener answers to. Each has its own, since each has its own port.
#[derive(Clone, Debug)]
pub struct Guard {
    port: u16,
    /// It listens on all addresses.
    everywhere: bool,
    hosts: Vec<Host>,
    origins: Vec<Origin>,
}

/// What was found out about a request that may come in.
#[derive(Debug, PartialEq, Eq)]
struct Admitted {
    /// The configured origin it came from, which may read the answer.
    readable_by: Option<HeaderValue>,
    /// It only asks whether it may ask.
    preflight: bool,
}

impl Guard {
    /// Answers to the loopback names and to the address listened on, each with the port, and to `hosts`; pages of
    /// `origins` may do what pages of the server itself may.
    ///
    /// Who listens on all addresses is asked for by any of them. That opens nothing: a page that makes a name of its
    /// own resolve to this machine still says the name.
    /// A host without a port stands for the default port of the web, as behind a proxy, and for the listener's own.
    ///
    /// # Errors
    /// The sentence that says which of them is not a host or an origin.
    pub fn new<Text: AsRef<str>>(
        listen: SocketAddr,
        hosts: &[Text],
        origins: &[Text],
    ) -> Result<Self, String> {
        let mut own = hosts.iter().map(|host| read_host(host.as_ref())).collect::<Result<Vec<_>, _>>()?;
        let everywhere = listen.ip().is_unspecified();
        if !everywhere && let Some(address) = Host::parse(&listen.to_string()) {
            own.push(address);
        }
        let origins = origins.iter().map(|origin| read_origin(origin.as_ref())).collect::<Result<_, _>>()?;
        Ok(Self { port: listen.port(), everywhere, hosts: own, origins })
    }

    /// The host that a request is for, if it is this server's.
    ///
    /// # Errors
    /// `bad-request` without exactly one, `origin-refused` for another's.
    fn host(&self, request: &Parts) -> Result<Host, Problem> {
        let bad = |detail: &str| Problem::new(Code::BadRequest, detail);
        let text = one(&request.headers, &header::HOST).map_err(|()| bad("one `Host` is needed"))?;
        let host = text.and_then(Host::parse).ok_or_else(|| bad("`Host` is missing or is not a host"))?;
        // A target in absolute form says the host a second time, and counts for those who route by it.
        let target = request.uri.authority();
        if target.is_some_and(|target| Host::parse(target.as_str()).as_ref() != Some(&host)) {
            return Err(bad("`Host` differs from the host of the request's target"));
        }
        if self.answers_to(&host) {
            return Ok(host);
        }
        let detail = format!(
            "this server does not answer to the host {host}; if it should, name it under `hosts` in its configuration"
        );
        Err(Problem::new(Code::OriginRefused, detail))
    }

    fn answers_to(&self, host: &Host) -> bool {
        let port = host.port.unwrap_or(80);
        let loopback = LOOPBACK.contains(&host.name.as_str());
        ((loopback || self.everywhere && host.is_address()) && port == self.port)
            || self.hosts.iter().any(|known| {
                known.name == host.name
                    && match known.port {
                        Some(known) => port == known,
                        None => host.port.is_none_or(|port| port == self.port),
                    }
            })
    }

    /// Whether the page that a request comes from, if any, is listened to.
    ///
    /// # Errors
    /// `origin-refused`.
    fn origin(&self, request: &Parts, host: &Host) -> Result<Admitted, Problem> {
        let headers = &request.headers;
        let preflight = request.method == Method::OPTIONS
            && headers.contains_key(header::ORIGIN)
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        let acts = preflight || must_be_ours(request);
        let said = headers.get(header::ORIGIN);
        let only = one(headers, &header::ORIGIN);
        let origin = only.ok().flatten().and_then(Origin::parse);
        if let Some(origin) = &origin {
            if self.origins.iter().any(|known| known.is(origin)) {
                return Ok(Admitted { readable_by: said.cloned(), preflight });
            }
            if origin.is_of(host) {
                return Ok(Admitted { readable_by: None, preflight });
            }
        }
        // No program says that it was sent across sites; a browser that left `Origin` out may.
        let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
        let foreign = said.is_some() || matches!(site, Some(b"cross-site" | b"same-site"));
        if foreign && acts {
            let detail = "pages of this origin are not listened to; if they should be, name the origin under \
                          `origins` in the server's configuration";
            return Err(Problem::new(Code::OriginRefused, detail));
        }
        Ok(Admitted { readable_by: None, preflight: false })
    }

    fn admit(&self, request: &Parts) -> Result<Admitted, Problem> {
        let host = self.host(request)?;
        self.origin(request, &host)
    }

    fn finish(&self, response: &mut Response, readable_by: Option<HeaderValue>) {
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return;
        }
        let headers = response.headers_mut();
        for (name, value) in DEFAULTS {
            headers.entry(name).or_insert(value);
        }
        if self.origins.is_empty() {
            let name = HeaderName::from_static("cross-origin-resource-policy");
            headers.entry(name).or_insert(HeaderValue::from_static("same-origin"));
        } else {
            headers.append(header::VARY, HeaderValue::from_static("origin"));
        }
        if let Some(origin) = readable_by {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
        }
    }
}

fn read_host(text: &str) -> Result<Host, String> {
    Host::parse(text).ok_or_else(|| {
        format!("a host is a name or address with or without a port, `studio.example:4200` say, not {text:?}")
    })
}

fn read_origin(text: &str) -> Result<Origin, String> {
    Origin::parse(text).ok_or_else(|| {
        format!("an origin is `https://studio.example`, with a port or not, each in full, not {text:?}")
    })
}

/// Whether a text can be one of the hosts of [`Guard::new`].
///
/// # Errors
/// The sentence that says what a host is.
pub fn check_host(text: &str) -> Result<(), String> {
    read_host(text).map(drop)
}

/// Whether a text can be one of the origins of [`Guard::new`].
///
/// # Errors
/// The sentence that says what an origin is.
pub fn check_origin(text: &str) -> Result<(), String> {
    read_origin(text).map(drop)
}

/// Whether a host is a name of the machine itself, whatever the port.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    Host::parse(host).is_some_and(|host| LOOPBACK.contains(&host.name.as_str()))
}

/// Whether a request is one that a foreign page must not even send: it changes something, or opens a stream, which no
/// rule of browsers keeps such a page from reading.
fn must_be_ours(request: &Parts) -> bool {
    let headers = &request.headers;
    let says = |name, word: &str| {
        let mut lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
        lines.any(|line| line.to_ascii_lowercase().contains(word))
    };
    !matches!(request.method, Method::GET | Method::HEAD | Method::OPTIONS)
        || headers.contains_key(header::UPGRADE)
        || says(header::ACCEPT, "text/event-stream")
        || request.uri.path().ends_with("/events")
}

/// The only value of a header, if it is there, and as text.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ()> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(());
    }
    first.map(|value| value.to_str().map_err(|_| ())).transpose()
}

/// Who came through a proxy is not on this machine, whatever the socket says.
fn came_from_outside(headers: &HeaderMap) -> bool {
    let here = |text: &str| text.trim().parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback());
    let mut forwarded = headers.get_all("x-forwarded-for").iter();
    headers.contains_key(header::FORWARDED)
        || forwarded.any(|line| !line.to_str().is_ok_and(|line| line.split(',').all(here)))
}

#[derive(Clone)]
struct Gate {
    app: App,
    guard: Arc<Guard>,
}

/// Puts the guard before all routes, their fallback included: [`Caller`](super::Caller) then knows who calls.
pub fn protect(router: Router, app: &App, guard: Guard) -> Router {
    let gate = Gate { app: app.clone(), guard: Arc::new(guard) };
    router.layer(middleware::from_fn_with_state(gate, pass))
}

/// The check of hosts alone, for a listener that knows neither tokens nor pages: metrics.
pub fn protect_host(router: Router, guard: Guard) -> Router {
    router.layer(middleware::from_fn_with_state(Arc::new(guard), pass_host))
}

async fn pass(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let admitted = gate.guard.admit(&parts);
    let (mut response, readable_by) = match admitted {
        Err(problem) => (Failure::from(problem).into_response(), None),
        Ok(Admitted { readable_by, preflight: true }) => (preflight(), readable_by),
        Ok(Admitted { readable_by, .. }) => {
            let response = match gate.recognize(&mut parts) {
                Ok(()) => next.run(Request::from_parts(parts, body)).await,
                Err(problem) => Failure::from(problem).into_response(),
            };
            (response, readable_by)
        }
    };
    gate.count(&response);
    gate.guard.finish(&mut response, readable_by);
    response
}

async fn pass_host(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let mut response = match guard.admit(&parts) {
        Ok(_) => next.run(Request::from_parts(parts, body)).await,
        Err(problem) => Failure::from(problem).into_response(),
    };
    guard.finish(&mut response, None);
    response
}

fn preflight() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, ALLOWED_METHODS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_AGE);
    response
}

impl Gate {
    /// Counts a refusal that no director made; those count their own, whatever they came by.
    fn count(&self, response: &Response) {
        if let Some(code) = response.extensions().get::<Code>().filter(|code| AT_THE_BORDER.contains(code)) {
            self.app.productions.figures().refused(*code);
        }
    }

    /// Notes who it is for the handler, and counts the request.
    fn recognize(&self, parts: &mut Parts) -> Result<(), Problem> {
        let access = &self.app.access;
        let socket = peer(parts);
        if !access.has_tokens() && came_from_outside(&parts.headers) {
            parts.extensions.insert(Peer(SocketAddr::from(([0, 0, 0, 0], 0))));
        }
        let identified =
            bearer(&parts.headers).map(|token| token.map(|token| access.identify(Some(token), socket)));
        let known =
            identified.as_ref().ok().and_then(Option::as_ref).and_then(|identity| identity.as_ref().ok());
        access.count(known, socket)?;
        if let Ok(Some(identified)) = identified {
            parts.extensions.insert(Identified(identified));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
