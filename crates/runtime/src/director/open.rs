//! Opening a production: the newest image that reads, and the commits behind it.
//!
//! What does not verify is named and not served: the production opens at its last good revision and takes nothing
//! more until somebody has mended the log (row D8). The others do not notice.

use std::sync::Arc;

use onair_core::{Image, Production};
use onair_engine::Head;
use onair_wire::{ProductionId, Revision};
use tokio::sync::mpsc;

use super::{Director, INBOX, Request, batch::Written, keep::Keeper};
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
    let (mut state, image_bytes) = from_image(stage, id, &head).await?;
    let mut replayed = Written::default();
    if let Err(error) = fold(stage.engine.as_ref(), &mut state, head.last, &mut replayed).await {
        tracing::error!(production = %id, revision = %state.revision(), %error, "the log is damaged, serving what is good");
        damage = Some(error.to_string());
    }
    state.forget_before(head.oldest);
    let (commits, took) = (replayed.commits, begun.elapsed());
    tracing::debug!(production = %id, revision = %state.revision(), replayed = commits, ?took, "opened");
    let (sender, inbox) = mpsc::channel::<Request>(INBOX);
    let is_whole = damage.is_none();
    let shared = Shared::new(stage, state.clone(), sender, damage);
    let mut keeper = Keeper::new(replayed, image_bytes, &head);
    if is_whole {
        // At once when it is due: a server that dies soon after each start would otherwise read more at every one.
        keeper.wrote(&shared, &state, Written::default());
    }
    let director = Director::new(Arc::clone(&shared), inbox, state, keeper);
    stage.tasks.spawn(TaskKind::Director, director.run());
    Ok(Handle::new(shared))
}

/// Whether the production has nothing under way and nothing to watch. Reads it, and lets it go again.
pub(crate) async fn is_at_rest(stage: &Stage, id: &ProductionId, head: &Head) -> Result<bool, Error> {
    let (mut state, _) = from_image(stage, id, head).await?;
    fold(stage.engine.as_ref(), &mut state, head.last, &mut Written::default()).await?;
    let told = state.manifest().is_none_or(|manifest| manifest.written.backends.is_empty());
    Ok(state.rests() && told)
}

/// The state to begin with, and the bytes of the image that it comes from.
async fn from_image(stage: &Stage, id: &ProductionId, head: &Head) -> Result<(Production, u64), Error> {
    let begin = || (Production::begin(id.clone(), head.epoch.clone()), 0);
    let Some(image) = stage.engine.load(id, &head.epoch, head.last).await? else { return Ok(begin()) };
    match Image::decode(&image.body).and_then(Production::revive) {
        Ok(state) if state.revision() == image.revision && *state.epoch() == head.epoch => {
            Ok((state, image.body.len() as u64))
        }
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

/// Applies what the log has behind `state`, up to `last`, and counts it.
async fn fold(
    engine: &dyn onair_engine::Engine,
    state: &mut Production,
    last: Revision,
    replayed: &mut Written,
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
            replayed.commits += 1;
            replayed.bytes += record.body.len() as u64;
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
