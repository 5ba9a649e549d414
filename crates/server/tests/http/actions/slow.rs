//! A show with a host that takes its time, or does not do what it is asked.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use onair_adapters::Agents;
use onair_core::{Intent, Observe, Phase, service::Seen};
use onair_engine::memory::Memory;
use onair_runtime::{
    Clock, Handle, Keep, Options, Productions, Tasks,
    adapter::{Adapter, Adapters, BoxFuture, Call, CallError, Class, Misfit},
};
use onair_server::{App, app::Parts, auth::Access, clients::Clients, net::Peer, routes, session::Sessions};
use onair_wire::{Actor, Millis, ProductionId, TaskAction};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use crate::site::{MAIN, PATIENCE};

/// What the host does when it is to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    AsAsked,
    Nothing,
    Fail,
}

#[derive(Debug)]
struct Host(watch::Receiver<Does>);

impl Adapter for Host {
    fn check(&self, _: &Value) -> Result<(), Misfit> {
        Ok(())
    }

    fn call(&self, call: Call) -> BoxFuture<'static, Result<Value, CallError>> {
        let mut does = self.0.clone();
        Box::pin(async move {
            if (&*call.service, call.action) != ("host", TaskAction::Start) {
                return Ok(json!({}));
            }
            let does = *does.wait_for(|does| *does != Does::Nothing).await.expect("the test goes on");
            if does == Does::AsAsked {
                return Ok(json!({}));
            }
            let (class, message) = (Class::Server, "the camera is in use".to_owned());
            Err(CallError { class, message, retryable: false, unknown: false })
        })
    }

    fn seen(&self, _: &ProductionId, _: &str, _: bool) -> Option<Seen> {
        None
    }

    fn polled(&self) -> bool {
        false
    }
}

struct Bench {
    app: App,
    router: Router,
    handle: Handle,
    does: watch::Sender<Does>,
}

impl Bench {
    /// A production that is ready.
    async fn ready(settings: Value) -> Self {
        let (does, host) = watch::channel(Does::Nothing);
        let main = ProductionId::new("main").unwrap();
        let productions = Productions::new(Options {
            engine: Arc::new(Memory::new()),
            clock: Clock::system(),
            tasks: Tasks::new(),
            keep: Keep::default(),
            random: || 7,
            adapters: Adapters::new([("builtin", Arc::new(Host(host)) as Arc<dyn Adapter>)]),
            backends: None,
            surroundings: None,
        });
        let app = App::new(Parts {
            productions: productions.clone(),
            access: Access::default(),
            clients: Clients::default(),
            sessions: Sessions::default(),
            agents: Agents::new(Clock::system(), mpsc::channel(1).0, Millis(2_000), &Tasks::new()),
            tasks: Tasks::new(),
            default_production: main.clone(),
            random: || 7,
        });
        let kim = Actor::new("operator:kim").unwrap();
        let manifest = json!({"settings": settings, "requires": []});
        productions.configure(&main, kim, manifest).await.unwrap();
        let handle = productions.open(&main).await.unwrap();
        let bench = Self { router: routes::router(app.clone()), app, handle, does };
        assert_eq!(bench.post("initialize", "").await.json(200)["phase"], "ready");
        bench
    }

    async fn ask(&self, method: &str, path: &str, prefer: &str, body: &str) -> Answer {
        let request =
            Request::builder().method(method).uri(format!("{MAIN}/{path}")).header("prefer", prefer);
        let mut request =
            request.header("content-type", "application/json").body(Body::from(body.to_owned())).unwrap();
        request.extensions_mut().insert(Peer((Ipv4Addr::LOCALHOST, 1).into()));
        let response = TowerToHyperService::new(self.router.clone()).call(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        Answer { status, headers, body: serde_json::from_slice(&body).unwrap() }
    }

    async fn post(&self, action: &str, body: &str) -> Answer {
        tokio::time::timeout(PATIENCE, self.ask("POST", action, "", body)).await.expect("an answer")
    }

    async fn until(&self, phase: Phase) {
        while self.handle.state().phase() != phase {
            self.handle.wait_beyond(self.handle.state().revision(), Duration::from_millis(10)).await;
        }
    }

    fn service(&self, name: &str) -> String {
        let status = self.handle.state().service(name).unwrap().status;
        json!(status).as_str().unwrap().to_owned()
    }
}

#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    #[track_caller]
    fn json(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }
}

/// A show that stays where it fell, so that it can be looked at.
fn still() -> Value {
    json!({"autoRecovery": false})
}

#[tokio::test]
async fn l13_two_who_press_start_share_one_sequence() {
    let bench = Bench::ready(still()).await;
    let second = async {
        bench.until(Phase::Starting).await;
        let can = bench.ask("GET", "can", "", "").await.json(200);
        assert!(can["start"]["sequence"].is_string(), "the other is told which: {can}");
        let other = bench.post("start", r#"{"sessionId":"s-2"}"#).await.json(409);
        assert!(other["reason"].as_str().unwrap().contains("s-1"), "{other}");
        let mut joined = std::pin::pin!(bench.post("start", ""));
        assert!(futures_util::poll!(&mut joined).is_pending(), "it waits");
        bench.does.send_replace(Does::AsAsked);
        joined.await
    };
    let (first, second) = tokio::join!(bench.post("start", r#"{"sessionId":"s-1"}"#), second);
    let (first, second) = (first.json(200), second.json(200));
    assert_eq!((&first["sequence"], &first["phase"]), (&second["sequence"], &json!("live")));
}

#[tokio::test]
async fn l5_a_step_that_fails_is_told_after_the_rollback() {
    let bench = Bench::ready(still()).await;
    bench.does.send_replace(Does::Fail);
    let problem = bench.post("start", "").await.json(502);
    assert_eq!((&problem["code"], &problem["phase"]), (&json!("step-failed"), &json!("error")));
    assert!(problem["detail"].as_str().unwrap().contains("the camera is in use"), "{problem}");
    assert_eq!(
        (&problem["error"]["step"], &problem["error"]["service"]),
        (&json!("host.start"), &json!("host"))
    );
    for name in ["livefeed", "session", "host", "producer"] {
        assert_ne!(bench.service(name), "active", "{name}");
    }
    let sequence =
        bench.ask("GET", &format!("sequences/{}", problem["sequence"].as_str().unwrap()), "", "").await;
    let sequence = sequence.json(200);
    assert_eq!(
        (&sequence["status"], &sequence["steps"][0]["status"]),
        (&json!("rolledBack"), &json!("undone"))
    );
    let refused = bench.post("start", "").await.json(409);
    assert_eq!(refused["code"], "not-allowed");
    assert_eq!(bench.post("recover", "").await.json(200)["revision"], bench.handle.state().revision().0);
}

#[tokio::test]
async fn l5_a_step_without_an_answer_is_a_timeout() {
    let bench = Bench::ready(json!({"autoRecovery": false, "startupTimeout": 50})).await;
    let problem = bench.post("start", "").await.json(504);
    assert_eq!(
        (&problem["code"], &problem["error"]["code"]),
        (&json!("step-timeout"), &json!("step-timeout"))
    );
    assert_eq!(bench.handle.state().phase(), Phase::Error);
    assert_ne!(bench.service("livefeed"), "active");
}

#[tokio::test]
async fn l6_a_stop_gives_a_start_up() {
    let bench = Bench::ready(still()).await;
    let stop = async {
        bench.until(Phase::Starting).await;
        bench.post("stop", "").await
    };
    let (start, stop) = tokio::join!(bench.post("start", ""), stop);
    assert_eq!(start.json(502)["error"]["code"], "cancelled");
    let stopped = stop.json(200);
    assert!(matches!(stopped["phase"].as_str(), Some("ready" | "idle")), "{stopped}");
    assert_ne!(bench.service("livefeed"), "active");
}

#[tokio::test]
async fn l4_a_client_that_goes_does_not_cancel_the_start() {
    let bench = Bench::ready(still()).await;
    tokio::select! {
        answer = bench.post("start", "") => panic!("{answer:?}"),
        () = bench.until(Phase::Starting) => {}
    }
    bench.does.send_replace(Does::AsAsked);
    bench.until(Phase::Live).await;
}

#[tokio::test]
async fn l4_whoever_does_not_wait_sees_it_under_way() {
    let bench = Bench::ready(still()).await;
    let begun = bench.ask("POST", "start", "respond-async", "").await;
    assert_eq!(begun.headers["preference-applied"], "respond-async");
    let begun = begun.json(202);
    assert_eq!(begun["phase"], "starting");
    let stopped = bench.post("emergency-stop", "").await.json(200);
    assert_eq!(stopped["phase"], "idle", "at once, whatever is under way");
}

#[tokio::test]
async fn o4_whoever_waits_is_let_go_when_the_server_stops() {
    let bench = Bench::ready(still()).await;
    let stop = async {
        bench.until(Phase::Starting).await;
        bench.app.tasks.cancel();
    };
    let (start, ()) = tokio::join!(bench.post("start", ""), stop);
    assert_eq!(start.json(503)["code"], "closing");
    assert_eq!(bench.handle.state().phase(), Phase::Starting, "the start goes on");
}

/// A service came back while the show was live, and was being brought to where it belongs. Whoever pressed pause waited
/// until that had ended, and was told of its failure as if the pause had failed.
#[tokio::test]
async fn l2_a_pause_does_not_wait_for_a_service_that_comes_back() {
    let bench = Bench::ready(still()).await;
    bench.does.send_replace(Does::AsAsked);
    bench.post("start", "").await.json(200);
    bench.does.send_replace(Does::Nothing);
    for instance in ["one", "two"] {
        let seen = Seen::Here { instance: Some(instance.into()), healthy: true, details: None };
        let (kim, service) = (Actor::new("server:watchdog").unwrap(), "host".to_owned());
        bench.handle.execute(kim, None, Intent::Observe(Observe { service, seen })).await.unwrap();
    }
    let running = bench.handle.state().running().expect("the host is asked again");
    assert_eq!(running.service.as_deref(), Some("host"));
    let paused = bench.post("pause", "").await.json(200);
    assert_eq!((&paused["sequence"], &paused["phase"]), (&Value::Null, &json!("live")));
    assert_eq!(bench.handle.state().running().map(|sequence| sequence.id), Some(running.id), "it goes on");
}
