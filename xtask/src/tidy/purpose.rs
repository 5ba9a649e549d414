//! Every source file opens with its purpose, so that a reader knows whether to read on.

use anyhow::Result;

use super::Finding;
use crate::repository::{File, Repository};

/// Looks at every `.rs`, `.ts` and `.tsx` file.
pub(super) fn check(repository: &Repository) -> Result<Vec<Finding>> {
    let judge = |file: &File| {
        let (says, marker) = match file.extension() {
            "rs" => (says_after("//!", &file.text), "//!"),
            "ts" | "tsx" => (says_after("//", &file.text) || says_in_block(&file.text), "/** … */ or //"),
            _ => return None,
        };
        (!says).then(|| Finding::failure(&file.path, format!("does not open with its purpose ({marker})")))
    };
    Ok(repository.files().iter().filter_map(judge).collect())
}

/// Whether the first line is a comment of this kind with a word in it.
fn says_after(marker: &str, text: &str) -> bool {
    text.lines().next().and_then(|line| line.strip_prefix(marker)).is_some_and(has_word)
}

/// Whether `text` opens with a block comment whose first or second line has a word in it.
fn says_in_block(text: &str) -> bool {
    let mut lines = text.lines();
    let Some(first) = lines.next().and_then(|line| line.strip_prefix("/**")) else { return false };
    has_word(first) || lines.next().and_then(|line| line.trim_start().strip_prefix('*')).is_some_and(has_word)
}

fn has_word(text: &str) -> bool {
    text.chars().any(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::super::tests::said;
    use super::*;

    #[test]
    fn a_purpose_is_a_comment_that_says_something() {
        let files = [
            ("a.rs", "//! Why this is.\n"),
            ("b.ts", "// Why this is.\n"),
            ("c.tsx", "/**\n * Why this is.\n */\n"),
            ("d.ts", "/** Why this is. */\n"),
            ("e.md", "no comment\n"),
        ];
        assert_eq!(said(check, &files), Vec::<String>::new());
    }

    #[test]
    fn code_or_an_empty_comment_is_none() {
        let files = [
            ("a.rs", "use std::fmt;\n"),
            ("b.rs", "// Not a module comment.\n"),
            ("c.rs", "//!\nuse std::fmt;\n"),
            ("d.rs", ""),
            ("e.ts", "\n// Too late.\n"),
            ("f.ts", "/**\n */\nimport x;\n"),
        ];
        let places: Vec<String> =
            check(&Repository::made_of(&files)).unwrap().into_iter().map(|finding| finding.place).collect();
        assert_eq!(places, ["a.rs", "b.rs", "c.rs", "d.rs", "e.ts", "f.ts"]);
    }
}
