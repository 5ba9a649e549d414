//! What is remembered of the fault, to be told in the end: which revision says what. Pure.

use onair_core::{Phase, sequence::Kind};
use onair_wire::{Commit, Millis, Revision, Timestamp};

use super::world::World;

/// Something that a revision says, and when it did.
type Seen = (Revision, Timestamp);

/// The fault, from the last word of the host to the next.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Record {
    /// The host is away.
    pub(super) away: Option<Seen>,
    /// The show is not whole any more.
    pub(super) fallen: Option<Seen>,
    /// Another host is there.
    pub(super) back: Option<Seen>,
    /// The sequence that brought everything back.
    pub(super) recovery: Option<String>,
    /// On air again.
    pub(super) live: Option<Seen>,
}

impl Record {
    /// Writes down what a commit says. Begun when the host is killed.
    pub(super) fn take(&mut self, before: &World, commit: &Commit, after: &World) {
        if self.live.is_some() {
            return;
        }
        let seen = Some((commit.revision, commit.at));
        let (was, is) = (before.lifecycle(), after.lifecycle());
        match (before.service("host").healthy, after.service("host").healthy) {
            (true, false) => self.away = self.away.or(seen),
            (false, true) => self.back = self.back.or(seen),
            _ => {}
        }
        if was.phase != is.phase && is.phase == Phase::Error {
            self.fallen = self.fallen.or(seen);
        }
        if was.phase != is.phase && is.phase == Phase::Live {
            self.live = seen;
        }
        let begun = is.sequence.filter(|id| was.sequence.as_ref() != Some(id));
        let recovery = begun.filter(|id| after.sequence(id).is_some_and(|it| it.kind == Kind::Recover));
        self.recovery = self.recovery.take().or(recovery);
    }

    /// How long it was between two of them.
    pub(super) fn between(from: Option<Seen>, to: Option<Seen>) -> Option<Millis> {
        Some(from?.1.until(to?.1))
    }
}
