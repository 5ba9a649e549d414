//! The stream of one production: what a message means for the cache. It never lets a gap pass for the truth: what does
//! not follow is not applied, and what the digests do not prove is read anew.

use onair_wire::{Collection, Digest, Epoch, Position, ProductionId, Revision};

use super::{effect::Report, message::ServerMessage, say::Say};
use crate::replica::Replica;

/// What is to be done about a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It follows: it is to be made true.
    Follows,
    /// Nothing, or what was known.
    Quiet,
    /// The digests agree.
    Proved,
    /// To be asked for again: from the position, or `anew` from the beginning.
    Astray {
        /// What was noticed.
        report: Report,
        /// Whether what is here is not to be believed.
        anew: bool,
    },
    /// Not to be believed: the connection is made anew.
    Distrusted(Report),
}

/// How often a server that went back is doubted before it is believed: it is the one that knows.
const DOUBTS_MAX: u32 = 3;

/// One production as it is followed.
#[derive(Clone, Debug)]
pub struct Stream {
    production: ProductionId,
    collections: Option<Vec<Collection>>,
    /// Where the server said that it is.
    there: Option<Position>,
    /// Answers to `subscribe` that are on their way: what comes before the last of them is of an older one.
    awaited: u32,
    /// Whether anything was asked for over this link: what comes before was not meant for it.
    asked: bool,
    /// Everything was asked for, and what is here is not to be believed until it comes.
    anew: bool,
    doubts: u32,
}

impl Stream {
    /// Follows a production, or some of its collections.
    #[must_use]
    pub fn new(production: ProductionId, collections: Option<Vec<Collection>>) -> Self {
        Self { production, collections, there: None, awaited: 0, asked: false, anew: false, doubts: 0 }
    }

    /// A new link begins.
    pub fn reset(&mut self) {
        (self.awaited, self.asked) = (0, false);
    }

    /// A new link begins that was asked by its address, as event streams are: nothing comes before what is meant.
    pub fn listen(&mut self) {
        (self.awaited, self.asked) = (0, true);
    }

    /// Whether all is here that the server was known to have.
    #[must_use]
    pub fn caught_up(&self, replica: &Replica) -> bool {
        let (Some(there), Some(here)) = (&self.there, replica.position()) else { return false };
        self.asked
            && self.awaited == 0
            && !self.anew
            && here.epoch == there.epoch
            && here.revision >= there.revision
    }

    /// Commits that the server has and this side has not.
    #[must_use]
    pub fn lag(&self, replica: &Replica) -> u64 {
        let there = self.there.as_ref().map_or(Revision::ZERO, |there| there.revision);
        there.0.saturating_sub(replica.revision().0)
    }

    /// Asks for what follows, from where the cache is; `anew` from the beginning. The digest lets the server count who
    /// went astray.
    pub(super) fn subscribe(&mut self, replica: &Replica, anew: bool) -> String {
        self.awaited += 1;
        self.asked = true;
        self.anew |= anew;
        let position = replica.position().filter(|_| !anew);
        let digest = position.as_ref().and_then(|_| replica.confirmed()).map(|cache| cache.digest());
        Say::subscribe(&self.production, position.as_ref(), self.collections.as_deref(), digest).text()
    }

    /// Whether everything was asked for anew, and has not come.
    pub(super) fn is_anew(&self) -> bool {
        self.anew
    }

    /// Looks at a message. What [`Verdict::Follows`] is applied by whoever keeps the replica.
    pub fn hear(&mut self, replica: &Replica, message: &ServerMessage) -> Verdict {
        if !self.asked {
            return Verdict::Quiet;
        }
        if let ServerMessage::Subscribed { position, .. } = message {
            self.awaited = self.awaited.saturating_sub(1);
            self.there = Some(position.clone());
            return Verdict::Quiet;
        }
        if self.awaited > 0 {
            return Verdict::Quiet;
        }
        match message {
            ServerMessage::Snapshot { position, .. } => self.snapshot(replica, position),
            ServerMessage::Commit { epoch, commit, .. } => {
                self.commit(replica, epoch.as_ref(), commit.revision)
            }
            ServerMessage::Digest { revision, digest, .. } => self.digest(replica, *revision, *digest),
            ServerMessage::Welcome(_)
            | ServerMessage::Subscribed { .. }
            | ServerMessage::Signal { .. }
            | ServerMessage::Presence { .. }
            | ServerMessage::Result(_)
            | ServerMessage::Problem { .. }
            | ServerMessage::Pong
            | ServerMessage::Unknown => Verdict::Quiet,
        }
    }

    fn snapshot(&mut self, replica: &Replica, position: &Position) -> Verdict {
        let went_back = |have| Verdict::Distrusted(Report::WentBack { have, got: position.revision });
        // It is of the state that was announced, or of a later one; anything else was made up on the way.
        if let Some(there) = &self.there
            && there.epoch == position.epoch
            && position.revision < there.revision
        {
            return went_back(there.revision);
        }
        let goes_back = replica.epoch() == Some(&position.epoch) && position.revision < replica.revision();
        if goes_back && self.doubts < DOUBTS_MAX {
            self.doubts += 1;
            return went_back(replica.revision());
        }
        (self.doubts, self.anew) = (0, false);
        self.there = Some(position.clone());
        Verdict::Follows
    }

    fn commit(&mut self, replica: &Replica, epoch: Option<&Epoch>, revision: Revision) -> Verdict {
        let other = match (replica.epoch(), epoch) {
            (Some(here), Some(there)) => here != there,
            // Who only counts takes the log that the first commit is of.
            (None, Some(_)) => !replica.takes_any_log(),
            (None, None) => true,
            (Some(_), None) => false,
        };
        if other {
            let (before, now) = (replica.epoch().cloned(), epoch.cloned());
            return Verdict::Astray { report: Report::Epoch { before, now }, anew: true };
        }
        if revision <= replica.revision() {
            return Verdict::Quiet;
        }
        if revision != replica.revision().next() {
            let report = Report::Gap { have: replica.revision(), got: revision };
            return Verdict::Astray { report, anew: false };
        }
        if let Some(there) = self.there.as_mut().filter(|there| there.revision < revision) {
            there.revision = revision;
        }
        Verdict::Follows
    }

    fn digest(&self, replica: &Replica, revision: Revision, server: Digest) -> Verdict {
        let Some(cache) = replica.confirmed().filter(|_| revision >= replica.revision()) else {
            return Verdict::Quiet;
        };
        if revision > replica.revision() {
            let report = Report::Gap { have: replica.revision(), got: revision };
            return Verdict::Astray { report, anew: false };
        }
        let client = cache.digest();
        if client == server {
            return Verdict::Proved;
        }
        Verdict::Astray { report: Report::Diverged { revision, server, client }, anew: true }
    }
}
