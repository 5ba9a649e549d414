//! `onair serve`: opens the log, starts the server, prints a map, and ends when it is told to.

mod banner;
pub(super) mod engine;

use std::{fs, net::SocketAddr, path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::{Args, ValueEnum};
use onair_server::{
    config::{Config, Flags},
    logs,
    serve::{Ended, Server},
};

use crate::cli::Usage;

/// What `serve` can be told; the rest stands in the configuration file.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Where productions are kept [default: onair-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Another log than the one in the data directory: `embedded:DIR` or `memory:`
    #[arg(long, value_name = "URL")]
    engine: Option<String>,
    /// A configuration file, see `onair config check`
    #[arg(long, value_name = "FILE", env = "ONAIR_CONFIG")]
    config: Option<PathBuf>,
    /// Where to serve; port 0 takes a free one [default: 127.0.0.1:4200]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Where to serve metrics [default: 127.0.0.1:9090]
    #[arg(long, value_name = "ADDR")]
    metrics_listen: Option<SocketAddr>,
    /// A name under which the server is called; may be said several times
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
    /// A web page's origin that may call; may be said several times
    #[arg(long = "origin", value_name = "URL")]
    origins: Vec<String>,
    /// How logs are written [default: text]
    #[arg(long, value_enum)]
    log: Option<Log>,
    /// Print where it serves as one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Log {
    /// For people.
    Text,
    /// For programs, one object a line.
    Json,
}

impl Options {
    /// What was said, by the keys of the configuration file.
    fn flags(&self) -> Flags {
        let log = self.log.map(|log| if log == Log::Json { "json" } else { "text" }.to_owned());
        let path = |path: &PathBuf| path.display().to_string();
        let single = [
            ("data", self.data.as_ref().map(path)),
            ("engine", self.engine.clone()),
            ("listen", self.listen.as_ref().map(ToString::to_string)),
            ("metrics_listen", self.metrics_listen.as_ref().map(ToString::to_string)),
            ("log.format", log),
        ];
        let single = single.into_iter().filter_map(|(key, value)| Some((key, value?)));
        let hosts = self.hosts.iter().map(|host| ("hosts", host.clone()));
        let origins = self.origins.iter().map(|origin| ("origins", origin.clone()));
        single
            .chain(hosts)
            .chain(origins)
            .fold(Flags::default(), |flags, (key, value)| flags.with(key, value))
    }

    fn load(&self) -> anyhow::Result<Config> {
        let file = match &self.config {
            None => None,
            Some(path) => {
                let text =
                    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
                Some((path.clone(), text))
            }
        };
        match Config::load(&self.flags(), &|name| std::env::var(name).ok(), file) {
            Ok(config) => Ok(config),
            Err(findings) => {
                let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
                let more = "look it over with `onair config check FILE`";
                Err(Usage::new(format!("the configuration does not hold\n{}", lines.join("\n")))
                    .hint(more)
                    .into())
            }
        }
    }
}

/// Runs the server until it is told to stop.
pub(crate) async fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let config = options.load()?;
    logs::init(config.log_format, &config.log_level).map_err(anyhow::Error::msg)?;
    config.warnings.iter().for_each(|warning| eprintln!("onair: {warning}"));
    let (engine, name) = engine::open(&config)?;
    let figures = engine.figures();
    let server = Server::start(&config, engine).await?;
    banner::Map::of(&server, &config, &name).print(options.json).context("cannot write where it serves")?;
    figures.reports.iter().for_each(|report| eprintln!("onair: {report}"));
    told_to_stop().await?;
    eprintln!("onair: stopping; once more to stop at once");
    let ended = tokio::select! {
        ended = server.stop() => ended,
        _ = told_to_stop() => Ended::Forced,
    };
    eprintln!("onair: {}", banner::farewell(ended));
    Ok(ExitCode::SUCCESS)
}

/// SIGTERM from a supervisor, SIGINT from a terminal.
async fn told_to_stop() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen to SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen to SIGINT")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
