//! Subscriptions of a session: where each begins, and how it begins again.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
};

use bytes::Bytes;
use onair_core::Production;
use onair_runtime::{
    Error, Handle, Resume,
    archive::READ,
    hub::{Filter, Format, Subscription},
};
use onair_wire::{
    After, Code, Collection, Digest, Position, Problem, ProductionId, Revision,
    sync::{ServerMessage, Subscribe},
};

use super::{SUBSCRIPTIONS_MAX, Session, answer};
use crate::{auth::Role, clients::Joined, socket::SubscriptionId};

/// Bytes of commits that a client is given to catch up with; one that lacks more is better served by a snapshot.
const RESUME_BYTES: usize = 4 * 1024 * 1024;
/// Collections one subscription may name.
const COLLECTIONS_MAX: usize = 256;

/// One subscription.
pub(super) struct Subscribed {
    id: SubscriptionId,
    handle: Handle,
    filter: Filter,
    /// On the list of the production's clients.
    _joined: Joined,
}

impl Subscribed {
    pub(super) fn id(&self) -> SubscriptionId {
        self.id
    }

    pub(super) fn production(&self) -> &ProductionId {
        self.handle.id()
    }
}

/// What a client says that it has.
#[derive(Default)]
struct Known {
    after: Option<After>,
    digest: Option<Digest>,
}

impl Known {
    /// Whether the client's cache differs from the server's state of the same revision. That is known when it has the
    /// newest; a client that is behind is compared when it has caught up, by the digests it is sent.
    fn went_astray(&self, handle: &Handle, subscription: &Subscription<Production>, resume: Resume) -> bool {
        let Subscription { state, lane, .. } = subscription;
        let (Some(digest), Resume::After(revision)) = (self.digest, resume) else { return false };
        let wanted =
            |collection: &Collection| lane.filter().as_ref().is_none_or(|set| set.contains(collection));
        if revision != state.revision() || state.digest(wanted) == digest {
            return false;
        }
        tracing::warn!(production = %handle.id(), %revision, "a client went astray, it gets a snapshot");
        true
    }
}

impl Session {
    pub(super) async fn subscribe(&mut self, subscribe: Subscribe) {
        let Subscribe { production, after, collections, digest } = subscribe;
        let known = Known { after, digest };
        if let Err(problem) = self.try_subscribe(&production, &known, collections).await {
            self.refuse(None, &problem.with("production", production.as_str()));
        }
    }

    async fn try_subscribe(
        &mut self,
        production: &ProductionId,
        known_state: &Known,
        collections: Option<Vec<Collection>>,
    ) -> Result<(), Problem> {
        self.entry.identity.may(Role::Viewer, Some(production))?;
        let known = self.subscribed.iter().position(|subscribed| subscribed.production() == production);
        if known.is_none() && self.subscribed.len() >= SUBSCRIPTIONS_MAX {
            let detail = format!("{SUBSCRIPTIONS_MAX} productions are subscribed to");
            return Err(Problem::new(Code::TooManyRequests, detail).with("limit", SUBSCRIPTIONS_MAX));
        }
        let filter = collections.map(BTreeSet::from_iter);
        if filter.as_ref().is_some_and(|filter| filter.len() > COLLECTIONS_MAX) {
            let detail = format!("more than {COLLECTIONS_MAX} collections");
            return Err(Problem::new(Code::TooLarge, detail).at("/collections", "too many"));
        }
        let filter: Filter = filter.map(Arc::new);
        let handle = self.app.productions.open(production).await.map_err(|error| error.problem())?;
        let id = match known {
            Some(index) => self.subscribed.swap_remove(index).id,
            None => {
                self.next_subscription += 1;
                SubscriptionId(self.next_subscription)
            }
        };
        if let Err(error) = self.attach(id, &handle, &filter, known_state).await {
            self.connection.unsubscribe(id);
            return Err(error.problem());
        }
        let joined = self.app.clients.join(production, Arc::clone(&self.entry) as _);
        self.subscribed.push(Subscribed { id, handle, filter, _joined: joined });
        Ok(())
    }

    /// Sends where the client begins, and keeps it in step from there.
    async fn attach(
        &mut self,
        id: SubscriptionId,
        handle: &Handle,
        filter: &Filter,
        known: &Known,
    ) -> Result<(), Error> {
        let subscription = handle.subscribe(Format::Socket, filter)?;
        let state = &subscription.state;
        let subscribed = ServerMessage::Subscribed {
            production: handle.id(),
            epoch: handle.epoch(),
            revision: state.revision(),
        };
        let mut opening = vec![answer::frame(&subscribed)];
        let mut resume = handle.resume(known.after.as_ref(), state);
        if known.went_astray(handle, &subscription, resume) {
            handle.diverged();
            self.entry.diverged.fetch_add(1, Ordering::Relaxed);
            resume = Resume::Snapshot;
        }
        match resume {
            Resume::Snapshot => opening.push(handle.snapshot(&subscription)),
            Resume::After(revision) => opening.extend(lacking(handle, &subscription, revision).await?),
        }
        self.connection.subscribe(id, &opening, &subscription.lane, subscription.cursor);
        Ok(())
    }

    /// A subscription fell out of what is kept: the client was too slow, or the production was replaced or removed.
    pub(super) async fn begin_again(&mut self, id: SubscriptionId) {
        let Some(index) = self.subscribed.iter().position(|subscribed| subscribed.id == id) else { return };
        let Subscribed { handle, filter, .. } = &self.subscribed[index];
        let (production, filter) = (handle.id().clone(), filter.clone());
        if !handle.has_ended() {
            handle.fell_back();
        }
        let again = match self.app.productions.open(&production).await {
            Ok(handle) => self.attach(id, &handle, &filter, &Known::default()).await.map(|()| handle),
            Err(error) => Err(error),
        };
        match again {
            Ok(handle) => self.subscribed[index].handle = handle,
            Err(error) => {
                self.subscribed.swap_remove(index);
                self.connection.unsubscribe(id);
                self.refuse(None, &error.problem().with("production", production.as_str()));
            }
        }
    }
}

/// The commits from `after` to the state subscribed at; a snapshot when they are too many, or gone.
async fn lacking(
    handle: &Handle,
    subscription: &Subscription<Production>,
    after: Revision,
) -> Result<Vec<Bytes>, Error> {
    let (mut pieces, mut after, mut bytes) = (Vec::new(), after, 0);
    while after < subscription.state.revision() {
        match handle.catch_up(subscription, after, READ).await {
            Ok(Some((piece, last))) if bytes + piece.len() <= RESUME_BYTES => {
                bytes += piece.len();
                pieces.push(piece);
                after = last;
            }
            Ok(_) => return Ok(vec![handle.snapshot(subscription)]),
            Err(error) => {
                let position = Position { epoch: handle.epoch().clone(), revision: after };
                tracing::warn!(production = %handle.id(), %position, %error, "a client could not resume, it gets a snapshot");
                return Ok(vec![handle.snapshot(subscription)]);
            }
        }
    }
    Ok(pieces)
}
