//! What was done under which mutation id, for as long as the commit is kept (row D6).

use imbl::OrdMap;
use onair_wire::{
    Fingerprint, MutationId, Revision,
    planted::{Bug, planted},
};

/// What a mutation id stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// The commit that carries it.
    pub revision: Revision,
    /// What it asked.
    pub fingerprint: Fingerprint,
}

/// The ids that are remembered.
#[derive(Clone, Debug, Default)]
pub struct Mutations {
    by_id: OrdMap<MutationId, Remembered>,
    by_revision: OrdMap<Revision, MutationId>,
}

impl Mutations {
    /// What an id stands for.
    #[must_use]
    pub fn get(&self, id: &MutationId) -> Option<Remembered> {
        self.by_id.get(id).copied().filter(|_| !planted(Bug::DedupeWindowZero))
    }

    /// How many are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    pub(super) fn remember(&mut self, id: MutationId, remembered: Remembered) {
        self.by_revision.insert(remembered.revision, id.clone());
        self.by_id.insert(id, remembered);
    }

    pub(super) fn forget_before(&mut self, oldest: Revision) {
        while let Some((revision, id)) = self.by_revision.get_min().cloned() {
            if revision >= oldest {
                break;
            }
            self.by_revision.remove(&revision);
            self.by_id.remove(&id);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&MutationId, &Remembered)> {
        self.by_revision.values().filter_map(|id| self.by_id.get_key_value(id))
    }
}
