//! What came of a call (row L12): recorded once, for the step and the key that it belongs to.

use onair_wire::{
    Cause, CauseKind, TaskAction,
    planted::{Bug, planted},
};
use serde::Serialize;
use serde_json::json;

use super::{Context, Draft, stage::Stage};
use crate::{
    production::Production,
    refusal::Refusal,
    sequence::{Failure, Step, StepStatus},
    service::{Service, Status},
};

/// The longest message that is kept of an error, in characters.
const MESSAGE_MAX: usize = 2_000;

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Of which sequence.
    pub sequence: String,
    /// Of which step.
    pub step: String,
    /// Under which key it was asked for.
    pub key: String,
    /// Which attempt it answers.
    pub attempt: u32,
    /// What came of it.
    pub result: Result<(), StepError>,
}

/// Why a call did not work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepError {
    /// What happened, for people.
    pub message: String,
    /// Whether another attempt may work.
    pub retryable: bool,
    /// Whether it may have happened all the same.
    pub unknown: bool,
}

/// `None`: nobody waits for this any more, so it changes nothing.
pub(super) fn decide(
    production: &Production,
    context: &Context<'_>,
    report: &Report,
) -> Result<Option<Draft>, Refusal> {
    let mut stage = Stage::new(production, context);
    let (now, settings) = (stage.now(), stage.settings.clone());
    let Some(sequence) = stage.running().filter(|sequence| sequence.id == report.sequence) else {
        return Ok(None);
    };
    let Some(step) = sequence.steps.iter_mut().find(|step| step.name == report.step) else { return Ok(None) };
    // That it was done is true whichever attempt it answers; that it was not is not.
    let given_up = planted(Bug::LateSuccessAccepted) && step.status == StepStatus::Failed;
    let awaited = (step.status == StepStatus::Running || given_up) && step.key == report.key;
    let current = step.attempts == report.attempt && step.retry_at.is_none();
    if !awaited || !(current || report.result.is_ok()) {
        return Ok(None);
    }
    match &report.result {
        Ok(()) => step.done(now),
        Err(StepError { message, retryable, unknown }) => {
            let message: String = message.chars().take(MESSAGE_MAX).collect();
            step.fail(&settings, now, Failure { message, retryable: *retryable, unknown: *unknown });
        }
    }
    let cause = cause(&report.sequence, step);
    stage.follow(&report.sequence, std::slice::from_ref(&report.step));
    stage.finish(cause).map(Some)
}

pub(super) fn cause(sequence: &str, step: &Step) -> Cause {
    Cause::from(CauseKind::SequenceStep)
        .with("sequence", sequence)
        .with("step", step.name.as_str())
        .with("status", json!(step.status))
}

/// What a step's state means for its service.
pub(super) fn follow(service: &mut Service, step: &Step) {
    let Some(action) = step.action else { return };
    match (step.status, action) {
        (StepStatus::Running, TaskAction::Initialize) => service.status = Status::Initializing,
        (StepStatus::Running, TaskAction::Start) => service.status = Status::Starting,
        (StepStatus::Running, TaskAction::Stop) => service.status = Status::Stopping,
        (StepStatus::Done, TaskAction::Initialize) => {
            service.status = Status::Ready;
            service.error = None;
            service.stale = false;
            off_and_well(service);
            service.healthy = !service.is_away();
        }
        (StepStatus::Done, TaskAction::Start) => {
            service.status = Status::Active;
            service.error = None;
            service.uncertain = false;
            if service.is_away() {
                // It is there because it was started, and the one before is not.
                off_and_well(service);
            }
        }
        (StepStatus::Done, TaskAction::Stop) => {
            service.status = if step.force { Status::Down } else { Status::Ready };
            service.error = None;
            service.uncertain = false;
            off_and_well(service);
        }
        (StepStatus::Failed, _) => {
            service.status = Status::Failed;
            service.error.clone_from(&step.error);
            // A start that failed for sure left nothing on; a stop that failed left on what was.
            service.uncertain |= match action {
                TaskAction::Start => step.unknown,
                TaskAction::Stop => true,
                TaskAction::Initialize | TaskAction::Health => false,
            };
        }
        (StepStatus::Pending | StepStatus::Undone | StepStatus::Skipped, _)
        | (StepStatus::Running | StepStatus::Done, TaskAction::Health) => {}
    }
}

/// A process that is off is as it should be, whatever became of the one before: it is there once it was started.
fn off_and_well(service: &mut Service) {
    if service.is_supervised() {
        service.instance = None;
        service.away_since = None;
        service.healthy = true;
    }
}
