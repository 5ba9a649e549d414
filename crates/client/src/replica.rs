//! What is shown: the confirmed cache with the pending edits on top (rows Y2, Y3).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use onair_wire::{
    Cache, Change, Collection, Commit, DocumentId, Documents, Entry, Epoch, Op, Position, Revision,
    merge::Strategies,
};
use serde_json::Value;

use crate::pending::{Key, Pending, same};

/// A document as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Which.
    pub id: DocumentId,
    /// The revision of the commit that last changed it; zero when only a pending edit makes it be there.
    pub revision: Revision,
    /// What it says.
    pub value: Arc<Value>,
    /// Whether a pending edit is on top.
    pub pending: bool,
}

/// What happened to a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// It was not there.
    Created,
    /// It says something else.
    Updated,
    /// It is gone.
    Deleted,
    /// It is back, or an earlier version of it.
    Restored,
}

/// A change in what is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    /// What happened.
    pub kind: ChangeKind,
    /// Where.
    pub collection: Collection,
    /// To which document.
    pub id: DocumentId,
    /// What it says now.
    pub value: Option<Arc<Value>>,
    /// What it said.
    pub before: Option<Arc<Value>>,
    /// Whether it was made here and is not confirmed.
    pub local: bool,
}

/// What became of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Applied {
    /// It was the next one.
    Next,
    /// It was here already.
    Known,
    /// Others are missing before it.
    Gap,
}

/// What documents said before something happened.
pub(crate) type Before = BTreeMap<Key, Option<Arc<Value>>>;

/// A copy of a production, or of some of its collections.
#[derive(Clone, Debug, Default)]
pub struct Replica {
    epoch: Option<Epoch>,
    cache: Cache,
    /// Whether the documents are here, and not only the place in the log.
    whole: bool,
    /// Whether commits are counted from a place of which the log may not be known yet.
    counts: bool,
    shown: BTreeMap<Key, Option<Arc<Value>>>,
}

impl Replica {
    /// One that goes on behind a place without having the documents: commits are counted, and not applied.
    #[must_use]
    pub fn after(epoch: Option<Epoch>, revision: Revision) -> Self {
        let mut cache = Cache::default();
        cache.revision = revision;
        Self { epoch, cache, counts: true, ..Self::default() }
    }

    /// The place of what is confirmed; `None` before anything is.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        Some(Position { epoch: self.epoch.clone()?, revision: self.cache.revision })
    }

    /// Whether it takes the log that the first commit is of.
    pub(crate) fn takes_any_log(&self) -> bool {
        self.counts && self.epoch.is_none()
    }

    /// The log.
    #[must_use]
    pub fn epoch(&self) -> Option<&Epoch> {
        self.epoch.as_ref()
    }

    /// The last commit that is here.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.cache.revision
    }

    /// What is confirmed; `None` while the documents are not here.
    #[must_use]
    pub fn confirmed(&self) -> Option<&Cache> {
        self.whole.then_some(&self.cache)
    }

    /// A document as it is shown.
    #[must_use]
    pub fn get(&self, collection: &Collection, id: &DocumentId) -> Option<Document> {
        let (entry, shown) = (self.entry(collection, id), self.shown.get(&(collection.clone(), id.clone())));
        let value = shown.cloned().unwrap_or_else(|| entry.map(|entry| Arc::clone(&entry.value)))?;
        let revision = entry.map_or(Revision::ZERO, |entry| entry.revision);
        Some(Document { id: id.clone(), revision, value, pending: shown.is_some() })
    }

    /// The documents of a collection as they are shown, by id.
    #[must_use]
    pub fn all(&self, collection: &Collection) -> Vec<Document> {
        let confirmed = self.cache.documents.get(collection).into_iter().flat_map(BTreeMap::keys);
        let shown = self.shown.keys().filter(|(name, _)| name == collection).map(|(_, id)| id);
        let ids: BTreeSet<&DocumentId> = confirmed.chain(shown).collect();
        ids.into_iter().filter_map(|id| self.get(collection, id)).collect()
    }

    fn entry(&self, collection: &Collection, id: &DocumentId) -> Option<&Entry> {
        self.cache.documents.get(collection)?.get(id)
    }

    fn value(&self, (collection, id): &Key) -> Option<Arc<Value>> {
        self.get(collection, id).map(|document| document.value)
    }

    /// What these documents say now.
    pub(crate) fn values(&self, keys: impl IntoIterator<Item = Key>) -> Before {
        keys.into_iter().map(|key| (key.clone(), self.value(&key))).collect()
    }

    /// Every document that is shown or confirmed.
    pub(crate) fn keys(&self) -> impl Iterator<Item = Key> {
        let confirmed = self
            .cache
            .documents
            .iter()
            .flat_map(|(name, entries)| entries.keys().map(move |id| (name.clone(), id.clone())));
        confirmed.chain(self.shown.keys().cloned())
    }

    /// Every document with a pending edit on top.
    pub(crate) fn pending_keys(&self) -> impl Iterator<Item = Key> {
        self.shown.keys().cloned()
    }

    /// Begins again at a snapshot. What is shown follows by [`Replica::rebase`].
    pub(crate) fn load(&mut self, epoch: Epoch, revision: Revision, documents: Documents) {
        self.cache = Cache::from_snapshot(revision, documents);
        (self.epoch, self.whole) = (Some(epoch), true);
    }

    /// Makes the commit true. What is shown follows by [`Replica::rebase`].
    pub(crate) fn apply(&mut self, epoch: Option<&Epoch>, commit: &Commit) -> Applied {
        if commit.revision <= self.cache.revision {
            return Applied::Known;
        }
        if commit.revision != self.cache.revision.next() {
            return Applied::Gap;
        }
        if self.whole {
            self.cache.apply(commit).expect("it is the next one");
        }
        self.cache.revision = commit.revision;
        self.epoch = self.epoch.take().or_else(|| epoch.cloned());
        Applied::Next
    }

    /// Puts the pending edits on top anew, and says what changed in what is shown.
    pub(crate) fn rebase(
        &mut self,
        before: Before,
        pending: &[Pending],
        commit: Option<&Commit>,
    ) -> Vec<Changed> {
        let restored = |(collection, id): &Key| {
            let is_this = |change: &&Change| change.collection == *collection && change.id == *id;
            let changes = commit.iter().flat_map(|commit| &commit.changes);
            changes.filter(is_this).any(|change| matches!(change.op, Op::Restore(_)))
        };
        let mut changed = Vec::new();
        for (key, before) in before {
            self.show(&key, pending);
            let value = self.value(&key);
            if same(before.as_ref(), value.as_ref()) {
                continue;
            }
            let kind = match (&before, &value) {
                _ if restored(&key) => ChangeKind::Restored,
                (None, _) => ChangeKind::Created,
                (_, None) => ChangeKind::Deleted,
                (Some(_), Some(_)) => ChangeKind::Updated,
            };
            let local = self.shown.contains_key(&key);
            let (collection, id) = key;
            changed.push(Changed { kind, collection, id, value, before, local });
        }
        changed
    }

    fn show(&mut self, key: &Key, pending: &[Pending]) {
        let shown = pending.iter().filter(|pending| pending.is_shown());
        let mut edits = shown.flat_map(|pending| &pending.edits).filter(|edit| edit.is_of(key)).peekable();
        if edits.peek().is_none() {
            self.shown.remove(key);
            return;
        }
        let strategies = self.strategies(&key.0);
        let confirmed = self.entry(&key.0, &key.1).map(|entry| Arc::clone(&entry.value));
        let value = edits.fold(confirmed, |value, edit| edit.rebased(value.as_ref(), &strategies));
        self.shown.insert(key.clone(), value);
    }

    /// What the manifest says about merging the fields of a collection.
    fn strategies(&self, collection: &Collection) -> Strategies {
        let manifest = self.cache.documents.iter().find(|(name, _)| name.as_str() == "_system");
        let manifest =
            manifest.and_then(|(_, entries)| entries.iter().find(|(id, _)| id.as_str() == "manifest"));
        let rules = manifest.map(|(_, entry)| &entry.value["collections"][collection.as_str()]["merge"]);
        rules.and_then(|rules| serde_json::from_value(rules.clone()).ok()).unwrap_or_default()
    }
}
