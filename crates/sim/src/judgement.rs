//! What must hold of the server itself: when it has opened a log, and when all is at rest.

use std::sync::Arc;

use onair_core::{
    Phase, Production, broadcast, lifecycle,
    manifest::BackendKind,
    sequence::{Kind, Sequence, Step, StepStatus},
    service::{Service, Status},
};
use onair_runtime::Handle;
use onair_wire::{Commit, Op, Revision};
use serde_json::Value;

use crate::{agent::Agent, backend::Backend, ledger::Books};

/// A state that the server shows is what the log comes to at that revision, whether it was folded from the first
/// commit or from an image and the tail.
pub(crate) fn opened(handle: &Handle, books: &Books) {
    let state = handle.state();
    let mut books = books.lock();
    let known = books.logs.get(state.epoch()).and_then(|log| log.digest(0, state.revision()));
    if known != Some(state.digest(|_| true)) {
        books.wrong(format!(
            "the server's state at {}:{} is not what the log comes to",
            state.epoch(),
            state.revision()
        ));
    }
    let last = books.log().map(|log| log.last());
    if books.now.as_ref() == Some(state.epoch()) && last.is_some_and(|last| last < state.revision()) {
        books.wrong(format!("the server shows {}, and the log ends at {last:?}", state.revision()));
    }
}

/// Whether the show rests, in a phase in which it may.
pub(crate) fn show_rests(state: &Production, agents: &[Agent]) -> Result<(), String> {
    let lifecycle = state.lifecycle();
    if let Some(sequence) = &lifecycle.sequence {
        return Err(format!("{sequence} is under way"));
    }
    match lifecycle.phase {
        Phase::Idle | Phase::Ready | Phase::Live => {}
        phase => return Err(format!("the show is in {}: {:?}", phase.as_str(), lifecycle.error)),
    }
    if let Some((name, service)) = state.services().into_iter().find(|(_, service)| service.is_away()) {
        return Err(format!("{name} is away: {service:?}"));
    }
    // What is down is made ready before it is used; what counts as ready and is another than was asked is asked again.
    let counts = |service: &Service| matches!(service.status, Status::Ready | Status::Active);
    let stale = |agent: &&Agent| {
        let on = lifecycle.phase != Phase::Idle;
        state.service(&agent.service).is_some_and(|service| on && service.stale && counts(&service))
    };
    match agents.iter().find(stale) {
        Some(agent) => Err(format!("{} is to be asked again", agent.service)),
        None => Ok(()),
    }
}

/// Whether the backend knows all that it was to be told, from the first that it was told.
pub(crate) fn backend_rests(state: &Production, backend: &Backend, books: &Books) -> Result<(), String> {
    let declared = state.manifest().is_some_and(|manifest| !manifest.written.backends.is_empty());
    if !declared {
        return Ok(());
    }
    let taken = backend.taken(state.epoch());
    let books = books.lock();
    let log = books.logs.get(state.epoch()).ok_or("there is no such log")?;
    let to_tell = |commit: &Commit| broadcast::delivery(state, commit, BackendKind::Webhook).is_some();
    let first = taken.first().copied().unwrap_or(Revision(u64::MAX));
    let wanted = log.entries.iter().map(|entry| &entry.commit).filter(|commit| to_tell(commit));
    let missing = wanted.map(|commit| commit.revision).find(|at| *at > first && !taken.contains(at));
    match missing {
        Some(revision) => Err(format!("the backend was not told of {revision}, but of {taken:?}")),
        None => Ok(()),
    }
}

/// The last word on a run in which nothing goes on any more.
pub(crate) fn at_the_end(state: &Arc<Production>, agents: &[Agent], books: &Books) {
    let mut books = books.lock();
    if let Err(what) = never_half_on(state, agents) {
        books.wrong(what);
    }
    if let Err(what) = folds(state, &books.records()) {
        books.wrong(what);
    }
}

/// Row L5 and its like: what is on is what the state says is on.
fn never_half_on(state: &Production, agents: &[Agent]) -> Result<(), String> {
    let phase = state.phase();
    let owed = state.owed();
    for agent in agents {
        let service = state.service(&agent.service).ok_or("a service that is not known")?;
        let wanted = phase == Phase::Live;
        // What is on air counts among what has to be stopped one day, so that excuses nothing there.
        let excused = !wanted && owed.contains(&format!("{}.stop", agent.service));
        if agent.on != wanted && !excused {
            return Err(format!(
                "the show is {} and {} is {}: {service:?}, owed {owed:?}",
                phase.as_str(),
                agent.service,
                if agent.on { "on" } else { "off" },
            ));
        }
    }
    Ok(())
}

/// The log, folded by the rules from its first commit, is the state; and the lifecycle moved as its table allows.
fn folds(state: &Production, records: &[(Revision, bytes::Bytes)]) -> Result<(), String> {
    let begins = records.first().is_some_and(|(revision, _)| *revision == Revision::ZERO.next());
    if !begins {
        return Ok(());
    }
    let mut fold = Production::begin(state.id().clone(), state.epoch().clone());
    let mut phase = Phase::Idle;
    for (_, body) in records {
        let commit = Commit::decode(body).map_err(|error| error.to_string())?;
        fold.apply(&commit).map_err(|error| error.to_string())?;
        for change in commit.changes.iter().filter(|change| change.collection.as_str() == "_transitions") {
            let Op::Put(value) = &change.op else { continue };
            let moved: lifecycle::Transition =
                serde_json::from_value(Value::clone(value)).map_err(|error| error.to_string())?;
            let forced = moved.reason == lifecycle::Reason::Forced;
            if moved.from != phase || !(forced || phase.may_move(moved.to)) {
                return Err(format!("the show was {} and {moved:?}", phase.as_str()));
            }
            phase = moved.to;
        }
    }
    fold.sequences().iter().try_for_each(|sequence| undone(&fold, sequence))?;
    match fold.digest(|_| true) == state.digest(|_| true) && phase == state.phase() {
        true => Ok(()),
        false => Err(format!("the log folds to something else than {}", state.revision())),
    }
}

/// Rows L5 and L6: what a start had done is undone, each of it or it is owed; and in reverse, one after the other.
fn undone(state: &Production, sequence: &Sequence) -> Result<(), String> {
    let done = |step: &&Step| step.status == StepStatus::Done && step.compensation.is_some();
    if let Some(rollback) = sequence.rollback.as_deref().and_then(|id| state.sequence(id)) {
        for step in sequence.steps.iter().filter(done) {
            let wanted = step.compensation.as_deref().unwrap_or_default();
            if rollback.step(wanted).is_none() && !rollback.owed.iter().any(|owed| owed == wanted) {
                return Err(format!(
                    "{} did {}, and {} does not undo it",
                    sequence.id, step.name, rollback.id
                ));
            }
        }
    }
    if !matches!(sequence.kind, Kind::Rollback | Kind::Stop) {
        return Ok(());
    }
    let Some(manifest) = state.manifest() else { return Ok(()) };
    let order = |step: &Step| {
        let service = step.service.as_ref();
        manifest.written.start.iter().position(|name| Some(name) == service)
    };
    let mut begun: Vec<&Step> = sequence.steps.iter().filter(|step| step.started_at.is_some()).collect();
    begun.sort_by_key(|step| (step.started_at, step.ended_at));
    let places: Vec<usize> = begun.into_iter().filter_map(order).collect();
    match places.is_sorted_by(|a, b| a > b) {
        true => Ok(()),
        false => Err(format!("{} goes off in the order {places:?} of a start", sequence.id)),
    }
}
