//! Productions on a memory engine, with services that do what they are asked.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use onair_adapters::Builtin;
use onair_engine::memory::{Memory, Storage};
use onair_runtime::{
    Clock, Handle, Keep, Options, Productions, Tasks,
    adapter::{Adapter, Adapters},
};
use onair_wire::{Actor, ProductionId, Timestamp};
use serde_json::json;

pub(crate) struct Stage {
    pub(crate) storage: Storage,
    pub(crate) engine: Arc<Memory>,
    pub(crate) productions: Productions,
    pub(crate) clock: Clock,
}

pub(crate) fn main_production() -> ProductionId {
    ProductionId::new("main").expect("a name")
}

pub(crate) fn actor() -> Actor {
    Actor::new("operator:kim").expect("an actor")
}

/// Epochs, each another.
fn random() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Stage {
    pub(crate) fn over(storage: Storage) -> Self {
        let engine = Arc::new(Memory::open(&storage));
        let clock = Clock::simulated(Timestamp::from_millis(1_000_000));
        let builtin: Arc<dyn Adapter> = Arc::new(Builtin);
        let options = Options {
            engine: Arc::<Memory>::clone(&engine),
            clock: clock.clone(),
            tasks: Tasks::new(),
            keep: Keep::default(),
            random,
            adapters: Adapters::new([("builtin", builtin)]),
            backends: None,
            surroundings: None,
        };
        Self { storage, engine, productions: Productions::new(options), clock }
    }

    pub(crate) async fn begin(&self) -> Handle {
        let manifest = json!({
            "services": [{ "name": "host" }],
            "start": ["host"],
            "requires": [],
            "collections": {
                "chat": { "keep": { "documents": 2 } },
                "scenes": { "merge": { "/a": "local", "/b": "manual" } },
            },
        });
        self.productions.configure(&main_production(), actor(), manifest).await.expect("begun");
        self.open().await
    }

    pub(crate) async fn open(&self) -> Handle {
        self.productions.open(&main_production()).await.expect("there")
    }
}

/// Everything of a log at once.
pub(crate) const ALL: onair_engine::Limit = onair_engine::Limit { records: usize::MAX, bytes: usize::MAX };
