//! The queue of mutations: what is sent next, what an answer does to those behind it, and nothing lost (rows Y4, E2).
//!
//! Pure: it answers what is to be stored and sent, the shell does it. A mutation waits for those before it on the same
//! document, since its base is what they come to; so an author never conflicts with himself. `fixtures/queue/` says
//! the same to every client.

use std::{collections::BTreeSet, sync::Arc};

use onair_wire::{Edit as Wish, Epoch, Mutation, MutationId, Outcome, Receipt, Revision};

use crate::{
    patch::divided,
    pending::{Edit, Key, Pending},
    problem::{Problem, code},
};

/// Mutations that wait at most; more are refused, and none that waits is dropped.
pub const QUEUE_MAX: usize = 1_000;
/// Mutations under way at once: what fills a slow line, and little enough to say again.
const WINDOW: usize = 64;
/// How often one may stay without an answer over links that lived before it stops being sent.
const UNANSWERED_MAX: u32 = 3;

/// How a mutation came out.
pub type Settled = Result<Receipt, Problem>;

/// What changed: to be stored, and to be told to the authors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moved {
    /// To be kept as it is now.
    pub put: Vec<Pending>,
    /// To be kept no longer.
    pub drop: Vec<MutationId>,
    /// What came out.
    pub settled: Vec<(MutationId, Settled)>,
}

/// What is to be said now; it is stored as said before it is said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Next {
    /// Each under its id.
    pub says: Vec<(MutationId, Vec<Mutation>)>,
    /// To be kept first.
    pub put: Vec<Pending>,
}

/// Mutations in their order.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    waiting: Vec<Pending>,
    /// Sent over the link there is now.
    under: BTreeSet<MutationId>,
}

impl Queue {
    /// In order, those with a problem included.
    #[must_use]
    pub fn all(&self) -> &[Pending] {
        &self.waiting
    }

    /// The one of this id.
    #[must_use]
    pub fn get(&self, id: &MutationId) -> Option<&Pending> {
        self.waiting.iter().find(|pending| pending.id == *id)
    }

    /// How many are not confirmed, joined ones counted.
    #[must_use]
    pub fn pending(&self) -> usize {
        let open = self.waiting.iter().filter(|pending| pending.until.is_none());
        open.map(|pending| 1 + pending.joined.len()).sum()
    }

    /// How many are under way.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.under.len()
    }

    pub(crate) fn oldest_under_way(&self) -> Option<&MutationId> {
        self.waiting.iter().map(|pending| &pending.id).find(|id| self.under.contains(*id))
    }

    /// A place behind all others.
    pub(crate) fn next_order(&self) -> u64 {
        self.waiting.last().map_or(0, |last| last.order) + 1
    }

    /// Takes one in, at its place; one that is known is not taken twice.
    pub fn add(&mut self, pending: Pending) -> Moved {
        if self.waiting.iter().any(|known| known.is_called(&pending.id)) {
            return Moved::default();
        }
        if let Some(last) = self.waiting.last_mut()
            && last.order < pending.order
            && !self.under.contains(&last.id)
            && let Some(one) = last.joined_with(&pending)
        {
            *last = one.clone();
            return Moved { put: vec![one], drop: vec![pending.id], ..Moved::default() };
        }
        self.insert(pending.clone());
        Moved { put: vec![pending], ..Moved::default() }
    }

    /// What is to be said now, in order, in the log of `epoch`.
    pub fn next(&mut self, epoch: Option<&Epoch>) -> Next {
        let mut next = Next::default();
        let mut busy: BTreeSet<Key> = BTreeSet::new();
        for pending in &mut self.waiting {
            if pending.problem.is_some() || pending.until.is_some() {
                continue;
            }
            let keys: Vec<Key> = pending.edits.iter().map(Edit::key).collect();
            if !self.under.contains(&pending.id) {
                if self.under.len() >= WINDOW || keys.iter().any(|key| busy.contains(key)) {
                    break;
                }
                let said = match &pending.sent {
                    Some(sent) => sent.clone(),
                    None => {
                        let said = pending.mutations(epoch);
                        pending.sent = Some(said.clone());
                        next.put.push(pending.clone());
                        said
                    }
                };
                self.under.insert(pending.id.clone());
                next.says.push((pending.id.clone(), said));
            }
            busy.extend(keys);
        }
        next
    }

    /// The link is gone: nobody knows what became of those under way. They are said again, word for word.
    pub fn lost(&mut self) {
        self.under.clear();
    }

    /// The link lived and one was not answered: it is said again, and no longer by itself when that does not end.
    pub fn unanswered(&mut self, id: &MutationId) -> Moved {
        let Some(pending) = self.get(id) else { return Moved::default() };
        let mut pending = pending.clone();
        pending.unanswered += 1;
        if pending.unanswered >= UNANSWERED_MAX {
            let detail = format!("sent {} times and never answered", pending.unanswered);
            pending.problem = Some(Problem::local(code::UNANSWERED, detail));
        }
        self.replace(pending)
    }

    /// It is done; `reached` says whether the cache has what it came to.
    pub fn answered(&mut self, id: &MutationId, receipt: &Receipt, reached: bool) -> Moved {
        // An answer that comes twice is one answer.
        let Some(pending) = self.get(id).filter(|pending| pending.until.is_none()).cloned() else {
            return Moved::default();
        };
        let mut put = self.settle(&pending, Some(receipt));
        let settled = settled(&pending, &Ok(receipt.clone()));
        if reached {
            return Moved { put, drop: vec![pending.id], settled };
        }
        let until = Pending { until: Some(receipt.revision), ..pending };
        self.insert(until.clone());
        put.push(until);
        Moved { put, drop: Vec::new(), settled }
    }

    /// The cache is at this revision: what was only shown until it gets there is shown by it now.
    pub fn reached(&mut self, revision: Revision) -> Vec<MutationId> {
        let is_there = |pending: &Pending| pending.until.is_some_and(|until| until <= revision);
        let gone = self.waiting.extract_if(.., |pending| is_there(pending));
        gone.map(|pending| pending.id).collect()
    }

    /// It is refused. What may go well later stays, at its place; the rest is out, and taken back where it is shown.
    pub fn refused(&mut self, id: &MutationId, why: &Problem) -> Moved {
        let Some(pending) = self.get(id).filter(|pending| pending.until.is_none()).cloned() else {
            return Moved::default();
        };
        if why.is_retryable() || why.code == "unauthenticated" {
            self.under.remove(id);
            return Moved::default();
        }
        let put = self.settle(&pending, None);
        Moved { put, settled: settled(&pending, &Err(why.clone())), drop: vec![pending.id] }
    }

    /// Says those again that had stopped, or one of them.
    pub fn retry(&mut self, id: Option<&MutationId>) -> Moved {
        let wanted = |pending: &&Pending| id.is_none_or(|id| pending.id == *id) && pending.problem.is_some();
        let again: Vec<Pending> = self.waiting.iter().filter(wanted).cloned().collect();
        let put = again
            .into_iter()
            .flat_map(|pending| self.replace(Pending { problem: None, unanswered: 0, ..pending }).put);
        Moved { put: put.collect(), ..Moved::default() }
    }

    /// Gives up what waits, or one of it. What is under way may be done all the same.
    pub fn clear(&mut self, id: Option<&MutationId>) -> Moved {
        let wanted = |it: &&Pending| it.until.is_none() && id.is_none_or(|id| it.id == *id);
        let out: Vec<Pending> = self.waiting.iter().filter(wanted).cloned().collect();
        let why = Problem::local(code::CLEARED, "it was taken out of the queue");
        let mut moved = Moved::default();
        for pending in &out {
            moved.settled.extend(settled(pending, &Err(why.clone())));
            moved.put.extend(self.settle(pending, None));
        }
        moved.drop = out.into_iter().map(|pending| pending.id).collect();
        moved.put.retain(|pending| !moved.drop.contains(&pending.id));
        moved
    }

    fn insert(&mut self, pending: Pending) {
        let place = |pending: &Pending| (pending.order, pending.id.clone());
        let at = self.waiting.partition_point(|other| place(other) < place(&pending));
        self.waiting.insert(at, pending);
    }

    /// Takes it out; those made on top of it begin where it ended.
    fn settle(&mut self, pending: &Pending, receipt: Option<&Receipt>) -> Vec<Pending> {
        self.under.remove(&pending.id);
        self.waiting.retain(|other| other.id != pending.id);
        let mut changed = Vec::new();
        for other in &mut self.waiting {
            let before = other.behind.len();
            other.behind.retain(|id| !pending.is_called(id));
            if other.behind.len() == before {
                continue;
            }
            if let Some(receipt) = receipt.filter(|_| other.sent.is_none()) {
                let edits = std::mem::take(&mut other.edits);
                other.edits = edits.into_iter().flat_map(|edit| onto_all(edit, pending, receipt)).collect();
            }
            changed.push(other.clone());
        }
        changed
    }

    fn replace(&mut self, pending: Pending) -> Moved {
        self.under.remove(&pending.id);
        if let Some(other) = self.waiting.iter_mut().find(|other| other.id == pending.id) {
            *other = pending.clone();
        }
        Moved { put: vec![pending], ..Moved::default() }
    }
}

fn settled(pending: &Pending, result: &Settled) -> Vec<(MutationId, Settled)> {
    let ids = std::iter::once(&pending.id).chain(&pending.joined);
    ids.map(|id| (id.clone(), result.clone())).collect()
}

/// The edit behind all edits of the same document in a mutation that came out well.
fn onto_all(edit: Edit, before: &Pending, receipt: &Receipt) -> Vec<Edit> {
    let key = edit.key();
    before.edits.iter().filter(|other| other.is_of(&key)).fold(vec![edit], |edits, other| {
        edits.into_iter().flat_map(|edit| onto(edit, &other.mutation, receipt)).collect()
    })
}

/// The edit when `before`, which it was made on top of, is done. Applied: nobody else was there, its author saw just
/// that revision. Merged: only what both touch begins there; for the rest others may have been there since its base.
/// Conflict: its author saw what does not stand, and it is measured against what he began with.
fn onto(edit: Edit, before: &Mutation, receipt: &Receipt) -> Vec<Edit> {
    let Some(base) = edit.mutation.base.filter(|_| receipt.outcome != Outcome::Conflict) else {
        return vec![edit];
    };
    let with = |base, wish| Edit {
        mutation: Mutation { base, edit: wish, ..edit.mutation.clone() },
        ..edit.clone()
    };
    let here = Some(receipt.revision);
    let (Wish::Patch(patch), Wish::Patch(earlier)) = (&edit.mutation.edit, &before.edit) else {
        return vec![with(here, edit.mutation.edit.clone())];
    };
    if receipt.outcome == Outcome::Applied && base >= before.base.unwrap_or_default() {
        return vec![with(here, edit.mutation.edit.clone())];
    }
    let (both, only) = divided(patch, earlier);
    let part = |base, patch: Option<_>| patch.map(|patch| with(base, Wish::Patch(Arc::new(patch))));
    [part(Some(base), only), part(here, both)].into_iter().flatten().collect()
}
