//! The engine behind a URL: the one place that knows them all.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::bail;
use onair_engine::{Engine, memory::Memory};
use onair_engine_embedded::{Embedded, Options};

/// Opens the engine that `url` names, or the embedded one below `data`; answers how people call it.
pub(super) fn open(url: Option<&str>, data: &Path) -> anyhow::Result<(Arc<dyn Engine>, String)> {
    std::fs::create_dir_all(data)
        .map_err(|error| anyhow::anyhow!("the data directory {} cannot be made: {error}", data.display()))?;
    let (scheme, rest) = match url {
        None => ("embedded", data.join("log")),
        Some(url) => match url.split_once(':') {
            Some((scheme, rest)) => (scheme, PathBuf::from(rest)),
            None => bail!("an engine is a URL, `embedded:DIR` or `memory:`, not `{}`", url.escape_debug()),
        },
    };
    match scheme {
        "embedded" => {
            let engine = Embedded::open(&Options::new(&rest))?;
            Ok((Arc::new(engine), format!("embedded, in {}", rest.display())))
        }
        "memory" => Ok((Arc::new(Memory::new()), "memory: nothing survives the process".to_owned())),
        "redis" | "rediss" | "postgres" | "postgresql" | "nats" => {
            bail!(
                "the engine {scheme}:// comes with a later release; this one carries `embedded:DIR` and `memory:`"
            )
        }
        other => {
            bail!("there is no engine `{}`; there are `embedded:DIR` and `memory:`", other.escape_debug())
        }
    }
}
