//! All services that have agents or wait for one, and the names of connections that are no more.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use onair_core::service::Seen;
use onair_runtime::adapter::Report;
use onair_wire::{Code, Problem, ProductionId};

use super::{
    connected,
    service::{NOBODY, Service},
};

/// Connections that are over and whose tasks are still known to have been given: an agent that was cut off while it
/// worked comes back within a few others.
const OVER_MAX: usize = 256;

/// A service of a production.
pub(super) type Place = (ProductionId, Arc<str>);

#[derive(Debug, Default)]
pub(super) struct Table {
    services: BTreeMap<Place, Service>,
    /// Sessions that are over, the oldest first.
    over: VecDeque<Arc<str>>,
    asked: u64,
}

impl Table {
    /// Changes a service, and settles what follows from it: the result, and what there is to report.
    pub(super) fn change<T>(
        &mut self,
        place: &Place,
        change: impl FnOnce(&mut Service) -> T,
    ) -> (T, Option<Report>) {
        let service = self.services.entry(place.clone()).or_default();
        let result = change(service);
        service.settle();
        for session in service.over() {
            if self.over.len() >= OVER_MAX {
                self.over.pop_front();
            }
            self.over.push_back(session);
        }
        let (production, name) = place.clone();
        let report = service.news().map(|seen| Report { production, service: name, adapter: "agent", seen });
        if service.is_empty() {
            self.services.remove(place);
        }
        (result, report)
    }

    pub(super) fn seen(&self, place: &Place) -> Seen {
        let none = || Seen::Away { reason: NOBODY.into() };
        self.services.get(place).map_or_else(none, Service::seen)
    }

    /// How many agents a service has.
    pub(super) fn connected(&self, place: &Place) -> usize {
        self.services.get(place).map_or(0, Service::connected)
    }

    /// A number for one more task.
    pub(super) fn next(&mut self) -> u64 {
        self.asked += 1;
        self.asked
    }

    /// The number that a task has with the agent of a session, if it may be one that this agent was given.
    pub(super) fn number(&self, session: &str, id: &str) -> Result<u64, Problem> {
        let unknown = || Problem::new(Code::NotFound, format!("there is no task {:?}", short(id)));
        let (given_to, number) = connected::parts(id).ok_or_else(unknown)?;
        if given_to == session {
            return Ok(number);
        }
        if self.over.iter().any(|over| **over == *given_to) {
            let detail = "was given to a connection that is over; what is still wanted is given anew";
            return Err(Problem::new(Code::Gone, format!("task {id} {detail}")));
        }
        match self.services.values().find_map(|service| service.agent(given_to)) {
            Some(other) if number <= other.given => {
                Err(Problem::new(Code::Forbidden, format!("task {id} was given to another agent")))
            }
            _ => Err(unknown()),
        }
    }
}

/// As much of a text from outside as is worth repeating.
fn short(text: &str) -> String {
    text.chars().take(64).collect()
}
