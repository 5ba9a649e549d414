//! A long file usually hides a second noun: past 400 lines it is named, past 500 it fails. Tests do not count, nor what a program writes.

use anyhow::Result;

use super::Finding;
use crate::repository::{File, Repository};

/// Past this a file is named.
const LINES_NAMED: usize = 400;
/// Past this it fails.
const LINES_MAX: usize = 500;

/// Looks at every `.rs`, `.ts` and `.tsx` file that is written by hand and not a test.
pub(super) fn check(repository: &Repository) -> Result<Vec<Finding>> {
    let written = repository
        .files()
        .iter()
        .filter(|file| matches!(file.extension(), "rs" | "ts" | "tsx") && !is_exempt(&file.path));
    Ok(written.filter_map(judge).collect())
}

fn judge(file: &File) -> Option<Finding> {
    let lines = lines_without_tests(&file.text);
    let text = format!("{lines} lines without tests, the limit is {LINES_MAX}; which second noun is in it?");
    match lines {
        0..=LINES_NAMED => None,
        LINES_MAX.. if lines > LINES_MAX => Some(Finding::failure(&file.path, text)),
        _ => Some(Finding::note(&file.path, text)),
    }
}

/// Tests, and what is generated: nobody reads it from the top.
fn is_exempt(path: &str) -> bool {
    let mut parts = path.split('/').rev();
    let name = parts.next().unwrap_or_default();
    name == "tests.rs"
        || name.ends_with("_tests.rs")
        || name.contains(".test.")
        || name.contains(".generated.")
        || parts.any(|directory| matches!(directory, "tests" | "test" | "benches"))
}

/// Lines up to the first test module, which by custom is the last thing in a file.
fn lines_without_tests(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let begins =
        |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{');
    lines.windows(2).position(begins).unwrap_or(lines.len())
}

#[cfg(test)]
mod tests {
    use super::super::tests::said;
    use super::*;

    fn lines(count: usize) -> String {
        "x\n".repeat(count)
    }

    #[test]
    fn up_to_400_nothing_is_said_and_tests_do_not_count() {
        let with_tests = format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", lines(400), lines(300));
        let files = [
            ("a.rs", lines(400)),
            ("b.rs", with_tests),
            ("tests/c.rs", lines(900)),
            ("d/machine_tests.rs", lines(900)),
            ("e.md", lines(900)),
            ("f.generated.ts", lines(900)),
        ];
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        assert_eq!(said(check, &files), Vec::<String>::new());
    }

    #[test]
    fn past_400_a_file_is_named_and_past_500_it_fails() {
        let [long, at_the_limit, too_long] = [401, 500, 501].map(lines);
        let said = said(check, &[("a.rs", &long), ("b.ts", &at_the_limit), ("c.rs", &too_long)]);
        assert_eq!(said.len(), 3);
        assert!(said[0].starts_with("note: a.rs: 401 lines"), "{said:?}");
        assert!(said[1].starts_with("note: b.ts: 500 lines"), "{said:?}");
        assert!(said[2].starts_with("c.rs: 501 lines"), "{said:?}");
    }
}
