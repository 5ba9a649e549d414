//! Backends that fail, are slow and are gone: what they are told, in which order, and what is known of them (row B3).

mod stage;

use std::sync::{Arc, Mutex};

use onair_core::{Act, Backend, Delivery as State, Intent, Phase, Replay, manifest};
use onair_engine::memory::{Memory, Storage};
use onair_runtime::{
    Clock, Handle, Keep, Options, Productions, Tasks,
    adapter::{Adapter, Adapters, BoxFuture, Class, Misfit},
    backend::{Backends, Delivery, Undelivered},
    outbox::FAILURES_MAX,
};
use onair_wire::{Revision, Timestamp};
use serde_json::{Value, json};
use stage::{actor, execute, id};

/// A backend that fails as often as it is told to.
#[derive(Clone, Debug, Default)]
struct Scripted {
    failures: Arc<Mutex<(u32, bool)>>,
    told: Arc<Mutex<Vec<(String, u64, Value)>>>,
}

impl Scripted {
    fn will_fail(&self, times: u32, retryable: bool) {
        *self.failures.lock().expect("held for a line") = (times, retryable);
    }

    fn told(&self) -> Vec<(String, u64, Value)> {
        self.told.lock().expect("held for a line").clone()
    }

    fn states(&self) -> Vec<Value> {
        self.told().into_iter().map(|(_, _, data)| data["broadcast"]["broadcastState"].clone()).collect()
    }
}

impl Backends for Scripted {
    fn check(&self, _: &manifest::Backend) -> Result<(), Misfit> {
        Ok(())
    }

    fn deliver(
        &self,
        _: &manifest::Backend,
        delivery: Delivery,
    ) -> BoxFuture<'static, Result<(), Undelivered>> {
        let mut failures = self.failures.lock().expect("held for a line");
        let result = if failures.0 > 0 {
            failures.0 -= 1;
            Err(Undelivered { class: Class::Server, message: "not now".into(), retryable: failures.1 })
        } else {
            let told = (delivery.id, delivery.revision.0, delivery.data);
            self.told.lock().expect("held for a line").push(told);
            Ok(())
        };
        Box::pin(std::future::ready(result))
    }
}

struct World {
    backend: Scripted,
    storage: Storage,
    productions: Productions,
    tasks: Tasks,
}

impl World {
    fn over(storage: Storage, backend: Scripted) -> Self {
        let tasks = Tasks::new();
        let builtin = Arc::new(onair_adapters::Builtin) as Arc<dyn Adapter>;
        let productions = Productions::new(Options {
            engine: Arc::new(Memory::open(&storage)),
            clock: Clock::paced(Timestamp::from_millis(1_000_000)),
            tasks: tasks.clone(),
            keep: Keep::default(),
            random: || 7,
            adapters: Adapters::new([("builtin", builtin)]),
            backends: Some(Arc::new(backend.clone())),
            surroundings: None,
        });
        Self { backend, storage, productions, tasks }
    }

    /// A show with one backend, made ready.
    async fn ready(kind: &str) -> (Self, Handle) {
        let world = Self::over(Storage::default(), Scripted::default());
        let backend = json!({ "name": "b", "type": kind, "url": "https://example.org/" });
        let services = json!([{ "name": "livefeed" }, { "name": "host" }]);
        let manifest = json!({ "services": services, "requires": [], "backends": [backend] });
        world.productions.configure(&id("main"), actor(), manifest).await.expect("begun");
        let handle = world.productions.open(&id("main")).await.expect("there");
        act(&handle, Act::Initialize, Phase::Ready).await;
        (world, handle)
    }
}

async fn act(handle: &Handle, act: Act, phase: Phase) {
    let acted = handle.act(actor(), None, act, true).await.expect("allowed");
    assert_eq!(acted.phase, phase);
}

const START: Act = Act::Start { session_id: None, kind: None, break_glass: None };

fn known(handle: &Handle) -> Backend {
    handle.state().backend("b").expect("declared")
}

async fn until(handle: &Handle, holds: impl Fn() -> bool) {
    for _ in 0..10_000 {
        if holds() {
            return;
        }
        handle.wait_beyond(handle.state().revision(), std::time::Duration::from_millis(200)).await;
    }
    panic!("it never holds: {:?}", known(handle));
}

#[tokio::test(start_paused = true)]
async fn b1_convex_hears_of_the_broadcast_and_of_nothing_else() {
    let (world, handle) = World::ready("convex").await;
    act(&handle, START, Phase::Live).await;
    act(&handle, Act::Pause, Phase::Live).await;
    act(&handle, Act::Resume, Phase::Live).await;
    act(&handle, Act::Stop, Phase::Ready).await;
    until(&handle, || world.backend.told().len() == 5).await;
    assert_eq!(world.backend.states(), ["live", "paused", "live", "idle", "idle"]);
    let told = world.backend.told();
    let live = &told[0].2["broadcast"];
    assert_eq!(
        (&live["hostActive"], &live["liveFeedActive"], &live["producerActive"]),
        (&json!(true), &json!(true), &json!(false))
    );
    assert!(told.windows(2).all(|pair| pair[0].1 < pair[1].1), "in the order of the log");
    assert_eq!(told[0].0, format!("main:{}:{}", handle.epoch(), told[0].1));
}

#[tokio::test(start_paused = true)]
async fn b3_a_failure_is_tried_again_in_order_and_shown() {
    let (world, handle) = World::ready("convex").await;
    world.backend.will_fail(3, true);
    act(&handle, START, Phase::Live).await;
    until(&handle, || known(&handle).failures == 1).await;
    let waiting = known(&handle);
    assert_eq!(
        (waiting.status, waiting.lag, waiting.last_error.as_deref()),
        (State::Retrying, 1, Some("not now"))
    );
    act(&handle, Act::Stop, Phase::Ready).await;
    until(&handle, || world.backend.told().len() == 3).await;
    assert_eq!(world.backend.states(), ["live", "idle", "idle"]);
    until(&handle, || known(&handle).status == State::Ok && known(&handle).lag == 0).await;
}

#[tokio::test(start_paused = true)]
async fn b3_after_too_many_failures_it_is_parked_until_somebody_replays() {
    let (world, handle) = World::ready("convex").await;
    world.backend.will_fail(FAILURES_MAX, true);
    act(&handle, START, Phase::Live).await;
    until(&handle, || known(&handle).status == State::Parked).await;
    act(&handle, Act::Stop, Phase::Ready).await;
    assert_eq!(world.backend.told(), [], "a parked backend is left alone, and the show went on");
    until(&handle, || handle.observed().lags.get("b") == Some(&3)).await;
    let replay = Intent::Replay(Replay { backend: "b".into(), from: None });
    execute(&handle, replay).await.expect("allowed");
    until(&handle, || world.backend.told().len() == 3).await;
    let again = Intent::Replay(Replay { backend: "b".into(), from: Some(Revision(1)) });
    execute(&handle, again).await.expect("allowed");
    until(&handle, || world.backend.told().len() == 6).await;
    assert_eq!(world.backend.told()[..3], world.backend.told()[3..], "the same, with the same ids");
}

#[tokio::test(start_paused = true)]
async fn b3_what_can_never_work_is_parked_at_once() {
    let (world, handle) = World::ready("convex").await;
    world.backend.will_fail(1, false);
    act(&handle, START, Phase::Live).await;
    until(&handle, || known(&handle).status == State::Parked).await;
    assert_eq!(known(&handle).failures, 1);
}

#[tokio::test(start_paused = true)]
async fn b3_the_position_survives_a_restart() {
    let (world, handle) = World::ready("convex").await;
    act(&handle, START, Phase::Live).await;
    until(&handle, || known(&handle).delivered.0 > 0 && world.backend.told().len() == 1).await;
    until(&handle, || known(&handle).delivered.0 == world.backend.told()[0].1).await;
    world.backend.will_fail(u32::MAX, true);
    act(&handle, Act::Pause, Phase::Live).await;
    until(&handle, || known(&handle).failures > 0).await;
    drop(handle);
    world.tasks.cancel();
    world.tasks.ended().await;
    world.backend.will_fail(0, true);
    let world = World::over(world.storage, world.backend);
    world.productions.go_on().await.expect("looked at");
    let handle = world.productions.open(&id("main")).await.expect("there");
    until(&handle, || world.backend.told().len() == 2).await;
    assert_eq!(world.backend.states(), ["live", "paused"], "neither again nor left out");
}

#[tokio::test(start_paused = true)]
async fn b2_a_webhook_hears_of_every_move_but_a_forced_one() {
    let (world, handle) = World::ready("webhook").await;
    act(&handle, START, Phase::Live).await;
    act(&handle, Act::EmergencyStop, Phase::Idle).await;
    act(&handle, Act::Initialize, Phase::Ready).await;
    let moves = || -> Vec<Value> {
        world.backend.told().into_iter().map(|(_, _, data)| data["transition"]["to"].clone()).collect()
    };
    until(&handle, || moves().last() == Some(&json!("ready")) && moves().len() > 4).await;
    let moves: Vec<Value> = moves().into_iter().filter(|to| !to.is_null()).collect();
    assert_eq!(moves, ["initializing", "ready", "starting", "live", "initializing", "ready"]);
}
