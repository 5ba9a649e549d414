//! What was done under which mutation id, for as long as the commit is kept (row D6).

use std::sync::Arc;

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

/// The newest are kept apart, so many: a map copies whole nodes for each id, since the state before it is still shown,
/// and this way only every so often.
const RECENT_MAX: usize = 32;

/// The ids that are remembered.
#[derive(Clone, Debug, Default)]
pub struct Mutations {
    by_id: OrdMap<MutationId, Remembered>,
    by_revision: OrdMap<Revision, MutationId>,
    /// In the order of their revisions, all behind those in the maps.
    recent: Arc<Vec<(MutationId, Remembered)>>,
}

impl Mutations {
    /// What an id stands for.
    #[must_use]
    pub fn get(&self, id: &MutationId) -> Option<Remembered> {
        let recent = self.recent.iter().rev().find(|(known, _)| known == id);
        let found = recent.map(|(_, remembered)| remembered).or_else(|| self.by_id.get(id));
        found.copied().filter(|_| !planted(Bug::DedupeWindowZero))
    }

    /// How many are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len() + self.recent.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn remember(&mut self, id: MutationId, remembered: Remembered) {
        let recent = Arc::make_mut(&mut self.recent);
        recent.push((id, remembered));
        if recent.len() > RECENT_MAX {
            for (id, remembered) in recent.drain(..) {
                self.by_revision.insert(remembered.revision, id.clone());
                self.by_id.insert(id, remembered);
            }
        }
    }

    pub(super) fn forget_before(&mut self, oldest: Revision) {
        while let Some((revision, id)) = self.by_revision.get_min().cloned() {
            if revision >= oldest {
                return;
            }
            self.by_revision.remove(&revision);
            self.by_id.remove(&id);
        }
        if self.recent.first().is_some_and(|(_, remembered)| remembered.revision < oldest) {
            Arc::make_mut(&mut self.recent).retain(|(_, remembered)| remembered.revision >= oldest);
        }
    }

    /// In the order of their revisions.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&MutationId, &Remembered)> {
        let older = self.by_revision.values().filter_map(|id| self.by_id.get_key_value(id));
        older.chain(self.recent.iter().map(|(id, remembered)| (id, remembered)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d6_ids_are_remembered_in_order_until_they_are_forgotten() {
        let id = |n: u64| MutationId::new(format!("m{n}")).expect("a name");
        let mut mutations = Mutations::default();
        let count = 3 * RECENT_MAX as u64 + 5;
        for n in 1..=count {
            mutations.remember(id(n), Remembered { revision: Revision(n), fingerprint: Fingerprint(n) });
        }
        let before = mutations.clone();
        // Within the maps, at their end, among the newest, and behind all.
        for oldest in [1, 7, 3 * RECENT_MAX as u64, count - 1, count + 1] {
            mutations.forget_before(Revision(oldest));
            let kept: Vec<u64> = mutations.iter().map(|(_, remembered)| remembered.revision.0).collect();
            assert_eq!(kept, (oldest..=count).collect::<Vec<_>>());
            assert_eq!((mutations.len(), mutations.is_empty()), (kept.len(), kept.is_empty()));
            for n in 1..=count {
                assert_eq!(mutations.get(&id(n)).map(|it| it.revision.0), Some(n).filter(|n| *n >= oldest));
            }
        }
        assert_eq!(before.len() as u64, count, "a state that was shown stays as it was");
    }
}
