//! One service: its agents in the order in which they came, which of them is active, and what is asked of it.
//!
//! Every change ends in [`Service::settle`], which makes true what the module above says: who is active, who knows,
//! and where each task is.

use std::{collections::BTreeMap, mem, sync::Arc};

use onair_core::service::Seen;
use onair_runtime::adapter::{Call, CallError};
use onair_wire::{Code, Problem};
use serde_json::Value;
use tokio::sync::oneshot;

use super::{
    AGENTS_MAX, Order, TASKS_MAX,
    connected::{Connected, Ending},
};

/// What came of a call.
pub(super) type Answer = Result<Value, CallError>;

/// Why there is none, when nobody left.
pub(super) const NOBODY: &str = "no agent is registered";

/// A task, from the call to its end.
#[derive(Debug)]
struct Asked {
    call: Call,
    answer: oneshot::Sender<Answer>,
    /// The session it was given to, and its number there; nothing while it waits.
    at: Option<(Arc<str>, u64)>,
    /// Some agent was given it, so that it may have been done.
    given: bool,
}

#[derive(Debug, Default)]
pub(super) struct Service {
    agents: Vec<Connected>,
    /// The session of the active agent.
    active: Option<Arc<str>>,
    /// By the order in which they were asked.
    asked: BTreeMap<u64, Asked>,
    /// What was last reported while somebody was there.
    told: Option<Seen>,
    /// Why the last one left.
    left: Option<&'static str>,
    /// Sessions that are over since it was last asked.
    over: Vec<Arc<str>>,
}

impl Service {
    /// How many agents there are.
    pub(super) fn connected(&self) -> usize {
        self.agents.len()
    }

    /// Takes an agent in, in the place of the connection that it had before; says whether it is active, or nothing when
    /// there are too many.
    pub(super) fn arrive(&mut self, agent: Connected) -> Option<bool> {
        let session = Arc::clone(&agent.session);
        let same = |known: &&mut Connected| agent.instance.is_some() && known.instance == agent.instance;
        if let Some(before) = self.agents.iter_mut().find(same) {
            before.order(Order::Replaced);
            if self.active.as_ref() == Some(&before.session) {
                self.active = Some(Arc::clone(&session));
            }
            self.over.push(mem::replace(before, agent).session);
        } else if self.agents.len() < AGENTS_MAX {
            self.agents.push(agent);
        } else {
            return None;
        }
        // It is told by the answer to its registration, not by an order.
        let active = self.elect().is_some_and(|elected| elected.session == session);
        self.find(&session)?.active = active;
        Some(active)
    }

    pub(super) fn leave(&mut self, session: &str, why: &'static str) {
        self.take_out(why, |agent| *agent.session == *session);
    }

    /// What an agent says of itself.
    pub(super) fn heard(&mut self, session: &str, healthy: bool, details: Option<Value>) {
        if let Some(agent) = self.find(session) {
            (agent.healthy, agent.details) = (healthy, details);
        }
    }

    /// Takes a task in, unless there are too many.
    pub(super) fn ask(&mut self, number: u64, call: Call, answer: oneshot::Sender<Answer>) -> bool {
        if self.asked.len() >= TASKS_MAX {
            return false;
        }
        self.asked.insert(number, Asked { call, answer, at: None, given: false });
        true
    }

    /// Takes a task out that no agent was given; says whether it is one.
    pub(super) fn give_up(&mut self, number: u64) -> bool {
        let waits = self.asked.get(&number).is_some_and(|asked| !asked.given);
        waits && self.asked.remove(&number).is_some()
    }

    /// Nobody waits for a task any more. Says whether an agent was given it; nothing when it has ended before.
    pub(super) fn abandon(&mut self, number: u64, ending: Ending) -> Option<bool> {
        let Asked { at, given, .. } = self.asked.remove(&number)?;
        if let Some((session, number)) = at
            && let Some(agent) = self.find(&session)
        {
            agent.cancel(number, ending);
        }
        Some(given)
    }

    /// What an agent answers to a task with this number of its own.
    pub(super) fn answered(&mut self, session: &str, number: u64, answer: Answer) -> Result<(), Problem> {
        let is_at = |asked: &Asked| asked.at.as_ref().is_some_and(|at| *at.0 == *session && at.1 == number);
        let asked = self.asked.iter().find(|(_, asked)| is_at(asked)).map(|(key, _)| *key);
        let asked = asked.and_then(|key| self.asked.remove(&key));
        let Some(agent) = self.find(session) else {
            return Err(Problem::new(Code::Gone, "this connection is registered no longer"));
        };
        let Some(asked) = asked else { return Err(not_waited_for(agent, number)) };
        if asked.answer.send(answer).is_err() {
            agent.end(number, Ending::Abandoned);
            return Err(not_waited_for(agent, number));
        }
        agent.end(number, Ending::Answered);
        Ok(())
    }

    /// Makes everything fit: who is active, who knows, and where each task is. Agents that take no more orders leave.
    pub(super) fn settle(&mut self) {
        loop {
            self.active = self.elect().map(|agent| Arc::clone(&agent.session));
            self.take_back();
            for agent in &mut self.agents {
                agent.tell(self.active.as_ref() == Some(&agent.session));
            }
            self.give();
            if !self.take_out("the agent did not take what it was told", |agent| agent.lost) {
                return;
            }
        }
    }

    /// What is new since the last time.
    pub(super) fn news(&mut self) -> Option<Seen> {
        let here = self.active().map(Connected::seen);
        if here == self.told {
            return None;
        }
        self.told = here;
        Some(self.seen())
    }

    pub(super) fn seen(&self) -> Seen {
        let away = || Seen::Away { reason: self.left.unwrap_or(NOBODY).into() };
        self.active().map_or_else(away, Connected::seen)
    }

    /// Whether there is nothing to be kept.
    pub(super) fn is_empty(&self) -> bool {
        self.agents.is_empty() && self.asked.is_empty()
    }

    /// Sessions that are over since this was last asked.
    pub(super) fn over(&mut self) -> Vec<Arc<str>> {
        mem::take(&mut self.over)
    }

    /// The connected agent of a session.
    pub(super) fn agent(&self, session: &str) -> Option<&Connected> {
        self.agents.iter().find(|agent| *agent.session == *session)
    }

    /// Takes agents out; says whether there were any.
    fn take_out(&mut self, why: &'static str, leaves: impl Fn(&Connected) -> bool) -> bool {
        let leaving = self.agents.extract_if(.., |agent| leaves(agent));
        let before = self.over.len();
        self.over.extend(leaving.map(|agent| agent.session));
        let any = self.over.len() > before;
        if any {
            self.left = Some(why);
        }
        any
    }

    /// Who is to be active.
    fn elect(&self) -> Option<&Connected> {
        match self.active() {
            Some(active) if active.healthy => Some(active),
            active => self.agents.iter().find(|agent| agent.healthy).or(active).or(self.agents.first()),
        }
    }

    /// Tasks that are with another than the active agent wait again.
    fn take_back(&mut self) {
        let Self { agents, active, asked, .. } = self;
        for asked in asked.values_mut() {
            let Some((session, number)) = asked.at.take_if(|at| Some(&at.0) != active.as_ref()) else {
                continue;
            };
            if let Some(agent) = agents.iter_mut().find(|agent| agent.session == session) {
                agent.cancel(number, Ending::Moved);
            }
        }
    }

    /// Gives the active agent what waits.
    fn give(&mut self) {
        let Self { agents, active, asked, .. } = self;
        let Some(agent) = agents.iter_mut().find(|agent| Some(&agent.session) == active.as_ref()) else {
            return;
        };
        for asked in asked.values_mut().filter(|asked| asked.at.is_none()) {
            let number = agent.give(&asked.call);
            if agent.lost {
                return;
            }
            asked.at = Some((Arc::clone(&agent.session), number));
            asked.given = true;
        }
    }

    fn active(&self) -> Option<&Connected> {
        self.active.as_ref().and_then(|session| self.agent(session))
    }

    fn find(&mut self, session: &str) -> Option<&mut Connected> {
        self.agents.iter_mut().find(|agent| *agent.session == *session)
    }
}

/// The refusal of an answer that comes too late, or to nothing.
fn not_waited_for(agent: &Connected, number: u64) -> Problem {
    let id = format!("task {}.{number}", agent.session);
    if number > agent.given {
        return Problem::new(Code::NotFound, format!("{id} was never given"));
    }
    let how = agent.ending(number).map_or("ended long ago", Ending::as_str);
    Problem::new(Code::Gone, format!("{id} {how}"))
}
