//! The engine behind a URL: the one place that knows them all.

use std::{fs, sync::Arc};

use anyhow::Context;
use onair_engine::{Engine, memory::Memory};
use onair_engine_embedded::{Embedded, Options};
use onair_server::config::{Config, EngineUrl};

/// Opens the engine that is configured; answers how people call it.
pub(crate) fn open(config: &Config) -> anyhow::Result<(Arc<dyn Engine>, String)> {
    let data = &config.data;
    fs::create_dir_all(data)
        .with_context(|| format!("the data directory {} cannot be made", data.display()))?;
    match config.engine() {
        EngineUrl::Memory => Ok((Arc::new(Memory::new()), "memory: nothing survives the process".to_owned())),
        EngineUrl::Embedded(path) => {
            let engine = Embedded::open(&Options::new(&path))?;
            Ok((Arc::new(engine), format!("embedded, in {}", path.display())))
        }
    }
}
