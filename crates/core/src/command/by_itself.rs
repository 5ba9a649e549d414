//! What happens by itself: asked after each commit, and when time has passed, until there is nothing more.
//!
//! Nobody remembers what is to be done next; it is read off the state. So a server that opens the log behind a crash
//! finds the same as the one that wrote it would have (row L12).

use onair_wire::{Actor, Cause, CauseKind, Timestamp};
use serde_json::json;

use super::{Context, Draft, Versions, commit, report, stage::Stage};
use crate::{
    lifecycle::{Phase, Reason, Recovery, Trouble},
    production::Production,
    refusal::Refusal,
    sequence::{self, Kind, Sequence, SequenceStatus, StepStatus, TELL, Verdict},
    service::Status,
};

/// Who does what nobody asked for.
pub(crate) const BY_ITSELF: &str = "server:show";

/// The next commit that nobody asks for; `None` when there is nothing to do before
/// [`Production::wake_at`]. Pure: the same arguments, the same answer.
///
/// # Errors
/// What is not allowed even to the server: nothing that its own rules would do.
pub fn advance(production: &Production, now: Timestamp) -> Result<Option<onair_wire::Commit>, Refusal> {
    if production.manifest().is_none() {
        return Ok(None);
    }
    let actor = Actor::new(BY_ITSELF).expect("an actor");
    let context = Context {
        actor: &actor,
        versions: &Versions::new(),
        revision: production.revision().next(),
        at: now.max(production.at()),
    };
    let stage = Stage::new(production, &context);
    let draft = if stage.lifecycle.sequence.is_some() { go_on(stage)? } else { rest(stage)? };
    Ok(draft.map(|draft| commit(&context, None, draft)))
}

/// A sequence is under way.
fn go_on(mut stage: Stage<'_>) -> Result<Option<Draft>, Refusal> {
    if let Some(lost) = lost(&stage) {
        return lose(stage, lost).map(Some);
    }
    let (now, settings) = (stage.now(), stage.settings.clone());
    let Some(sequence) = stage.running() else {
        // Its record is not kept: there is nothing to go on with.
        stage.lifecycle.sequence = None;
        return stage.finish(CauseKind::SequenceStep).map(Some);
    };
    let id = sequence.id.clone();
    let before = sequence.steps.clone();
    sequence.time_out_steps(&settings, now);
    match sequence.verdict() {
        Verdict::Going => {
            sequence.retry_steps(now);
            sequence.begin_steps(now);
        }
        verdict @ (Verdict::Done | Verdict::Failed(_)) if sequence.steps == before => {
            let sequence = sequence.clone();
            return ended(stage, &sequence, &verdict).map(Some);
        }
        Verdict::Done | Verdict::Failed(_) => {}
    }
    let told = tell(sequence, now);
    let changed = sequence.steps.iter().zip(&before).filter(|(now, then)| now != then);
    let changed: Vec<_> = changed.map(|(step, _)| step.clone()).collect();
    let Some(first) = changed.first() else { return Ok(None) };
    let cause = report::cause(&id, first);
    let names: Vec<String> = changed.iter().map(|step| step.name.clone()).collect();
    stage.follow(&id, &names);
    if told {
        stage.tell();
    }
    stage.finish(cause).map(Some)
}

/// The step that tells the backends calls nobody: it is done by the commit that says so.
fn tell(sequence: &mut Sequence, now: Timestamp) -> bool {
    let running = |step: &&mut sequence::Step| step.name == TELL && step.status == StepStatus::Running;
    match sequence.steps.iter_mut().find(running) {
        Some(step) => {
            step.done(now);
            true
        }
        None => false,
    }
}

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

/// A sequence has come to its end: what follows is a matter of its kind.
fn ended(mut stage: Stage<'_>, sequence: &Sequence, verdict: &Verdict) -> Result<Draft, Refusal> {
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

/// No sequence is under way.
fn rest(mut stage: Stage<'_>) -> Result<Option<Draft>, Refusal> {
    if let Some(lost) = lost(&stage) {
        return lose(stage, lost).map(Some);
    }
    let actor = stage.context.actor.clone();
    match (stage.lifecycle.phase, stage.lifecycle.onward) {
        (Phase::Error, Some(reason)) => {
            stage.move_to(Phase::Idle, reason, &actor);
            stage.lifecycle.onward = stage.is_initialized().then_some(Reason::SystemInit);
        }
        (Phase::Idle, Some(reason)) => {
            let sequence = sequence::initialize(&stage.origin(&actor));
            stage.move_to(Phase::Initializing, reason, &actor);
            if !sequence.steps.is_empty() {
                stage.by_sequence(&sequence.id);
                stage.begin(sequence);
                stage.lifecycle.onward = None;
            }
        }
        (Phase::Initializing, _) => {
            stage.move_to(Phase::Ready, Reason::DependencyReady, &actor);
            stage.lifecycle.onward = None;
        }
        (Phase::Error, None) => return recover(stage),
        (Phase::Live | Phase::Ready, _) => return reassert(stage),
        (Phase::Idle | Phase::Starting | Phase::Stopping, _) => return Ok(None),
    }
    stage.finish(CauseKind::LifecycleMoved).map(Some)
}

/// Recovering by itself, when its time has come (row L8).
fn recover(mut stage: Stage<'_>) -> Result<Option<Draft>, Refusal> {
    let Some(recovery) = stage.lifecycle.recovery.clone() else { return Ok(None) };
    if !stage.settings.auto_recovery || recovery.next_at.is_none_or(|at| at > stage.now()) {
        return Ok(None);
    }
    let actor = Actor::new("server:recovery").expect("an actor");
    let sequence = sequence::recover(&stage.origin(&actor));
    let id = sequence.id.clone();
    stage.begin(sequence);
    stage.lifecycle.recovery =
        Some(Recovery { attempts: recovery.attempts + 1, next_at: None, gave_up: false });
    let cause = Cause::from(CauseKind::SequenceStep)
        .with("sequence", id)
        .with("action", "recover")
        .with("attempt", recovery.attempts + 1);
    stage.finish(cause).map(Some)
}

/// What came back is brought to where the phase wants it (row S3).
fn reassert(mut stage: Stage<'_>) -> Result<Option<Draft>, Refusal> {
    let manifest = stage.production.manifest().cloned();
    let wanted_on = |name: &String| {
        stage.lifecycle.phase == Phase::Live
            && manifest.as_ref().is_some_and(|manifest| manifest.written.start.contains(name))
    };
    let came_back = stage
        .services
        .iter()
        .find(|(_, service)| service.stale && service.healthy && service.status != Status::Failed);
    let Some((name, on)) = came_back.map(|(name, _)| (name.clone(), wanted_on(name))) else {
        return Ok(None);
    };
    let actor = Actor::new("server:recovery").expect("an actor");
    let sequence = sequence::reassert(&stage.origin(&actor), &name, on);
    let id = sequence.id.clone();
    stage.begin(sequence);
    let cause = Cause::from(CauseKind::ServiceChanged)
        .with("service", name)
        .with("sequence", id)
        .with("reasserted", json!(true));
    stage.finish(cause).map(Some)
}

/// A service that has been away for longer than the settings allow (row S3).
fn lost(stage: &Stage<'_>) -> Option<String> {
    let (now, patience) = (stage.now(), stage.settings.health_timeout);
    if !matches!(stage.lifecycle.phase, Phase::Live | Phase::Ready) {
        return None;
    }
    let mut away = stage.services.iter().filter(|(_, service)| {
        service.status != Status::Down && service.away_since.is_some_and(|since| since.plus(patience) <= now)
    });
    let live = stage.lifecycle.phase == Phase::Live;
    away.find(|(_, service)| !live || service.required).map(|(name, _)| name.clone())
}

/// While live the show is not whole any more; before that the service must be made ready again.
fn lose(mut stage: Stage<'_>, name: String) -> Result<Draft, Refusal> {
    let live = stage.lifecycle.phase == Phase::Live;
    let actor = Actor::new("server:watch").expect("an actor");
    let why = stage.services.get(&name).and_then(|service| service.error.clone());
    let message = format!("{name} is gone: {}", why.as_deref().unwrap_or("no sign of life"));
    if stage.lifecycle.sequence.is_some() {
        stage.abandon(&message);
    }
    if let Some(service) = stage.services.get_mut(&name) {
        service.uncertain |= live && service.status == Status::Active;
        service.status = if live { Status::Failed } else { Status::Down };
        service.stale = !live;
        service.error = Some(message.clone());
    }
    if live {
        let (code, at) = ("dependency-lost".to_owned(), stage.now());
        let trouble =
            Trouble { code, message, step: None, service: Some(name.clone()), at, owed: Vec::new() };
        stage.fall(trouble, Reason::Error, &actor);
    }
    let cause = Cause::from(CauseKind::ServiceChanged).with("service", name).with("lost", json!(true));
    stage.finish(cause)
}
