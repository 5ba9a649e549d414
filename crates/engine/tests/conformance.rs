//! The memory engine keeps every promise; its storage stays across `open`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::{Arc, Mutex};

use onair_engine::{
    BoxFuture, Engine,
    conformance::Subject,
    memory::{Memory, Storage},
};

#[derive(Default)]
struct InMemory {
    storage: Storage,
    newest: Mutex<Option<Arc<Memory>>>,
}

impl Subject for InMemory {
    fn open(&self) -> BoxFuture<'_, Arc<dyn Engine>> {
        Box::pin(async {
            let engine = Arc::new(Memory::open(&self.storage));
            *self.newest.lock().unwrap() = Some(engine.clone());
            Ok(engine as Arc<dyn Engine>)
        })
    }

    fn fail_next_append(&self) -> bool {
        self.newest.lock().unwrap().as_ref().unwrap().fail_next_append();
        true
    }
}

onair_engine::conformance!(InMemory::default());
