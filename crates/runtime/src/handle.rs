//! The handle of a production: the only way in, and all there is to read. Cheap to clone.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use onair_core::{Command, Intent, Production, production::Observed};
use onair_engine::Limit;
use onair_wire::{
    Actor, After, Collection, Commit, DocumentId, Epoch, MutationId, Problem, ProductionId, Receipt,
    Revision,
    planted::{Bug, planted},
    sync::{ServerMessage, StreamFigures},
};
use tokio::sync::{mpsc, oneshot};

use crate::{
    archive::DocumentVersion,
    director::{INBOX, Posted, Request, sent_to},
    error::Error,
    hub::{Filter, Format, LANES_MAX, Subscription},
    shared::Shared,
};

/// A production.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Handle({})", self.shared.id)
    }
}

/// Where a subscriber goes on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// It needs a snapshot.
    Snapshot,
    /// It has everything up to this, and gets the commits behind it.
    After(Revision),
}

impl Handle {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &ProductionId {
        &self.shared.id
    }

    /// Its log.
    #[must_use]
    pub fn epoch(&self) -> &Epoch {
        &self.shared.epoch
    }

    /// The state, as everybody sees it: everything in it is on disk.
    #[must_use]
    pub fn state(&self) -> Arc<Production> {
        self.shared.hub.state()
    }

    /// Whether it left memory or was replaced; a new handle must be asked for.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.shared.ended.is_cancelled()
    }

    /// Carries a command out and says what came of it once it is on disk.
    ///
    /// # Errors
    /// [`Error::Refused`] and the others; nothing was changed then, but for an engine that says that the outcome is
    /// unknown.
    ///
    /// # Cancellation
    /// The command may be carried out or not.
    pub async fn execute(
        &self,
        actor: Actor,
        mutation: Option<MutationId>,
        intent: Intent,
    ) -> Result<Receipt, Error> {
        let (sender, receiver) = oneshot::channel();
        self.submit(actor, mutation, intent, sent_to(sender))?;
        receiver.await.unwrap_or(Err(Error::Closing))
    }

    /// Hands a command over; `answer` is called once, when its commit is on disk and was sent to every lane. What it
    /// gives back is flushed when all of the batch were answered.
    ///
    /// # Errors
    /// [`Error::Busy`] and [`Error::Closing`]; `answer` is not called then.
    pub fn submit(
        &self,
        actor: Actor,
        mutation: Option<MutationId>,
        intent: Intent,
        answer: impl FnOnce(Result<Receipt, Error>) -> Posted + Send + 'static,
    ) -> Result<(), Error> {
        let command = Command { actor, mutation, intent, versions: Default::default() };
        let request = Request { command, answer: Box::new(answer) };
        self.shared.inbox.try_send(request).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Error::Busy { limit: INBOX },
            mpsc::error::TrySendError::Closed(_) => Error::Closing,
        })
    }

    /// Takes over figures of the stream (row T1): shown at once, sent at the ticker's rate, never logged.
    pub fn signal(&self, figures: &StreamFigures) {
        self.shared.signals.update(figures);
        self.shared.counts.signalled();
    }

    /// What is known beside the log.
    #[must_use]
    pub fn observed(&self) -> Observed {
        Observed {
            stream: self.shared.signals.latest(),
            clients: self.shared.watching(),
            lags: self.shared.lags(),
        }
    }

    /// Why nothing is taken, if so.
    #[must_use]
    pub fn read_only(&self) -> Option<String> {
        self.shared.read_only()
    }

    /// The production as it was.
    ///
    /// # Errors
    /// Those of [`Archive::state_at`].
    pub async fn state_at(&self, revision: Revision) -> Result<Production, Error> {
        self.shared.archive.state_at(&self.state(), revision).await
    }

    /// The versions of a document, newest first.
    ///
    /// # Errors
    /// The engine's.
    pub async fn history(
        &self,
        collection: &Collection,
        id: &DocumentId,
        limit: usize,
    ) -> Result<Vec<DocumentVersion>, Error> {
        self.shared.archive.history(&self.state(), collection, id, limit).await
    }

    /// The commits behind `after` as JSON, and the revision that is shown.
    ///
    /// # Errors
    /// Those of [`Archive::records`].
    pub async fn commits(&self, after: Revision, limit: Limit) -> Result<(Vec<Bytes>, Revision), Error> {
        let state = self.state();
        let records = self.shared.archive.records(&state, after, limit).await?;
        Ok((records.into_iter().map(|record| record.body).collect(), state.revision()))
    }

    /// Waits until a commit behind `after` is shown, at most `patience`, and not beyond the production's end.
    pub async fn wait_beyond(&self, after: Revision, patience: Duration) {
        tokio::select! {
            biased;
            () = self.shared.shown.beyond(after) => {}
            () = tokio::time::sleep(patience) => {}
            () = self.shared.ended.cancelled() => {}
        }
    }

    /// Takes a state and the place in a lane behind it.
    ///
    /// # Errors
    /// [`Error::Limit`].
    pub fn subscribe(&self, format: Format, filter: &Filter) -> Result<Subscription<Production>, Error> {
        if self.has_ended() {
            return Err(Error::Closing);
        }
        let too_many = |_| Error::Limit {
            what: "too many distinct sets of collections are subscribed to",
            limit: LANES_MAX,
        };
        self.shared.hub.subscribe(format, filter).map_err(too_many)
    }

    /// Where a subscriber that has `after` goes on from, given the state it is attached at.
    #[must_use]
    pub fn resume(&self, after: Option<&After>, state: &Production) -> Resume {
        let Some(after) = after else { return Resume::Snapshot };
        let other = |epoch: &Epoch| epoch != state.epoch() && !planted(Bug::EpochIgnored);
        let foreign = after.epoch.as_ref().is_some_and(other);
        let kept = after.revision >= state.oldest().previous() && after.revision <= state.revision();
        if foreign {
            self.shared.counts.foreign();
        }
        if foreign || !kept {
            self.fell_back();
            return Resume::Snapshot;
        }
        let missed = planted(Bug::ResumeOffByOne) && after.revision < state.revision();
        Resume::After(if missed { after.revision.next() } else { after.revision })
    }

    /// The next piece of the commits from `after` to the state subscribed at, in the lane's format, and how far it
    /// goes; `None` when nothing is missing.
    ///
    /// # Errors
    /// Those of [`Archive::records`]: the commits may have been forgotten meanwhile.
    pub async fn catch_up(
        &self,
        subscription: &Subscription<Production>,
        after: Revision,
        limit: Limit,
    ) -> Result<Option<(Bytes, Revision)>, Error> {
        let Subscription { state, lane, .. } = subscription;
        let records = self.shared.archive.records(state, after, limit).await?;
        let Some(last) = records.last().map(|record| record.revision) else { return Ok(None) };
        let mut out = Vec::new();
        for record in &records {
            let body = match lane.filter() {
                None => record.body.clone(),
                Some(wanted) => {
                    let commit: Commit = crate::archive::decode(state, record)?;
                    commit.only(|collection| wanted.contains(collection)).encode().into()
                }
            };
            self.shared.hub.envelope().commit(lane.format(), &mut out, &body, record.revision);
        }
        Ok(Some((out.into(), last)))
    }

    /// The snapshot to start from, in the lane's format; encoded once however many ask.
    #[must_use]
    pub fn snapshot(&self, subscription: &Subscription<Production>) -> Bytes {
        let Subscription { state, lane, .. } = subscription;
        lane.snapshot(state.revision(), || {
            let wanted =
                |collection: &Collection| lane.filter().as_ref().is_none_or(|set| set.contains(collection));
            let documents = state.cache_documents(wanted);
            let (production, epoch, revision) = (state.id(), state.epoch(), state.revision());
            let json =
                ServerMessage::Snapshot { production, epoch, revision, documents: &documents }.encode();
            lane.format().placed("snapshot", epoch.as_str(), revision, &json)
        })
    }

    /// Resolves when the production left memory or was replaced.
    pub async fn ended(&self) {
        self.shared.ended.cancelled().await;
    }

    /// Counts a subscriber that got a snapshot in place of commits.
    pub fn fell_back(&self) {
        self.shared.figures.fell_back();
        self.shared.counts.fell_back();
    }

    /// Counts a client that came with a digest that differs.
    pub fn diverged(&self) {
        self.shared.figures.diverged();
        self.shared.counts.diverged();
    }

    /// Counts a refusal that was made before a command was.
    pub fn refused(&self, problem: &Problem) {
        self.shared.figures.refused(problem.code);
    }
}
