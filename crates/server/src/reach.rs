//! How this server reaches services and backends: the adapters there are, made from its configuration.

use std::sync::Arc;

use onair_adapters::{
    Agents, Builtin, Http, Processes,
    backend::Connectors,
    outbound::{Outbound, Secrets},
    process::Host,
};
use onair_runtime::{
    Clock, Tasks,
    adapter::{Adapter, Adapters, Reports},
    backend::Backends,
};

use crate::{config::Config, serve::Error};

/// The adapters and connectors of one server.
pub(crate) struct Reach {
    agents: Agents,
    http: Arc<Http>,
    processes: Arc<Processes>,
    connectors: Arc<Connectors>,
}

impl Reach {
    /// Made from the configuration.
    ///
    /// # Errors
    /// [`Error::Processes`].
    pub(crate) fn new(
        config: &Config,
        clock: &Clock,
        reports: &Reports,
        tasks: &Tasks,
    ) -> Result<Self, Error> {
        let variable = |name: &str| std::env::var(name).ok();
        let outbound = Outbound::new(&config.outbound_allow, Secrets::new(variable));
        let host = Host::this_program(&variable).map_err(Error::Processes)?;
        let agents = Agents::new(clock.clone(), reports.clone(), config.agents_heartbeat, tasks);
        let (tasks, reports) = (tasks.clone(), reports.clone());
        let processes = Processes::new(config.processes.clone(), host, tasks, reports, clock.clone());
        Ok(Self {
            agents,
            http: Arc::new(Http::new(outbound.clone(), clock.clone())),
            processes: Arc::new(processes),
            connectors: Arc::new(Connectors::new(outbound, clock.clone())),
        })
    }

    /// The agents that are connected, for whoever has their sockets.
    pub(crate) fn agents(&self) -> Agents {
        self.agents.clone()
    }

    /// By the `type` of a manifest.
    pub(crate) fn adapters(&self) -> Adapters {
        let adapters: [(&str, Arc<dyn Adapter>); 4] = [
            ("agent", Arc::new(self.agents.clone())),
            ("builtin", Arc::new(Builtin)),
            ("http", self.http.clone()),
            ("process", self.processes.clone()),
        ];
        Adapters::new(adapters)
    }

    /// Whoever tells backends.
    pub(crate) fn backends(&self) -> Arc<dyn Backends> {
        self.connectors.clone()
    }
}
