//! What somebody wants and nobody has confirmed yet: a log of edits, shown on top of what is confirmed (row Y3).
//!
//! Nothing is swapped out: the shown value is the confirmed one with the pending edits applied anew. Each edit keeps
//! what its author saw (`was`), so what it changed is told from what others changed meanwhile, as the server will.

use std::{collections::BTreeSet, sync::Arc};

use onair_wire::{
    Collection, DocumentId, Edit as Wish, Epoch, Mutation, MutationId, Op, Revision, Timestamp, merge,
};
use serde::{Deserialize, Serialize, de, ser};
use serde_json::Value;

use crate::{patch, problem::Problem};

/// Edits of one document made within this time become one while they wait: a fader sends 60 a second. Milliseconds.
const JOIN_MS: u64 = 250;

/// A document's name among all.
pub(crate) type Key = (Collection, DocumentId);

/// One edit of one document.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    /// What is asked for.
    pub mutation: Mutation,
    /// The value its author saw; `None` when there was none.
    pub was: Option<Arc<Value>>,
    /// What a restore is thought to bring back.
    pub shown: Option<Arc<Value>>,
}

/// One mutation that waits: kept in the queue's file as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pending {
    /// The mutation id; it stays for good.
    pub id: MutationId,
    /// Its place in the queue.
    pub order: u64,
    /// When it was made, in milliseconds since 1970.
    #[serde(with = "millis")]
    pub at: Timestamp,
    /// The log whose revisions the bases count; `None` when none was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Epoch>,
    /// All of them or none.
    pub edits: Vec<Edit>,
    /// Mutations that touch the same documents and were pending when it was made.
    #[serde(default)]
    pub behind: BTreeSet<MutationId>,
    /// Mutations that were joined to this one, and come out as it does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joined: Vec<MutationId>,
    /// What was sent: said again word for word, for the same id with other content is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Vec<Mutation>>,
    /// How often it was sent over a link that lived and brought no answer.
    #[serde(default)]
    pub unanswered: u32,
    /// It is confirmed by this revision, which the cache has not reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Revision>,
    /// Why it does not go on by itself. It is not shown, and waits to be retried or cleared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

impl Edit {
    /// The document it is about.
    pub(crate) fn key(&self) -> Key {
        (self.mutation.collection.clone(), self.mutation.document.clone())
    }

    pub(crate) fn is_of(&self, (collection, id): &Key) -> bool {
        self.mutation.collection == *collection && self.mutation.document == *id
    }

    /// `current` with the edit on top; `None` is no document.
    #[must_use]
    pub fn rebased(
        &self,
        current: Option<&Arc<Value>>,
        strategies: &merge::Strategies,
    ) -> Option<Arc<Value>> {
        if let Wish::Restore(_) = self.mutation.edit {
            return self.shown.as_ref().or(current).cloned();
        }
        if self.mutation.base.is_none() || same(current, self.was.as_ref()) {
            return self.edited(current);
        }
        let local = self.edited(self.was.as_ref());
        let (base, server) = (self.was.as_deref(), current.map(Arc::as_ref));
        merge::merge(base, local.as_deref(), server, strategies).value.map(Arc::new)
    }

    fn edited(&self, value: Option<&Arc<Value>>) -> Option<Arc<Value>> {
        match &self.mutation.edit {
            Wish::Put(value) => Some(Arc::clone(value)),
            Wish::Patch(patch) => {
                value.and_then(|value| Op::Patch(Arc::clone(patch)).applied_to(Some(value)))
            }
            Wish::Delete | Wish::Restore(_) => None,
        }
    }
}

pub(crate) fn same(a: Option<&Arc<Value>>, b: Option<&Arc<Value>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b) || merge::equal::equal(a, b),
        (None, None) => true,
        _ => false,
    }
}

impl Pending {
    /// Whether it is shown on top of what is confirmed.
    pub(crate) fn is_shown(&self) -> bool {
        self.problem.is_none()
    }

    pub(crate) fn is_called(&self, id: &MutationId) -> bool {
        self.id == *id || self.joined.contains(id)
    }

    /// The mutations as the server reads them. No base where the batch itself has changed the same field: it would
    /// conflict with itself.
    pub(crate) fn mutations(&self, epoch: Option<&Epoch>) -> Vec<Mutation> {
        let same_log = epoch.is_some() && self.epoch.as_ref() == epoch;
        let said = self.edits.iter().enumerate().map(|(at, edit)| {
            let key = edit.key();
            let met = self.edits[..at].iter().any(|other| other.is_of(&key) && overlap(other, edit));
            let counts = same_log && !met && !matches!(edit.mutation.edit, Wish::Restore(_));
            Mutation { base: edit.mutation.base.filter(|_| counts), ..edit.mutation.clone() }
        });
        said.collect()
    }

    /// Both as one mutation, when `later` only goes on where this one, which was not sent, ends.
    pub(crate) fn joined_with(&self, later: &Self) -> Option<Self> {
        let ([a], [b]) = (self.edits.as_slice(), later.edits.as_slice()) else { return None };
        let settled = self.sent.is_some() || self.problem.is_some() || self.until.is_some();
        if settled || a.key() != b.key() || self.epoch != later.epoch {
            return None;
        }
        let bases_differ = a.mutation.base.is_none() != b.mutation.base.is_none();
        if self.at.until(later.at).0 > JOIN_MS || b.mutation.if_revision.is_some() || bases_differ {
            return None;
        }
        let edit = both(&a.mutation.edit, &b.mutation.edit)?;
        let edit = Edit { mutation: Mutation { edit, ..a.mutation.clone() }, ..a.clone() };
        let mut one = Self { edits: vec![edit], ..self.clone() };
        one.joined.push(later.id.clone());
        one.joined.extend(later.joined.iter().cloned());
        Some(one)
    }
}

/// Whether both change the same field of their document.
fn overlap(first: &Edit, second: &Edit) -> bool {
    match (&first.mutation.edit, &second.mutation.edit) {
        (Wish::Patch(first), Wish::Patch(second)) => patch::divided(second, first).0.is_some(),
        _ => true,
    }
}

fn both(first: &Wish, second: &Wish) -> Option<Wish> {
    match (first, second) {
        (Wish::Put(_) | Wish::Patch(_), Wish::Put(value)) => Some(Wish::Put(Arc::clone(value))),
        (Wish::Put(value), Wish::Patch(patch)) if value.is_object() => {
            Op::Patch(Arc::clone(patch)).applied_to(Some(value)).map(Wish::Put)
        }
        (Wish::Patch(a), Wish::Patch(b)) => patch::composed(a, b).map(|patch| Wish::Patch(Arc::new(patch))),
        _ => None,
    }
}

impl Serialize for Edit {
    /// A mutation with `was` and `shown` beside it, as every client keeps it.
    fn serialize<S: ser::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut edit = serde_json::to_value(&self.mutation).map_err(ser::Error::custom)?;
        for (name, value) in [("was", &self.was), ("shown", &self.shown)] {
            if let Some(value) = value {
                edit[name] = Value::clone(value);
            }
        }
        edit.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Edit {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut edit = serde_json::Map::deserialize(deserializer)?;
        let (was, shown) = (edit.remove("was").map(Arc::new), edit.remove("shown").map(Arc::new));
        let mutation = serde_json::from_value(edit.into()).map_err(de::Error::custom)?;
        Ok(Self { mutation, was, shown })
    }
}

/// A time as milliseconds since 1970, as every client keeps it.
mod millis {
    use super::{Deserialize, Timestamp, de, ser};

    pub(super) fn serialize<S: ser::Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(at.as_millis())
    }

    pub(super) fn deserialize<'de, D: de::Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(deserializer).map(Timestamp::from_millis)
    }
}
