//! `onair explain`: the page of a problem code or of a rule, without a server.

use std::process::ExitCode;

use clap::Args;
use onair_core::rules::{self, Rule};
use onair_wire::Code;
use serde_json::json;

use crate::{cli::Usage, report::Report};

/// Above this likeness (Jaro-Winkler, 0 to 1) a word may have been meant: the one that clap suggests by.
const LIKENESS: f64 = 0.7;
/// How many words are suggested.
const SUGGESTIONS_MAX: usize = 3;

/// Which code.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// A problem code or a rule, `revision-mismatch` or `SM001` say; left out, all of them are listed
    pub(crate) code: Option<String>,
}

pub(crate) fn run(options: &Options, report: Report) -> anyhow::Result<ExitCode> {
    match &options.code {
        None => list(report)?,
        Some(text) if rules::rule(text).is_some() => {
            let Rule { code, severity, category, title, fix, page, .. } =
                rules::rule(text).expect("just found");
            if report.wants_json() {
                report.json(&json!({ "code": code, "severity": severity, "category": category,
                    "title": title, "fix": fix, "page": page }))?;
            } else {
                report.page(page)?;
            }
        }
        Some(text) => {
            let code: Code = text.parse().map_err(|()| unknown(text))?;
            if report.wants_json() {
                report.json(&json!({ "code": code, "status": code.status(), "title": code.title(),
                    "page": code.page() }))?;
            } else {
                report.page(code.page())?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(report: Report) -> anyhow::Result<()> {
    if report.wants_json() {
        let codes = Code::ALL.iter();
        let codes: Vec<_> = codes
            .map(|code| json!({ "code": code, "status": code.status(), "title": code.title() }))
            .collect();
        let rules = rules::all()
            .map(|rule| json!({ "code": rule.code, "severity": rule.severity, "title": rule.title }));
        let rules: Vec<_> = rules.collect();
        return Ok(report.json(&json!({ "codes": codes, "rules": rules }))?);
    }
    let row = |code: &Code| vec![code.to_string(), code.status().to_string(), code.title().to_owned()];
    let rows: Vec<_> = Code::ALL.iter().map(row).collect();
    report.table(&["CODE", "STATUS", "TITLE"], &rows)?;
    report.line("")?;
    let row = |rule: &Rule| vec![rule.code.to_owned(), rule.severity.to_string(), rule.title.to_owned()];
    let rows: Vec<_> = rules::all().map(row).collect();
    Ok(report.table(&["RULE", "SEVERITY", "TITLE"], &rows)?)
}

fn unknown(text: &str) -> Usage {
    let near = nearest(text);
    let hint = match near.as_slice() {
        [] => "see: onair explain".to_owned(),
        near => format!("did you mean {}?", near.join(", ")),
    };
    Usage::new(format!("there is no code `{text}`")).hint(hint)
}

fn nearest(text: &str) -> Vec<&'static str> {
    let text = text.to_lowercase().replace('_', "-");
    let likeness = |code: &str| strsim::jaro_winkler(&text, code);
    let mut near: Vec<_> =
        Code::ALL.iter().map(|code| code.as_str()).filter(|it| likeness(it) > LIKENESS).collect();
    near.sort_by(|a, b| likeness(b).total_cmp(&likeness(a)));
    near.truncate(SUGGESTIONS_MAX);
    near
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b32_the_nearest_codes_are_suggested() {
        for (text, expected) in [
            ("not-fuond", Some("not-found")),
            ("NOT_FOUND", Some("not-found")),
            ("revision", Some("revision-mismatch")),
            ("readonly", Some("read-only")),
            ("zzz", None),
        ] {
            assert_eq!(nearest(text).first().copied(), expected, "{text}: {:?}", nearest(text));
        }
    }
}
