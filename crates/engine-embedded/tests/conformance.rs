//! The embedded engine keeps every promise; each test has a folder of its own.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::sync::{Arc, Mutex, Weak};

use onair_engine::{BoxFuture, Engine, conformance::Subject};
use onair_engine_embedded::{Embedded, Options};
use onair_wire::{ProductionId, Revision};

struct OnDisk {
    folder: tempfile::TempDir,
    newest: Mutex<Weak<Embedded>>,
}

impl OnDisk {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), newest: Mutex::default() }
    }
}

impl Subject for OnDisk {
    fn open(&self) -> BoxFuture<'_, Arc<dyn Engine>> {
        Box::pin(async {
            let engine = Arc::new(Embedded::open(&Options::new(self.folder.path())).unwrap());
            *self.newest.lock().unwrap() = Arc::downgrade(&engine);
            Ok(engine as Arc<dyn Engine>)
        })
    }

    fn fail_next_append(&self) -> bool {
        self.newest.lock().unwrap().upgrade().unwrap().fail_next_write();
        true
    }

    /// Behind the back of the store's own checksums: the suite makes `a` first, so its log is number 1.
    fn damage(&self, production: &ProductionId, revision: Revision) -> bool {
        assert_eq!(production.as_str(), "a");
        let database = fjall::Database::builder(self.folder.path().join("store"))
            .journal_compression(fjall::CompressionType::None)
            .open()
            .unwrap();
        let space = database.keyspace("logs", fjall::KeyspaceCreateOptions::default).unwrap();
        let key = [&b"r"[..], &1u64.to_be_bytes(), &revision.0.to_be_bytes()].concat();
        let group = space.get("g").unwrap().unwrap();
        let mut stored = space.get(&key).unwrap().unwrap().to_vec();
        *stored.last_mut().unwrap() ^= 1;
        let mut batch = database.batch();
        let next = u64::from_be_bytes(group[..].try_into().unwrap()) + 1;
        batch.insert(&space, "g", next.to_be_bytes());
        batch.insert(&space, key, stored);
        batch.commit().unwrap();
        true
    }
}

onair_engine::conformance!(OnDisk::new());
