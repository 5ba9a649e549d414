//! The program `onair`: reads the command line, does one thing, and says how it went.
//!
//! Exit codes: 0 done, 1 refused or failed, 2 wrong usage. What was asked for goes to stdout, everything else to
//! stderr; with `--json` a failure is data too.

mod cli;
mod command;
mod exported;
mod file;
mod input;
mod manifest;
mod remote;
mod report;

use std::{io, process::ExitCode};

use clap::{Parser, error::ErrorKind};

use cli::{Cli, Command, Usage};
use report::Report;

/// Refused or failed.
const FAILED: u8 = 1;
/// Asked for something that there is not.
const WRONG_USAGE: u8 = 2;

/// Many threads allocate and others free: the system's allocator makes them wait for each other.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return not_understood(&error),
    };
    let report = Report::new(cli.global.json);
    match runtime(&cli).and_then(|runtime| runtime.block_on(command::run(cli, report))) {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to be told to when this fails too.
            let _ = report.failure(&error);
            ExitCode::from(if error.is::<Usage>() { WRONG_USAGE } else { FAILED })
        }
    }
}

/// A server wants every core; a client is done before a second thread has begun.
fn runtime(cli: &Cli) -> anyhow::Result<tokio::runtime::Runtime> {
    let mut builder = match cli.command {
        Command::Serve(_) | Command::Demo(_) => tokio::runtime::Builder::new_multi_thread(),
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    Ok(builder.enable_all().build()?)
}

/// Help and version are answers; the rest is wrong usage, which a program that asked for JSON gets as JSON.
fn not_understood(error: &clap::Error) -> ExitCode {
    let wants_json = std::env::args_os().skip(1).take_while(|arg| arg != "--").any(|arg| arg == "--json");
    let shown = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => return shown(error, ExitCode::SUCCESS),
        _ if wants_json => Report::new(true).failure(&Usage::from_clap(error).into()),
        _ => error.print(),
    };
    // Nothing is left to be told to when this fails.
    drop(shown);
    ExitCode::from(WRONG_USAGE)
}

fn shown(error: &clap::Error, code: ExitCode) -> ExitCode {
    match error.print() {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => ExitCode::from(FAILED),
        _ => code,
    }
}

/// `onair watch | head -1` has got what it wanted.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.chain().find_map(|cause| cause.downcast_ref::<io::Error>());
    io.is_some_and(|io| io.kind() == io::ErrorKind::BrokenPipe)
}
