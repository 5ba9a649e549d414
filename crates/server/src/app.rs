//! What every handler and session has at hand.

use std::{
    ops::Deref,
    sync::{Arc, Weak},
};

use onair_adapters::Agents;
use onair_runtime::{Productions, Tasks};
use onair_wire::ProductionId;

use crate::{auth::Access, clients::Clients, session::Sessions};

/// The server's state. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What it is made of.
pub struct Parts {
    /// All productions.
    pub productions: Productions,
    /// Who is known.
    pub access: Access,
    /// Who is connected.
    pub clients: Clients,
    /// Sessions of sockets, for the sweeper.
    pub sessions: Sessions,
    /// Agents of services.
    pub agents: Agents,
    /// Tasks of connections; cancelled first when the server ends.
    pub tasks: Tasks,
    /// The production that `/stream` acts on.
    pub default_production: ProductionId,
    /// Chance, for sessions, tokens and tickets.
    pub random: fn() -> u64,
}

impl App {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// For what the parts know themselves.
    pub(crate) fn downgrade(&self) -> Weak<Parts> {
        Arc::downgrade(&self.0)
    }
}

impl Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}
