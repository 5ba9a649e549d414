//! The documents of one collection: the live ones, what the deleted ones left behind, their digest.

use std::sync::Arc;

use imbl::OrdMap;
use onair_wire::{Actor, Collection, Digest, DocumentId, Op, Revision, Timestamp};
use serde_json::Value;

/// How many earlier versions of a document stay at hand, so that a late edit is merged without reading the log.
/// Older ones are read from there; a base is seldom more than a few edits away. None of the server's own documents.
pub const RECENT_VERSIONS: usize = 8;

/// How many deleted documents of a collection are remembered, newest first. Beyond that a deleted document is
/// like one that never was, and comes back only by naming the revision to restore. None of the server's own is: their
/// names are not used again.
pub const TOMBSTONES_MAX: usize = 1_000;

/// Bytes from which a document is large, three quarters of what one may have: whoever makes it grow further is told
/// before it is refused.
pub const LARGE_BYTES: u64 = 3 * crate::command::DOCUMENT_BYTES_MAX as u64 / 4;

/// A live document.
#[derive(Clone, Debug)]
pub struct Document {
    revision: Revision,
    value: Arc<Value>,
    created_at: Timestamp,
    updated_at: Timestamp,
    updated_by: Actor,
    hash: Digest,
    bytes: u64,
    age: Age,
    earlier: Vec<(Revision, Option<Arc<Value>>)>,
}

/// When a document was created, for the order of forgetting: by revision, then by place in the commit.
type Age = (Revision, u32);

/// What a deleted document left behind.
#[derive(Clone, Debug)]
pub struct Tombstone {
    /// By which commit it was deleted.
    pub revision: Revision,
    /// When.
    pub at: Timestamp,
    /// What it was.
    pub last: Arc<Document>,
    age: Age,
}

/// What is known of a document as of an earlier revision.
#[derive(Clone, Debug, PartialEq)]
pub enum Version {
    /// It was this; `None`: there was none.
    Known(Option<Arc<Value>>),
    /// It must be read from the log.
    Forgotten,
}

impl Document {
    /// The revision of the commit that last changed it.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// What it says.
    #[must_use]
    pub fn value(&self) -> &Arc<Value> {
        &self.value
    }

    /// When it came to be.
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// When it was last changed.
    #[must_use]
    pub fn updated_at(&self) -> Timestamp {
        self.updated_at
    }

    /// Who last changed it.
    #[must_use]
    pub fn updated_by(&self) -> &Actor {
        &self.updated_by
    }

    /// What it was when the production was at `base`.
    #[must_use]
    pub fn version_at(&self, base: Revision) -> Version {
        if base >= self.revision {
            return Version::Known(Some(Arc::clone(&self.value)));
        }
        match self.earlier.iter().rev().find(|(revision, _)| *revision <= base) {
            Some((_, value)) => Version::Known(value.clone()),
            None => Version::Forgotten,
        }
    }

    fn remembered(&self) -> Vec<(Revision, Option<Arc<Value>>)> {
        let skipped = (self.earlier.len() + 1).saturating_sub(RECENT_VERSIONS);
        let kept = self.earlier.iter().skip(skipped).cloned();
        kept.chain([(self.revision, Some(Arc::clone(&self.value)))]).collect()
    }
}

/// Where and when a change happens, and by whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment<'a> {
    pub(super) actor: &'a Actor,
    pub(super) revision: Revision,
    pub(super) at: Timestamp,
    /// The change's place in its commit.
    pub(super) place: u32,
}

/// The documents of one collection.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    live: OrdMap<DocumentId, Arc<Document>>,
    by_age: OrdMap<Age, DocumentId>,
    gone: OrdMap<DocumentId, Arc<Tombstone>>,
    gone_by_age: OrdMap<Age, DocumentId>,
    digest: Digest,
    bytes: u64,
    /// Those of [`LARGE_BYTES`] and more.
    large: OrdMap<DocumentId, u64>,
}

impl Documents {
    /// How many are live.
    #[must_use]
    pub fn len(&self) -> usize {
        self.live.len()
    }

    /// Whether none is live.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    /// The digest of the live ones.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Bytes of the live ones, about, as text.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The live ones of [`LARGE_BYTES`] and more, with their bytes.
    pub fn large(&self) -> impl Iterator<Item = (&DocumentId, u64)> {
        self.large.iter().map(|(id, bytes)| (id, *bytes))
    }

    /// A live one.
    #[must_use]
    pub fn live(&self, id: &str) -> Option<&Arc<Document>> {
        self.live.get(id)
    }

    /// What a deleted one left behind.
    #[must_use]
    pub fn tombstone(&self, id: &str) -> Option<&Arc<Tombstone>> {
        self.gone.get(id)
    }

    /// The live ones in the order of their names.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&DocumentId, &Arc<Document>)> {
        self.live.iter()
    }

    /// The live ones behind `id` in the order of their names.
    pub fn behind<'a>(
        &'a self,
        id: &'a DocumentId,
    ) -> impl Iterator<Item = (&'a DocumentId, &'a Arc<Document>)> {
        use std::ops::Bound::{Excluded, Unbounded};
        self.live.range::<_, DocumentId>((Excluded(id), Unbounded))
    }

    /// The live ones, oldest first.
    pub fn by_age(&self) -> impl DoubleEndedIterator<Item = (&DocumentId, &Arc<Document>)> {
        self.by_age.values().filter_map(|id| self.live.get_key_value(id))
    }

    /// The deleted ones that are remembered.
    pub(super) fn tombstones(&self) -> impl Iterator<Item = (&DocumentId, &Arc<Tombstone>)> {
        self.gone.iter()
    }

    /// Makes one change true.
    pub(super) fn apply(&mut self, collection: &Collection, id: &DocumentId, op: &Op, moment: Moment<'_>) {
        let before = self.live.get(id).cloned();
        match op.applied_to(before.as_ref().map(|document| document.value())) {
            Some(value) => self.set(collection, id, value, before.as_deref(), moment),
            None => self.delete(collection, id, before, moment),
        }
    }

    fn set(
        &mut self,
        collection: &Collection,
        id: &DocumentId,
        value: Arc<Value>,
        before: Option<&Document>,
        moment: Moment<'_>,
    ) {
        let Moment { actor, revision, at, place } = moment;
        let (hash, bytes) = measured(collection, id, revision, &value);
        let document = match before {
            Some(before) => Document {
                revision,
                value,
                created_at: before.created_at,
                updated_at: at,
                updated_by: actor.clone(),
                hash,
                bytes,
                age: before.age,
                // Nobody edits, merges or restores what the server writes.
                earlier: if collection.is_server() { Vec::new() } else { before.remembered() },
            },
            None => Document {
                revision,
                value,
                created_at: at,
                updated_at: at,
                updated_by: actor.clone(),
                hash,
                bytes,
                age: (revision, place),
                earlier: self.buried(id),
            },
        };
        self.insert(id.clone(), Arc::new(document));
    }

    /// The versions of a deleted document that comes back, its absence the last of them; for a document that
    /// nothing is known of, its absence before it was made is not certain, since a tombstone may be forgotten.
    fn buried(&mut self, id: &DocumentId) -> Vec<(Revision, Option<Arc<Value>>)> {
        let Some(tombstone) = self.gone.remove(id) else { return Vec::new() };
        self.gone_by_age.remove(&tombstone.age);
        let mut earlier = tombstone.last.remembered();
        earlier.push((tombstone.revision, None));
        earlier
    }

    pub(super) fn insert(&mut self, id: DocumentId, document: Arc<Document>) {
        self.digest = self.digest.plus(document.hash);
        self.bytes += document.bytes;
        if let Some(before) = self.live.get(&id) {
            self.digest = self.digest.minus(before.hash);
            self.bytes -= before.bytes;
        } else {
            self.by_age.insert(document.age, id.clone());
        }
        if document.bytes >= LARGE_BYTES {
            self.large.insert(id.clone(), document.bytes);
        } else if !self.large.is_empty() {
            self.large.remove(&id);
        }
        self.live.insert(id, document);
    }

    fn delete(
        &mut self,
        collection: &Collection,
        id: &DocumentId,
        before: Option<Arc<Document>>,
        moment: Moment<'_>,
    ) {
        let Some(last) = before else { return };
        self.live.remove(id);
        self.by_age.remove(&last.age);
        self.digest = self.digest.minus(last.hash);
        self.bytes -= last.bytes;
        self.large.remove(id);
        if collection.is_server() {
            return;
        }
        let Moment { revision, at, place, .. } = moment;
        self.bury(id.clone(), Tombstone { revision, at, last, age: (revision, place) });
    }

    pub(super) fn bury(&mut self, id: DocumentId, tombstone: Tombstone) {
        self.gone_by_age.insert(tombstone.age, id.clone());
        self.gone.insert(id, Arc::new(tombstone));
        while self.gone.len() > TOMBSTONES_MAX {
            let Some(((_, _), oldest)) = self.gone_by_age.get_min().cloned() else { break };
            if let Some(forgotten) = self.gone.remove(&oldest) {
                self.gone_by_age.remove(&forgotten.age);
            }
        }
    }
}

fn measured(collection: &Collection, id: &DocumentId, revision: Revision, value: &Value) -> (Digest, u64) {
    let (hash, bytes) = Digest::measured(collection, id, revision, value);
    (hash, bytes as u64)
}

/// A document as an image keeps it, to and from.
impl Document {
    pub(super) fn age(&self) -> Age {
        self.age
    }

    pub(super) fn revived(
        collection: &Collection,
        id: &DocumentId,
        kept: super::image::KeptDocument,
    ) -> Self {
        let super::image::KeptDocument { revision, value, created_at, updated_at, updated_by, age } = kept;
        let (hash, bytes) = measured(collection, id, revision, &value);
        Self { revision, value, created_at, updated_at, updated_by, hash, bytes, age, earlier: Vec::new() }
    }
}

impl Tombstone {
    pub(super) fn age(&self) -> Age {
        self.age
    }

    pub(super) fn revived(revision: Revision, at: Timestamp, last: Document, age: Age) -> Self {
        Self { revision, at, last: Arc::new(last), age }
    }
}
