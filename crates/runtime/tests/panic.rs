//! A mistake of ours inside one production: the others go on, everybody who waits is answered, and the production is
//! served as it was last shown (fault F31).

#![expect(clippy::disallowed_methods, reason = "a test waits for its own tasks")]

mod stage;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use onair_core::{Act, Intent, Production, rules::Observation};
use onair_engine::memory::{Memory, Storage};
use onair_runtime::{
    Clock, Error, Handle, Keep, Options, Productions, Tasks,
    adapter::{Adapter, Adapters, BoxFuture, Call, CallError, Misfit},
    hub::Format,
    lookout::Surroundings,
};
use onair_wire::{Code, Receipt, Revision, Timestamp};
use serde_json::{Value, json};
use stage::{actor, execute, id, put, value};
use tokio::{sync::oneshot, time::sleep};

/// The production in which something is wrong.
const BAD: &str = "bad";

/// What a director asks in the midst of a batch, and so many times panics.
#[derive(Debug, Default)]
struct Planted {
    armed: AtomicUsize,
}

impl Planted {
    fn arm(&self, times: usize) {
        self.armed.store(times, Ordering::SeqCst);
    }
}

impl Surroundings for Planted {
    fn observe(&self, production: &Production, _: &mut Observation) {
        if production.id().as_str() == BAD
            && self.armed.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
        {
            panic!("planted");
        }
    }
}

/// A service that never answers, and one whose adapter has a mistake in it.
#[derive(Debug)]
enum Service {
    Hangs,
    Panics,
}

impl Adapter for Service {
    fn check(&self, _: &Value) -> Result<(), Misfit> {
        Ok(())
    }

    fn call(&self, _: Call) -> BoxFuture<'static, Result<Value, CallError>> {
        match self {
            Self::Hangs => Box::pin(std::future::pending()),
            Self::Panics => panic!("planted"),
        }
    }

    fn seen(&self, _: &onair_wire::ProductionId, _: &str, _: bool) -> Option<onair_core::service::Seen> {
        None
    }

    fn polled(&self) -> bool {
        false
    }
}

struct World {
    storage: Storage,
    planted: Arc<Planted>,
    productions: Productions,
}

impl World {
    fn over(storage: &Storage) -> Self {
        let planted = Arc::<Planted>::default();
        let hangs = Arc::new(Service::Hangs) as Arc<dyn Adapter>;
        let panics = Arc::new(Service::Panics) as Arc<dyn Adapter>;
        let productions = Productions::new(Options {
            engine: Arc::new(Memory::open(storage)),
            clock: Clock::paced(Timestamp::from_millis(1_000_000)),
            tasks: Tasks::new(),
            keep: Keep::default(),
            random: || 7,
            adapters: Adapters::new([("agent", hangs), ("http", panics)]),
            backends: None,
            surroundings: Some(Arc::<Planted>::clone(&planted)),
        });
        Self { storage: storage.clone(), planted, productions }
    }

    fn new() -> Self {
        Self::over(&Storage::default())
    }

    async fn begin(&self, name: &str, adapter: &str) -> Handle {
        let manifest = json!({
            "services": [{ "name": "host", "adapter": { "type": adapter, "url": "https://host.example/" } }],
            "start": ["host"],
            "requires": [],
        });
        self.productions.configure(&id(name), actor(), manifest).await.expect("begun");
        self.open(name).await
    }

    async fn open(&self, name: &str) -> Handle {
        self.productions.open(&id(name)).await.expect("there")
    }
}

/// Sends without waiting, so that what is sent together is one batch.
fn send(handle: &Handle, intent: Intent) -> oneshot::Receiver<Result<Receipt, Error>> {
    let (sender, receiver) = oneshot::channel();
    handle
        .submit(actor(), None, intent, move |answer| {
            let _ = sender.send(answer);
            None
        })
        .expect("there is room");
    receiver
}

fn check() -> Intent {
    Intent::Check(Box::default())
}

async fn code(answer: oneshot::Receiver<Result<Receipt, Error>>) -> Code {
    answer.await.expect("everybody is answered").expect_err("a refusal").problem().code
}

#[tokio::test(start_paused = true)]
async fn f31_a_panic_in_one_production_is_that_productions_alone() {
    let world = World::new();
    let (good, bad) = (world.begin("good", "agent").await, world.begin(BAD, "agent").await);
    execute(&bad, put("logo", json!(1))).await.expect("done");
    let shown = bad.state().revision();
    let subscription = bad.subscribe(Format::Socket, &None).expect("a place");
    world.planted.arm(1);
    // Decided, under way and behind it: nobody is left without an answer.
    let answers = [put("logo", json!(2)), check(), put("logo", json!(3))].map(|intent| send(&bad, intent));
    let [decided, under_way, behind] = answers;
    assert_eq!(code(decided).await, Code::Internal);
    assert_eq!(code(under_way).await, Code::Internal);
    assert_eq!(code(behind).await, Code::ReadOnly);
    // Served as it was last shown, and says why; whoever watches stays.
    assert!(
        bad.read_only().is_some_and(|reason| !reason.contains("planted")),
        "and not what is not for everybody"
    );
    assert_eq!((bad.state().revision(), value(&bad, "logo")), (shown, Some(json!(1))));
    assert_eq!(subscription.lane.end(), subscription.cursor, "nothing of it was sent");
    assert_eq!(world.open(BAD).await.state().revision(), shown);
    assert_eq!(bad.history(&layers(), &logo(), 10).await.expect("no lock is poisoned").len(), 1);
    assert_eq!(code(send(&bad, put("logo", json!(4)))).await, Code::ReadOnly);
    // The others do not notice.
    execute(&good, put("logo", json!(2))).await.expect("done");
    execute(&good, check()).await.expect("done");
    // What was acknowledged is in the log, and nothing else.
    let again = World::over(&world.storage);
    let bad = again.open(BAD).await;
    assert_eq!((bad.state().revision(), value(&bad, "logo")), (shown, Some(json!(1))));
    execute(&bad, put("logo", json!(2))).await.expect("done");
}

#[tokio::test(start_paused = true)]
async fn f31_once_nobody_holds_it_it_is_read_from_its_log() {
    let world = World::new();
    let bad = world.begin(BAD, "agent").await;
    world.planted.arm(1);
    assert_eq!(code(send(&bad, check())).await, Code::Internal);
    drop(bad);
    sleep(onair_runtime::IDLE + Duration::from_secs(10)).await;
    let bad = world.open(BAD).await;
    assert_eq!(bad.read_only(), None);
    assert_eq!(execute(&bad, put("logo", json!(2))).await.expect("done").revision, Revision(2));
}

#[tokio::test(start_paused = true)]
async fn f31_who_waits_for_an_action_is_told() {
    let world = World::new();
    let bad = world.begin(BAD, "agent").await;
    let waits = tokio::spawn({
        let bad = bad.clone();
        async move { bad.act(actor(), None, Act::Initialize, true).await }
    });
    sleep(Duration::from_millis(10)).await;
    assert!(!waits.is_finished(), "the service hangs");
    world.planted.arm(1);
    assert_eq!(code(send(&bad, check())).await, Code::Internal);
    let told = waits.await.expect("no panic").expect_err("it goes nowhere");
    assert_eq!(told.problem().code, Code::ReadOnly);
}

#[tokio::test(start_paused = true)]
async fn f31_a_panic_of_an_adapter_is_a_call_that_failed() {
    let world = World::new();
    let handle = world.begin("main", "http").await;
    let acted = handle.act(actor(), None, Act::Initialize, true).await.expect("it ends");
    let trouble = acted.trouble.expect("it did not work");
    assert_eq!((trouble.code.as_str(), handle.read_only()), ("step-failed", None));
    execute(&handle, put("logo", json!(1))).await.expect("the production goes on");
}

fn layers() -> onair_wire::Collection {
    onair_wire::Collection::new("layers").expect("a name")
}

fn logo() -> onair_wire::DocumentId {
    onair_wire::DocumentId::new("logo").expect("a name")
}
