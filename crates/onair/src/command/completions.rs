//! `onair completions`: a script for a shell, made from the same declaration that parses.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use crate::cli::Cli;

/// For which shell.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    // The generator panics where it cannot write, so it writes where it can.
    let mut script = Vec::new();
    generate(options.shell, &mut Cli::command(), "onair", &mut script);
    io::stdout().lock().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}
