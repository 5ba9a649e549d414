//! `onair export`: a production as one file, checked while it is written.

use std::{
    io::{self, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::Args;
use onair_wire::ProductionId;
use reqwest::Method;
use serde_json::json;

use super::Context;
use crate::{
    cli::{Usage, is_dash},
    exported::{Header, Reading},
    file::NewFile,
};

/// Where to.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The file, or - for stdout, which is also meant when nothing is said and stdout is no terminal
    pub(crate) file: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long)]
    pub(crate) force: bool,
}

pub(crate) async fn run(context: &Context, options: &Options) -> anyhow::Result<ExitCode> {
    let name = &context.production;
    let place = match &options.file {
        None if io::stdout().is_terminal() => {
            let usage = Usage::new("an export is not for reading on a terminal");
            return Err(usage.hint(format!("name a file: onair export {name}.onair.jsonl")).into());
        }
        None => None,
        Some(file) => Some(file).filter(|file| !is_dash(*file)),
    };
    let Some(place) = place else {
        let mut out = io::stdout().lock();
        copy(context, name, |piece| Ok(out.write_all(piece)?)).await?;
        return Ok(ExitCode::SUCCESS);
    };
    let mut file = NewFile::begin(place, options.force)?;
    let header = copy(context, name, |piece| file.write(piece)).await?;
    file.keep()?;
    if context.report.wants_json() {
        context
            .report
            .json(&json!({ "file": place, "production": header.production, "epoch": header.epoch,
            "revision": header.revision }))?;
    } else {
        let Header { production, epoch, revision, .. } = header;
        context.report.line(&format!("{}  {production} at {epoch}:{revision}", place.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Hands over a production piece by piece.
///
/// # Errors
/// When what came is not whole: a server that fails meanwhile can say so in no other way.
pub(super) async fn copy(
    context: &Context,
    production: &ProductionId,
    mut write: impl FnMut(&[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<Header> {
    let mut stream = context.remote.of(production, Method::GET, &["export"]).stream().await?;
    let mut reading = Reading::default();
    while let Some(piece) = stream.piece().await? {
        reading.push(&piece, |_| Ok(()))?;
        write(&piece)?;
    }
    reading.finish()
}
