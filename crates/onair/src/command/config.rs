//! `onair config`: what the configuration file of a server says, and where it is wrong.

use std::{fs, path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand};
use onair_server::config::Config;
use serde_json::json;

use crate::{cli::Usage, report::Report};

/// What can be done with a configuration.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// Name each wrong key of a configuration file with its line
    Check(Check),
}

/// What is checked.
#[derive(Clone, Debug, Args)]
pub(crate) struct Check {
    /// The file
    file: PathBuf,
}

/// Does it; exit code 2 when the file is wrong, as `serve` would say.
pub(crate) fn run(command: &Command, report: Report) -> anyhow::Result<ExitCode> {
    let Command::Check(Check { file }) = command;
    let path = file.display().to_string();
    let text =
        fs::read_to_string(file).map_err(|error| Usage::new(format!("cannot read {path}: {error}")))?;
    let findings = Config::check(&text);
    if report.wants_json() {
        let findings: Vec<_> = findings
            .iter()
            .map(|finding| {
                json!({
                    "line": finding.line, "column": finding.column, "key": finding.key,
                    "message": finding.message, "hint": finding.hint,
                })
            })
            .collect();
        report.json(&json!({ "file": path, "findings": findings }))?;
    } else if findings.is_empty() {
        report.line(&format!("{path} holds"))?;
    } else {
        for finding in &findings {
            let named = onair_server::config::Finding { source: path.clone(), ..finding.clone() };
            report.line(&named.to_string())?;
        }
    }
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) })
}
