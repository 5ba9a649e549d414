//! `onair remove`: a production and its log, for good.

use std::process::ExitCode;

use clap::Args;
use onair_wire::ProductionId;
use reqwest::Method;
use serde_json::json;

use super::Context;
use crate::cli::Usage;

/// What to remove.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Its name
    #[arg(value_name = "PRODUCTION")]
    pub(crate) name: ProductionId,
    /// Yes, its log too
    #[arg(long)]
    pub(crate) yes: bool,
}

pub(crate) async fn run(context: &Context, options: &Options) -> anyhow::Result<ExitCode> {
    let name = &options.name;
    if !options.yes {
        let usage = Usage::new(format!("this removes {name}, its documents and its log for good"));
        let hint =
            format!("keep a copy: onair export --production {name} FILE; then: onair remove {name} --yes");
        return Err(usage.hint(hint).into());
    }
    context.remote.of(name, Method::DELETE, &[]).send().await?;
    if context.report.wants_json() {
        context.report.json(&json!({ "removed": name }))?;
    } else {
        context.report.line(&format!("{name}  removed"))?;
    }
    Ok(ExitCode::SUCCESS)
}
