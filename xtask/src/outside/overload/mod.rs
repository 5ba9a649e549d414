//! More than the server can carry: everybody at once, somebody who never reads, no descriptors, no memory. Nobody who
//! is served is harmed, what is acknowledged stays, and it recovers by itself (goals G12 and G13, fault F32).
//!
//! What depends on how fast the machine is, is said and not judged: the programs here share its cores with the server.

mod lean;
mod link;
mod mute;
mod rush;
mod short;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};

use super::{build_onair, client, server::Server};
use crate::process;
use crate::repository::Repository;
use crate::steps::{Outcome, Tally};

/// Descriptors for ten thousand connections, here and there.
const DESCRIPTORS: u64 = 20_000;

/// All there is. The last two, said alone, expect to be in a network of their own.
const PARTS: [&str; 6] = ["rush", "mute", "descriptors", "memory", "half-open", "loss"];

/// What is wanted.
pub(crate) struct Wanted {
    /// One of the parts alone.
    pub(crate) only: Option<String>,
    pub(crate) clients: usize,
    pub(crate) onair: Option<PathBuf>,
}

/// Where servers are started.
struct Stage {
    onair: PathBuf,
    dir: PathBuf,
}

impl Stage {
    fn new(repository: &Repository, onair: Option<PathBuf>) -> Result<Self> {
        let onair = onair.map_or_else(|| build_onair(repository), Ok)?;
        Ok(Self { onair, dir: repository.target()?.join("outside/overload") })
    }

    /// Nothing is there.
    fn clear(&self) -> Result<()> {
        if self.dir.exists() {
            fs::remove_dir_all(&self.dir).with_context(|| format!("cannot remove {}", self.dir.display()))?;
        }
        fs::create_dir_all(&self.dir).with_context(|| format!("cannot create {}", self.dir.display()))
    }

    /// A server over what is there, started by a program that gives it less of something.
    fn serve(&self, through: &[&str]) -> Result<Server> {
        let words: Vec<&Path> = through.iter().map(Path::new).chain([self.onair.as_path()]).collect();
        let [program, arguments @ ..] = words.as_slice() else { unreachable!("a server is a program") };
        Server::start(Command::new(program).args(arguments), &self.dir)
    }

    fn create(&self, server: &Server, production: &str) -> Result<()> {
        client::create(server.api(), server.admin_token(), production)
    }
}

/// The step of `cargo xtask test`: what does not depend on speed.
pub(crate) fn overload(repository: &Repository) -> Result<Outcome> {
    let stage = Stage::new(repository, None)?;
    let size =
        mute::Size { readers: 20, mutes: &[50], turns: 1, span: Duration::from_secs(2), rates: (20, 100) };
    runtime()?.block_on(async {
        stage.clear()?;
        rush::run(&stage, 500).await?;
        stage.clear()?;
        short::descriptors(&stage, false).await?;
        stage.clear()?;
        mute::run(&stage, &size).await
    })?;
    Ok(Outcome::Passed(Tally::default()))
}

/// All of it, as large as the goals say.
pub(crate) fn run(repository: &Repository, wanted: &Wanted) -> Result<()> {
    let stage = Stage::new(repository, wanted.onair.clone())?;
    let own = std::process::id().to_string();
    let limit = format!("--nofile={DESCRIPTORS}:{DESCRIPTORS}");
    process::run(Command::new("prlimit").args(["--pid", &own, &limit]))?;
    let is_wanted = |part: &str| wanted.only.as_ref().is_none_or(|only| only == part);
    let size = mute::Size {
        readers: 200,
        mutes: &[1, 50],
        turns: 3,
        span: Duration::from_secs(10),
        rates: (50, 20),
    };
    runtime()?.block_on(async {
        for part in PARTS.into_iter().filter(|part| is_wanted(part)) {
            println!("\n-- {part}");
            stage.clear()?;
            match part {
                "rush" => rush::run(&stage, wanted.clients).await?,
                "mute" => mute::run(&stage, &size).await?,
                "descriptors" => short::descriptors(&stage, true).await?,
                "memory" => short::memory(&stage)?,
                "half-open" if wanted.only.is_some() => link::half_open(&stage).await?,
                "loss" if wanted.only.is_some() => link::loss(&stage).await?,
                part => link::alone(&stage, part)?,
            }
        }
        Ok(())
    })
}

/// One thread for all clients: the server has the other core.
fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")
}

/// The value that so many of a hundred do not exceed.
fn quantile(values: &[f64], of_hundred: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (of_hundred * sorted.len()).div_ceil(100).max(1);
    sorted.get(at - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!([0, 50, 99, 100].map(|part| quantile(&values, part)), [1.0, 50.0, 99.0, 100.0]);
        assert_eq!(quantile(&[], 50), 0.0);
    }
}
