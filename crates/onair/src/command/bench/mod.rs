//! `onair bench`: what a running server does, measured from outside: commits it makes durable, and how many it tells.
//!
//! It works on productions of its own, named by chance, and removes them when it is done, has failed or is interrupted.
//! Frames are written and read by hand, so that the client costs little beside the server. A figure counts only when
//! nothing was lost, doubled or reordered on the way: that is looked at in every run, and is a failure.

mod commits;
mod fanout;
mod figures;
mod log;
mod made;
mod publisher;
mod socket;
mod stamp;
mod subscriber;
mod target;

use std::{process::ExitCode, time::Duration};

use anyhow::bail;
use clap::Subcommand;

use self::{made::Made, target::Target};
use super::Context;

/// Before anything counts: caches fill, queues settle.
const WARM_UP: Duration = Duration::from_secs(1);
/// How long nothing at all may be heard of what is under way.
const PATIENCE: Duration = Duration::from_secs(10);
/// The collection that is written to.
const COLLECTION: &str = "bench";

/// What to measure.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Commits per second: clients that write, and wait until it is on disk
    Commits(commits::Options),
    /// Deliveries per second: one client that writes, and many that are told
    Fanout(fanout::Options),
}

pub(crate) async fn run(context: &Context, command: &Command) -> anyhow::Result<ExitCode> {
    let target = Target::of(&context.remote)?;
    let productions = match command {
        Command::Commits(options) => options.productions()?,
        Command::Fanout(_) => 1,
    };
    let mut made = Made::new(&context.remote);
    let measuring = async {
        made.create(productions).await?;
        match command {
            Command::Commits(options) => commits::run(context, &target, made.names(), options).await,
            Command::Fanout(options) => fanout::run(context, &target, &made.names()[0], options).await,
        }
    };
    let outcome = tokio::select! {
        outcome = measuring => outcome,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
    };
    // What went wrong first is what is told; the productions are named in any case.
    let left = made.remove().await;
    if let Err(error) = outcome {
        if !left.is_empty() {
            context.report.note(&format!("not removed: {}", left.join(", ")));
        }
        return Err(error);
    }
    if !left.is_empty() {
        bail!("could not remove {}: onair remove NAME --yes", left.join(", "));
    }
    Ok(ExitCode::SUCCESS)
}
