//! Requests over HTTP, up to four with `--` in a line between: a method and a target, headers, an empty line, a body.
//! Each is answered; what is refused says why with a known code, and nothing is the server's fault.
//!
//! The whole of the server is behind it but for the sockets: guard, routes, directors, the memory engine. Time is
//! paused, so that what waits for a change waits for nothing.

use std::{net::SocketAddr, sync::Arc};

use axum::{Router, body::Body};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use onair_adapters::{Agents, Builtin};
use onair_engine::memory::Memory;
use onair_runtime::{
    Clock, Keep, Productions, Tasks,
    adapter::{Adapter, Adapters},
};
use onair_server::{
    App,
    app::Parts,
    auth::{Access, Guard, guard::protect},
    clients::Clients,
    net::Peer,
    session::Sessions,
};
use onair_wire::{Actor, Code, Millis, ProductionId, Timestamp};
use serde_json::Value;
use tokio::{runtime::Builder, sync::mpsc};

const REQUESTS_MAX: usize = 4;
const HERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 4200);

pub(crate) fn check(bytes: &[u8]) {
    let requests: Vec<Request<Body>> = split(bytes, b"\n--\n").take(REQUESTS_MAX).filter_map(read).collect();
    if requests.is_empty() {
        return;
    }
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let (server, tasks) = server().await;
        for request in requests {
            answered(TowerToHyperService::new(server.clone()).call(request).await.expect("infallible")).await;
        }
        tasks.cancel();
    });
}

/// The parts of `bytes` between separators.
fn split<'a>(bytes: &'a [u8], by: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = Some(bytes);
    std::iter::from_fn(move || {
        let whole = rest?;
        let end = whole.windows(by.len()).position(|window| window == by);
        rest = end.map(|end| &whole[end + by.len()..]);
        Some(&whole[..end.unwrap_or(whole.len())])
    })
}

/// The request that is written there; nothing when no HTTP library would take it either.
fn read(bytes: &[u8]) -> Option<Request<Body>> {
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let (first, mut rest) = (parts.next()?, parts.next().unwrap_or_default());
    let (method, target) = std::str::from_utf8(first).ok()?.split_once(' ')?;
    let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).ok()?).uri(target);
    let headers = request.headers_mut()?;
    headers.insert(header::HOST, HeaderValue::from_static("127.0.0.1:4200"));
    loop {
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let (line, behind) = (&rest[..end], rest.get(end + 1..).unwrap_or_default());
        rest = behind;
        if line.is_empty() {
            break;
        }
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        headers.append(name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?);
    }
    let mut request = request.body(Body::from(rest.to_vec())).ok()?;
    request.extensions_mut().insert(Peer(HERE));
    Some(request)
}

async fn server() -> (Router, Tasks) {
    let (clock, tasks) = (Clock::simulated(Timestamp::from_millis(1_000_000)), Tasks::new());
    let builtin: Arc<dyn Adapter> = Arc::new(Builtin);
    let productions = Productions::new(onair_runtime::Options {
        engine: Arc::new(Memory::new()),
        clock: clock.clone(),
        tasks: tasks.clone(),
        keep: Keep::default(),
        random: || 7,
        adapters: Adapters::new([("builtin", builtin)]),
        backends: None,
        surroundings: None,
    });
    let id = ProductionId::new("main").expect("a name");
    let actor = Actor::new("server:start").expect("an actor");
    productions.configure(&id, actor, Value::Null).await.expect("a production");
    let (reports, _) = mpsc::channel(8);
    let app = App::new(Parts {
        productions,
        access: Access::default(),
        clients: Clients::default(),
        sessions: Sessions::default(),
        agents: Agents::new(clock, reports, Millis(2_000), &tasks),
        tasks: tasks.clone(),
        default_production: id,
        random: || 7,
    });
    let guard = Guard::new::<&str>(HERE, &[], &[]).expect("a guard");
    (protect(onair_server::routes::router(app.clone()), &app, guard), tasks)
}

async fn answered(response: Response<Body>) {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).cloned();
    let kind = kind.as_ref().and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    assert!(!status.is_server_error() || status == StatusCode::NOT_IMPLEMENTED, "answered {status}");
    if kind.starts_with("text/event-stream") {
        return;
    }
    let body = response.into_body().collect().await.expect("a body that ends").to_bytes();
    if kind == "application/problem+json" {
        let problem: Value = serde_json::from_slice(&body).expect("a problem is JSON");
        let code = problem["code"].as_str().expect("a problem has a code");
        assert!(code.parse::<Code>().is_ok(), "{code} is no code");
        assert_eq!(problem["status"], status.as_u16(), "{problem}");
    } else {
        assert!(!status.is_client_error() || body.is_empty(), "{status} is not said as a problem");
    }
}
