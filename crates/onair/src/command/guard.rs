//! `onair guard`, which the server calls and nobody else: it holds a process that must not outlive the server.

use std::{ffi::OsString, process::ExitCode};

use clap::Args;
use onair_adapters::process::guard::{self, Orders};

use crate::cli::Usage;

/// What is guarded.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// SIGNAL GRACE_MS PROGRAM ARGUMENT…
    #[arg(last = true, required = true)]
    words: Vec<OsString>,
}

/// Runs it to its end, and ends as it did.
pub(crate) async fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let orders = Orders::read(options.words.iter().cloned()).map_err(Usage::new)?;
    Ok(ExitCode::from(guard::run(orders).await?))
}
