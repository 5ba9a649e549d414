//! The problem codes, the table of `docs/problems/README.md` and the pages beside it say the same.
//!
//! The code is the truth: `crates/wire/src/problem.rs` has one line per code, of the form
//! `BadJson => ("bad-json", 400, "The body is not JSON"),`.

mod page;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::{Finding, rules};
use crate::repository::Repository;

const SOURCE: &str = "crates/wire/src/problem.rs";
const DIRECTORY: &str = "docs/problems";
const README: &str = "docs/problems/README.md";

/// What is said of a code, in the source and in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    code: String,
    status: u16,
    title: String,
}

/// Looks at the source, the table and every page.
pub(super) fn check(repository: &Repository) -> Result<Vec<Finding>> {
    let source = table::in_source(repository.text(SOURCE).unwrap_or_default());
    let readme = table::in_markdown(repository.text(README).unwrap_or_default());
    let mut findings = Vec::new();
    if source.is_empty() {
        findings.push(Finding::failure(
            SOURCE,
            "no line of the form `Name => (\"code\", 400, \"Title\")` is there",
        ));
    } else {
        findings.extend(compare(&source, &readme));
    }
    findings.extend(pages(repository, if source.is_empty() { &readme } else { &source }));
    Ok(findings)
}

/// Where the table is not what the source says.
fn compare(source: &[Row], readme: &[Row]) -> Vec<Finding> {
    let by_code = |rows: &[Row]| -> BTreeMap<String, Row> {
        rows.iter().map(|row| (row.code.clone(), row.clone())).collect()
    };
    let (source, readme) = (by_code(source), by_code(readme));
    let mut findings = Vec::new();
    for (code, row) in &source {
        if readme.get(code) != Some(row) {
            let expected = format!("| [`{code}`]({code}.md) | {} | {} |", row.status, row.title);
            findings.push(Finding::failure(README, format!("the source says `{expected}`")));
        }
    }
    for code in readme.keys().filter(|code| !source.contains_key(*code)) {
        findings.push(Finding::failure(README, format!("there is no code `{code}` in {SOURCE}")));
    }
    findings
}

/// Codes without a page, pages without a code, and pages that do not say what theirs is.
fn pages(repository: &Repository, rows: &[Row]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut names: BTreeSet<&str> =
        repository.names_in(DIRECTORY).filter(|name| *name != "README.md" && !rules::is_page(name)).collect();
    for row in rows {
        let name = format!("{}.md", row.code);
        names.remove(name.as_str());
        let path = format!("{DIRECTORY}/{name}");
        match repository.text(&path) {
            None => findings.push(Finding::failure(path, format!("code `{}` has no page", row.code))),
            Some(text) => {
                findings
                    .extend(page::faults(text, row).into_iter().map(|text| Finding::failure(&path, text)));
            }
        }
    }
    let without_code = |name| Finding::failure(format!("{DIRECTORY}/{name}"), "there is no such code");
    findings.extend(names.into_iter().map(without_code));
    findings
}

#[cfg(test)]
mod tests {
    use super::super::tests::said;
    use super::*;

    const CODES: &str = "codes! {\n    Gone => (\"gone\", 410, \"It was deleted\"),\n}\n";
    const TABLE: &str =
        "| code | status | title |\n|---|---|---|\n| [`gone`](gone.md) | 410 | It was deleted |\n";
    const PAGE: &str = "# gone\n\nIt was.\n\n## Cause\n\nx\n\n## What to do\n\nx\n\n```json\n{ \"type\": \
                        \"/docs/problems/gone\", \"title\": \"It was deleted\", \"status\": 410, \
                        \"detail\": \"d\", \"code\": \"gone\" }\n```\n";

    #[test]
    fn a_code_with_its_row_and_page_is_fine() {
        let files = [(SOURCE, CODES), (README, TABLE), ("docs/problems/gone.md", PAGE)];
        assert_eq!(said(check, &files), Vec::<String>::new());
    }

    #[test]
    fn a_row_that_differs_or_is_missing_or_too_much_is_found() {
        let page = ("docs/problems/gone.md", PAGE);
        let expected =
            "docs/problems/README.md: the source says `| [`gone`](gone.md) | 410 | It was deleted |`";
        let other_status = TABLE.replace("410", "404");
        assert_eq!(said(check, &[(SOURCE, CODES), (README, &other_status), page]), [expected]);
        assert_eq!(said(check, &[(SOURCE, CODES), (README, ""), page]), [expected]);
        let more = format!("{TABLE}| `lost` | 404 | It is lost |\n");
        let found = said(check, &[(SOURCE, CODES), (README, &more), page]);
        assert_eq!(found, [format!("{README}: there is no code `lost` in {SOURCE}")]);
    }

    #[test]
    fn a_code_without_page_and_a_page_without_code_are_found() {
        let found = said(check, &[(SOURCE, CODES), (README, TABLE), ("docs/problems/lost.md", PAGE)]);
        let expected = [
            "docs/problems/gone.md: code `gone` has no page",
            "docs/problems/lost.md: there is no such code",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_source_that_cannot_be_read_is_found() {
        let found = said(check, &[(README, TABLE), ("docs/problems/gone.md", PAGE)]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(SOURCE), "{found:?}");
    }
}
