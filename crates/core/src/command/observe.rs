//! What the shell sees of a service (row S3): who comes, who goes, who is unwell.

use onair_wire::{
    Cause, CauseKind,
    planted::{Bug, planted},
};
use serde::Serialize;

use super::{Context, Draft, stage::Stage};
use crate::{
    lifecycle::{Phase, Recovery},
    production::Production,
    refusal::Refusal,
    service::{Seen, Service, Status},
};

/// Something that was seen.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Observe {
    /// Of which service.
    pub service: String,
    /// What.
    pub seen: Seen,
}

/// `None`: it is known already.
pub(super) fn decide(
    production: &Production,
    context: &Context<'_>,
    observe: &Observe,
) -> Result<Option<Draft>, Refusal> {
    let mut stage = Stage::new(production, context);
    let Some(known) = stage.services.get(&observe.service).cloned() else { return Ok(None) };
    let mut service = known.clone();
    let came = take(&mut service, &observe.seen, context);
    if same_but_for_the_time(&known, &service) {
        return Ok(None);
    }
    let owed = service.uncertain;
    let healthy = service.healthy;
    stage.services.insert(observe.service.clone(), service);
    if came && owed && stage.lifecycle.phase == Phase::Error {
        try_again(&mut stage);
    }
    let cause = Cause::from(CauseKind::ServiceChanged)
        .with("service", observe.service.as_str())
        .with("healthy", healthy);
    stage.finish(cause).map(Some)
}

/// Takes over what was seen; says whether another instance than before is there.
pub(super) fn take(service: &mut Service, seen: &Seen, context: &Context<'_>) -> bool {
    match seen {
        Seen::Here { instance, healthy, details } => {
            let came = instance.is_some() && *instance != service.instance;
            // What was never asked of the one before need not be asked of this one again, and what is being asked goes
            // to this one. One that is being turned off will be ready for the next show only once it was made so.
            let asked = matches!(service.status, Status::Ready | Status::Active | Status::Stopping);
            service.stale |= came && asked && service.instance.is_some() && !planted(Bug::InstanceIgnored);
            service.instance.clone_from(instance);
            service.healthy = *healthy;
            service.details.clone_from(details);
            service.last_seen = Some(context.at);
            if *healthy {
                service.away_since = None;
                if service.status != Status::Failed {
                    service.error = None;
                }
            } else {
                service.away_since.get_or_insert(context.at);
                service.error = Some("it says that it is not well".into());
            }
            came
        }
        // The end of a process that was turned off meanwhile: it is as it should be.
        Seen::Away { .. } if service.is_supervised() && !service.is_on() => false,
        Seen::Away { reason } => {
            service.healthy = false;
            service.away_since.get_or_insert(context.at);
            if service.status != Status::Failed {
                service.error = Some(reason.clone());
            }
            false
        }
    }
}

fn same_but_for_the_time(before: &Service, after: &Service) -> bool {
    let last_seen = before.last_seen;
    *before == Service { last_seen, ..after.clone() }
}

/// Whom something is owed by is there again: recovering by itself is worth another try.
fn try_again(stage: &mut Stage<'_>) {
    let gave_up = stage.lifecycle.recovery.as_ref().is_some_and(|recovery| recovery.gave_up);
    if gave_up && stage.settings.auto_recovery && stage.lifecycle.sequence.is_none() {
        let next_at = Some(stage.now());
        stage.lifecycle.recovery = Some(Recovery { next_at, ..Recovery::default() });
    }
}
