//! `docs/what-we-do-to-it.md` names a test for each promise, row, fault and bad input, and the tests are there.
//!
//! In the last column of its tables stands, between backticks, the name of a test or the path of a file of tests; or
//! `not yet:` and why, which is shown as a note, so that nobody takes silence for proof.

use std::collections::BTreeSet;

use anyhow::Result;

use super::Finding;
use crate::repository::Repository;

const PAGE: &str = "docs/what-we-do-to-it.md";
const LAST: &str = "shown by";
const NOT_YET: &str = "not yet:";

/// A section of the page, and what its first column must name: letters, and how many of each.
struct Section {
    heading: &'static str,
    names: &'static [(&'static str, u32)],
}

const SECTIONS: [Section; 4] = [
    Section { heading: "## Promises", names: &[] },
    Section {
        heading: "## Rows",
        names: &[
            ("L", 13),
            ("S", 3),
            ("M", 5),
            ("A", 3),
            ("D", 8),
            ("T", 3),
            ("P", 4),
            ("Y", 8),
            ("K", 3),
            ("E", 4),
            ("N", 2),
            ("B", 3),
            ("O", 6),
            ("X", 3),
        ],
    },
    Section { heading: "## Faults", names: &[("F", 38)] },
    Section { heading: "## Bad input", names: &[("B", 33)] },
];

/// Looks at every table of the page.
pub(super) fn check(repository: &Repository) -> Result<Vec<Finding>> {
    let Some(page) = repository.text(PAGE) else { return Ok(vec![Finding::failure(PAGE, "is missing")]) };
    let tests = Tests::of(repository);
    Ok(SECTIONS.iter().flat_map(|section| look(section, page, &tests)).collect())
}

fn look(section: &Section, page: &str, tests: &Tests<'_>) -> Vec<Finding> {
    let mut rows = rows(page, section.heading);
    let failure = |text: String| Finding::failure(PAGE, format!("{}: {text}", section.heading));
    if rows.next().is_none_or(|head| head.last() != Some(&LAST)) {
        return vec![failure(format!("it has no table whose last column is `{LAST}`"))];
    }
    let mut findings = Vec::new();
    let mut named = BTreeSet::new();
    let mut missing = Vec::new();
    for cells in rows.skip(1) {
        let (first, last) = (cells[0], cells[cells.len() - 1]);
        if !named.insert(first) {
            findings.push(failure(format!("`{first}` stands there twice")));
        }
        match last.strip_prefix(NOT_YET) {
            Some(why) if !section.names.is_empty() && !why.trim().is_empty() => missing.push(first),
            _ => findings.extend(tests.faults(last).map(|text| failure(format!("{first}: {text}")))),
        }
    }
    let wanted =
        section.names.iter().flat_map(|(letter, count)| (1..=*count).map(move |n| format!("{letter}{n}")));
    findings.extend(
        wanted
            .filter(|name| !named.contains(name.as_str()))
            .map(|name| failure(format!("{name} is not there"))),
    );
    if !missing.is_empty() {
        let text = format!("{}: without a test yet: {}", section.heading, missing.join(", "));
        findings.push(Finding::note(PAGE, text));
    }
    findings
}

/// The rows of the first table below a heading, its head and its rule included, as cells.
fn rows<'a>(page: &'a str, heading: &'a str) -> impl Iterator<Item = Vec<&'a str>> {
    page.lines()
        .skip_while(move |line| *line != heading)
        .skip(1)
        .take_while(|line| !line.starts_with("## "))
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
}

/// What can be named.
struct Tests<'a> {
    functions: BTreeSet<&'a str>,
    paths: BTreeSet<&'a str>,
}

impl<'a> Tests<'a> {
    fn of(repository: &'a Repository) -> Self {
        let rust = repository.files().iter().filter(|file| file.extension() == "rs");
        let functions = rust.flat_map(|file| functions(&file.text)).collect();
        let paths = repository.files().iter().map(|file| file.path.as_str()).collect();
        Self { functions, paths }
    }

    /// What is wrong with a cell that names tests.
    fn faults(&self, cell: &'a str) -> impl Iterator<Item = String> {
        let names: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
        let none = names.is_empty().then(|| "no test is named".to_owned());
        let unknown =
            names.into_iter().filter(|name| !self.functions.contains(name) && !self.is_test_file(name));
        none.into_iter()
            .chain(unknown.map(|name| format!("there is no test `{name}`")))
            .collect::<Vec<_>>()
            .into_iter()
    }

    fn is_test_file(&self, path: &str) -> bool {
        let is_test = path.contains("test")
            || path.starts_with("xtask/")
            || path.starts_with("bench/")
            || path.starts_with("fuzz/");
        is_test && self.paths.contains(path)
    }
}

/// The functions that follow an attribute which ends in `test]` or has `test(…)`, whatever stands between, and those
/// whose name begins with a row, which a suite calls.
fn functions(source: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut is_test = false;
    for line in source.lines().map(str::trim) {
        if line.starts_with("#[") {
            is_test |= line.ends_with("test]") || line.contains("test(");
        } else if let Some((_, rest)) = line.split_once("fn ").filter(|(before, _)| is_before_fn(before)) {
            let name = rest.split(['(', '<']).next().unwrap_or_default();
            if is_test || is_after_a_row(name) {
                found.push(name);
            }
            is_test = false;
        }
    }
    found
}

fn is_before_fn(text: &str) -> bool {
    text.split_whitespace().all(|word| matches!(word, "pub" | "async") || word.starts_with("pub("))
}

/// Whether a name is like `d7_is_on_disk`.
fn is_after_a_row(name: &str) -> bool {
    let Some((row, _)) = name.split_once('_') else { return false };
    let (letter, number) = row.split_at(row.len().min(1));
    letter.bytes().all(|b| b.is_ascii_lowercase())
        && !number.is_empty()
        && number.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::super::tests::said;
    use super::*;

    const SOURCE: (&str, &str) = (
        "crates/core/tests/a.rs",
        "#[test]\nfn d7_held() {}\n#[tokio::test(start_paused = true)]\nasync fn l1() {}\nfn no() {}\n",
    );

    fn page(promise: &str, change: impl Fn(&str) -> Option<String>) -> String {
        let mut text = format!("## Promises\n\n| promise | shown by |\n|---|---|\n| acked | {promise} |\n");
        for section in &SECTIONS[1..] {
            text += &format!("\n{}\n\n| name | shown by |\n|---|---|\n", section.heading);
            for (letter, count) in section.names {
                for n in 1..=*count {
                    let name = format!("{letter}{n}");
                    text += &change(&name).unwrap_or_else(|| format!("| {name} | `l1` |\n"));
                }
            }
        }
        text
    }

    #[test]
    fn a_page_whose_tests_are_there_is_fine() {
        let page = page("`d7_held`, `crates/core/tests/a.rs`", |_| None);
        assert_eq!(said(check, &[SOURCE, (PAGE, &page)]), Vec::<String>::new());
    }

    #[test]
    fn what_has_no_test_is_found() {
        assert_eq!(said(check, &[SOURCE]), ["docs/what-we-do-to-it.md: is missing"]);
        let at = |text: &str| format!("docs/what-we-do-to-it.md: {text}");
        let found = |promise: &str, name: &'static str, row: &'static str| {
            let page = page(promise, |at| (at == name).then(|| row.to_owned()));
            said(check, &[SOURCE, (PAGE, &page)])
        };
        assert_eq!(found("not yet: hard", "", ""), [at("## Promises: acked: no test is named")]);
        assert_eq!(found("`no`", "", ""), [at("## Promises: acked: there is no test `no`")]);
        assert_eq!(found("`l1`", "L7", ""), [at("## Rows: L7 is not there")]);
        assert_eq!(found("`l1`", "F9", "| F9 | sure |\n"), [at("## Faults: F9: no test is named")]);
        assert_eq!(
            found("`l1`", "P1", "| P1 | not yet: the preview |\n"),
            [format!("note: {}", at("## Rows: without a test yet: P1"))]
        );
        assert_eq!(found("`l1`", "F9", "| F8 | `l1` |\n").len(), 2);
    }
}
