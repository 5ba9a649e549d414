//! `onair import`: makes a production of an exported file.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context as _;
use clap::Args;
use onair_wire::{Code, Problem, ProductionId};
use reqwest::Method;
use serde_json::json;

use super::{Context, text};
use crate::{exported::Reading, input, remote::Error};

/// How long the server may take: it folds the whole log before it answers.
const PATIENCE: Duration = Duration::from_secs(300);

/// What to import.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The file, or - for stdin
    pub(crate) file: PathBuf,
    /// The production to make; left out, the one that was exported
    #[arg(long = "as", value_name = "PRODUCTION")]
    pub(crate) name: Option<ProductionId>,
    /// Put it in the place of a production that is there, log and all
    #[arg(long)]
    pub(crate) replace: bool,
}

pub(crate) async fn run(context: &Context, options: &Options) -> anyhow::Result<ExitCode> {
    let file = input::read(&options.file)?;
    let mut reading = Reading::default();
    // A file that is not whole is told here, before half a gigabyte was sent.
    let read = reading.push(&file, |_| Ok(())).and_then(|()| reading.finish());
    let header = read.with_context(|| format!("{} cannot be imported", options.file.display()))?;
    let name = options.name.as_ref().unwrap_or(&header.production);
    if !options.replace && context.has(name).await? {
        let detail =
            format!("there is a production {name} already; --as gives another name, --replace its place");
        return Err(Error::from(Problem::new(Code::AlreadyExists, detail)).into());
    }
    let ask = context.remote.of(name, Method::POST, &["import"]);
    let answer =
        ask.body("application/x-ndjson", file.into()).patient(PATIENCE).send().await?.json_or_null()?;
    if context.report.wants_json() {
        context.report.json(&if answer.is_null() { json!({ "production": name }) } else { answer })?;
    } else {
        let epoch = text(&answer, "epoch");
        let log = if epoch.is_empty() { epoch } else { format!(", a log of epoch {epoch}") };
        context.report.line(&format!("{name}  imported up to revision {}{log}", header.revision))?;
    }
    Ok(ExitCode::SUCCESS)
}
