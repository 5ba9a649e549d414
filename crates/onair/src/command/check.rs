//! `onair check`: what the rules of the validation agent find now (rows A2, A3).
//!
//! For people a table with what to do; for a test or a script an exit code, with `--fail`.

use std::process::ExitCode;

use clap::Args;
use onair_core::rules::Severity;
use onair_wire::ProductionId;
use reqwest::Method;
use serde_json::Value;

use super::{Context, text};

/// Which production, and what is too bad.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The production; left out, the one of --production
    pub(crate) name: Option<ProductionId>,
    /// Exit with 1 while a finding stands that is at least so bad: error, warning or info
    #[arg(long, value_name = "SEVERITY")]
    pub(crate) fail: Option<Severity>,
}

pub(crate) async fn run(context: &Context, options: &Options) -> anyhow::Result<ExitCode> {
    let production = options.name.as_ref().unwrap_or(&context.production);
    // What was found is shown whether or not it fails the caller, so the server is not asked to refuse.
    let report = context.remote.of(production, Method::POST, &["check"]).once().value().await?;
    let findings: Vec<&Value> = report["findings"].as_array().into_iter().flatten().collect();
    if context.report.wants_json() {
        context.report.json(&report)?;
    } else {
        show(context, &report, &findings)?;
    }
    let failed = options.fail.is_some_and(|least| fails(&findings, least));
    Ok(ExitCode::from(u8::from(failed)))
}

fn show(context: &Context, report: &Value, findings: &[&Value]) -> anyhow::Result<()> {
    if findings.is_empty() {
        return Ok(context.report.line(&format!("{} rules found nothing", text(report, "rules")))?);
    }
    let row = |finding: &&Value| ["severity", "code", "message"].map(|name| text(finding, name)).to_vec();
    let rows: Vec<_> = findings.iter().map(row).collect();
    context.report.table(&["SEVERITY", "CODE", "WHAT"], &rows)?;
    context.report.line("")?;
    for finding in findings {
        context.report.line(&format!("{}: {}", text(finding, "code"), text(finding, "fix")))?;
    }
    context.report.note("see: onair explain CODE");
    Ok(())
}

/// Whether something stands that is at least so bad; a severity of a newer server counts.
fn fails(findings: &[&Value], least: Severity) -> bool {
    let severity = |finding: &&Value| text(finding, "severity").parse::<Severity>();
    findings.iter().any(|finding| !severity(finding).is_ok_and(|severity| severity < least))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a3_what_is_at_least_so_bad_fails() {
        let (error, info, other) =
            (json!({ "severity": "error" }), json!({ "severity": "info" }), json!({ "severity": "fatal" }));
        let table: [(&[&Value], Severity, bool); 6] = [
            (&[], Severity::Info, false),
            (&[&info], Severity::Info, true),
            (&[&info], Severity::Warning, false),
            (&[&info, &error], Severity::Warning, true),
            (&[&error], Severity::Error, true),
            (&[&other], Severity::Error, true),
        ];
        for (findings, least, expected) in table {
            assert_eq!(fails(findings, least), expected, "{findings:?} {least}");
        }
    }
}
