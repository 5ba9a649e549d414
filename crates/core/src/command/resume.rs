//! A server has opened the log and goes on with what it finds open (row L12).

use std::collections::BTreeMap;

use onair_wire::{Cause, CauseKind};

use super::{Context, Draft, observe, stage::Stage};
use crate::{
    production::Production,
    refusal::Refusal,
    sequence::{Kind, StepStatus},
    service::Seen,
};

/// `seen`: what is known of services by now. `None`: nothing is open.
pub(super) fn decide(
    production: &Production,
    context: &Context<'_>,
    seen: &BTreeMap<String, Seen>,
) -> Result<Option<Draft>, Refusal> {
    let mut stage = Stage::new(production, context);
    let now = stage.now();
    for (name, seen) in seen {
        if let Some(service) = stage.services.get_mut(name) {
            observe::take(service, seen, context);
        }
    }
    let mut cause = Cause::from(CauseKind::ServiceChanged).with("resumed", true);
    if let Some(sequence) = stage.running() {
        sequence.resumed_at = Some(now);
        // What turns things off gets its time anew: it must be asked at least once. A start that ran out of time
        // meanwhile is rolled back.
        let more_time = sequence.kind != Kind::Start;
        let deadline = sequence.deadline;
        for step in &mut sequence.steps {
            if step.status == StepStatus::Running && step.retry_at.is_none() {
                step.ask_again(now, deadline, more_time);
            }
        }
        cause =
            Cause::from(CauseKind::SequenceStep).with("sequence", sequence.id.as_str()).with("resumed", true);
    }
    let draft = stage.finish(cause)?;
    Ok((!draft.changes.is_empty()).then_some(draft))
}
