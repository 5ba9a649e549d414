//! `onair create`: a new production, or another manifest for one that is there.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::Args;
use onair_wire::{Code, Problem, ProductionId};
use reqwest::Method;

use super::Context;
use crate::{input, manifest, remote::Error};

/// What to create.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Its name
    #[arg(value_name = "PRODUCTION")]
    pub(crate) name: ProductionId,
    /// What it is made of, TOML or JSON; one that is there gets this manifest
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest: Option<PathBuf>,
}

pub(crate) async fn run(context: &Context, options: &Options) -> anyhow::Result<ExitCode> {
    let name = &options.name;
    let mut ask = context.remote.of(name, Method::PUT, &[]);
    match &options.manifest {
        Some(path) => {
            let manifest = manifest::read(path, &input::read(path)?);
            ask = ask.json(&manifest.with_context(|| format!("{} is no manifest", path.display()))?);
        }
        // Without a manifest the default one is meant, which must not replace somebody's own by a slip.
        None if context.has(name).await? => {
            let problem = Problem::new(Code::AlreadyExists, format!("there is a production {name} already"));
            return Err(Error::from(problem).into());
        }
        None => {}
    }
    let answer = ask.send().await?;
    if context.report.wants_json() {
        let said = answer.json_or_null()?;
        context.report.json(&said)?;
    } else {
        context
            .report
            .line(&format!("{name}  {}", if answer.status == 201 { "created" } else { "changed" }))?;
    }
    Ok(ExitCode::SUCCESS)
}
