//! The six words of a watch, checked on every connection before the client's own rules see a message: what comes is
//! ordered, unique, reliable, atomic, resumable, and nothing of it is older than what was told before.
//!
//! A connection carries bytes in order or breaks. So a client on it never has to heal anything: whatever it reports as
//! a gap, a digest that differs or a message that cannot be, is the server's.

use onair_client::session::ServerMessage;
use onair_wire::{MutationId, Position, Revision, sync::ClientMessage};

use crate::ledger::Books;

/// One connection of a client, as far as one production goes.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// What the client said that it has; taken by the answer.
    after: Option<Position>,
    /// What the server said last that it would begin with.
    announced: Option<Position>,
    /// How far commits and snapshots have brought the client.
    at: Option<Position>,
}

impl Watch {
    /// The client says something.
    pub(crate) fn said(&mut self, text: &str) {
        if let Ok(ClientMessage::Subscribe(asked)) = ClientMessage::parse(text.as_bytes()) {
            let position = asked.after.and_then(|after| Some((after.epoch?, after.revision)));
            self.after = position.map(|(epoch, revision)| Position { epoch, revision });
        }
    }

    /// The client hears something that was written when `durable` commits were on the disk.
    pub(crate) fn heard(
        &mut self,
        message: &ServerMessage,
        view: usize,
        books: &Books,
        durable: u64,
    ) -> Result<(), String> {
        match message {
            ServerMessage::Subscribed { position, .. } => {
                books.lock().shown(&position.epoch, position.revision, durable)?;
                let resumed =
                    |after: &Position| after.epoch == position.epoch && after.revision <= position.revision;
                self.at = self.after.take().filter(resumed);
                self.announced = Some(position.clone());
            }
            ServerMessage::Snapshot { position, documents, .. } => {
                let Some(announced) = self.announced.take() else {
                    return Err("a snapshot that was not announced".into());
                };
                if announced != *position {
                    return Err(format!("a snapshot of {position}, announced was {announced}"));
                }
                let books = books.lock();
                let log = books.shown(&position.epoch, position.revision, durable)?;
                let cache = onair_wire::Cache::from_snapshot(position.revision, documents.clone());
                if log.digest(view, position.revision) != Some(cache.digest()) {
                    return Err(format!("the snapshot of {position} is not what the log comes to"));
                }
                self.at = Some(position.clone());
            }
            ServerMessage::Commit { epoch, commit, .. } => {
                let epoch = epoch.as_ref().ok_or("a commit that does not say of which log it is")?;
                let at = self.at.as_ref().ok_or("a commit before anything to begin with")?;
                if at.epoch != *epoch || at.revision.next() != commit.revision {
                    return Err(format!("commit {epoch}:{} behind {at}", commit.revision));
                }
                books.lock().heard(epoch, commit, view, durable)?;
                self.at = Some(Position { epoch: epoch.clone(), revision: commit.revision });
            }
            ServerMessage::Digest { revision, digest, .. } => {
                let at = self.at.as_ref().ok_or("a digest before anything to begin with")?;
                if at.revision != *revision {
                    return Err(format!("the digest of {revision} at {at}"));
                }
                let books = books.lock();
                let log = books.shown(&at.epoch, *revision, durable)?;
                if log.digest(view, *revision) != Some(*digest) {
                    return Err(format!("the digest of {at} is not what the log comes to"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// An answer comes behind the commits that it speaks of.
    pub(crate) fn answered(&self, id: &MutationId, revision: Revision) -> Result<(), String> {
        match &self.at {
            Some(at) if at.revision < revision => {
                Err(format!("{id} was answered with {revision} when the client had been brought to {at}"))
            }
            _ => Ok(()),
        }
    }
}
