//! What each kind of sequence consists of. A plan that is shown and a plan that is carried out are the same (row L9).

use std::collections::BTreeSet;

use onair_wire::{
    Actor, Millis, ProductionId, Revision, TaskAction, Timestamp,
    planted::{Bug, planted},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Kind, Sequence, SequenceStatus, Step, StepStatus, TELL};
use crate::{
    production::Production,
    service::{Service, Status},
    settings::Settings,
};

/// What a plan looks like from outside.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(optional_fields))]
pub struct Plan {
    /// Whether it could be carried out now.
    pub allowed: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What would be done.
    pub steps: Vec<Planned>,
    /// What is missing.
    pub missing_dependencies: Vec<String>,
    /// The findings that are in the way, by their codes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "types", ts(as = "Option<Vec<String>>", optional))]
    pub findings: Vec<String>,
    /// The steps that could not be undone.
    pub irreversible: Vec<String>,
}

/// A step of a plan.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct Planned {
    /// Its name.
    pub name: String,
    /// How long it may take.
    pub deadline: Millis,
    /// The step that would undo it.
    pub compensation: Option<String>,
    /// The steps that end before it begins.
    pub after: Vec<String>,
    /// Whether the sequence goes on without it.
    pub optional: bool,
    /// Whether there is nothing to do in it: nobody is to be told.
    pub skipped: bool,
}

impl From<&Step> for Planned {
    fn from(step: &Step) -> Self {
        Self {
            name: step.name.clone(),
            deadline: step.timeout,
            compensation: step.compensation.clone(),
            after: step.after.clone(),
            optional: step.optional,
            skipped: step.status == StepStatus::Skipped,
        }
    }
}

/// Where and when a sequence begins, and by whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'a> {
    pub(crate) production: &'a Production,
    pub(crate) revision: Revision,
    pub(crate) at: Timestamp,
    pub(crate) actor: &'a Actor,
}

impl Origin<'_> {
    fn id(&self) -> &ProductionId {
        self.production.id()
    }

    fn sequence(&self, kind: Kind, steps: Vec<Step>) -> Sequence {
        let id = format!("{}-{}", kind.as_str(), self.revision);
        let mut sequence = Sequence {
            kind,
            status: SequenceStatus::Running,
            started_by: self.actor.clone(),
            started_at: self.at,
            ended_at: None,
            error: None,
            steps,
            deadline: None,
            params: Value::Null,
            of: None,
            rollback: None,
            service: None,
            cancelled_by: None,
            resumed_at: None,
            owed: Vec::new(),
            id,
        };
        for step in &mut sequence.steps {
            let of = if planted(Bug::KeyReused) { sequence.kind.as_str() } else { &sequence.id };
            step.key = format!("{}:{}:{of}:{}", self.id(), self.production.epoch(), step.name);
        }
        sequence
    }
}

fn step(service: &str, action: TaskAction, timeout: Millis) -> Step {
    Step {
        name: format!("{service}.{}", action.as_str()),
        status: StepStatus::Pending,
        attempts: 0,
        key: String::new(),
        started_at: None,
        ended_at: None,
        error: None,
        service: Some(service.to_owned()),
        action: Some(action),
        after: Vec::new(),
        compensation: None,
        timeout,
        deadline: None,
        retry_at: None,
        optional: false,
        force: false,
        unknown: false,
    }
}

/// The step that tells the backends; skipped when there is nobody to tell.
fn tell(production: &Production, settings: &Settings) -> Step {
    let none = production.manifest().is_none_or(|manifest| manifest.written.backends.is_empty());
    let status = if none || !settings.backend_sync { StepStatus::Skipped } else { StepStatus::Pending };
    Step {
        name: TELL.to_owned(),
        status,
        service: None,
        action: None,
        ..step("backends", TaskAction::Start, settings.startup_timeout)
    }
}

/// Each step begins when the one before has ended.
fn one_after_the_other(steps: &mut [Step]) {
    for at in 1..steps.len() {
        steps[at].after = vec![steps[at - 1].name.clone()];
    }
}

/// The services of a start in their order, with whether the show needs them.
fn started(production: &Production) -> Vec<(String, bool)> {
    let Some(manifest) = production.manifest() else { return Vec::new() };
    let written = &manifest.written;
    let required = |name: &String| written.services.iter().any(|s| s.name == *name && s.required);
    written.start.iter().map(|name| (name.clone(), required(name))).collect()
}

/// Row L3: every service that the show needs or starts, side by side where nothing orders them. Those that are ready
/// already are left alone.
pub(crate) fn initialize(origin: &Origin<'_>) -> Sequence {
    let production = origin.production;
    let settings = production.settings();
    let Some(manifest) = production.manifest() else { return origin.sequence(Kind::Initialize, Vec::new()) };
    let written = &manifest.written;
    let wanted = written.services.iter().filter(|s| s.required || written.start.contains(&s.name));
    let lacking = |name: &str| production.service(name).is_none_or(|service| !service.is_initialized());
    let wanted: Vec<_> = wanted.filter(|service| lacking(&service.name)).collect();
    let names: BTreeSet<&str> = wanted.iter().map(|service| service.name.as_str()).collect();
    let steps = wanted.iter().map(|service| Step {
        after: service
            .after
            .iter()
            .filter(|name| names.contains(name.as_str()))
            .map(|name| format!("{name}.initialize"))
            .collect(),
        optional: !service.required,
        ..step(&service.name, TaskAction::Initialize, settings.initialization_timeout)
    });
    let steps = steps.collect();
    origin.sequence(Kind::Initialize, steps)
}

/// Row L4: one after the other, then the backends are told. All of it within `startupTimeout`.
pub(crate) fn start(origin: &Origin<'_>, session: &str, kind: Option<&str>) -> Sequence {
    let production = origin.production;
    let settings = production.settings();
    let on = |(name, required): (String, bool)| Step {
        compensation: Some(format!("{name}.stop")),
        optional: !required,
        ..step(&name, TaskAction::Start, settings.startup_timeout)
    };
    let mut steps: Vec<Step> = started(production).into_iter().map(on).collect();
    steps.push(tell(production, &settings));
    one_after_the_other(&mut steps);
    let mut sequence = origin.sequence(Kind::Start, steps);
    sequence.deadline = Some(origin.at.plus(settings.startup_timeout));
    sequence.params = json!({ "sessionId": session, "kind": kind });
    sequence
}

/// Row L6: the reverse of a start, for what is on.
pub(crate) fn stop(origin: &Origin<'_>, live: bool) -> Sequence {
    let production = origin.production;
    let settings = production.settings();
    let mut steps = if live { vec![tell(production, &settings)] } else { Vec::new() };
    let order: Vec<String> = started(production).into_iter().map(|(name, _)| name).collect();
    let mut on: Vec<(String, Service)> =
        production.services().into_iter().filter(|(_, service)| service.is_on()).collect();
    // What no start turns on comes first, as if it had been turned on last.
    on.sort_by_key(|(name, _)| {
        std::cmp::Reverse(order.iter().position(|known| known == name).unwrap_or(usize::MAX))
    });
    steps.extend(on.iter().map(|(name, _)| step(name, TaskAction::Stop, settings.shutdown_timeout)));
    one_after_the_other(&mut steps);
    let mut sequence = origin.sequence(Kind::Stop, steps);
    sequence.params = json!({ "sessionId": production.lifecycle().session_id });
    sequence
}

/// Everything that is not down, side by side, without a graceful end.
fn forced(origin: &Origin<'_>, kind: Kind) -> Sequence {
    let production = origin.production;
    let timeout = production.settings().shutdown_timeout;
    let services = production.services();
    let up = services.into_iter().filter(|(_, service)| service.status != Status::Down || service.uncertain);
    let steps = up.map(|(name, _)| Step { force: true, ..step(&name, TaskAction::Stop, timeout) }).collect();
    origin.sequence(kind, steps)
}

/// Row L7.
pub(crate) fn emergency_stop(origin: &Origin<'_>) -> Sequence {
    forced(origin, Kind::EmergencyStop)
}

/// Row L8: an emergency stop; initializing again is a sequence of its own.
pub(crate) fn recover(origin: &Origin<'_>) -> Sequence {
    forced(origin, Kind::Recover)
}

/// Row L5: what a start had done, or may have done, is undone in reverse.
pub(crate) fn rollback(origin: &Origin<'_>, failed: &Sequence) -> Sequence {
    let timeout = origin.production.settings().shutdown_timeout;
    let happened =
        |step: &&Step| step.status == StepStatus::Done || (step.status == StepStatus::Failed && step.unknown);
    let undo = |done: &Step| {
        let service = done.service.as_deref().filter(|_| done.compensation.is_some())?;
        Some(step(service, TaskAction::Stop, timeout))
    };
    let mut steps: Vec<Step> = failed.steps.iter().rev().filter(happened).filter_map(undo).collect();
    if planted(Bug::CompensationForward) {
        steps.reverse();
    }
    if planted(Bug::CompensationSkipped) {
        steps.pop();
    }
    one_after_the_other(&mut steps);
    let mut sequence = origin.sequence(Kind::Rollback, steps);
    sequence.of = Some(failed.id.clone());
    sequence.params = failed.params.clone();
    sequence
}

/// Row S3: a service that came back is brought to where the phase wants it.
pub(crate) fn reassert(origin: &Origin<'_>, service: &str, on: bool) -> Sequence {
    let settings = origin.production.settings();
    let mut steps = vec![step(service, TaskAction::Initialize, settings.initialization_timeout)];
    if on {
        steps.push(Step {
            compensation: Some(format!("{service}.stop")),
            ..step(service, TaskAction::Start, settings.startup_timeout)
        });
    }
    one_after_the_other(&mut steps);
    let lifecycle = origin.production.lifecycle();
    let mut sequence = origin.sequence(Kind::Recover, steps);
    sequence.service = Some(service.to_owned());
    if on {
        sequence.params = json!({ "sessionId": lifecycle.session_id, "kind": lifecycle.session_kind });
    }
    sequence
}
