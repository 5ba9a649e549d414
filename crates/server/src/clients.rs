//! Who is connected: for `GET /clients`, for the sweeper of silent connections, for metrics.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use onair_wire::{ProductionId, Timestamp};
use serde::Serialize;

/// A connection as others see it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Client {
    /// Its session.
    pub id: String,
    /// `socket`, `stream` or `agent`.
    pub kind: &'static str,
    /// What it calls itself, shortened.
    pub name: Option<String>,
    /// Who it is, as commits name them.
    pub actor: String,
    /// Since when.
    pub since: Timestamp,
    /// When it last gave a sign of life, if it gives any.
    pub last_ping: Option<Timestamp>,
    /// Bytes that wait for it because its socket does not take them.
    pub lag: usize,
    /// The quality of its preview; none on these transports.
    pub quality: Option<String>,
    /// How often it said that its state differs from ours; it read everything anew then (row Y6).
    pub diverged: u64,
}

/// What looks at one connection.
pub trait Look: Send + Sync {
    /// How it is now.
    fn look(&self) -> Client;
}

/// All connections by production. Cheap to clone.
#[derive(Clone, Default)]
pub struct Clients {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    next: AtomicU64,
    /// Held to add, remove or copy the list of one production.
    by_production: Mutex<Table>,
}

type Table = BTreeMap<ProductionId, BTreeMap<u64, Arc<dyn Look>>>;

impl Clients {
    /// Lists a connection under a production until what is returned is dropped.
    pub fn join(&self, production: &ProductionId, client: Arc<dyn Look>) -> Joined {
        let key = self.inner.next.fetch_add(1, Ordering::Relaxed);
        self.lock().entry(production.clone()).or_default().insert(key, client);
        Joined { clients: self.clone(), production: production.clone(), key }
    }

    /// Those of a production, in the order they came.
    #[must_use]
    pub fn list(&self, production: &ProductionId) -> Vec<Client> {
        let clients: Vec<_> =
            self.lock().get(production).into_iter().flat_map(|c| c.values().cloned()).collect();
        clients.iter().map(|client| client.look()).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Table> {
        self.inner.by_production.lock().expect("nothing panics while it holds the list of clients")
    }
}

/// A place in the list.
#[must_use = "dropping it takes the client off the list"]
pub struct Joined {
    clients: Clients,
    production: ProductionId,
    key: u64,
}

impl Drop for Joined {
    fn drop(&mut self) {
        let mut all = self.clients.lock();
        if let Some(clients) = all.get_mut(&self.production) {
            clients.remove(&self.key);
            if clients.is_empty() {
                all.remove(&self.production);
            }
        }
    }
}
