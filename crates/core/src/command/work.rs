//! A batch under way: the production as it was found, and as the mutations so far have made it.

use onair_wire::{CauseKind, Commit, Revision};

use super::Context;
use crate::production::Production;

/// The production as the batch found it, and as its mutations so far have made it.
pub(super) struct Work<'a> {
    /// Preconditions are of what the caller could see.
    pub(super) before: &'a Production,
    during: Option<Production>,
}

impl<'a> Work<'a> {
    pub(super) fn new(before: &'a Production) -> Self {
        Self { before, during: None }
    }

    /// What the next mutation acts on.
    pub(super) fn now(&self) -> &Production {
        self.during.as_ref().unwrap_or(self.before)
    }

    /// The last revision the caller could have seen.
    pub(super) fn seen(&self) -> Revision {
        self.before.revision()
    }

    /// Goes on by what one mutation changed.
    pub(super) fn advance(&mut self, context: &Context<'_>, changes: &[onair_wire::Change]) {
        let step = Commit {
            revision: context.revision,
            at: context.at,
            actor: context.actor.clone(),
            mutation: None,
            fingerprint: None,
            cause: CauseKind::Batch.into(),
            changes: changes.to_vec(),
        };
        self.during.get_or_insert_with(|| self.before.clone()).apply_changes(&step);
    }
}
