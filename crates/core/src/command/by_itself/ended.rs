//! A sequence has come to its end: what follows is a matter of its kind (rows L3–L8).

use onair_wire::{Cause, CauseKind, Timestamp};

use super::{Draft, Stage};
use crate::{
    lifecycle::{Phase, Reason, Trouble},
    refusal::Refusal,
    sequence::{self, Kind, Sequence, SequenceStatus, StepStatus, Verdict},
};

fn trouble(sequence: &Sequence, verdict: &Verdict, at: Timestamp) -> Option<Trouble> {
    let Verdict::Failed(place) = verdict else { return None };
    let step = sequence.steps.get(*place)?;
    let error = step.error.clone().unwrap_or_else(|| "it failed".into());
    let code = match &sequence.cancelled_by {
        Some(_) => "cancelled",
        None if step.unknown && step.deadline.is_some_and(|deadline| deadline <= at) => "step-timeout",
        None => "step-failed",
    };
    Some(Trouble {
        code: code.into(),
        message: format!("{}: {error}", step.name),
        step: Some(step.name.clone()),
        service: step.service.clone(),
        at,
        owed: Vec::new(),
    })
}

/// What follows from the end of `sequence`.
pub(super) fn ended(mut stage: Stage<'_>, sequence: &Sequence, verdict: &Verdict) -> Result<Draft, Refusal> {
    let trouble = trouble(sequence, verdict, stage.now());
    let actor = sequence.started_by.clone();
    let cause = Cause::from(CauseKind::SequenceStep).with("sequence", sequence.id.as_str());
    match (sequence.kind, trouble) {
        (Kind::Start, trouble) => start_ended(&mut stage, sequence, trouble),
        (Kind::Rollback, trouble) => rollback_ended(&mut stage, sequence, trouble.as_ref()),
        (Kind::Recover, trouble) if sequence.service.is_some() => {
            reassert_ended(&mut stage, sequence, trouble)
        }
        (Kind::Initialize, None) => {
            stage.end(SequenceStatus::Done, None);
            stage.move_to(Phase::Ready, Reason::DependencyReady, &actor);
            stage.lifecycle.recovery = None;
        }
        (Kind::Stop, None) => {
            stage.end(SequenceStatus::Done, None);
            stage.move_to(Phase::Idle, Reason::UserAction, &actor);
            stage.lifecycle.onward = stage.is_initialized().then_some(Reason::SystemInit);
        }
        (Kind::EmergencyStop, None) => stage.end(SequenceStatus::Done, None),
        (Kind::Recover, None) => {
            stage.end(SequenceStatus::Done, None);
            stage.move_to(Phase::Idle, Reason::Recovery, &actor);
            stage.lifecycle.onward = stage.settings.auto_recovery.then_some(Reason::Recovery);
        }
        (Kind::Initialize | Kind::Stop | Kind::EmergencyStop | Kind::Recover, Some(trouble)) => {
            stop_failed(&mut stage, sequence, trouble);
        }
    }
    stage.by_sequence(&sequence.id);
    stage.finish(cause)
}

fn stop_failed(stage: &mut Stage<'_>, sequence: &Sequence, mut trouble: Trouble) {
    if sequence.kind != Kind::Initialize {
        trouble.owed = stage.owed();
        if let Some(running) = stage.running() {
            running.owed.clone_from(&trouble.owed);
        }
    }
    stage.end(SequenceStatus::Failed, Some(trouble.clone()));
    stage.fall(trouble, Reason::Error, &sequence.started_by);
}

/// Row L4: live, or what was done is undone.
fn start_ended(stage: &mut Stage<'_>, sequence: &Sequence, trouble: Option<Trouble>) {
    let trouble = trouble.or_else(|| gone_meanwhile(stage, sequence));
    let Some(trouble) = trouble else {
        stage.end(SequenceStatus::Done, None);
        stage.move_to(Phase::Live, Reason::DependencyReady, &sequence.started_by);
        return;
    };
    let rollback = sequence::rollback(&stage.origin(&sequence.started_by), sequence);
    let id = rollback.id.clone();
    if let Some(start) = stage.running() {
        start.rollback = Some(id);
        start.abandon(trouble.at, "the start failed before");
    }
    stage.end(SequenceStatus::Failed, Some(trouble));
    stage.begin(rollback);
}

/// A service that was started first and went away while the others were.
fn gone_meanwhile(stage: &Stage<'_>, sequence: &Sequence) -> Option<Trouble> {
    let mut started = sequence.steps.iter().filter_map(|step| Some((step, step.service.as_deref()?)));
    started.find_map(|(step, name)| {
        let service = stage.services.get(name)?;
        (service.required && service.is_away()).then(|| Trouble {
            code: "dependency-lost".into(),
            message: format!("{name} went away: {}", service.error.as_deref().unwrap_or("no sign of life")),
            step: Some(step.name.clone()),
            service: Some(name.to_owned()),
            at: stage.now(),
            owed: Vec::new(),
        })
    })
}

/// Row L5: the phase is `error` once everything is undone, or it is written down what is not.
fn rollback_ended(stage: &mut Stage<'_>, rollback: &Sequence, failed: Option<&Trouble>) {
    let undone: Vec<&str> = rollback
        .steps
        .iter()
        .filter(|step| step.status == StepStatus::Done)
        .map(|step| step.name.as_str())
        .collect();
    let owed = if failed.is_some() { stage.owed() } else { Vec::new() };
    let mut why = None;
    let mut cancelled_by = None;
    if let Some(start) = rollback.of.as_deref().and_then(|of| stage.sequence(of)) {
        for step in &mut start.steps {
            if step.compensation.as_deref().is_some_and(|name| undone.contains(&name)) {
                step.status = StepStatus::Undone;
            }
        }
        start.status = if failed.is_none() { SequenceStatus::RolledBack } else { SequenceStatus::Failed };
        start.owed.clone_from(&owed);
        why = start.error.clone();
        cancelled_by = start.cancelled_by.clone();
    }
    if let Some(running) = stage.running() {
        running.owed = owed;
    }
    let status = if failed.is_none() { SequenceStatus::Done } else { SequenceStatus::Failed };
    stage.end(status, failed.cloned());
    let trouble = match (why, failed) {
        (Some(why), Some(failed)) => {
            Trouble { message: format!("{}; undoing it failed too, {}", why.message, failed.message), ..why }
        }
        (Some(why), None) => why,
        (None, failed) => failed.cloned().expect("a rollback is of a start, whose error says why"),
    };
    match cancelled_by {
        Some(actor) if failed.is_none() => {
            stage.move_to(Phase::Error, Reason::UserAction, &actor);
            stage.lifecycle.error = Some(trouble);
            stage.lifecycle.onward = Some(Reason::UserAction);
        }
        _ => stage.fall(trouble, Reason::Error, &rollback.started_by),
    }
}

/// Row S3: the service is where the phase wants it, or the show is not whole.
fn reassert_ended(stage: &mut Stage<'_>, sequence: &Sequence, trouble: Option<Trouble>) {
    let Some(trouble) = trouble else { return stage.end(SequenceStatus::Done, None) };
    stage.end(SequenceStatus::Failed, Some(trouble.clone()));
    let needed = |name: &String| stage.services.get(name).is_some_and(|service| service.required);
    if stage.lifecycle.phase == Phase::Live && sequence.service.as_ref().is_some_and(needed) {
        stage.fall(trouble, Reason::Error, &sequence.started_by);
    }
}
