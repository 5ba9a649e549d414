//! What others know of a session: the list of clients, the sweeper, the answers that are under way.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, Weak,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use onair_runtime::Clock;
use onair_wire::{Actor, Millis, Timestamp};
use tokio::sync::Notify;

use super::Close;
use crate::{
    App,
    auth::Identity,
    clients::{Client, Look},
    socket::Outlet,
};

/// One session, as seen from outside of it.
pub struct Entry {
    /// Its name.
    pub session: String,
    kind: &'static str,
    /// Who it is.
    pub identity: Identity,
    pub(super) actor: Actor,
    pub(super) pending: AtomicUsize,
    /// How often its digest differed.
    pub(super) diverged: AtomicU64,
    name: Option<String>,
    since: Timestamp,
    outlet: Weak<Outlet>,
    clock: Clock,
    close: OnceLock<Close>,
    closing: Notify,
}

impl Entry {
    /// `kind` is what the list of clients says it is: `socket` or `agent`.
    pub(crate) fn new(
        app: &App,
        kind: &'static str,
        identity: Identity,
        name: Option<String>,
        outlet: Weak<Outlet>,
    ) -> Arc<Self> {
        let clock = app.productions.clock().clone();
        Arc::new(Self {
            session: format!("s-{:016x}", (app.random)()),
            kind,
            actor: identity.actor(),
            identity,
            pending: AtomicUsize::new(0),
            diverged: AtomicU64::new(0),
            name,
            since: clock.now(),
            outlet,
            clock,
            close: OnceLock::new(),
            closing: Notify::new(),
        })
    }

    /// Ends the session; the first reason counts.
    pub fn close(&self, close: Close) {
        if self.close.set(close).is_ok() {
            self.closing.notify_one();
        }
    }

    pub(crate) async fn told_to_close(&self) -> Close {
        loop {
            if let Some(close) = self.close.get() {
                return *close;
            }
            self.closing.notified().await;
        }
    }

    /// The socket's write side, while the session lasts.
    #[must_use]
    pub fn outlet(&self) -> Option<Arc<Outlet>> {
        self.outlet.upgrade()
    }
}

impl Look for Entry {
    fn look(&self) -> Client {
        let outlet = self.outlet();
        let last_ping = outlet.as_ref().map(|outlet| {
            let silent = Millis(u64::try_from(outlet.last_seen().elapsed().as_millis()).unwrap_or(u64::MAX));
            let seen = self.clock.now().as_millis().saturating_sub_unsigned(silent.0);
            Timestamp::from_millis(seen).max(self.since)
        });
        Client {
            id: self.session.clone(),
            kind: self.kind,
            name: self.name.clone(),
            actor: self.actor.to_string(),
            since: self.since,
            last_ping,
            lag: outlet.map_or(0, |outlet| outlet.owed()),
            quality: None,
            diverged: self.diverged.load(Ordering::Relaxed),
        }
    }
}

/// All sessions. Cheap to clone.
#[derive(Clone, Default)]
pub struct Sessions(Arc<Inner>);

#[derive(Default)]
struct Inner {
    next: AtomicU64,
    /// Held to add, remove or copy the list.
    all: Mutex<BTreeMap<u64, Arc<Entry>>>,
}

impl Sessions {
    pub(crate) fn list(&self, entry: Arc<Entry>) -> Listed {
        let key = self.0.next.fetch_add(1, Ordering::Relaxed);
        self.lock().insert(key, entry);
        Listed { sessions: self.clone(), key }
    }

    /// Every session there is now.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Entry>> {
        self.lock().values().cloned().collect()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Entry>>> {
        self.0.all.lock().expect("nothing panics while it holds the list of sessions")
    }
}

/// A place in the list.
pub(crate) struct Listed {
    sessions: Sessions,
    key: u64,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.sessions.lock().remove(&self.key);
    }
}
