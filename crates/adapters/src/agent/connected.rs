//! One agent as its service sees it: what it said of itself, the tasks it was given, and how those ended.

use std::{collections::VecDeque, sync::Arc};

use onair_core::service::Seen;
use onair_runtime::adapter::Call;
use onair_wire::{Instance, agent::Task};
use serde_json::Value;
use tokio::sync::mpsc;

use super::{ENDED_MAX, Order};

/// How a task ended for the agent that was given it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It answered.
    Answered,
    /// The deadline passed.
    Late,
    /// Whoever asked went away.
    Abandoned,
    /// Another agent was given it.
    Moved,
}

impl Ending {
    /// As a sentence about the task.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "was answered before",
            Self::Late => "is past its deadline, nobody waits for it any more",
            Self::Abandoned => "was cancelled, nobody waits for it any more",
            Self::Moved => "was cancelled, another agent has taken over",
        }
    }
}

#[derive(Debug)]
pub(super) struct Connected {
    pub(super) session: Arc<str>,
    pub(super) instance: Option<Instance>,
    pub(super) healthy: bool,
    pub(super) details: Option<Value>,
    /// Whether it was told that it is active.
    pub(super) active: bool,
    /// It takes no more orders.
    pub(super) lost: bool,
    /// Tasks it was given so far, which is the number of the last.
    pub(super) given: u64,
    /// How the last of those that ended did, the oldest first.
    ended: VecDeque<(u64, Ending)>,
    orders: mpsc::Sender<Order>,
}

impl Connected {
    /// An agent that says nothing else is well.
    pub(super) fn new(session: Arc<str>, instance: Option<Instance>, orders: mpsc::Sender<Order>) -> Self {
        Self {
            session,
            instance,
            healthy: true,
            details: None,
            active: false,
            lost: false,
            given: 0,
            ended: VecDeque::new(),
            orders,
        }
    }

    /// How it is, and which.
    pub(super) fn seen(&self) -> Seen {
        let instance = self.instance.as_ref().map_or_else(|| &*self.session, Instance::as_str);
        Seen::Here {
            instance: Some(instance.to_owned()),
            healthy: self.healthy,
            details: self.details.clone(),
        }
    }

    pub(super) fn order(&mut self, order: Order) {
        self.lost |= self.orders.try_send(order).is_err();
    }

    /// Tells it whether it is active, unless it knows.
    pub(super) fn tell(&mut self, active: bool) {
        if self.active != active {
            self.active = active;
            self.order(if active { Order::Active } else { Order::Standby });
        }
    }

    /// Gives it a task; the number it has with this agent.
    pub(super) fn give(&mut self, call: &Call) -> u64 {
        self.given += 1;
        let id = task_id(&self.session, self.given);
        let Call { action, key, deadline, params, attempt, .. } = call;
        self.order(Order::Task(Task {
            id,
            action: *action,
            key: Arc::clone(key),
            deadline: *deadline,
            params: Arc::clone(params),
            attempt: *attempt,
        }));
        self.given
    }

    /// Nobody wants its answer to a task any more.
    pub(super) fn cancel(&mut self, number: u64, ending: Ending) {
        self.end(number, ending);
        self.order(Order::Cancel(task_id(&self.session, number)));
    }

    /// Remembers how a task ended.
    pub(super) fn end(&mut self, number: u64, ending: Ending) {
        if self.ended.len() >= ENDED_MAX {
            self.ended.pop_front();
        }
        self.ended.push_back((number, ending));
    }

    /// How a task that it was given ended, if that is remembered.
    pub(super) fn ending(&self, number: u64) -> Option<Ending> {
        self.ended.iter().rev().find(|(known, _)| *known == number).map(|(_, ending)| *ending)
    }
}

/// What a task is called: the session that was given it, and its number there.
fn task_id(session: &str, number: u64) -> String {
    format!("{session}.{number}")
}

/// The session and the number in the name of a task, if it may be one.
pub(super) fn parts(id: &str) -> Option<(&str, u64)> {
    let (session, number) = id.rsplit_once('.')?;
    let parsed = number.parse().ok()?;
    (task_id(session, parsed) == id && parsed > 0).then_some((session, parsed))
}
