//! What the rules look at: a production and what was observed around it, its typed documents read once for all rules.

use onair_wire::Timestamp;
use serde::Deserialize;

use super::Observation;
use crate::{
    lifecycle::{Lifecycle, Transition},
    production::{Production, server},
    service::Service,
    settings::Settings,
};

/// How many transitions are looked at, the newest: as many as a snapshot shows. The check behind each move saw the others.
const TRANSITIONS_LOOKED: usize = 50;

/// What the rules look at.
pub struct Scene<'a> {
    pub(super) production: &'a Production,
    pub(super) observation: &'a Observation,
    /// What time it is for the production.
    pub(super) now: Timestamp,
    pub(super) lifecycle: Lifecycle,
    pub(super) settings: Settings,
    pub(super) services: Vec<(String, Service)>,
    /// The newest first; what does not read is left out.
    pub(super) transitions: Vec<Transition>,
}

impl<'a> Scene<'a> {
    /// Reads what all rules need.
    #[must_use]
    pub fn new(production: &'a Production, observation: &'a Observation) -> Self {
        let transitions = production.collection(server::TRANSITIONS).into_iter();
        let newest = transitions.flat_map(crate::Documents::by_age).rev().take(TRANSITIONS_LOOKED);
        Self {
            production,
            observation,
            now: observation.at(production),
            lifecycle: production.lifecycle(),
            settings: production.settings(),
            services: production.services(),
            transitions: newest
                .filter_map(|(_, document)| Transition::deserialize(&**document.value()).ok())
                .collect(),
        }
    }
}
