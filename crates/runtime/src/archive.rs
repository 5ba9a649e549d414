//! Earlier states: an image, and the commits behind it.
//!
//! What the published state has at hand is never asked for here. Everything else, an earlier revision, the version a
//! late edit was made from, the history of a document, is read from the log when somebody wants it.

use std::sync::Arc;

use onair_core::{Image, Production, Refusal, VersionKey, Versions};
use onair_engine::{Engine, Limit, Record};
use onair_wire::{Actor, Collection, Commit, DocumentId, Op, Revision, Timestamp};
use serde_json::Value;

use crate::error::Error;

/// How much of a log is read at once: enough that reading is not the wait, little enough to hold.
pub const READ: Limit = Limit { records: 2_000, bytes: 4 * 1024 * 1024 };
/// How many commits a document's history looks through at most: at 2 µs each, half a second.
pub const HISTORY_COMMITS_MAX: u64 = 250_000;

/// A version of a document.
#[derive(Clone, Debug)]
pub struct DocumentVersion {
    /// The commit that made it.
    pub revision: Revision,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub actor: Actor,
    /// What it was then; `None`: deleted.
    pub value: Option<Arc<Value>>,
}

/// Reads what the log of one production has kept.
#[derive(Clone, Debug)]
pub struct Archive {
    engine: Arc<dyn Engine>,
}

impl Archive {
    /// Over an engine.
    #[must_use]
    pub fn new(engine: Arc<dyn Engine>) -> Self {
        Self { engine }
    }

    /// The records behind `after`, at most up to `limit`.
    ///
    /// # Errors
    /// [`Refusal::Compacted`] when the next one is no longer kept, [`Error::Future`], the engine's.
    pub async fn records(
        &self,
        production: &Production,
        after: Revision,
        limit: Limit,
    ) -> Result<Vec<Record>, Error> {
        let last = production.revision();
        if after > last {
            return Err(Error::Future { wanted: after, last });
        }
        let mut records = self.engine.read(production.id(), production.epoch(), after, limit).await?;
        if let Some(first) = records.first()
            && first.revision != after.next()
        {
            return Err(Refusal::Compacted { wanted: after.next(), oldest: first.revision }.into());
        }
        // The engine may know commits that are not published yet: nobody sees them before their subscribers do.
        records.retain(|record| record.revision <= last);
        Ok(records)
    }

    /// The production as it was at `revision` (row D5).
    ///
    /// # Errors
    /// As [`Archive::records`].
    pub async fn state_at(&self, now: &Production, revision: Revision) -> Result<Production, Error> {
        if revision > now.revision() {
            return Err(Error::Future { wanted: revision, last: now.revision() });
        }
        let oldest = now.oldest();
        if revision < oldest.previous() {
            return Err(Refusal::Compacted { wanted: revision, oldest }.into());
        }
        let image = self.engine.load(now.id(), now.epoch(), revision).await?;
        let mut state = match image.and_then(|image| Image::decode(&image.body).ok()).map(Production::revive)
        {
            Some(Ok(state)) => state,
            _ => Production::begin(now.id().clone(), now.epoch().clone()),
        };
        while state.revision() < revision {
            let records = self.records(now, state.revision(), READ).await?;
            if records.is_empty() {
                return Err(Refusal::Compacted { wanted: state.revision().next(), oldest }.into());
            }
            for record in records.iter().take_while(|record| record.revision <= revision) {
                let commit = decode(now, record)?;
                state.apply(&commit).map_err(|broken| corrupt(now, broken.revision, broken.to_string()))?;
            }
        }
        Ok(state)
    }

    /// The versions a command needs, for [`onair_core::Command::versions`].
    ///
    /// # Errors
    /// As [`Archive::records`].
    pub async fn versions(&self, now: &Production, wanted: Vec<VersionKey>) -> Result<Versions, Error> {
        let mut versions = Versions::new();
        for key in wanted {
            if versions.contains_key(&key) {
                continue;
            }
            let (collection, id, revision) = &key;
            let state = self.state_at(now, *revision).await?;
            let value = state.document(collection, id).map(|document| Arc::clone(document.value()));
            versions.insert(key, value);
        }
        Ok(versions)
    }

    /// The versions of a document that are kept, newest first, at most `limit`.
    ///
    /// # Errors
    /// The engine's.
    pub async fn history(
        &self,
        now: &Production,
        collection: &Collection,
        id: &DocumentId,
        limit: usize,
    ) -> Result<Vec<DocumentVersion>, Error> {
        let changes = self.changes(now, collection, id, limit).await?;
        let Some(first) = changes.first() else { return Ok(Vec::new()) };
        let mut value = match first.op {
            Op::Patch(_) => {
                let before = self.state_at(now, first.revision.previous()).await?;
                before.document(collection, id).map(|document| Arc::clone(document.value()))
            }
            Op::Put(_) | Op::Restore(_) | Op::Delete => None,
        };
        let mut versions = Vec::with_capacity(changes.len());
        for Changed { revision, at, actor, op } in changes {
            value = op.applied_to(value.as_ref());
            versions.push(DocumentVersion { revision, at, actor, value: value.clone() });
        }
        versions.reverse();
        versions.truncate(limit);
        Ok(versions)
    }

    /// The changes of one document, oldest first, as many as `limit` and those up to the last that says it whole.
    async fn changes(
        &self,
        now: &Production,
        collection: &Collection,
        id: &DocumentId,
        limit: usize,
    ) -> Result<Vec<Changed>, Error> {
        let mut found: Vec<Changed> = Vec::new();
        let mut end = now.revision();
        let first = now.oldest().previous().max(Revision(end.0.saturating_sub(HISTORY_COMMITS_MAX)));
        while end > first && found.len() < limit {
            let begin = Revision(end.0.saturating_sub(READ.records as u64)).max(first);
            let mut window: Vec<Changed> = Vec::new();
            let mut after = begin;
            while after < end {
                let records = self.records(now, after, READ).await?;
                let Some(last) = records.last().map(|record| record.revision) else { break };
                for record in records.iter().filter(|record| record.revision <= end) {
                    window.extend(Changed::all(&decode(now, record)?, collection, id));
                }
                after = last;
            }
            found.splice(0..0, window);
            end = begin;
        }
        Ok(found)
    }
}

/// One change of the document that is looked for.
struct Changed {
    revision: Revision,
    at: Timestamp,
    actor: Actor,
    op: Op,
}

impl Changed {
    fn all(commit: &Commit, collection: &Collection, id: &DocumentId) -> Vec<Self> {
        let wanted =
            commit.changes.iter().filter(|change| change.collection == *collection && change.id == *id);
        let Commit { revision, at, actor, .. } = commit;
        let made = |op: &Op| Self { revision: *revision, at: *at, actor: actor.clone(), op: op.clone() };
        wanted.map(|change| made(&change.op)).collect()
    }
}

pub(crate) fn decode(production: &Production, record: &Record) -> Result<Commit, Error> {
    Commit::decode(&record.body)
        .map_err(|error| corrupt(production, record.revision, format!("not a commit: {error}")))
}

pub(crate) fn corrupt(production: &Production, revision: Revision, detail: String) -> Error {
    onair_engine::Error::Corrupt { production: production.id().clone(), revision, detail }.into()
}
