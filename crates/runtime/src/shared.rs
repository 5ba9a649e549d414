//! What a production's director and its handles share: the hub, the way in, and what is known beside the log.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, OnceLock, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use onair_core::Production;
use onair_engine::Engine;
use onair_wire::{Epoch, ProductionId, sync::StreamFigures};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    adapter::Adapters,
    archive::Archive,
    backend::Backends,
    clock::Clock,
    director::Request,
    figures::Figures,
    hub::Hub,
    lookout::{Counts, Surroundings},
    productions::{Keep, Stage},
    shown::Shown,
    tasks::{TaskKind, Tasks},
};

/// What the director and all handles of a production share.
pub(crate) struct Shared {
    pub(crate) id: ProductionId,
    pub(crate) epoch: Epoch,
    pub(crate) hub: Hub<Production>,
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) archive: Archive,
    pub(crate) clock: Clock,
    pub(crate) keep: Keep,
    pub(crate) tasks: Tasks,
    pub(crate) figures: Arc<Figures>,
    /// The revision that is shown, for those who wait for the next one.
    pub(crate) shown: Arc<Shown>,
    /// Cancelled when the production is retired, replaced or removed, or the server ends.
    pub(crate) ended: CancellationToken,
    /// Whether commits were shown since the ticker last sent digests.
    pub(crate) dirty: AtomicBool,
    pub(crate) signals: Signals,
    pub(crate) counts: Counts,
    pub(crate) inbox: mpsc::Sender<Request>,
    pub(crate) adapters: Adapters,
    pub(crate) backends: Option<Arc<dyn Backends>>,
    pub(crate) surroundings: Option<Arc<dyn Surroundings>>,
    /// Whether a service has to be asked how it is.
    polled: AtomicBool,
    /// How many deliveries wait, by backend. Held for a look.
    lags: Mutex<BTreeMap<String, u64>>,
    read_only: OnceLock<String>,
    stage: Weak<Stage>,
}

/// The latest figures of the stream, and whether somebody is still to be told.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    /// Held for a copy of five numbers.
    latest: Mutex<StreamFigures>,
    dirty: AtomicBool,
    unsampled: AtomicBool,
}

impl Signals {
    pub(crate) fn update(&self, newer: &StreamFigures) {
        self.latest.lock().expect("nothing panics while it copies figures").update(newer);
        self.dirty.store(true, Ordering::Release);
        self.unsampled.store(true, Ordering::Release);
    }

    pub(crate) fn latest(&self) -> StreamFigures {
        self.latest.lock().expect("nothing panics while it copies figures").clone()
    }

    /// Whether figures came since this was last asked.
    pub(crate) fn take_unsampled(&self) -> bool {
        self.unsampled.swap(false, Ordering::AcqRel)
    }

    /// The figures, if they changed since this was last called.
    pub(crate) fn take(&self) -> Option<StreamFigures> {
        self.dirty.swap(false, Ordering::AcqRel).then(|| self.latest())
    }
}

impl Shared {
    pub(crate) fn new(
        stage: &Arc<Stage>,
        state: Production,
        inbox: mpsc::Sender<Request>,
        damage: Option<String>,
    ) -> Arc<Self> {
        let (id, epoch) = (state.id().clone(), state.epoch().clone());
        let shown = Arc::new(Shown::new(state.revision()));
        let ended = stage.tasks.cancelled().child_token();
        // A pass ends with its lane, and outlives the production for as long as it takes to say that it ended.
        let (tasks, cancel) = (stage.tasks.clone(), stage.tasks.cancelled());
        let start = move |pass: crate::hub::Pass| tasks.spawn(TaskKind::Lane, pass.run(cancel.clone()));
        let read_only = damage.map_or_else(OnceLock::new, OnceLock::from);
        Arc::new(Self {
            hub: Hub::new(id.clone(), epoch.clone(), Arc::new(state), start),
            id,
            epoch,
            engine: Arc::clone(&stage.engine),
            archive: Archive::new(Arc::clone(&stage.engine)),
            clock: stage.clock.clone(),
            keep: stage.keep,
            tasks: stage.tasks.clone(),
            figures: Arc::clone(&stage.figures),
            shown,
            ended,
            dirty: AtomicBool::new(false),
            signals: Signals::default(),
            counts: Counts::default(),
            inbox,
            adapters: stage.adapters.clone(),
            backends: stage.backends.clone(),
            surroundings: stage.surroundings.clone(),
            polled: AtomicBool::new(false),
            lags: Mutex::default(),
            read_only,
            stage: Arc::downgrade(stage),
        })
    }

    /// Why this production takes nothing, if so. An engine that takes nothing says so by itself, to each append.
    pub(crate) fn damage(&self) -> Option<&str> {
        self.read_only.get().map(String::as_str)
    }

    /// Why nothing is taken, for people.
    pub(crate) fn read_only(&self) -> Option<String> {
        self.damage().map(str::to_owned).or_else(|| self.engine.figures().read_only)
    }

    pub(crate) fn set_read_only(&self, reason: &str) {
        // The first reason stays.
        let _ = self.read_only.set(reason.to_owned());
    }

    pub(crate) fn is_polled(&self) -> bool {
        self.polled.load(Ordering::Relaxed)
    }

    pub(crate) fn set_polled(&self, polled: bool) {
        self.polled.store(polled, Ordering::Relaxed);
    }

    pub(crate) fn set_lag(&self, backend: &str, lag: u64) {
        self.lags.lock().expect("nothing panics while it counts").insert(backend.to_owned(), lag);
    }

    /// How many deliveries wait, by backend, as far as it was counted.
    pub(crate) fn lags(&self) -> BTreeMap<String, u64> {
        self.lags.lock().expect("nothing panics while it counts").clone()
    }

    /// How many watch, over all transports.
    pub(crate) fn watching(&self) -> usize {
        self.hub.attached()
    }

    /// Leaves memory, if nobody watches and nobody holds a handle.
    pub(crate) fn retire(self: &Arc<Self>) -> bool {
        self.watching() == 0 && self.stage.upgrade().is_none_or(|stage| stage.retire(self))
    }
}
