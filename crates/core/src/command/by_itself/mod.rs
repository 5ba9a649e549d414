//! What happens by itself: asked after each commit, and when time has passed, until there is nothing more.
//!
//! Nobody remembers what is to be done next; it is read off the state. So a server that opens the log behind a crash
//! finds the same as the one that wrote it would have (row L12).

mod ended;
mod rest;

use onair_wire::{Actor, CauseKind, Timestamp};

use super::{Context, Draft, Versions, commit, report, stage::Stage};
use crate::{
    production::Production,
    refusal::Refusal,
    sequence::{Sequence, Step, StepStatus, TELL, Verdict},
};
use ended::ended;
use rest::{lose, lost, rest};

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
    let running = |step: &&mut Step| step.name == TELL && step.status == StepStatus::Running;
    match sequence.steps.iter_mut().find(running) {
        Some(step) => {
            step.done(now);
            true
        }
        None => false,
    }
}
