//! All productions: opened when somebody asks, kept while somebody cares, gone from memory after.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use onair_core::{Intent, Phase, Refusal};
use onair_engine::Engine;
use onair_wire::{
    Actor, Epoch, Millis, ProductionId, Receipt, Revision,
    planted::{Bug, planted},
};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::{
    adapter::Adapters, backend::Backends, clock::Clock, director, error::Error, figures::Figures,
    handle::Handle, lookout::Surroundings, shared::Shared, tasks::Tasks, transfer::Import,
};

/// How much of a log is kept. A mutation id is remembered, and a revision can be resumed from, for as long.
#[derive(Clone, Copy, Debug)]
pub struct Keep {
    /// Commits, at least this many.
    pub commits: u64,
    /// And for this long, whichever is less.
    pub age: Millis,
}

impl Default for Keep {
    fn default() -> Self {
        Self { commits: 1_000_000, age: Millis(30 * 24 * 3_600_000) }
    }
}

/// What productions need from outside.
pub struct Options {
    /// Where logs are.
    pub engine: Arc<dyn Engine>,
    /// What time it is.
    pub clock: Clock,
    /// Who starts tasks.
    pub tasks: Tasks,
    /// How much is kept.
    pub keep: Keep,
    /// Chance, for epochs.
    pub random: fn() -> u64,
    /// How services are reached.
    pub adapters: Adapters,
    /// How backends are told; nobody is, without.
    pub backends: Option<Arc<dyn Backends>>,
    /// Who knows what is around productions; without, checks do without.
    pub surroundings: Option<Arc<dyn Surroundings>>,
}

/// What all productions share.
pub(crate) struct Stage {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) clock: Clock,
    pub(crate) tasks: Tasks,
    pub(crate) keep: Keep,
    pub(crate) figures: Arc<Figures>,
    pub(crate) adapters: Adapters,
    pub(crate) backends: Option<Arc<dyn Backends>>,
    pub(crate) surroundings: Option<Arc<dyn Surroundings>>,
    random: fn() -> u64,
    /// Held to look up or change an entry, never while opening.
    open: Mutex<BTreeMap<ProductionId, Slot>>,
    /// Held while one log is put in the place of another: two at once would each end the one that was there before both,
    /// and leave one in memory that is not on disk.
    imports: tokio::sync::Mutex<()>,
}

type Slot = Arc<OnceCell<Handle>>;

/// All productions. Cheap to clone.
#[derive(Clone)]
pub struct Productions {
    stage: Arc<Stage>,
}

/// A production in a list.
#[derive(Clone, Debug, Serialize)]
pub struct Listed {
    /// Its name.
    pub id: ProductionId,
    /// Where it is in its life.
    pub phase: Phase,
    /// A flag of `live`.
    pub paused: bool,
    /// Where its log is.
    pub revision: Revision,
}

impl Stage {
    fn slots(&self) -> MutexGuard<'_, BTreeMap<ProductionId, Slot>> {
        self.open.lock().expect("nothing panics while it holds the table of productions")
    }

    /// Lets a production leave memory if only its director and this table hold it.
    pub(crate) fn retire(&self, shared: &Arc<Shared>) -> bool {
        const DIRECTOR_AND_TABLE: usize = 2;
        let mut slots = self.slots();
        if Arc::strong_count(shared) > DIRECTOR_AND_TABLE {
            return false;
        }
        shared.ended.cancel();
        slots.remove(&shared.id);
        true
    }

    fn forget(&self, id: &ProductionId, slot: &Slot) {
        let mut slots = self.slots();
        if slots.get(id).is_some_and(|there| Arc::ptr_eq(there, slot)) {
            slots.remove(id);
        }
    }
}

impl Productions {
    /// Nothing is opened yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let Options { engine, clock, tasks, keep, random, adapters, backends, surroundings } = options;
        let (figures, open, imports) = Default::default();
        Self {
            stage: Arc::new(Stage {
                engine,
                clock,
                tasks,
                keep,
                figures,
                adapters,
                backends,
                surroundings,
                random,
                open,
                imports,
            }),
        }
    }

    /// Counters over all of them.
    #[must_use]
    pub fn figures(&self) -> &Arc<Figures> {
        &self.stage.figures
    }

    /// Where logs are.
    #[must_use]
    pub fn engine(&self) -> &Arc<dyn Engine> {
        &self.stage.engine
    }

    /// What time it is.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.stage.clock
    }

    /// Those in memory.
    #[must_use]
    pub fn loaded(&self) -> Vec<Handle> {
        self.stage.slots().values().filter_map(|slot| slot.get().cloned()).collect()
    }

    /// A production, read from its log if it is not in memory.
    ///
    /// # Errors
    /// [`Error::NotFound`], and the engine's.
    pub async fn open(&self, id: &ProductionId) -> Result<Handle, Error> {
        loop {
            if self.stage.tasks.cancelled().is_cancelled() {
                return Err(Error::Closing);
            }
            let slot = Arc::clone(self.stage.slots().entry(id.clone()).or_default());
            let opened = slot.get_or_try_init(|| async {
                let head = self.stage.engine.head(id).await?.ok_or_else(|| Error::NotFound(id.clone()))?;
                director::open(&self.stage, id, head).await
            });
            match opened.await {
                Ok(handle) if !handle.has_ended() => return Ok(handle.clone()),
                Ok(_) => self.stage.forget(id, &slot),
                Err(error) => {
                    self.stage.forget(id, &slot);
                    return Err(error);
                }
            }
        }
    }

    /// Begins a production, or gives it another manifest; says which.
    ///
    /// # Errors
    /// [`Error::Refused`] when the manifest is not one; a production is not begun then.
    pub async fn configure(
        &self,
        id: &ProductionId,
        actor: Actor,
        manifest: Value,
    ) -> Result<(bool, Receipt), Error> {
        let checked = onair_core::Manifest::new(manifest.clone()).map_err(|error| match error {
            onair_wire::json::JsonError::Invalid { pointer, detail } => Refusal::Invalid { pointer, detail },
            error @ onair_wire::json::JsonError::Syntax { .. } => {
                Refusal::Invalid { pointer: String::new(), detail: error.to_string() }
            }
        })?;
        self.stage.adapters.check(&checked)?;
        self.check_backends(&checked)?;
        let handle = match self.open(id).await {
            Ok(handle) => handle,
            Err(Error::NotFound(_)) => {
                match self.stage.engine.create(id, &self.epoch()).await {
                    Ok(_) | Err(onair_engine::Error::Exists { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
                self.open(id).await?
            }
            Err(error) => return Err(error),
        };
        let receipt = handle.execute(actor, None, Intent::Configure(manifest)).await?;
        Ok((receipt.revision == Revision::ZERO.next(), receipt))
    }

    /// Ends a production and its log. Who watches is told by the end of the subscription.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`] unless it is `idle` or in `error`.
    pub async fn remove(&self, id: &ProductionId) -> Result<(), Error> {
        let handle = self.open(id).await?;
        let phase = handle.state().phase();
        if !matches!(phase, Phase::Idle | Phase::Error) {
            let reason = format!("production {id} is {}; stop it before it is removed", phase.as_str());
            return Err(Refusal::not_allowed(reason).into());
        }
        self.stage.engine.remove(id).await?;
        self.end(&handle);
        Ok(())
    }

    /// Puts an exported production in the place of the one there is, or of none, under a new epoch (row O6).
    ///
    /// # Errors
    /// The engine's; the production there was stays then.
    pub async fn import(&self, id: &ProductionId, import: Import) -> Result<Handle, Error> {
        let _alone = self.stage.imports.lock().await;
        let before = match self.open(id).await {
            Ok(handle) => Some(handle),
            Err(Error::NotFound(_)) => None,
            Err(error) => return Err(error),
        };
        let epoch = match &before {
            Some(before) if planted(Bug::RevisionReused) => before.epoch().clone(),
            _ => self.epoch(),
        };
        let (image, records) = import.into_log(id, &epoch);
        self.stage.engine.replace(id, &epoch, image, records).await?;
        if let Some(before) = before {
            self.end(&before);
        }
        let handle = self.open(id).await?;
        if *handle.epoch() == epoch {
            return Ok(handle);
        }
        // Somebody opened it while it was being replaced; whoever opens it from now on finds what is in its place.
        self.end(&handle);
        self.open(id).await
    }

    /// Productions behind `after` by name, at most `limit`.
    ///
    /// # Errors
    /// The engine's.
    pub async fn list(&self, after: Option<&ProductionId>, limit: usize) -> Result<Vec<Listed>, Error> {
        let mut listed = Vec::new();
        for (id, _) in self.stage.engine.list(after, limit).await? {
            let state = match self.open(&id).await {
                Ok(handle) => handle.state(),
                Err(Error::NotFound(_)) => continue,
                Err(error) => return Err(error),
            };
            let lifecycle = state.lifecycle();
            listed.push(Listed {
                id,
                phase: lifecycle.phase,
                paused: lifecycle.paused,
                revision: state.revision(),
            });
        }
        Ok(listed)
    }

    /// Ends all directors, after their batches.
    pub async fn close(&self) {
        self.stage.tasks.cancel();
        self.stage.tasks.ended().await;
    }

    /// Its subscribers are told at once, and not when its director has ended the batch that it is in: what follows
    /// in its place may be quicker.
    fn end(&self, handle: &Handle) {
        handle.shared().ended.cancel();
        handle.shared().hub.end();
        let mut slots = self.stage.slots();
        if slots
            .get(handle.id())
            .and_then(|slot| slot.get())
            .is_some_and(|there| Arc::ptr_eq(there.shared(), handle.shared()))
        {
            slots.remove(handle.id());
        }
    }

    fn check_backends(&self, manifest: &onair_core::Manifest) -> Result<(), Refusal> {
        let Some(backends) = &self.stage.backends else { return Ok(()) };
        for (place, backend) in manifest.written.backends.iter().enumerate() {
            if let Err(misfit) = backends.check(backend) {
                let pointer = format!("/backends/{place}{}", misfit.pointer);
                return Err(Refusal::Invalid { pointer, detail: misfit.detail });
            }
        }
        Ok(())
    }

    /// Whether a production can stay out of memory. One in memory is looked after already.
    pub(crate) async fn is_at_rest(&self, id: &ProductionId) -> Result<bool, Error> {
        if self.stage.slots().contains_key(id) {
            return Ok(true);
        }
        let head = self.stage.engine.head(id).await?.ok_or_else(|| Error::NotFound(id.clone()))?;
        director::is_at_rest(&self.stage, id, &head).await
    }

    fn epoch(&self) -> Epoch {
        Epoch::from_random((self.stage.random)())
    }
}
