//! Opening a production: the newest image that reads, and the commits behind it.
//!
//! What does not verify is named and not served: the production opens at its last good revision and takes nothing
//! more until somebody has mended the log (row D8). The others do not notice.

use std::sync::Arc;

use onair_core::{Image, Production};
use onair_engine::Head;
use onair_wire::{ProductionId, Revision};
use tokio::sync::mpsc;

use super::{Director, INBOX, Request, keep::Keeper};
use crate::{
    archive::{READ, corrupt, decode},
    error::Error,
    handle::Handle,
    productions::Stage,
    shared::Shared,
    tasks::TaskKind,
};

/// Opens what is there.
pub(crate) async fn open(stage: &Arc<Stage>, id: &ProductionId, head: Head) -> Result<Handle, Error> {
    let begun = tokio::time::Instant::now();
    let mut damage = None;
    let mut state = from_image(stage, id, &head).await?;
    let kept = state.revision();
    if let Err(error) = fold(stage.engine.as_ref(), &mut state, head.last).await {
        tracing::error!(production = %id, revision = %state.revision(), %error, "the log is damaged, serving what is good");
        damage = Some(error.to_string());
    }
    state.forget_before(head.oldest);
    let replayed = state.revision().0 - kept.0;
    tracing::debug!(production = %id, revision = %state.revision(), replayed, took = ?begun.elapsed(), "opened");
    let (sender, inbox) = mpsc::channel::<Request>(INBOX);
    let shared = Shared::new(stage, state.clone(), sender, damage);
    let keeper = Keeper::new(kept, replayed, &head);
    let director = Director::new(Arc::clone(&shared), inbox, state, keeper);
    stage.tasks.spawn(TaskKind::Director, director.run());
    Ok(Handle::new(shared))
}

/// Whether the production has nothing under way and nothing to watch. Reads it, and lets it go again.
pub(crate) async fn is_at_rest(stage: &Stage, id: &ProductionId, head: &Head) -> Result<bool, Error> {
    let mut state = from_image(stage, id, head).await?;
    fold(stage.engine.as_ref(), &mut state, head.last).await?;
    let told = state.manifest().is_none_or(|manifest| manifest.written.backends.is_empty());
    Ok(state.rests() && told)
}

async fn from_image(stage: &Stage, id: &ProductionId, head: &Head) -> Result<Production, Error> {
    let begin = || Production::begin(id.clone(), head.epoch.clone());
    let Some(image) = stage.engine.load(id, &head.epoch, head.last).await? else { return Ok(begin()) };
    match Image::decode(&image.body).and_then(Production::revive) {
        Ok(state) if state.revision() == image.revision && *state.epoch() == head.epoch => Ok(state),
        Ok(_) => {
            tracing::warn!(production = %id, revision = %image.revision, "an image is of another log, reading the log instead");
            Ok(begin())
        }
        Err(error) => {
            tracing::warn!(production = %id, revision = %image.revision, %error, "an image does not read, reading the log instead");
            Ok(begin())
        }
    }
}

/// Applies what the log has behind `state`, up to `last`.
async fn fold(
    engine: &dyn onair_engine::Engine,
    state: &mut Production,
    last: Revision,
) -> Result<(), Error> {
    while state.revision() < last {
        let records =
            engine.read(&state.id().clone(), &state.epoch().clone(), state.revision(), READ).await?;
        if records.is_empty() {
            return Err(corrupt(state, state.revision().next(), format!("the log should go on to {last}")));
        }
        for record in records {
            let commit = decode(state, &record)?;
            state.apply(&commit).map_err(|broken| corrupt(state, broken.revision, broken.to_string()))?;
        }
    }
    Ok(())
}

/// After a failed append: whatever of it is in the log after all is shown like any commit.
pub(super) async fn catch_up(shared: &Shared, working: &mut Production) -> Result<(), Error> {
    let Some(head) = shared.engine.head(&shared.id).await? else {
        return Err(Error::NotFound(shared.id.clone()));
    };
    if head.epoch != shared.epoch {
        return Err(onair_engine::Error::Replaced { production: shared.id.clone() }.into());
    }
    while working.revision() < head.last {
        let records = shared.engine.read(&shared.id, &shared.epoch, working.revision(), READ).await?;
        let mut commits = Vec::with_capacity(records.len());
        for record in records {
            let commit = Arc::new(decode(working, &record)?);
            working.apply(&commit).map_err(|broken| corrupt(working, broken.revision, broken.to_string()))?;
            commits.push(crate::hub::Published { commit, body: record.body });
        }
        if commits.is_empty() {
            return Err(corrupt(
                working,
                working.revision().next(),
                format!("the log should go on to {}", head.last),
            ));
        }
        shared.hub.publish(Arc::new(working.clone()), &commits);
        shared.shown.set(working.revision());
    }
    Ok(())
}
