//! No sequence is under way: where the phase goes on from by itself, who is lost, who came back (rows L6, L8, S3).

use onair_wire::{Actor, Cause, CauseKind};
use serde_json::json;

use super::{Draft, Stage};
use crate::{
    lifecycle::{Phase, Reason, Recovery, Trouble},
    refusal::Refusal,
    sequence,
    service::{Service, Status},
};

/// What happens next; `None`: nothing.
pub(super) fn rest(mut stage: Stage<'_>) -> Result<Option<Draft>, Refusal> {
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
    let wants = |service: &Service| {
        let came_back = service.stale && service.healthy;
        let is_ours = service.is_supervised() && service.is_away() && service.status == Status::Active;
        (came_back || is_ours) && service.status != Status::Failed
    };
    let came_back = stage.services.iter().find(|(_, service)| wants(service));
    let Some((name, on)) = came_back.map(|(name, _)| (name.clone(), wanted_on(name))) else {
        return Ok(None);
    };
    let actor = Actor::new("server:recovery").expect("an actor");
    let sequence = sequence::reassert(&stage.origin(&actor), &name, on);
    if let Some(service) = stage.services.get_mut(&name) {
        // Who came back under another name may have stayed on: if this is given up, it has to be turned off.
        service.uncertain |= on;
    }
    let id = sequence.id.clone();
    stage.begin(sequence);
    let cause = Cause::from(CauseKind::ServiceChanged)
        .with("service", name)
        .with("sequence", id)
        .with("reasserted", json!(true));
    stage.finish(cause).map(Some)
}

/// A service that has been away for longer than the settings allow (row S3).
pub(super) fn lost(stage: &Stage<'_>) -> Option<String> {
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
pub(super) fn lose(mut stage: Stage<'_>, name: String) -> Result<Draft, Refusal> {
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
