//! `agent`: a program or a browser tab that connects to onair and carries out tasks (rows S2, S3).
//!
//! This is the registry of those that are connected, and knows no sockets: whoever has one [registers](Agents::register)
//! and is given a [`Seat`], which takes what the agent says, and [`Order`]s, which are what it is to be told.
//!
//! How it decides:
//! - The first agent of a service is *active* and is given its tasks. Others stand by, in the order in which they came.
//! - The active one stays so as long as it is connected and well. When it leaves, or says that it is not well while
//!   another is, the first that is well takes over at once; when none is well, the first of all.
//! - An agent that was passed over and is still connected stands by, in its old place in the order.
//! - An agent that comes back under its own `instance` before its old connection was found dead takes the place of
//!   that connection, and its activity: the old connection is told and closed.
//! - A task that the active agent had not answered goes on to the next under the same key. One that was passed over is
//!   told that it need not answer, and its answer is not taken.
//! - Without an agent a task waits for one until its deadline.

mod calling;
mod connected;
mod news;
mod seat;
mod service;
mod table;

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use onair_core::service::Seen;
use onair_runtime::{
    Clock, Tasks,
    adapter::{Adapter, BoxFuture, Call, CallError, Misfit, Reports},
};
use onair_wire::{Code, Instance, Millis, Problem, ProductionId, agent::Task};
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::shape::nothing_but_type;
use connected::Connected;
use news::News;
pub use seat::Seat;
use table::{Place, Table};

/// Agents of one service: one is active, and a few are enough to stand by.
pub const AGENTS_MAX: usize = 16;
/// Tasks of one service that are under way or wait for an agent: a show asks for a handful at a time.
pub const TASKS_MAX: usize = 64;
/// Orders that wait to be written to one agent; one that takes none for so long is given up.
pub const ORDERS_MAX: usize = 256;
/// Ended tasks of one agent of which it is known how they ended.
pub const ENDED_MAX: usize = 256;
/// The shortest heartbeat: below it the pings are most of what is said.
pub const HEARTBEAT_MIN: Millis = Millis(100);

/// Who registers.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Of which production.
    pub production: ProductionId,
    /// For which service.
    pub service: Arc<str>,
    /// The name of its connection, which no other has or had.
    pub session: Arc<str>,
    /// What it calls itself; without it the session's name stands for it.
    pub instance: Option<Instance>,
}

/// What an agent is to be told, in order. When there are no more it is registered no longer: it was too slow.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// To carry out a task.
    Task(Task),
    /// That nobody waits for its answer to this task any more.
    Cancel(String),
    /// That it is given the tasks from here on.
    Active,
    /// That another is given the tasks from here on.
    Standby,
    /// That it has come back over another connection; this one is over.
    Replaced,
}

/// What an agent has once it is registered.
#[derive(Debug)]
pub struct Arrival {
    /// Where it says what it has to say; it is registered as long as it keeps this.
    pub seat: Seat,
    /// Whether it is active; later changes are orders.
    pub active: bool,
    /// What it is to be told.
    pub orders: mpsc::Receiver<Order>,
}

/// All agents that are connected. Cheap to clone.
#[derive(Clone)]
pub struct Agents(Arc<Inner>);

struct Inner {
    clock: Clock,
    heartbeat: Duration,
    news: News,
    /// Held for one change and for putting what it brings into the line of news, so that news is in order.
    table: Mutex<Table>,
}

impl Agents {
    /// No agent yet. `heartbeat` is how often each is asked for a sign of life, [`HEARTBEAT_MIN`] at least; `reports`
    /// are told who appears, changes and goes, by one of `tasks`.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn new(clock: Clock, reports: Reports, heartbeat: Millis, tasks: &Tasks) -> Self {
        let heartbeat = heartbeat.max(HEARTBEAT_MIN).into();
        let news = News::begin(reports, tasks);
        Self(Arc::new(Inner { clock, heartbeat, news, table: Mutex::default() }))
    }

    /// How many agents of a service are connected, the active one and those that stand by.
    #[must_use]
    pub fn connected(&self, production: &ProductionId, service: &str) -> usize {
        let place = (production.clone(), service.into());
        self.with(|table| table.connected(&place))
    }

    /// How often an agent is asked for a sign of life.
    #[must_use]
    pub fn heartbeat(&self) -> Duration {
        self.0.heartbeat
    }

    /// For how long an agent may be silent: two heartbeats and a half, so that one lost answer is forgiven.
    #[must_use]
    pub fn silence(&self) -> Duration {
        self.0.heartbeat * 5 / 2
    }

    /// Registers an agent. Whether the service exists, and who may register for it, is the caller's to know.
    ///
    /// # Errors
    /// `too-many-requests` beyond [`AGENTS_MAX`].
    ///
    /// # Cancellation
    /// Nothing has happened when the future is dropped. It waits while [`news::NEWS_MAX`] reports are not taken.
    pub async fn register(&self, registration: Registration) -> Result<Arrival, Problem> {
        let Registration { production, service, session, instance } = registration;
        let place = (production, service);
        let room = self.0.news.room().await;
        let (to_agent, orders) = mpsc::channel(ORDERS_MAX);
        let agent = Connected::new(Arc::clone(&session), instance, to_agent);
        let arrived = self.change(&place, room, |service| service.arrive(agent));
        let Some(active) = arrived else {
            let detail = format!("{AGENTS_MAX} agents are registered for this service");
            return Err(Problem::new(Code::TooManyRequests, detail).with("limit", AGENTS_MAX));
        };
        Ok(Arrival { seat: Seat::new(self.clone(), place, session), active, orders })
    }

    /// Changes one service, and tells what came of it.
    fn change<T>(
        &self,
        place: &Place,
        room: Option<OwnedSemaphorePermit>,
        change: impl FnOnce(&mut service::Service) -> T,
    ) -> T {
        self.with(|table| {
            let (result, report) = table.change(place, change);
            if let Some(report) = report {
                self.0.news.tell(report, room);
            }
            result
        })
    }

    fn with<T>(&self, see: impl FnOnce(&mut Table) -> T) -> T {
        see(&mut self.0.table.lock().expect("nothing panics while it holds the agents"))
    }
}

impl Adapter for Agents {
    fn check(&self, adapter: &Value) -> Result<(), Misfit> {
        nothing_but_type(adapter, "an agent")
    }

    fn call(&self, call: Call) -> BoxFuture<'static, Result<Value, CallError>> {
        Box::pin(calling::carry_out(self.clone(), call))
    }

    fn seen(&self, production: &ProductionId, service: &str, _: bool) -> Option<Seen> {
        let place = (production.clone(), service.into());
        Some(self.with(|table| table.seen(&place)))
    }

    fn polled(&self) -> bool {
        false
    }
}

impl fmt::Debug for Agents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agents").field("heartbeat", &self.0.heartbeat).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
