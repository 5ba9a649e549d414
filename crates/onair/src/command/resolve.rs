//! `onair resolve`: chooses a value in a conflict.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use onair_wire::DocumentId;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Context, text};
use crate::{cli::Usage, input};

/// What to choose.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The conflict
    pub(crate) id: DocumentId,
    /// Whose value
    #[arg(long, value_enum)]
    pub(crate) choose: Choice,
    /// The value, for `merge`: JSON, @FILE, or - for stdin
    #[arg(long, value_name = "JSON")]
    pub(crate) value: Option<String>,
}

/// Whose value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Choice {
    /// That of the late edit
    Local,
    /// The one that stands
    Server,
    /// A third one
    Merge,
}

pub(crate) async fn run(context: &Context, options: &Options) -> anyhow::Result<ExitCode> {
    let segments = ["conflicts", options.id.as_str(), "resolve"];
    let ask = context.remote.of(&context.production, Method::POST, &segments);
    let receipt = ask.once().json(&body(options)?).send().await?.json_or_null()?;
    if context.report.wants_json() {
        context.report.json(&receipt)?;
    } else {
        context.report.line(&format!(
            "{}  resolved in revision {}",
            options.id,
            text(&receipt, "revision")
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn body(options: &Options) -> anyhow::Result<Value> {
    let choose = match options.choose {
        Choice::Local => "local",
        Choice::Server => "server",
        Choice::Merge => "merge",
    };
    match (options.choose, &options.value) {
        (Choice::Merge, Some(value)) => Ok(json!({ "choose": choose, "value": input::value(Some(value))? })),
        (Choice::Merge, None) => {
            Err(Usage::new("`merge` needs a value").hint("say it with --value JSON").into())
        }
        (_, Some(_)) => {
            Err(Usage::new("a value is for `merge` alone").hint("--choose merge --value JSON").into())
        }
        (_, None) => Ok(json!({ "choose": choose })),
    }
}
