//! Rules about phases, moves and sequences.
//!
//! None can fire while the program does what it says. They are about logs that were made by another one, by hand, or by
//! our mistake; and about shows that somebody must act on.

use onair_wire::{Millis, Timestamp};

use super::{Found, Scene, rules};
use crate::{
    lifecycle::{Phase, Reason, Transition},
    sequence::{Sequence, Step, StepStatus},
};

/// How much longer than all its timeouts a phase may last: a disk that is slow for a moment is no finding.
const GRACE: Millis = Millis(5_000);
/// How long behind the last deadline of a sequence something has to happen.
const PROGRESS_GRACE: Millis = Millis(10_000);
/// How often a show falls into `error` before it flaps, and within which time.
const FALLS: usize = 3;
const FALLS_WITHIN: Millis = Millis(600_000);

rules! { StateMachine:
    "SM001" Error "A move is outside the table",
        "Export the production and report it: no action of this server makes such a move. An emergency stop and `initialize` bring the show to a known phase." => outside_the_table;
    "SM002" Error "A phase is held longer than its timeouts allow",
        "Look at the running sequence with `onair sequences` and at the service it waits for; `emergency-stop` ends it from any phase." => held_too_long;
    "SM003" Error "A sequence makes no progress",
        "See which step waits with `onair sequences`; stop, or `emergency-stop`, gives it up." => no_progress;
    "SM004" Error "The show is live without a start",
        "Stop the show and start it again, so that its services are turned on by a sequence." => live_without_a_start;
    "SM005" Warning "The show flaps",
        "Find out what fails each time with `onair why`; turn `autoRecovery` off while you do." => flaps;
    "SM006" Error "Recovering by itself was given up",
        "Mend what the error names, then `onair recover`." => gave_up;
    "SM007" Error "The history of moves contradicts itself",
        "Export the production and report it; restore the last backup if the show depends on its history." => contradictions;
}

fn outside_the_table(scene: &Scene<'_>) -> Vec<Found> {
    let bad = scene.transitions.iter().filter(|it| !it.from.may_move(it.to) && it.reason != Reason::Forced);
    bad.map(|Transition { from, to, at, actor, .. }| {
        let name = format!("{} to {}", from.as_str(), to.as_str());
        let what = format!("at {at} {actor} moved from {} to {}", from.as_str(), to.as_str());
        Found::new(name, what)
    })
    .collect()
}

/// How long a phase can lawfully last; `None`: for as long as it likes.
fn allowance(scene: &Scene<'_>) -> Option<Millis> {
    let Scene { settings, production, .. } = scene;
    let services = scene.services.len().max(1) as u64;
    let all_off = settings.shutdown_timeout.0.saturating_mul(services);
    let allowed = match scene.lifecycle.phase {
        Phase::Initializing => {
            let attempts = (1..=settings.max_retries.saturating_add(1)).map(|attempt| {
                let wait = crate::backoff::delay(settings, attempt, production.id().as_str());
                settings.initialization_timeout.0.saturating_add(wait.0)
            });
            attempts.fold(0, u64::saturating_add).saturating_mul(services)
        }
        // All of a start together; if it fails, all is undone.
        Phase::Starting => settings.startup_timeout.0.saturating_add(all_off),
        Phase::Stopping => all_off.saturating_add(settings.startup_timeout.0),
        Phase::Idle | Phase::Ready | Phase::Live | Phase::Error => return None,
    };
    Some(Millis(allowed.saturating_add(GRACE.0)))
}

fn held_too_long(scene: &Scene<'_>) -> Vec<Found> {
    let lifecycle = &scene.lifecycle;
    let held = lifecycle.since.until(scene.now);
    match allowance(scene) {
        Some(allowed) if held > allowed => {
            let phase = lifecycle.phase.as_str();
            let what = format!(
                "the phase has been {phase} for {} ms, and all timeouts together allow {} ms",
                held.0, allowed.0
            );
            vec![Found::new(phase, what)]
        }
        _ => Vec::new(),
    }
}

/// When something must have happened to the sequence at the latest.
fn expected_by(sequence: &Sequence) -> Timestamp {
    let of_step = |step: &Step| {
        let waits = step.status == StepStatus::Running;
        let ahead = [step.deadline, step.retry_at].map(|at| at.filter(|_| waits));
        ahead.into_iter().chain([step.started_at, step.ended_at]).flatten().max()
    };
    let times = sequence.steps.iter().filter_map(of_step);
    let last = times.chain([sequence.started_at]).chain(sequence.resumed_at).max();
    last.unwrap_or(sequence.started_at).plus(PROGRESS_GRACE)
}

fn no_progress(scene: &Scene<'_>) -> Vec<Found> {
    let id = scene.lifecycle.sequence.as_deref();
    let Some(sequence) = id.and_then(|id| scene.production.sequence(id)).filter(Sequence::is_running) else {
        return Vec::new();
    };
    let by = expected_by(&sequence);
    if scene.now <= by {
        return Vec::new();
    }
    let waiting: Vec<&str> =
        sequence.steps.iter().filter(|step| !step.has_ended()).map(|step| step.name.as_str()).collect();
    let what = format!("{} should have gone on by {by} and waits for {}", sequence.id, waiting.join(", "));
    vec![Found::new(sequence.id, what)]
}

fn live_without_a_start(scene: &Scene<'_>) -> Vec<Found> {
    let lifecycle = &scene.lifecycle;
    if lifecycle.phase != Phase::Live {
        return Vec::new();
    }
    let lacking = match (&lifecycle.live_since, &lifecycle.session_id) {
        (None, _) => "nothing says since when",
        (_, None) => "it has no session",
        _ => return Vec::new(),
    };
    vec![Found::new("live", format!("the phase is live, and {lacking}"))]
}

fn flaps(scene: &Scene<'_>) -> Vec<Found> {
    let now = scene.now;
    let falls =
        scene.transitions.iter().filter(|it| it.to == Phase::Error && it.at.plus(FALLS_WITHIN) > now).count();
    if falls < FALLS {
        return Vec::new();
    }
    let minutes = FALLS_WITHIN.0 / 60_000;
    vec![Found::new("error", format!("the show fell into error {falls} times within {minutes} minutes"))]
}

fn gave_up(scene: &Scene<'_>) -> Vec<Found> {
    let lifecycle = &scene.lifecycle;
    match lifecycle.recovery.as_ref().filter(|recovery| recovery.gave_up && lifecycle.phase == Phase::Error) {
        Some(recovery) => {
            let error =
                lifecycle.error.as_ref().map_or_else(String::new, |error| format!(": {}", error.message));
            let what = format!("the show stays in error after {} attempts{error}", recovery.attempts);
            vec![Found::new("error", what)]
        }
        None => Vec::new(),
    }
}

fn contradictions(scene: &Scene<'_>) -> Vec<Found> {
    let moved = &scene.transitions;
    let phase = scene.lifecycle.phase;
    let mut found = Vec::new();
    if let Some(last) = moved.first().filter(|last| last.to != phase) {
        let what = format!("the last move led to {}, and the phase is {}", last.to.as_str(), phase.as_str());
        found.push(Found::new("phase", what));
    }
    let broken = moved.windows(2).filter(|pair| pair[0].from != pair[1].to);
    found.extend(broken.map(|pair| {
        let (from, to) = (pair[0].from.as_str(), pair[1].to.as_str());
        Found::new(
            pair[0].at.to_string(),
            format!("the move at {} leaves {from}, and the one before led to {to}", pair[0].at),
        )
    }));
    found
}
