//! Productions on a memory engine, with a clock that stands.

#![allow(
    dead_code,
    clippy::needless_pass_by_value,
    reason = "each test file uses a part of it, with what is at hand"
)]

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use onair_core::Intent;
use onair_engine::memory::{Memory, Storage};
use onair_runtime::{Clock, Error, Handle, Keep, Options, Productions, Tasks};
use onair_wire::{Actor, Mutation, MutationId, ProductionId, Receipt, Timestamp, json};
use serde_json::{Value, json};

pub(crate) struct Stage {
    pub(crate) engine: Arc<Memory>,
    pub(crate) productions: Productions,
    pub(crate) clock: Clock,
}

pub(crate) fn id(name: &str) -> ProductionId {
    ProductionId::new(name).expect("a name")
}

pub(crate) fn actor() -> Actor {
    Actor::new("operator:kim").expect("an actor")
}

fn random() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::over(&Storage::default(), Keep::default())
    }

    pub(crate) fn over(storage: &Storage, keep: Keep) -> Self {
        let engine = Arc::new(Memory::open(storage));
        let clock = Clock::simulated(Timestamp::from_millis(1_000_000));
        let tasks = Tasks::new();
        let adapters = onair_runtime::adapter::Adapters::new([(
            "builtin",
            Arc::new(onair_adapters::Builtin) as Arc<dyn onair_runtime::adapter::Adapter>,
        )]);
        let options = Options {
            engine: engine.clone(),
            clock: clock.clone(),
            tasks,
            keep,
            random,
            adapters,
            backends: None,
            surroundings: None,
        };
        Self { engine, productions: Productions::new(options), clock }
    }

    pub(crate) async fn begun() -> (Self, Handle) {
        let stage = Self::new();
        let handle = stage.begin("main").await;
        (stage, handle)
    }

    pub(crate) async fn begin(&self, name: &str) -> Handle {
        self.productions.configure(&id(name), actor(), Value::Null).await.expect("begun");
        self.productions.open(&id(name)).await.expect("there")
    }
}

pub(crate) fn put(document: &str, value: Value) -> Intent {
    intent(json!({"op": "put", "collection": "layers", "document": document, "value": value}))
}

pub(crate) fn intent(mutation: Value) -> Intent {
    let mutation: Mutation = json::from_value(mutation).expect("a mutation");
    Intent::Mutate(vec![mutation])
}

pub(crate) async fn execute(handle: &Handle, intent: Intent) -> Result<Receipt, Error> {
    handle.execute(actor(), None, intent).await
}

pub(crate) async fn execute_as(handle: &Handle, mutation: &str, intent: Intent) -> Result<Receipt, Error> {
    handle.execute(actor(), Some(MutationId::new(mutation).expect("an id")), intent).await
}

pub(crate) fn value(handle: &Handle, document: &str) -> Option<Value> {
    let state = handle.state();
    let collection = onair_wire::Collection::new("layers").expect("a name");
    let document = onair_wire::DocumentId::new(document).expect("a name");
    state.document(&collection, &document).map(|document| Value::clone(document.value()))
}
