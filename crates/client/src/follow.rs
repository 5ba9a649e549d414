//! One production followed over an event stream: what comes, judged as in a session. For programs that only look on and
//! bring a transport of their own.

use onair_wire::{After, Collection, Commit, Position, ProductionId, Revision};
use thiserror::Error;

use crate::{
    events::Event,
    replica::{Applied, Replica},
    session::{Report, ServerMessage, Stream, Verdict},
};

/// An event that is none.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("an event that cannot be: {0}")]
pub struct Garbled(String);

/// What an event means.
#[derive(Clone, Debug, PartialEq)]
pub enum Followed {
    /// The documents were read whole; they are in the replica.
    Snapshot(Position),
    /// The next commit.
    Commit(Box<Commit>),
    /// The digests agree: what is here is what the server has.
    Proved,
    /// Nothing new, or nothing for who only looks on.
    Quiet,
    /// What comes does not follow: the stream is to be opened anew, from [`Follower::resume`].
    Astray(Report),
}

/// Somebody who follows. Without a snapshot the commits are counted, and their order is all that is known of them.
#[derive(Clone, Debug)]
pub struct Follower {
    production: ProductionId,
    stream: Stream,
    replica: Replica,
    /// Whether anything was heard to go on from.
    heard: bool,
}

impl Follower {
    /// Follows a production, or some of its collections, from behind a place; without one from a snapshot on.
    #[must_use]
    pub fn new(production: ProductionId, collections: Option<Vec<Collection>>, after: Option<After>) -> Self {
        let stream = Stream::new(production.clone(), collections);
        let counting = |After { epoch, revision }| Replica::after(epoch, revision);
        Self { production, stream, replica: after.map(counting).unwrap_or_default(), heard: false }
    }

    /// What is here.
    #[must_use]
    pub fn replica(&self) -> &Replica {
        &self.replica
    }

    /// A stream is opened: where it is to begin, if anything was heard before. Nothing means from the beginning.
    pub fn resume(&mut self) -> Option<Position> {
        self.stream.listen();
        self.replica.position().filter(|_| self.heard)
    }

    /// Takes an event.
    ///
    /// # Errors
    /// [`Garbled`]; nothing has changed.
    pub fn hear(&mut self, event: &Event) -> Result<Followed, Garbled> {
        let message = ServerMessage::of_event(&self.production, event).map_err(Garbled)?;
        Ok(match self.stream.hear(&self.replica, &message) {
            Verdict::Quiet => Followed::Quiet,
            Verdict::Proved => Followed::Proved,
            Verdict::Distrusted(report) => Followed::Astray(report),
            Verdict::Astray { report, anew } => {
                if anew {
                    // What is here is not to be believed, and no place to go on from.
                    (self.replica, self.heard) = (Replica::default(), false);
                }
                Followed::Astray(report)
            }
            Verdict::Follows => self.follow(message),
        })
    }

    fn follow(&mut self, message: ServerMessage) -> Followed {
        self.heard = true;
        match message {
            ServerMessage::Snapshot { position, documents, .. } => {
                self.replica.load(position.epoch.clone(), position.revision, documents);
                Followed::Snapshot(position)
            }
            ServerMessage::Commit { epoch, commit, .. } => {
                let applied = self.replica.apply(epoch.as_ref(), &commit);
                assert_eq!(applied, Applied::Next, "the stream looks whether {} follows", commit.revision);
                Followed::Commit(commit)
            }
            _ => Followed::Quiet,
        }
    }

    /// How far it is.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.replica.revision()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn event(name: &str, id: Option<&str>, data: &Value) -> Event {
        Event { name: name.into(), id: id.map(str::to_owned), data: data.to_string() }
    }

    fn commit(epoch: &str, revision: u64) -> Event {
        let data = json!({ "revision": revision, "at": "2026-11-20T18:00:00.000Z", "actor": "operator:kim",
            "cause": { "kind": "document.put" }, "changes": [{ "op": "put", "collection": "layers", "id": "logo",
            "revision": revision, "value": revision }] });
        event("commit", Some(&format!("{epoch}:{revision}")), &data)
    }

    fn snapshot(revision: u64) -> Event {
        event("snapshot", None, &json!({ "epoch": "e1", "revision": revision, "documents": {} }))
    }

    /// What each event means, in a word.
    fn told(after: Option<&str>, events: &[Event]) -> (Vec<String>, Option<String>) {
        let production = ProductionId::new("main").unwrap();
        let mut follower = Follower::new(production, None, after.map(|after| after.parse().unwrap()));
        assert_eq!(follower.resume(), None);
        let words = events.iter().map(|event| match follower.hear(event) {
            Ok(Followed::Snapshot(position)) => position.to_string(),
            Ok(Followed::Commit(commit)) => commit.revision.to_string(),
            Ok(Followed::Proved) => "proved".into(),
            Ok(Followed::Quiet) => "quiet".into(),
            Ok(Followed::Astray(report)) => report.what().into(),
            Err(_) => "garbled".into(),
        });
        (words.collect(), follower.resume().map(|position| position.to_string()))
    }

    #[test]
    fn y2_what_comes_is_followed_in_order_or_asked_for_again() {
        let digest = |revision: u64, digest: &str| {
            event("digest", None, &json!({ "revision": revision, "digest": digest }))
        };
        let empty = "0000000000000000";
        let cut = Event { data: "{\"revision\":".into(), ..commit("e1", 7) };
        let table = [
            (None, vec![snapshot(6), commit("e1", 7), commit("e1", 7)], "e1:6 7 quiet", Some("e1:7")),
            (None, vec![snapshot(6), commit("e1", 8)], "e1:6 gap", Some("e1:6")),
            (None, vec![snapshot(6), commit("e2", 7)], "e1:6 epoch", None),
            (None, vec![snapshot(6), digest(6, empty), digest(5, "f")], "e1:6 proved garbled", Some("e1:6")),
            (None, vec![snapshot(6), digest(6, &"f".repeat(16))], "e1:6 diverged", None),
            (None, vec![snapshot(6), digest(7, empty)], "e1:6 gap", Some("e1:6")),
            (None, vec![snapshot(6), snapshot(5)], "e1:6 went-back", Some("e1:6")),
            (None, vec![commit("e1", 1)], "epoch", None),
            (None, vec![snapshot(6), cut], "e1:6 garbled", Some("e1:6")),
            (Some("6"), vec![commit("e1", 7), commit("e1", 8)], "7 8", Some("e1:8")),
            (Some("6"), vec![commit("e1", 8)], "gap", None),
            (Some("e1:6"), vec![commit("e1", 7), digest(7, empty)], "7 quiet", Some("e1:7")),
            (Some("e1:6"), vec![commit("e2", 7)], "epoch", None),
            (Some("e1:6"), vec![snapshot(9), commit("e1", 10)], "e1:9 10", Some("e1:10")),
        ];
        for (after, events, words, place) in table {
            let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
            assert_eq!(told(after, &events), (words, place.map(str::to_owned)), "{after:?} {events:?}");
        }
    }
}
