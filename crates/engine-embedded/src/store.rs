//! The store underneath: the few things that the embedded engine asks of fjall, and how its failures read.

use std::{path::Path, sync::atomic::AtomicBool, sync::atomic::Ordering, thread, time::Duration};

use fjall::{CompressionType, Database, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch, PersistMode};
use fjall::{UserKey, UserValue};
use onair_wire::planted::{Bug, planted};

use crate::{Options, keys};

/// Sealed memtables at which the committer waits by itself. fjall waits at four in a loop that does not end when its
/// workers have died (its issue 257); waiting earlier, and looking whether it is poisoned, never gets there.
const SEALED_MEMTABLES_MAX: usize = 2;

/// An open fjall database with the one keyspace.
pub(crate) struct Store {
    database: Database,
    space: Keyspace,
    /// For rehearsals: the next durable commit fails without being written.
    pub(crate) fail_next: AtomicBool,
}

/// What is written in one step. Its first item is the number of the group.
pub(crate) struct Batch {
    inner: OwnedWriteBatch,
    space: Keyspace,
    /// Whether its commit flushes.
    pub(crate) durable: bool,
}

impl Batch {
    pub(crate) fn put(&mut self, key: &[u8], value: &[u8]) {
        self.inner.insert(&self.space, key, value);
    }

    pub(crate) fn remove(&mut self, key: &[u8]) {
        self.inner.remove(&self.space, key);
    }
}

impl Store {
    /// Opens or creates. fjall panics on some of what damage can look like; that is caught here and told as an error.
    pub(crate) fn open(path: &Path, options: &Options) -> Result<Self, String> {
        let open = || {
            // Not compressed: then the bytes in the journal are the bytes its checksum is over, and `journal` can
            // verify them without being fjall.
            let database = Database::builder(path)
                .journal_compression(CompressionType::None)
                .cache_size(options.cache_bytes)
                .max_cached_files(Some(options.files_max))
                .open()?;
            let memtable = options.memtable_bytes;
            let space =
                database.keyspace("logs", || KeyspaceCreateOptions::default().max_memtable_size(memtable))?;
            Ok(Self { database, space, fail_next: AtomicBool::new(false) })
        };
        match std::panic::catch_unwind(open) {
            Ok(opened) => opened.map_err(|error| detail(&error)),
            Err(_) => Err("the store panicked while it was opened".to_owned()),
        }
    }

    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<UserValue>, String> {
        self.space.get(key).map_err(|error| detail(&error))
    }

    /// Everything from `from` to `to`, both included, in the order of keys.
    pub(crate) fn range(
        &self,
        from: &[u8],
        to: &[u8],
    ) -> impl DoubleEndedIterator<Item = Result<(UserKey, UserValue), String>> + use<> {
        self.space.range(from..=to).map(|entry| entry.into_inner().map_err(|error| detail(&error)))
    }

    /// The last entry of a range.
    pub(crate) fn last(&self, from: &[u8], to: &[u8]) -> Result<Option<(UserKey, UserValue)>, String> {
        self.range(from, to).next_back().transpose()
    }

    /// The keys of a range, at most `limit`.
    pub(crate) fn keys(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<UserKey>, String> {
        let keys = self.space.range(from..=to).take(limit).map(|entry| entry.key());
        keys.collect::<Result<_, _>>().map_err(|error| detail(&error))
    }

    /// A batch that is durable when its commit answers, or only in order with the next that is.
    pub(crate) fn batch(&self, group: u64, durable: bool) -> Batch {
        let mode = if durable { PersistMode::SyncData } else { PersistMode::Buffer };
        let mode = Some(mode).filter(|_| !planted(Bug::NothingFlushed));
        let mut batch =
            Batch { inner: self.database.batch().durability(mode), space: self.space.clone(), durable };
        batch.put(keys::GROUP, &group.to_be_bytes());
        batch
    }

    pub(crate) fn commit(&self, batch: Batch) -> Result<(), String> {
        if self.fail_next.swap(false, Ordering::Relaxed) {
            return Err("told to fail".to_owned());
        }
        while self.space.sealed_memtable_count() >= SEALED_MEMTABLES_MAX {
            // Answers "poisoned" when the worker that should write the memtables has died.
            self.database.persist(PersistMode::Buffer).map_err(|error| detail(&error))?;
            thread::sleep(Duration::from_millis(1));
        }
        batch.inner.commit().map_err(|error| detail(&error))
    }
}

/// A failure for people, without paths.
fn detail(error: &fjall::Error) -> String {
    match error {
        fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error)) => match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                format!("no space is left on the disk ({error})")
            }
            _ => error.to_string(),
        },
        fjall::Error::Poisoned => "the store stopped after a failed write in its background".to_owned(),
        fjall::Error::Storage(error) => format!("{error:?}"),
        other => format!("{other:?}"),
    }
}
