//! `onair serve`: opens the log, starts the server, prints a map, and ends when it is told to.

mod banner;
mod engine;

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context;
use clap::{Args, ValueEnum};
use onair_runtime::Keep;
use onair_server::serve::{Ended, Server};
use onair_wire::ProductionId;

/// What `serve` can be told; the rest stands in the configuration file.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Where productions are kept
    #[arg(long, value_name = "DIR", env = "ONAIR_DATA", default_value = "onair-data")]
    pub(crate) data: PathBuf,
    /// Another log than the one in the data directory: `embedded:DIR` or `memory:`
    #[arg(long, value_name = "URL")]
    pub(crate) engine: Option<String>,
    /// A configuration file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where to serve; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4200")]
    pub(crate) listen: SocketAddr,
    /// Where to serve metrics
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9090")]
    pub(crate) metrics_listen: SocketAddr,
    /// A name under which the server is called; may be said several times
    #[arg(long = "host", value_name = "NAME")]
    pub(crate) hosts: Vec<String>,
    /// A web page's origin that may call; may be said several times
    #[arg(long = "origin", value_name = "URL")]
    pub(crate) origins: Vec<String>,
    /// How logs are written
    #[arg(long, value_enum, default_value_t = Log::Text)]
    pub(crate) log: Log,
    /// Print where it serves as one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Log {
    /// For people.
    Text,
    /// For programs, one object a line.
    Json,
}

/// Runs the server until it is told to stop.
pub(crate) async fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let url = options.engine.clone();
    let (engine, name) = engine::open(url.as_deref(), &options.data)?;
    let figures = engine.figures();
    let server = Server::start(server_options(options), engine).await?;
    let map = banner::Map::of(&server, options, &name);
    map.print(options.json).context("cannot write where it serves")?;
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

fn server_options(options: &Options) -> onair_server::serve::Options {
    onair_server::serve::Options {
        listen: options.listen,
        metrics: Some(options.metrics_listen),
        data: options.data.clone(),
        hosts: options.hosts.clone(),
        origins: options.origins.clone(),
        rates: Default::default(),
        keep: Keep::default(),
        debounce: Duration::from_millis(100),
        grace: Duration::from_secs(10),
        default_production: ProductionId::new("main").expect("a name"),
    }
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
