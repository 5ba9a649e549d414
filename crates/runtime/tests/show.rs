//! Shows on a memory engine, with services that do as they are told and time that goes as fast as nothing happens.

mod stage;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use onair_core::{
    Act, Intent, Observe, Phase,
    sequence::{SequenceStatus, StepStatus},
    service::Seen,
};
use onair_engine::memory::{Memory, Storage};
use onair_runtime::{
    Acted, Clock, Handle, Keep, Options, Productions, Tasks,
    adapter::{Adapter, Adapters, BoxFuture, Call, CallError, Class, Misfit},
};
use onair_wire::{Code, ProductionId, TaskAction, Timestamp};
use serde_json::{Value, json};
use stage::{actor, execute, id};

const START: Act = Act::Start { session_id: None, kind: None, break_glass: None };

/// How a service takes a call.
#[derive(Clone, Copy, Debug)]
enum Manner {
    Fails,
    Hangs,
}

/// Services that keep a record of what was asked.
#[derive(Clone, Debug, Default)]
struct Scripted {
    manners: Arc<Mutex<BTreeMap<String, Manner>>>,
    asked: Arc<Mutex<Vec<(String, String)>>>,
    /// Who is there, as an adapter sees it that is not asked.
    here: Arc<Mutex<BTreeMap<String, Seen>>>,
}

impl Scripted {
    fn will(&self, step: &str, manner: Manner) {
        self.manners.lock().expect("held for a line").insert(step.to_owned(), manner);
    }

    fn behaves(&self) {
        self.manners.lock().expect("held for a line").clear();
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("held for a line").iter().map(|(step, _)| step.clone()).collect()
    }

    fn keys(&self, step: &str) -> Vec<String> {
        let asked = self.asked.lock().expect("held for a line");
        asked.iter().filter(|(name, _)| name == step).map(|(_, key)| key.clone()).collect()
    }
}

impl Adapter for Scripted {
    fn check(&self, _: &Value) -> Result<(), Misfit> {
        Ok(())
    }

    fn call(&self, call: Call) -> BoxFuture<'static, Result<Value, CallError>> {
        let step = format!("{}.{}", call.service, call.action.as_str());
        self.asked.lock().expect("held for a line").push((step.clone(), call.key.to_string()));
        let manner = self.manners.lock().expect("held for a line").get(&step).copied();
        Box::pin(async move {
            match manner {
                None => Ok(json!({})),
                Some(Manner::Fails) => Err(CallError {
                    class: Class::Server,
                    message: format!("no {} today", TaskAction::as_str(call.action)),
                    retryable: false,
                    unknown: false,
                }),
                Some(Manner::Hangs) => std::future::pending().await,
            }
        })
    }

    fn seen(&self, _: &ProductionId, service: &str, _: bool) -> Option<Seen> {
        self.here.lock().expect("held for a line").get(service).cloned()
    }

    fn polled(&self) -> bool {
        false
    }
}

struct World {
    services: Scripted,
    storage: Storage,
    engine: Arc<Memory>,
    productions: Productions,
    tasks: Tasks,
}

impl World {
    fn new() -> Self {
        Self::over(Storage::default(), Scripted::default())
    }

    fn over(storage: Storage, services: Scripted) -> Self {
        let tasks = Tasks::new();
        let adapter = Arc::new(services.clone()) as Arc<dyn Adapter>;
        let builtin = Arc::new(onair_adapters::Builtin) as Arc<dyn Adapter>;
        let engine = Arc::new(Memory::open(&storage));
        let productions = Productions::new(Options {
            engine: engine.clone(),
            clock: Clock::paced(Timestamp::from_millis(1_000_000)),
            tasks: tasks.clone(),
            keep: Keep::default(),
            random: || 7,
            adapters: Adapters::new([("agent", adapter), ("builtin", builtin)]),
            backends: None,
            surroundings: None,
        });
        Self { services, storage, engine, productions, tasks }
    }

    /// A show of two services that a test can tell what to do.
    async fn begun(&self, settings: Value) -> Handle {
        let agent = |name: &str| json!({ "name": name, "adapter": { "type": "agent" } });
        let manifest =
            json!({ "services": [agent("feed"), agent("host")], "requires": [], "settings": settings });
        self.productions.configure(&id("main"), actor(), manifest).await.expect("begun");
        self.productions.open(&id("main")).await.expect("there")
    }

    /// The server dies; another one is there.
    async fn killed(self) -> Self {
        let Self { services, storage, tasks, .. } = self;
        tasks.cancel();
        tasks.ended().await;
        Self::over(storage, services)
    }
}

async fn act(handle: &Handle, act: Act) -> Acted {
    handle.act(actor(), None, act, true).await.expect("allowed")
}

#[tokio::test(start_paused = true)]
async fn l4_a_show_goes_on_air_in_order_and_off_in_reverse() {
    let world = World::new();
    let handle = world.begun(json!({})).await;
    assert_eq!(act(&handle, Act::Initialize).await.phase, Phase::Ready);
    assert_eq!(act(&handle, START).await.phase, Phase::Live);
    let stopped = act(&handle, Act::Stop).await;
    assert_eq!((stopped.phase, stopped.trouble), (Phase::Ready, None));
    let order = ["feed.initialize", "host.initialize", "feed.start", "host.start", "host.stop", "feed.stop"];
    assert_eq!(world.services.asked(), order);
}

#[tokio::test(start_paused = true)]
async fn l5_rolls_back_in_reverse_and_names_the_step() {
    let world = World::new();
    let handle = world.begun(json!({ "autoRecovery": false })).await;
    act(&handle, Act::Initialize).await;
    world.services.will("host.start", Manner::Fails);
    let failed = act(&handle, START).await;
    assert_eq!(failed.phase, Phase::Error);
    let problem = failed.problem().expect("it failed");
    assert_eq!((problem.code, problem.detail.as_str()), (Code::StepFailed, "host.start: no start today"));
    let start = handle.state().sequence(failed.sequence.expect("a sequence").as_str()).expect("kept");
    assert_eq!(start.status, SequenceStatus::RolledBack);
    let statuses: Vec<StepStatus> = start.steps.iter().map(|step| step.status).collect();
    assert_eq!(statuses, [StepStatus::Undone, StepStatus::Failed, StepStatus::Skipped]);
    assert_eq!(world.services.asked()[2..], ["feed.start", "host.start", "feed.stop"]);
    assert_eq!(handle.state().owed(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn l5_a_step_past_the_timeout_is_undone_too() {
    let world = World::new();
    let handle = world.begun(json!({ "autoRecovery": false, "startupTimeout": 2_000 })).await;
    act(&handle, Act::Initialize).await;
    world.services.will("host.start", Manner::Hangs);
    let failed = act(&handle, START).await;
    assert_eq!(failed.problem().expect("it failed").code, Code::StepTimeout);
    assert_eq!(world.services.asked()[2..], ["feed.start", "host.start", "host.stop", "feed.stop"]);
}

/// A deadline that passed while the log took nothing was decided, refused and decided again without a pause: a core was
/// busy with it, and in simulated time nothing else ever happened.
#[tokio::test(start_paused = true)]
async fn o5_a_show_waits_while_the_log_takes_nothing_and_goes_on_afterwards() {
    let world = World::new();
    let handle = world.begun(json!({ "autoRecovery": false, "startupTimeout": 2_000 })).await;
    act(&handle, Act::Initialize).await;
    world.services.will("feed.start", Manner::Hangs);
    let start = handle.ask(actor(), None, START).expect("asked for");
    tokio::time::sleep(Duration::from_millis(500)).await;
    world.engine.set_unavailable(true);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!((handle.state().phase(), world.services.asked().len()), (Phase::Starting, 3));
    world.engine.set_unavailable(false);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(handle.state().phase(), Phase::Error);
    assert_eq!(world.services.asked()[2..], ["feed.start", "feed.stop"]);
    drop(start);
}

#[tokio::test(start_paused = true)]
async fn l5_a_rollback_that_fails_is_owed_and_recover_pays_it() {
    let world = World::new();
    let handle = world.begun(json!({ "autoRecovery": false })).await;
    act(&handle, Act::Initialize).await;
    world.services.will("host.start", Manner::Fails);
    world.services.will("feed.stop", Manner::Fails);
    let failed = act(&handle, START).await;
    assert_eq!(failed.trouble.expect("it failed").step.as_deref(), Some("host.start"));
    let owed = handle.state().lifecycle().error.expect("in error").owed;
    assert_eq!(owed, ["feed.stop"]);
    world.services.behaves();
    let recovered = act(&handle, Act::Recover).await;
    assert_eq!((recovered.phase, recovered.trouble), (Phase::Idle, None));
    assert_eq!(handle.state().owed(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn l7_an_emergency_stop_is_answered_while_everything_hangs() {
    let world = World::new();
    let handle = world.begun(json!({})).await;
    act(&handle, Act::Initialize).await;
    act(&handle, START).await;
    for step in ["feed.stop", "host.stop"] {
        world.services.will(step, Manner::Hangs);
    }
    let stopping = handle.act(actor(), None, Act::Stop, false).await.expect("allowed");
    assert!(stopping.under_way);
    let stopped = act(&handle, Act::EmergencyStop).await;
    assert_eq!((stopped.phase, stopped.under_way), (Phase::Idle, true));
    let again = act(&handle, Act::EmergencyStop).await;
    assert_eq!(again.sequence, stopped.sequence, "pressed twice is pressed once");
    let first = handle.state().sequence(stopping.sequence.expect("a sequence").as_str()).expect("kept");
    assert_eq!(first.error.expect("pre-empted").code, "pre-empted");
}

#[tokio::test(start_paused = true)]
async fn l8_recovering_by_itself_is_given_up_loudly() {
    let world = World::new();
    let handle = world.begun(json!({ "maxRetries": 2 })).await;
    world.services.will("host.initialize", Manner::Fails);
    let failed = act(&handle, Act::Initialize).await;
    assert_eq!(failed.phase, Phase::Error);
    until(&handle, |handle| handle.state().lifecycle().recovery.is_some_and(|recovery| recovery.gave_up))
        .await;
    let lifecycle = handle.state().lifecycle();
    assert_eq!(lifecycle.phase, Phase::Error);
    let message = lifecycle.error.expect("in error").message;
    assert!(message.ends_with("recovering by itself was given up after 2 attempts"), "{message}");
    world.services.behaves();
    assert_eq!(act(&handle, Act::Recover).await.phase, Phase::Ready);
}

#[tokio::test(start_paused = true)]
async fn l12_a_step_that_was_asked_for_is_asked_for_again_with_its_key() {
    let world = World::new();
    let handle = world.begun(json!({})).await;
    act(&handle, Act::Initialize).await;
    world.services.will("host.start", Manner::Hangs);
    handle.act(actor(), None, START, false).await.expect("allowed");
    until(&handle, |_| world.services.asked().len() == 4).await;
    drop(handle);
    let world = world.killed().await;
    world.services.behaves();
    assert_eq!(world.productions.go_on().await.expect("looked at"), 1);
    let handle = world.productions.open(&id("main")).await.expect("there");
    until(&handle, |handle| handle.state().phase() == Phase::Live).await;
    let keys = world.services.keys("host.start");
    assert_eq!((keys.len(), &keys[0]), (2, &keys[1]), "the same key");
    assert_eq!(world.services.keys("feed.start").len(), 1, "what was done is not asked for again");
    let start = handle.state().sequences().into_iter().find(|sequence| sequence.id.starts_with("start"));
    assert!(start.expect("kept").resumed_at.is_some(), "history says so");
}

#[tokio::test(start_paused = true)]
async fn l13_two_starts_are_one() {
    let world = World::new();
    let handle = world.begun(json!({})).await;
    act(&handle, Act::Initialize).await;
    let (one, other) = tokio::join!(act(&handle, START), act(&handle, START));
    assert_eq!(one.sequence, other.sequence);
    assert_eq!((one.phase, other.phase), (Phase::Live, Phase::Live));
    assert_eq!(world.services.keys("host.start").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn l13_a_stop_cancels_a_start_through_its_rollback() {
    let world = World::new();
    let handle = world.begun(json!({})).await;
    act(&handle, Act::Initialize).await;
    world.services.will("host.start", Manner::Hangs);
    let starter = handle.clone();
    let stop = async {
        until(&handle, |_| world.services.asked().len() == 4).await;
        act(&handle, Act::Stop).await
    };
    let (start, stop) = tokio::join!(act(&starter, START), stop);
    assert_eq!((stop.phase, stop.trouble), (Phase::Ready, None));
    assert_eq!(start.trouble.expect("it was cancelled").code, "cancelled");
    assert_eq!(world.services.asked()[4..], ["host.stop", "feed.stop"]);
}

#[tokio::test(start_paused = true)]
async fn s3_a_service_that_is_gone_while_live_is_named() {
    let world = World::new();
    let handle = world.begun(json!({ "autoRecovery": false })).await;
    act(&handle, Act::Initialize).await;
    act(&handle, START).await;
    see(&handle, Seen::Away { reason: "the connection was lost".into() }).await;
    assert_eq!(handle.state().phase(), Phase::Live, "it has a while to come back");
    until(&handle, |handle| handle.state().phase() == Phase::Error).await;
    let error = handle.state().lifecycle().error.expect("in error");
    assert_eq!((error.code.as_str(), error.service.as_deref()), ("dependency-lost", Some("host")));
    assert_eq!(error.owed, ["feed.stop", "host.stop"]);
}

#[tokio::test(start_paused = true)]
async fn s3_a_service_that_came_back_is_started_again() {
    let world = World::new();
    let handle = world.begun(json!({})).await;
    see(&handle, here("a")).await;
    act(&handle, Act::Initialize).await;
    act(&handle, START).await;
    see(&handle, Seen::Away { reason: "it crashed".into() }).await;
    see(&handle, here("b")).await;
    until(&handle, |handle| handle.state().lifecycle().sequence.is_none()).await;
    assert_eq!(handle.state().phase(), Phase::Live);
    assert_eq!(world.services.asked()[4..], ["host.initialize", "host.start"]);
    let keys = world.services.keys("host.start");
    assert_ne!(keys[0], keys[1], "a fresh key: it is another start");
    see(&handle, here("b")).await;
    assert_eq!(world.services.asked().len(), 6, "who was there already is left alone");
}

/// A log that is put in the place of another says of an agent what it once said; the agent is connected all the while, and
/// tells nothing anew. It was away for ever: seed 5377 of the simulation.
#[tokio::test(start_paused = true)]
async fn s3_an_agent_that_is_connected_is_told_to_a_log_that_is_opened() {
    let world = World::new();
    let handle = world.begun(json!({})).await;
    assert!(!handle.state().service("feed").expect("declared").healthy);
    world.services.here.lock().expect("held for a line").insert("feed".into(), here("s-1"));
    let world = world.killed().await;
    let handle = world.productions.open(&id("main")).await.expect("there");
    until(&handle, |handle| handle.state().service("feed").is_some_and(|service| service.healthy)).await;
    assert_eq!(handle.state().service("feed").and_then(|service| service.instance).as_deref(), Some("s-1"));
    let told = handle.state().revision();
    let world = world.killed().await;
    let handle = world.productions.open(&id("main")).await.expect("there");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(handle.state().revision(), told, "what is known is not told again");
}

#[tokio::test]
async fn l12_a_thousand_shows_at_once_all_end_ready() {
    let world = World::new();
    let builtin = |name: &str| json!({ "name": name });
    let names = ["livefeed", "session", "host", "producer"];
    // A machine that is busy takes longer for a thousand than one show may take.
    let patient =
        json!({ "initializationTimeout": 600_000, "startupTimeout": 600_000, "shutdownTimeout": 600_000 });
    let manifest = json!({ "services": names.map(builtin), "requires": [], "settings": patient });
    let mut shows = Vec::new();
    for number in 0..1_000 {
        let (productions, manifest) = (world.productions.clone(), manifest.clone());
        shows.push(async move {
            let name = id(&format!("show-{number}"));
            productions.configure(&name, actor(), manifest).await.expect("begun");
            let handle = productions.open(&name).await.expect("there");
            act(&handle, Act::Initialize).await;
            assert_eq!(act(&handle, START).await.phase, Phase::Live);
            act(&handle, Act::Stop).await.phase
        });
    }
    let ended = futures_util::future::join_all(shows).await;
    assert!(ended.iter().all(|phase| *phase == Phase::Ready), "{ended:?}");
}

async fn see(handle: &Handle, seen: Seen) {
    execute(handle, Intent::Observe(Observe { service: "host".into(), seen })).await.expect("taken");
}

fn here(instance: &str) -> Seen {
    Seen::Here { instance: Some(instance.into()), healthy: true, details: None }
}

async fn until(handle: &Handle, holds: impl Fn(&Handle) -> bool) {
    for _ in 0..10_000 {
        if holds(handle) {
            return;
        }
        let patience = std::time::Duration::from_millis(200);
        handle.wait_beyond(handle.state().revision(), patience).await;
    }
    panic!("it never holds: {:?}", handle.state().lifecycle());
}
