//! The engine behind a URL: the one place that knows them all.

use std::{fs, sync::Arc};

use anyhow::Context;
use onair_engine::{Engine, memory::Memory};
use onair_engine_embedded::{Embedded, Options};
use onair_server::config::{Config, EngineUrl};
use rustix::process::{Resource, getrlimit};

/// Opens the engine that is configured; answers how people call it.
pub(crate) fn open(config: &Config) -> anyhow::Result<(Arc<dyn Engine>, String)> {
    let data = &config.data;
    fs::create_dir_all(data)
        .with_context(|| format!("the data directory {} cannot be made", data.display()))?;
    match config.engine() {
        EngineUrl::Memory => Ok((Arc::new(Memory::new()), "memory: nothing survives the process".to_owned())),
        EngineUrl::Embedded(path) => {
            let mut options = Options::new(&path);
            options.files_max = options.files_max.min(files_max());
            let engine = Embedded::open(&options)?;
            Ok((Arc::new(engine), format!("embedded, in {}", path.display())))
        }
    }
}

/// What the store does not go below.
const FILES_MIN: usize = 10;

/// An eighth of the descriptors there may be: at least half are left to all that is no connection.
fn files_max() -> usize {
    let limit = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX) / 8;
    usize::try_from(limit).unwrap_or(usize::MAX).max(FILES_MIN)
}
