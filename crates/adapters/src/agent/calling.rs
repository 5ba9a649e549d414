//! A call, as it waits: for an agent, then for its answer, until the deadline.

use std::time::Duration;

use onair_runtime::adapter::{Call, CallError, Class};
use serde_json::Value;
use tokio::{
    sync::oneshot,
    time::{sleep, timeout},
};

use super::{Agents, TASKS_MAX, connected::Ending, table::Place};

/// How long before the deadline it is said that no agent has come. Whoever asked stops listening at the deadline itself,
/// and would know only that nobody answered. Of a short time it takes no more than a twentieth.
const LEAD_MAX: Duration = Duration::from_millis(50);

/// Carries a call out.
///
/// # Cancellation
/// The task is abandoned: an agent that was given it is told that nobody waits.
pub(super) async fn carry_out(agents: Agents, call: Call) -> Result<Value, CallError> {
    let service = call.service.clone();
    let patience: Duration = agents.0.clock.now().until(call.deadline).into();
    if patience.is_zero() {
        return Err(late(&service, false));
    }
    let (answer, mut answered) = oneshot::channel();
    let waiting = Waiting::begin(agents, call, answer)?;
    let lead = LEAD_MAX.min(patience / 20);
    match timeout(patience - lead, &mut answered).await {
        Ok(answer) => return answer.unwrap_or_else(|_| Err(late(&service, true))),
        Err(_) if waiting.nobody_came() => return Err(late(&service, false)),
        Err(_) => {}
    }
    tokio::select! {
        biased;
        answer = &mut answered => answer.unwrap_or_else(|_| Err(late(&service, true))),
        () = sleep(lead) => match waiting.abandon(Ending::Late) {
            Some(given) => Err(late(&service, given)),
            // The answer came at the same moment, and the agent was told that it did.
            None => answered.try_recv().unwrap_or_else(|_| Err(late(&service, true))),
        },
    }
}

/// The deadline passed; `given` says whether an agent had the task.
fn late(service: &str, given: bool) -> CallError {
    let message = match given {
        true => format!("the agent of {service} did not answer in time"),
        false => format!("no agent of {service} was there in time"),
    };
    CallError { class: Class::Timeout, message, retryable: true, unknown: given }
}

/// A task somebody waits for.
struct Waiting {
    agents: Agents,
    place: Place,
    number: u64,
}

impl Waiting {
    fn begin(
        agents: Agents,
        call: Call,
        answer: oneshot::Sender<Result<Value, CallError>>,
    ) -> Result<Self, CallError> {
        let place = (call.production.clone(), call.service.clone());
        let number = agents.with(super::table::Table::next);
        if !agents.change(&place, None, |service| service.ask(number, call, answer)) {
            let message = format!("{TASKS_MAX} tasks of {} are under way", place.1);
            return Err(CallError { class: Class::Conflict, message, retryable: true, unknown: false });
        }
        Ok(Self { agents, place, number })
    }

    /// No agent was given it, and none will be.
    fn nobody_came(&self) -> bool {
        self.agents.change(&self.place, None, |service| service.give_up(self.number))
    }

    fn abandon(&self, ending: Ending) -> Option<bool> {
        self.agents.change(&self.place, None, |service| service.abandon(self.number, ending))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.abandon(Ending::Abandoned);
    }
}
