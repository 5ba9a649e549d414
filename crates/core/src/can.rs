//! What is allowed now, and if not, why and what is missing (row L9). What is shown and what is decided are the same.

use std::collections::BTreeMap;

use onair_wire::{Collection, Revision, Timestamp};
use serde::Serialize;

use crate::{
    command::{Act, ActionName},
    lifecycle::{Lifecycle, Phase},
    manifest::{Requirement, ServiceIs},
    production::Production,
    refusal::Refusal,
    sequence::{self, Kind, Origin, Plan, Sequence, Step, StepStatus},
};

/// Whether something is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(optional_fields))]
pub struct Can {
    /// Whether it is.
    pub allowed: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What is missing: names of services and collections.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "types", ts(as = "Option<Vec<String>>", optional))]
    pub missing_dependencies: Vec<String>,
    /// The sequence that is under way: for the same, and would be joined; or in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<String>,
    /// The findings that are in the way, by their codes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "types", ts(as = "Option<Vec<String>>", optional))]
    pub findings: Vec<String>,
}

/// Whether a phase can be reached (row L9).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct Validity {
    /// Whether it can.
    pub valid: bool,
    /// Why not.
    pub reason: Option<String>,
    /// What is missing.
    pub missing_dependencies: Vec<String>,
    /// The findings that are in the way, by their codes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "types", ts(as = "Option<Vec<String>>", optional))]
    pub findings: Vec<String>,
}

/// How an action that is allowed is carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// It begins.
    Begin,
    /// It is under way already: this sequence.
    Join(String),
    /// This start is given up and undone.
    Cancel(String),
    /// It is so already.
    AsIs,
}

/// Why an action is not allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct No {
    pub(crate) reason: String,
    pub(crate) missing: Vec<String>,
    pub(crate) sequence: Option<String>,
    /// Whoever breaks the glass goes on in spite of these.
    pub(crate) findings: Vec<String>,
}

fn no(reason: impl Into<String>) -> Result<Way, No> {
    Err(No { reason: reason.into(), ..No::default() })
}

impl From<No> for Refusal {
    fn from(no: No) -> Self {
        let No { reason, missing, sequence, findings } = no;
        if findings.is_empty() {
            Self::NotAllowed { reason, missing, sequence }
        } else {
            Self::Blocked { reason, findings }
        }
    }
}

/// What `act` would come to now: as its name says, and in spite of findings if somebody broke the glass.
pub(crate) fn way_of(production: &Production, act: &Act) -> Result<Way, No> {
    match (way(production, act.name()), act) {
        (Err(no), Act::Start { break_glass: Some(_), .. }) if !no.findings.is_empty() => Ok(Way::Begin),
        (way, _) => way,
    }
}

/// What `name` would come to now.
pub(crate) fn way(production: &Production, name: ActionName) -> Result<Way, No> {
    let lifecycle = production.lifecycle();
    let running = production.running();
    match name {
        ActionName::Initialize => initialize(&lifecycle, running),
        ActionName::Start => start(production, &lifecycle, running),
        ActionName::Stop => stop(production, &lifecycle, running),
        ActionName::Pause => flag(&lifecycle, true),
        ActionName::Resume => flag(&lifecycle, false),
        ActionName::EmergencyStop => match running {
            Some(sequence) if sequence.kind == Kind::EmergencyStop => Ok(Way::Join(sequence.id)),
            _ => Ok(Way::Begin),
        },
        ActionName::Recover => recover(&lifecycle, running),
    }
}

fn under_way(sequence: &Sequence) -> Result<Way, No> {
    let reason = format!("{} is still under way", sequence.id);
    Err(No { reason, sequence: Some(sequence.id.clone()), ..No::default() })
}

fn initialize(lifecycle: &Lifecycle, running: Option<Sequence>) -> Result<Way, No> {
    match (lifecycle.phase, running) {
        (_, Some(sequence)) if sequence.kind == Kind::Initialize => Ok(Way::Join(sequence.id)),
        (_, Some(sequence)) => under_way(&sequence),
        (Phase::Idle, None) => Ok(Way::Begin),
        (Phase::Error, None) => no("the phase is error; recover first"),
        (phase, None) => no(format!("the phase is {}, and initialize needs idle", phase.as_str())),
    }
}

fn start(production: &Production, lifecycle: &Lifecycle, running: Option<Sequence>) -> Result<Way, No> {
    match (lifecycle.phase, running) {
        (Phase::Starting, Some(sequence)) if sequence.kind == Kind::Start => Ok(Way::Join(sequence.id)),
        (Phase::Starting, Some(sequence)) => {
            let reason = format!("the start before is being rolled back by {}", sequence.id);
            Err(No { reason, sequence: Some(sequence.id), ..No::default() })
        }
        (Phase::Live, _) => no("the show is live already"),
        (_, Some(sequence)) => under_way(&sequence),
        (Phase::Ready, None) => {
            let missing = missing(production);
            if missing.is_empty() {
                return preflight(production);
            }
            Err(No { reason: format!("a start needs {}", missing.join(", ")), missing, ..No::default() })
        }
        (phase, None) => Err(No {
            reason: format!("the phase is {}, and start needs ready", phase.as_str()),
            missing: missing(production),
            ..No::default()
        }),
    }
}

/// What the manifest wants mended before a show (row A3).
fn preflight(production: &Production) -> Result<Way, No> {
    let block = production.manifest().and_then(|manifest| manifest.written.validation.block_start);
    let Some(least) = block.filter(|_| production.settings().state_validation) else { return Ok(Way::Begin) };
    let findings = production.standing(least);
    if findings.is_empty() {
        return Ok(Way::Begin);
    }
    let reason = format!(
        "{} stands, and this production starts without findings of severity {least}",
        findings.join(", ")
    );
    Err(No { reason, findings, ..No::default() })
}

fn stop(production: &Production, lifecycle: &Lifecycle, running: Option<Sequence>) -> Result<Way, No> {
    match (lifecycle.phase, running) {
        (_, Some(sequence)) if sequence.kind == Kind::Stop => Ok(Way::Join(sequence.id)),
        (Phase::Starting, Some(sequence)) if sequence.kind == Kind::Start => Ok(Way::Cancel(sequence.id)),
        (Phase::Starting, Some(sequence)) => {
            let start = sequence.of.as_deref().and_then(|of| production.sequence(of));
            match start {
                Some(start) if start.cancelled_by.is_none() => Ok(Way::Cancel(start.id)),
                _ => Ok(Way::Join(sequence.id)),
            }
        }
        (Phase::Live, Some(sequence)) if sequence.service.is_some() => Ok(Way::Begin),
        (_, Some(sequence)) => under_way(&sequence),
        (Phase::Live | Phase::Error, None) => Ok(Way::Begin),
        (phase, None) => no(format!("the phase is {}, and stop needs live or error", phase.as_str())),
    }
}

fn flag(lifecycle: &Lifecycle, paused: bool) -> Result<Way, No> {
    let word = if paused { "pause" } else { "resume" };
    match lifecycle.phase {
        Phase::Live if lifecycle.paused == paused => Ok(Way::AsIs),
        Phase::Live => Ok(Way::Begin),
        phase => no(format!("the phase is {}, and {word} needs live", phase.as_str())),
    }
}

fn recover(lifecycle: &Lifecycle, running: Option<Sequence>) -> Result<Way, No> {
    match (lifecycle.phase, running) {
        (Phase::Error, Some(sequence)) if sequence.kind == Kind::Recover => Ok(Way::Join(sequence.id)),
        (_, Some(sequence)) => under_way(&sequence),
        (Phase::Error, None) => Ok(Way::Begin),
        (phase, None) => no(format!("the phase is {}, and recover needs error", phase.as_str())),
    }
}

/// What a start lacks (row L4): services that are not initialized or away, collections without content.
fn missing(production: &Production) -> Vec<String> {
    let Some(manifest) = production.manifest() else { return Vec::new() };
    let written = &manifest.written;
    let mut missing: Vec<String> = Vec::new();
    let mut add = |name: &str| {
        if !missing.iter().any(|known| known == name) {
            missing.push(name.to_owned());
        }
    };
    let has = |name: &str, is: ServiceIs| {
        production.service(name).is_some_and(|service| match is {
            ServiceIs::Initialized => service.is_initialized() && !service.is_away(),
            ServiceIs::Active => service.status == crate::service::Status::Active && !service.is_away(),
        })
    };
    let needed = written.services.iter().filter(|s| s.required && written.start.contains(&s.name));
    needed.filter(|s| !has(&s.name, ServiceIs::Initialized)).for_each(|s| add(&s.name));
    for requirement in &written.requires {
        match requirement {
            Requirement::Service { service, is } if !has(service, *is) => add(service),
            Requirement::Content { collection, at_least } if content(production, collection) < *at_least => {
                add(collection.as_str());
            }
            Requirement::Service { .. } | Requirement::Content { .. } => {}
        }
    }
    missing
}

fn content(production: &Production, collection: &Collection) -> u64 {
    production.collection(collection.as_str()).map_or(0, |documents| documents.len() as u64)
}

impl From<Result<Way, No>> for Can {
    fn from(way: Result<Way, No>) -> Self {
        match way {
            Ok(Way::Join(sequence)) => Self { allowed: true, sequence: Some(sequence), ..Self::default() },
            Ok(_) => Self { allowed: true, ..Self::default() },
            Err(No { reason, missing, sequence, findings }) => Self {
                allowed: false,
                reason: Some(reason),
                missing_dependencies: missing,
                sequence,
                findings,
            },
        }
    }
}

/// For each action whether it is allowed now (row L9).
#[must_use]
pub fn can(production: &Production) -> BTreeMap<&'static str, Can> {
    ActionName::ALL.iter().map(|name| (name.as_str(), way(production, *name).into())).collect()
}

/// Whether the production can come to `to` from where it is, by the action that leads there or by itself (row L9).
#[must_use]
pub fn validate(production: &Production, to: Phase) -> Validity {
    let from = production.lifecycle().phase;
    let action = match (from, to) {
        (Phase::Idle, Phase::Initializing | Phase::Ready) => Some(ActionName::Initialize),
        (Phase::Ready, Phase::Starting | Phase::Live) => Some(ActionName::Start),
        (Phase::Live, Phase::Stopping | Phase::Idle) => Some(ActionName::Stop),
        (Phase::Error, Phase::Idle | Phase::Initializing) => Some(ActionName::Recover),
        _ => None,
    };
    let can = match action {
        Some(name) => way(production, name).into(),
        None if from.may_move(to) => Can { allowed: true, ..Can::default() },
        None => {
            let reason = format!("there is no way from {} to {}", from.as_str(), to.as_str());
            let missing = if to == Phase::Live { missing(production) } else { Vec::new() };
            Can { reason: Some(reason), missing_dependencies: missing, ..Can::default() }
        }
    };
    let Can { allowed: valid, reason, missing_dependencies, findings, .. } = can;
    Validity { valid, reason, missing_dependencies, findings }
}

/// What `act` would do, step by step, whether or not it is allowed now. The same steps as the real thing.
#[must_use]
pub fn plan(production: &Production, act: &Act, actor: &onair_wire::Actor, now: Timestamp) -> Plan {
    let can = Can::from(way_of(production, act));
    let origin = Origin { production, revision: Revision(production.revision().0 + 1), at: now, actor };
    let sequence = match act {
        Act::Initialize => Some(sequence::initialize(&origin)),
        Act::Start { session_id, kind, .. } => {
            let session = session_id.clone().unwrap_or_default();
            Some(sequence::start(&origin, &session, kind.as_deref()))
        }
        Act::Stop => Some(sequence::stop(&origin, production.phase() == Phase::Live)),
        Act::EmergencyStop => Some(sequence::emergency_stop(&origin)),
        Act::Recover => Some(sequence::recover(&origin)),
        Act::Pause | Act::Resume => None,
    };
    let steps = sequence.map(|sequence| sequence.steps).unwrap_or_default();
    let undoable = matches!(act, Act::Start { .. });
    let is_done = |step: &&Step| step.status != StepStatus::Skipped;
    let cannot = steps.iter().filter(is_done).filter(|step| undoable && step.compensation.is_none());
    Plan {
        allowed: can.allowed,
        reason: can.reason,
        missing_dependencies: can.missing_dependencies,
        findings: can.findings,
        irreversible: cannot.map(|step| step.name.clone()).collect(),
        steps: steps.iter().map(Into::into).collect(),
    }
}
