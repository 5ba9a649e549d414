//! The house: a server in this process, on this machine alone, whose data goes where nobody misses it.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use onair_engine::Engine;
use onair_server::{
    config::{Config, Flags},
    serve::{self, Ended, Server},
};
use tempfile::TempDir;

use super::{Options, stage};
use crate::{cli::Usage, command::serve::engine};

/// The port that everything else takes for granted.
pub(super) const PORT: u16 = 4200;
/// How long the server takes to stop at most.
const GRACE_MS: u64 = 2_000;

/// The house.
pub(super) struct House {
    server: Server,
    folder: Folder,
    /// Whether the usual port was taken.
    pub(super) moved: bool,
}

/// Where everything is kept.
enum Folder {
    /// Until the end.
    Temporary(TempDir),
    /// For good.
    Kept(PathBuf),
}

impl House {
    /// Opens it.
    pub(super) async fn open(options: &Options) -> anyhow::Result<Self> {
        let folder = Folder::of(options.data.as_deref())?;
        let mut config = config(folder.path(), options.port.unwrap_or(PORT))?;
        let (engine, _) = engine::open(&config)?;
        let (server, moved) = match start(&config, &engine).await {
            Err(serve::Error::Listen { error, .. })
                if error.kind() == ErrorKind::AddrInUse && options.port.is_none() =>
            {
                config.listen.set_port(0);
                (start(&config, &engine).await?, true)
            }
            started => (started?, false),
        };
        Ok(Self { server, folder, moved })
    }

    /// Where it serves.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.server.api())
    }

    /// Whether it serves where a command line looks that was told nothing.
    pub(super) fn is_usual(&self) -> bool {
        self.server.api().port() == PORT
    }

    /// Whether its data stays.
    pub(super) fn is_kept(&self) -> bool {
        std::matches!(self.folder, Folder::Kept(_))
    }

    /// Where its data is.
    pub(super) fn data(&self) -> &Path {
        self.folder.path()
    }

    /// Stops the server and removes what was temporary; says what has become of the data.
    pub(super) async fn close(self) -> anyhow::Result<String> {
        let how = match self.server.stop().await {
            Ended::Gracefully => "the server has stopped",
            Ended::Forced => "the server has stopped, and cut somebody off",
        };
        match self.folder {
            Folder::Temporary(folder) => {
                let place = folder.path().to_owned();
                folder.close().with_context(|| format!("cannot remove {}", place.display()))?;
                Ok(format!("{how}; {} is gone", place.display()))
            }
            Folder::Kept(place) => {
                let place = place.display();
                Ok(format!("{how}; everything is kept: onair serve --data {place}"))
            }
        }
    }
}

impl Folder {
    /// A new one, or the one that was named, which must not be somebody's already.
    fn of(named: Option<&Path>) -> anyhow::Result<Self> {
        let Some(place) = named else {
            let folder = tempfile::Builder::new().prefix("onair-demo-").tempdir();
            return Ok(Self::Temporary(folder.context("a temporary directory cannot be made")?));
        };
        let cannot = || format!("{} cannot be used", place.display());
        fs::create_dir_all(place).with_context(cannot)?;
        if fs::read_dir(place).with_context(cannot)?.next().is_some() {
            let usage = Usage::new(format!("{} is not empty, and the demo is no guest", place.display()));
            return Err(usage
                .hint("name a new directory; look at an old one with: onair serve --data DIR")
                .into());
        }
        Ok(Self::Kept(place.to_owned()))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Kept(place) => place,
        }
    }
}

async fn start(config: &Config, engine: &Arc<dyn Engine>) -> Result<Server, serve::Error> {
    Server::start(config, Arc::clone(engine)).await
}

/// Nothing of the environment and no file: the demo is the same everywhere.
fn config(data: &Path, port: u16) -> anyhow::Result<Config> {
    let flags = Flags::default()
        .with("data", data.display().to_string())
        .with("listen", format!("127.0.0.1:{port}"))
        .with("metrics_listen", "127.0.0.1:0")
        .with("agents.heartbeat_ms", stage::HEARTBEAT_MS.to_string())
        .with("shutdown_grace_ms", GRACE_MS.to_string());
    Config::load(&flags, &|_| None, None).map_err(|findings| {
        let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
        anyhow::Error::msg(lines.join("\n"))
    })
}
