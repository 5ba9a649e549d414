//! What the server knows around a production and the runtime does not: who is connected and lags, agents, addresses.

use std::sync::{OnceLock, Weak};

use onair_core::{
    Production,
    rules::{Lagging, Observation},
};
use onair_runtime::lookout;
use onair_wire::Millis;

use crate::{App, app::Parts, config::Config};

/// What is around the productions of one server.
pub(crate) struct Surroundings {
    config: Config,
    /// Set once, as soon as there is one; weak, for what it is made of knows this.
    app: OnceLock<Weak<Parts>>,
}

impl Surroundings {
    pub(crate) fn new(config: &Config) -> Self {
        Self { config: config.clone(), app: OnceLock::new() }
    }

    /// From here on there is something to see.
    pub(crate) fn see(&self, app: &App) {
        let _ = self.app.set(app.downgrade());
    }
}

impl lookout::Surroundings for Surroundings {
    fn observe(&self, production: &Production, observation: &mut Observation) {
        let Some(app) = self.app.get().and_then(Weak::upgrade) else { return };
        let clients = app.clients.list(production.id()).into_iter().filter(|client| client.lag > 0);
        observation.lagging =
            clients.map(|client| Lagging { client: client.id, bytes: client.lag as u64 }).collect();
        for (name, service) in production.services() {
            if service.adapter == "agent" {
                let connected = app.agents.connected(production.id(), &name);
                observation.agents.insert(name, connected);
            }
        }
        let heartbeat = u64::try_from(app.agents.heartbeat().as_millis()).unwrap_or(u64::MAX);
        observation.heartbeat = Some(Millis(heartbeat));
        if self.config.check_exposure(app.access.has_tokens()).is_err() {
            observation.exposed.push(self.config.listen.to_string());
        }
    }
}
