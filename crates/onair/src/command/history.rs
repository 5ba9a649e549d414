//! `onair history`: the versions of a document.

use std::process::ExitCode;

use clap::Args;
use reqwest::Method;
use serde_json::Value;

use super::{Context, short, text};
use crate::input::Place;

/// Of what.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The document
    #[arg(value_name = "COLLECTION/ID")]
    pub(crate) place: Place,
}

pub(crate) async fn run(context: &Context, options: &Options) -> anyhow::Result<ExitCode> {
    let Place { collection, id } = &options.place;
    let segments = ["documents", collection.as_str(), id.as_str(), "history"];
    let history = context.remote.of(&context.production, Method::GET, &segments).value().await?;
    if context.report.wants_json() {
        context.report.json(&history)?;
        return Ok(ExitCode::SUCCESS);
    }
    let row = |version: &Value| {
        let what = match version.get("value") {
            None | Some(Value::Null) if version["op"] == "delete" || version["deleted"] == true => {
                "deleted".to_owned()
            }
            value => short(value),
        };
        vec![text(version, "revision"), text(version, "at"), text(version, "actor"), what]
    };
    let rows: Vec<_> = history["versions"].as_array().into_iter().flatten().map(row).collect();
    context.report.table(&["REVISION", "AT", "ACTOR", "VALUE"], &rows)?;
    Ok(ExitCode::SUCCESS)
}
