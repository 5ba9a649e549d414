//! The rules of the validation agent, the second table of `docs/problems/README.md` and the pages beside it say the same.
//!
//! The code is the truth: the files in `crates/core/src/rules/` have an entry per rule that begins with
//! `"SM001" Error "A move is outside the table",`.

use std::collections::BTreeSet;

use anyhow::Result;

use super::Finding;
use crate::repository::Repository;

const SOURCES: &str = "crates/core/src/rules";
const DIRECTORY: &str = "docs/problems";
const README: &str = "docs/problems/README.md";
const HEAD: &str = "| rule | severity | title |";
/// Headings of a page, in order.
const HEADINGS: [&str; 3] = ["## Cause", "## What to do", "## Example"];

/// What is said of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    code: String,
    severity: String,
    title: String,
}

impl Row {
    fn line(&self) -> String {
        let Self { code, severity, title } = self;
        format!("| [`{code}`]({code}.md) | {severity} | {title} |")
    }
}

/// Whether a file in the directory of pages is about a rule.
pub(super) fn is_page(name: &str) -> bool {
    name.strip_suffix(".md").is_some_and(is_code)
}

fn is_code(text: &str) -> bool {
    let (letters, digits) = text.split_at(text.len().min(2));
    letters.len() == 2
        && digits.len() == 3
        && letters.bytes().all(|b| b.is_ascii_uppercase())
        && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Looks at the sources, the table and every page.
pub(super) fn check(repository: &Repository) -> Result<Vec<Finding>> {
    let sources = repository.names_in(SOURCES).map(|name| format!("{SOURCES}/{name}"));
    let rows: Vec<Row> =
        sources.flat_map(|path| in_source(repository.text(&path).unwrap_or_default())).collect();
    let readme = repository.text(README).unwrap_or_default();
    let table: Vec<&str> = readme
        .lines()
        .skip_while(|line| *line != HEAD)
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .collect();
    let mut findings = Vec::new();
    for row in rows.iter().filter(|row| !table.contains(&row.line().as_str())) {
        findings.push(Finding::failure(README, format!("the source says `{}`", row.line())));
    }
    if readme.matches(HEAD).count() > 1 {
        findings.push(Finding::failure(README, "the table of rules stands there twice"));
    }
    if table.len() > rows.len() {
        let text = format!("{} rules in the table, {} in {SOURCES}", table.len(), rows.len());
        findings.push(Finding::failure(README, text));
    }
    let mut pages: BTreeSet<String> =
        repository.names_in(DIRECTORY).filter(|name| is_page(name)).map(str::to_owned).collect();
    for row in &rows {
        pages.remove(&format!("{}.md", row.code));
        let path = format!("{DIRECTORY}/{}.md", row.code);
        match repository.text(&path) {
            None => findings.push(Finding::failure(path, format!("rule `{}` has no page", row.code))),
            Some(text) => {
                findings.extend(faults(text, row).into_iter().map(|text| Finding::failure(&path, text)))
            }
        }
    }
    findings.extend(
        pages.iter().map(|name| Finding::failure(format!("{DIRECTORY}/{name}"), "there is no such rule")),
    );
    Ok(findings)
}

/// The entries of a table of rules.
fn in_source(source: &str) -> Vec<Row> {
    let row = |line: &str| {
        let mut parts = line.trim().split('"');
        let (_, code, severity, title) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let row = || Row { code: code.into(), severity: severity.trim().to_lowercase(), title: title.into() };
        (is_code(code) && !severity.trim().is_empty()).then(row)
    };
    source.lines().filter(|line| line.trim().starts_with('"')).filter_map(row).collect()
}

/// What is wrong with the page about a rule.
fn faults(text: &str, row: &Row) -> Vec<String> {
    let mut faults = Vec::new();
    let opening = format!("# {}\n\n{} ({}).\n", row.code, row.title, row.severity);
    if !text.starts_with(&opening) {
        faults.push(format!("does not open with `# {}` and `{} ({}).`", row.code, row.title, row.severity));
    }
    let headings: Vec<&str> = text.lines().filter(|line| line.starts_with("## ")).collect();
    if headings != HEADINGS {
        faults.push(format!("its headings are not {}", HEADINGS.join(", ")));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::super::tests::said;
    use super::*;

    const SOURCE: (&str, &str) = (
        "crates/core/src/rules/state_machine.rs",
        "rules! { StateMachine:\n    \"SM001\" Error \"It moved\",\n        \"Move it back.\" => moved;\n}\n",
    );
    const TABLE: (&str, &str) =
        (README, "| rule | severity | title |\n|---|---|---|\n| [`SM001`](SM001.md) | error | It moved |\n");
    const PAGE: &str = "# SM001\n\nIt moved (error).\n\n## Cause\n\n## What to do\n\n## Example\n";
    const PATH: &str = "docs/problems/SM001.md";

    #[test]
    fn a_rule_with_its_row_and_page_is_fine() {
        assert_eq!(said(check, &[SOURCE, TABLE, (PATH, PAGE)]), Vec::<String>::new());
    }

    #[test]
    fn what_is_missing_or_differs_or_is_too_much_is_found() {
        let row = "docs/problems/README.md: the source says `| [`SM001`](SM001.md) | error | It moved |`";
        assert_eq!(said(check, &[SOURCE, (README, ""), (PATH, PAGE)]), [row]);
        assert_eq!(said(check, &[SOURCE, TABLE]), ["docs/problems/SM001.md: rule `SM001` has no page"]);
        let more = ("docs/problems/XX001.md", PAGE);
        assert_eq!(
            said(check, &[SOURCE, TABLE, (PATH, PAGE), more]),
            ["docs/problems/XX001.md: there is no such rule"]
        );
        let twice = (README, &*format!("{0}\n{0}", TABLE.1));
        let found = said(check, &[SOURCE, twice, (PATH, PAGE)]);
        assert_eq!(found, ["docs/problems/README.md: the table of rules stands there twice"]);
        let other = PAGE.replace("(error)", "(info)");
        let found = said(check, &[SOURCE, TABLE, (PATH, &other)]);
        assert_eq!(found, ["docs/problems/SM001.md: does not open with `# SM001` and `It moved (error).`"]);
    }
}
