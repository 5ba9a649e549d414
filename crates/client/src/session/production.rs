//! One production of a session: what is confirmed, what waits, and how both become what is shown.

use std::{collections::BTreeSet, sync::Arc};

use onair_wire::{
    CauseKind, Collection, Commit, Documents, Edit as Wish, Millis, Mutation, MutationId, Op, Outcome,
    Position, ProductionId, Receipt, Timestamp,
};
use serde_json::Value;

use super::{
    effect::{Effect, Mutate, Told},
    message::Limits,
    say::Say,
    stream::Stream,
};
use crate::{
    patch::difference,
    pending::{Edit, Key, Pending},
    problem::{Problem, code},
    queue::{Moved, QUEUE_MAX, Queue},
    replica::{Applied, Replica},
};

/// Collections of the server that a client needs whatever is asked for: outcomes and strategies are there.
const NEEDED: [&str; 2] = ["_conflicts", "_system"];
/// How long what was refused for now waits at least.
pub(super) const AGAIN: Millis = Millis(1_000);

/// A production that is followed.
#[derive(Clone, Debug)]
pub(super) struct Production {
    pub(super) id: ProductionId,
    pub(super) stream: Stream,
    pub(super) replica: Replica,
    pub(super) queue: Queue,
    /// The server cannot take mutations now.
    pub(super) held: bool,
    /// The server does not let this client follow it.
    pub(super) refused: Option<Problem>,
    /// How often the link there is was asked to put things right.
    pub(super) heals: u32,
    /// Whether it was told that all is here.
    pub(super) told: bool,
    /// Whether all was here once.
    pub(super) ever: bool,
}

impl Production {
    pub(super) fn new(id: ProductionId, collections: Option<Vec<Collection>>) -> Self {
        let collections = collections.map(|named| {
            let needed = NEEDED.map(|name| Collection::new(name).expect("a name of the server's"));
            BTreeSet::from_iter(named.into_iter().chain(needed)).into_iter().collect()
        });
        let stream = Stream::new(id.clone(), collections);
        let (replica, queue) = (Replica::default(), Queue::default());
        Self { id, stream, replica, queue, held: false, refused: None, heals: 0, told: false, ever: false }
    }

    pub(super) fn caught_up(&self) -> bool {
        self.stream.caught_up(&self.replica)
    }

    /// Takes in what waited since an earlier run.
    pub(super) fn load_queue(&mut self, queue: Vec<Pending>) -> Vec<Effect> {
        let shift = |pending| {
            let moved = self.queue.add(pending);
            // What comes from the file need not go back, but for two that became one.
            let kept = moved.drop.is_empty();
            let effects = self.shift(moved);
            effects.into_iter().filter(move |effect| !(kept && matches!(effect, Effect::Store(..))))
        };
        queue.into_iter().flat_map(shift).collect()
    }

    /// A new mutation: shown at once, and waiting.
    pub(super) fn mutate(&mut self, asked: Mutate, now: Timestamp) -> Vec<Effect> {
        let Mutate { id, mutations, merge, .. } = asked;
        if self.queue.pending() >= QUEUE_MAX {
            let why = Problem::local(code::QUEUE_FULL, format!("{QUEUE_MAX} mutations wait already"));
            return vec![Effect::Settled(id, Err(why))];
        }
        let mut behind = BTreeSet::new();
        let edits = mutations.into_iter().map(|mutation| self.edit(mutation, merge, &mut behind)).collect();
        let (order, epoch) = (self.queue.next_order(), self.replica.epoch().cloned());
        let pending = Pending {
            id,
            order,
            at: now,
            epoch,
            edits,
            behind,
            joined: Vec::new(),
            sent: None,
            unanswered: 0,
            until: None,
            problem: None,
        };
        let moved = self.queue.add(pending);
        self.shift(moved)
    }

    /// The edit, with what its author saw.
    fn edit(&self, mut mutation: Mutation, merge: bool, behind: &mut BTreeSet<MutationId>) -> Edit {
        let key: Key = (mutation.collection.clone(), mutation.document.clone());
        let touches =
            |pending: &&Pending| pending.is_shown() && pending.edits.iter().any(|it| it.is_of(&key));
        let before: Vec<_> = self.queue.all().iter().filter(touches).map(|it| it.id.clone()).collect();
        let was = self.replica.get(&key.0, &key.1).map(|document| document.value);
        let restores = matches!(mutation.edit, Wish::Restore(_));
        if merge && !restores && self.replica.confirmed().is_some() {
            mutation.base = mutation.base.or(Some(self.replica.revision()));
            // Behind an edit that is not confirmed, what a put changed tells it from what others change meanwhile.
            if let (Wish::Put(value), Some(was), false) = (&mutation.edit, &was, before.is_empty())
                && let (Value::Object(before), Value::Object(after)) = (&**was, &**value)
                && let Some(patch) = difference(before, after)
            {
                mutation.edit = Wish::Patch(Arc::new(patch));
            }
        }
        behind.extend(before);
        Edit { mutation, was, shown: None }
    }

    /// What changed in the queue: shown, told to the authors, stored.
    pub(super) fn shift(&mut self, moved: Moved) -> Vec<Effect> {
        let Moved { put, drop, settled } = moved;
        let mut effects = Vec::new();
        if !(put.is_empty() && drop.is_empty()) {
            // What went is not in the queue any more: whatever is shown on top of the cache may have changed.
            let gone = (!drop.is_empty()).then(|| self.replica.pending_keys());
            let keys: BTreeSet<Key> = gone.into_iter().flatten().chain(edited(&put)).collect();
            let before = self.replica.values(keys);
            let changed = self.replica.rebase(before, self.queue.all(), None);
            effects.extend(self.changed(changed));
        }
        // Authors are told before it leaves the file: after a crash between the two it is only said again.
        effects.extend(settled.into_iter().map(|(id, result)| Effect::Settled(id, result)));
        if !(put.is_empty() && drop.is_empty()) {
            effects.push(Effect::Store(self.id.clone(), put, drop));
        }
        effects
    }

    fn changed(&self, changed: Vec<crate::Changed>) -> Option<Effect> {
        (!changed.is_empty()).then(|| Effect::Told(self.id.clone(), Told::Changed(changed)))
    }

    /// Everything, anew.
    pub(super) fn snapshot(&mut self, position: Position, documents: Documents) -> Vec<Effect> {
        let new = documents.iter().flat_map(|(name, all)| all.keys().map(|id| (name.clone(), id.clone())));
        let keys: BTreeSet<Key> = self.replica.keys().chain(new).collect();
        let before = self.replica.values(keys);
        self.replica.load(position.epoch.clone(), position.revision, documents);
        let drop = self.queue.reached(position.revision);
        let changed = self.replica.rebase(before, self.queue.all(), None);
        let mut effects = vec![Effect::Told(self.id.clone(), Told::Snapshot(position))];
        effects.extend(self.changed(changed));
        effects.extend(self.dropped(drop));
        effects
    }

    /// The next commit. That of a mutation is its answer: it says what the `result` behind it says.
    pub(super) fn commit(&mut self, commit: Commit) -> Vec<Effect> {
        let own = commit.mutation.as_ref().and_then(|id| self.queue.get(id));
        let until = self.queue.all().iter().filter(|pending| pending.until.is_some());
        let confirmed = own.into_iter().chain(until).flat_map(|pending| &pending.edits).map(Edit::key);
        let touched = commit.changes.iter().map(|change| (change.collection.clone(), change.id.clone()));
        let keys: BTreeSet<Key> = touched.chain(confirmed).collect();
        let own = own.map(|pending| pending.id.clone());
        let before = self.replica.values(keys);
        let applied = self.replica.apply(None, &commit);
        assert_eq!(applied, Applied::Next, "the stream looks whether revision {} follows", commit.revision);
        let mut drop = self.queue.reached(commit.revision);
        let moved = own.map(|id| self.queue.answered(&id, &receipt_of(&commit), true)).unwrap_or_default();
        let changed = self.replica.rebase(before, self.queue.all(), Some(&commit));
        let mut effects = vec![Effect::Told(self.id.clone(), Told::Commit(Arc::new(commit)))];
        effects.extend(self.changed(changed));
        effects.extend(moved.settled.into_iter().map(|(id, result)| Effect::Settled(id, result)));
        drop.extend(moved.drop);
        if !(moved.put.is_empty() && drop.is_empty()) {
            effects.push(Effect::Store(self.id.clone(), moved.put, drop));
        }
        effects
    }

    fn dropped(&self, drop: Vec<MutationId>) -> Option<Effect> {
        (!drop.is_empty()).then(|| Effect::Store(self.id.clone(), Vec::new(), drop))
    }

    /// What can be said now, and what is to be stored before it is.
    pub(super) fn say(&mut self, limits: &Limits) -> (Vec<Effect>, Vec<String>) {
        if self.held || self.refused.is_some() || !self.caught_up() {
            return (Vec::new(), Vec::new());
        }
        let next = self.queue.next(self.replica.epoch());
        let (mut effects, mut texts) = (Vec::new(), Vec::new());
        if !next.put.is_empty() {
            effects.push(Effect::Store(self.id.clone(), next.put, Vec::new()));
        }
        for (id, mutations) in next.says {
            let text = Say::Mutate { id: &id, production: &self.id, mutations: &mutations }.text();
            if text.len() <= limits.message_bytes {
                texts.push(text);
                continue;
            }
            // The server would end the connection, and the next, and the one after.
            let detail = format!("a message of {} bytes, the limit is {}", text.len(), limits.message_bytes);
            let moved = self.queue.refused(&id, &Problem::local("too-large", detail));
            effects.extend(self.shift(moved));
        }
        (effects, texts)
    }
}

fn edited(pending: &[Pending]) -> impl Iterator<Item = Key> {
    pending.iter().flat_map(|pending| pending.edits.iter().map(Edit::key))
}

/// What the server answered when the commit was made.
fn receipt_of(commit: &Commit) -> Receipt {
    let prefix = format!("{}-", commit.revision);
    let own = commit.changes.iter().filter(|change| {
        let opened = change.collection.as_str() == "_conflicts" && matches!(change.op, Op::Put(_));
        opened && change.id.as_str().starts_with(&prefix)
    });
    let outcome = match commit.cause.kind {
        CauseKind::ConflictOpened => Outcome::Conflict,
        _ if commit.cause.details.get("outcome").is_some_and(|outcome| outcome == "merged") => {
            Outcome::Merged
        }
        _ => Outcome::Applied,
    };
    let conflicts = own.map(|change| change.id.clone()).collect();
    Receipt { revision: commit.revision, outcome, conflicts, sequence: None }
}
