//! The world outside the server: what is really on, what was asked of whom, and what no server may ask.
//!
//! Pure bookkeeping. Turning something on is not idempotent here: whether it was done under a key is all that keeps a
//! service from doing it again, and a service that crashes forgets even that. What is asked is judged as it comes:
//! - what is on is not started under another key, unless it was stopped or crashed in between;
//! - a start of which nobody was told what came of it is asked again under its key, or stopped, and nothing else;
//! - a key is of one step.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::plan::Fault;

/// Services that are given calls which we see.
pub(super) const CALLED: [&str; 3] = ["feed", "host", "producer"];
/// The service that is a process of the server.
pub(super) const ENCODER: &str = "encoder";

/// A call as it reaches a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// `initialize`, `start` or `stop`.
    pub(super) action: String,
    pub(super) key: String,
    pub(super) attempt: u64,
}

/// A call, and what became of it.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) round: u32,
    pub(super) service: &'static str,
    pub(super) asked: Asked,
    /// Which connection of the service it came by.
    connection: u64,
    /// Which life of the service met it.
    life: u32,
    /// Milliseconds since all began.
    at: u64,
    fault: Fault,
    /// `under way`, `done`, `known`, `not done` or `forgotten`, then what was said.
    became: String,
}

#[derive(Debug, Default)]
struct Service {
    /// The key under which it was turned on.
    on: Option<String>,
    /// Counted up by each crash.
    life: u32,
    /// What this life has done, by key.
    done: BTreeSet<String>,
    /// Whether this life was made ready, or begun with a start.
    prepared: bool,
    /// The start that was asked for and not answered.
    open: Option<String>,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) round: u32,
    services: BTreeMap<&'static str, Service>,
    /// Processes of the encoder that run.
    pub(super) encoders: usize,
    /// Calls, and encoders that were started: what rounds are counted in.
    pub(super) count: u64,
    pub(super) calls: Vec<Call>,
    /// Calls under way, and crashes to come.
    under_way: usize,
    /// Of each key the service and the action.
    keys: BTreeMap<String, (&'static str, String)>,
    /// Everything that was done in any life, by key.
    ever: BTreeSet<String>,
    /// What no server may do, and this one did.
    pub(super) wrongs: Vec<String>,
    /// Calls under a key that was asked before.
    pub(super) again: u64,
    /// Of these, those that would have done twice what was done.
    pub(super) saved: u64,
}

impl World {
    /// A call has come; says which it is.
    pub(super) fn asked(&mut self, service: &'static str, connection: u64, at: u64, asked: Asked) -> usize {
        let of = (service, asked.action.clone());
        match self.keys.get(&asked.key) {
            Some(known) if *known != of => {
                self.wrongs.push(format!("{} is of {known:?} and of {of:?}", asked.key));
            }
            Some(_) => self.again += 1,
            None => {
                self.keys.insert(asked.key.clone(), of);
            }
        }
        let known = self.services.entry(service).or_default();
        if asked.action == "start" {
            if let Some(on) = known.on.as_ref().filter(|on| **on != asked.key) {
                self.wrongs
                    .push(format!("{service} is on by {on} and was started once more by {}", asked.key));
            }
            if let Some(open) = known.open.replace(asked.key.clone()).filter(|open| *open != asked.key) {
                self.wrongs.push(format!(
                    "nobody was told what came of {open}, and {service} was started by {}",
                    asked.key
                ));
            }
        }
        let life = known.life;
        let (fault, became) = (Fault::None, "under way".to_owned());
        self.calls.push(Call { round: self.round, service, asked, connection, life, at, fault, became });
        self.under_way += 1;
        self.count += 1;
        self.calls.len() - 1
    }

    /// The call is carried out, unless it was before.
    pub(super) fn carry_out(&mut self, call: usize) {
        let Call { service, asked, became, .. } = &mut self.calls[call];
        let known = self.services.entry(service).or_default();
        if !known.done.insert(asked.key.clone()) {
            self.saved += 1;
            "known".clone_into(became);
            return;
        }
        "done".clone_into(became);
        self.ever.insert(asked.key.clone());
        match asked.action.as_str() {
            "start" => (known.on, known.prepared) = (Some(asked.key.clone()), true),
            "stop" => (known.on, known.open) = (None, None),
            _ => known.prepared = true,
        }
    }

    /// The call is over; `said` is what the server was told, if it was told anything.
    pub(super) fn over(&mut self, call: usize, fault: Fault, said: Option<&str>) {
        let Call { service, asked, became, fault: met, .. } = &mut self.calls[call];
        *met = fault;
        if became == "under way" {
            "not done".clone_into(became);
        }
        became.push_str(said.map_or(", told nothing", |said| said));
        let known = self.services.entry(service).or_default();
        if said.is_some() && known.open.as_ref() == Some(&asked.key) {
            known.open = None;
        }
        self.under_way -= 1;
    }

    /// The service crashes, and comes back off and without a memory.
    pub(super) fn crash(&mut self, service: &'static str) {
        let known = self.services.entry(service).or_default();
        let (life, open) = (known.life + 1, known.open.take());
        *known = Service { life, open, ..Service::default() };
    }

    /// A process of the encoder is there; whether it will crash.
    pub(super) fn appears(&mut self, crashes: bool) {
        self.encoders += 1;
        self.under_way += usize::from(crashes);
    }

    /// It is there no longer.
    pub(super) fn disappears(&mut self, crashes: bool) {
        self.encoders -= 1;
        self.under_way -= usize::from(crashes);
    }

    /// What the service calls itself in this life.
    pub(super) fn instance(&self, service: &str) -> String {
        format!("{service}-{}", self.services.get(service).map_or(0, |known| known.life))
    }

    pub(super) fn is_on(&self, service: &str) -> bool {
        match service {
            ENCODER => self.encoders > 0,
            _ => self.services.get(service).is_some_and(|known| known.on.is_some()),
        }
    }

    /// Whether this life was made ready, or thrown into a start.
    pub(super) fn is_prepared(&self, service: &str) -> bool {
        self.services.get(service).is_some_and(|known| known.prepared)
    }

    /// Whether it was ever done.
    pub(super) fn was_done(&self, key: &str) -> bool {
        self.ever.contains(key)
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.under_way == 0
    }

    /// What is on, for people.
    pub(super) fn says(&self) -> String {
        let on: Vec<String> = self
            .services
            .iter()
            .filter_map(|(name, known)| Some(format!("{name} by {}", known.on.as_ref()?)))
            .collect();
        let on = if on.is_empty() { "no service".to_owned() } else { on.join(", ") };
        format!("on: {on}, and {} encoders", self.encoders)
    }
}

impl Call {
    /// As a line of the record that is kept.
    pub(super) fn to_value(&self) -> Value {
        let Asked { action, key, attempt } = &self.asked;
        json!({
            "round": self.round, "at": self.at, "service": self.service, "instance": self.life,
            "connection": self.connection, "action": action, "key": key, "attempt": attempt,
            "fault": format!("{:?}", self.fault), "became": self.became,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(action: &str, key: &str) -> Asked {
        Asked { action: action.into(), key: key.into(), attempt: 1 }
    }

    /// Plays calls; `+` does and answers, `!` does and says nothing, `-` answers without doing, `.` neither, `x` crashes.
    fn play(script: &[(&str, &str, char)]) -> World {
        let mut world = World::default();
        for (action, key, how) in script {
            if *how == 'x' {
                world.crash("host");
                continue;
            }
            let call = world.asked("host", 1, 0, asked(action, key));
            if "+!".contains(*how) {
                world.carry_out(call);
            }
            world.over(call, Fault::None, "+-".contains(*how).then_some(", told"));
        }
        world
    }

    #[test]
    fn what_a_server_may_ask_and_what_not() {
        let table: [(&str, &[(&str, &str, char)], bool); 9] = [
            ("on and off", &[("start", "a", '+'), ("stop", "b", '+'), ("start", "c", '+')], true),
            ("asked again under its key", &[("start", "a", '!'), ("start", "a", '+')], true),
            ("on twice", &[("start", "a", '+'), ("start", "b", '+')], false),
            ("nobody knew, a new key", &[("start", "a", '.'), ("start", "b", '+')], false),
            ("nobody knew, stopped", &[("start", "a", '.'), ("stop", "b", '+'), ("start", "c", '+')], true),
            (
                "nobody knew, not stopped",
                &[("start", "a", '.'), ("stop", "b", '-'), ("start", "c", '+')],
                false,
            ),
            ("it could not", &[("start", "a", '-'), ("start", "b", '+')], true),
            ("it crashed while on", &[("start", "a", '+'), ("", "", 'x'), ("start", "b", '+')], true),
            ("a key of two steps", &[("start", "a", '+'), ("stop", "a", '+')], false),
        ];
        for (name, script, allowed) in table {
            let world = play(script);
            assert_eq!(world.wrongs.is_empty(), allowed, "{name}: {:?}", world.wrongs);
        }
    }

    #[test]
    fn a_deed_is_done_once_for_a_key_and_a_crash_forgets_it() {
        let mut world = play(&[("start", "a", '!'), ("start", "a", '+')]);
        assert_eq!((world.again, world.saved, world.is_on("host")), (1, 1, true));
        world.crash("host");
        assert_eq!((world.is_on("host"), world.instance("host").as_str()), (false, "host-1"));
        assert!(world.was_done("a") && !world.is_prepared("host") && world.is_quiet());
    }
}
