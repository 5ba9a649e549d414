//! `onair serve`: runs the server.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use anyhow::bail;
use clap::{Args, ValueEnum};

/// What `serve` can be told; the rest stands in the configuration file.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Where productions are kept
    #[arg(long, value_name = "DIR", env = "ONAIR_DATA", default_value = "onair-data")]
    pub(crate) data: PathBuf,
    /// Another log than the one in the data directory: `embedded:DIR`
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
#[expect(clippy::unused_async, reason = "the server will await")]
pub(crate) async fn run(options: &Options) -> anyhow::Result<ExitCode> {
    bail!("this build does not serve yet: {options:?}")
}
