//! What somebody meant to come back to: markers, debugging, and a bare `matches!` whose answer nobody looks at.

use anyhow::Result;

use super::Finding;
use crate::repository::{File, Repository};

/// Markers; written apart so that this file has none.
const MARKERS: [&str; 5] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("dbg", "!("),
    concat!("todo", "!("),
];

/// Looks at every file that is run or built from, which documents and fixtures are not.
pub(super) fn check(repository: &Repository) -> Result<Vec<Finding>> {
    let built = |file: &&File| {
        let kinds = ["rs", "ts", "tsx", "js", "mjs", "css", "html", "sh", "toml", "yml", "yaml"];
        kinds.contains(&file.extension()) || file.path.starts_with(".ci/")
    };
    Ok(repository.files().iter().filter(built).flat_map(|file| markers(file).chain(unread(file))).collect())
}

fn markers(file: &File) -> impl Iterator<Item = Finding> {
    file.text.lines().zip(1..).flat_map(move |(line, number)| {
        let left = MARKERS.iter().filter(move |marker| has_word(line, marker));
        left.map(move |marker| {
            Finding::failure(format!("{}:{number}", file.path), format!("`{marker}` was left"))
        })
    })
}

/// Whether `word` stands in `line` on its own: `TODOS` and `XXXL` are other words.
fn has_word(line: &str, word: &str) -> bool {
    let part_of_word = |character: char| character.is_alphanumeric() || character == '_';
    line.match_indices(word).any(|(at, _)| {
        let ends_itself = word.ends_with('(');
        !line[..at].ends_with(part_of_word)
            && (ends_itself || !line[at + word.len()..].starts_with(part_of_word))
    })
}

/// Statements that begin with `matches!` and end with `;`: they look like a check and are none.
fn unread(file: &File) -> impl Iterator<Item = Finding> {
    let mut begins_statement = true;
    let mut offset = 0;
    let mut found = Vec::new();
    for (line, number) in file.text.split_inclusive('\n').zip(1..) {
        let code = line.trim();
        if file.extension() == "rs" && begins_statement && code.starts_with("matches!(") {
            let rest = &file.text[offset..];
            if after_parentheses(rest).is_some_and(|rest| rest.starts_with(';')) {
                let text =
                    "nobody looks at what this `matches!` answers; did you mean `assert!(matches!(…))`?";
                found.push(Finding::failure(format!("{}:{number}", file.path), text));
            }
        }
        if !code.is_empty() && !code.starts_with("//") && !code.starts_with("#[") {
            begins_statement = code.ends_with([';', '{', '}']);
        }
        offset += line.len();
    }
    found.into_iter()
}

/// What follows the `)` that belongs to the first `(` of `text`. Strings and characters are passed over.
fn after_parentheses(text: &str) -> Option<&str> {
    let mut depth = 0_usize;
    let mut rest = text;
    loop {
        let character = rest.chars().next()?;
        rest = match character {
            '"' => after_string(rest)?,
            '\'' => after_quote(rest),
            _ => &rest[character.len_utf8()..],
        };
        match character {
            '(' => depth += 1,
            ')' if depth <= 1 => return Some(rest.trim_start()),
            ')' => depth -= 1,
            _ => {}
        }
    }
}

/// What follows the character that `text` begins with, or the quote alone where it begins a lifetime.
fn after_quote(text: &str) -> &str {
    let quoted = text[1..].char_indices().nth(1).filter(|(_, character)| *character == '\'');
    quoted.map_or(&text[1..], |(at, _)| &text[at + 2..])
}

/// What follows the string literal that `text` begins with.
fn after_string(text: &str) -> Option<&str> {
    let mut escaped = true;
    let end = text.find(|character| {
        let ends = character == '"' && !escaped;
        escaped = character == '\\' && !escaped;
        ends
    })?;
    Some(&text[end + 1..])
}

#[cfg(test)]
mod tests {
    use super::super::tests::said;
    use super::*;

    #[test]
    fn words_that_only_contain_a_marker_are_not_markers() {
        let text = format!("let {}S = 1;\nlet my_{} = size::{}L;\n", MARKERS[0], MARKERS[4], MARKERS[2]);
        let document = format!("{} is a marker\n", MARKERS[0]);
        assert_eq!(said(check, &[("a.rs", &text), ("b.md", &document)]), Vec::<String>::new());
    }

    #[test]
    fn each_marker_is_found_where_it_stands() {
        for marker in MARKERS {
            let text = format!("fn f() {{\n    // {marker} later\n}}\n");
            assert_eq!(said(check, &[("a.rs", &text)]), [format!("a.rs:2: `{marker}` was left")]);
        }
        let text = format!("# {}: pin\n", MARKERS[1]);
        assert_eq!(said(check, &[(".ci/run", &text)]).len(), 1);
    }

    #[test]
    fn matches_whose_answer_is_used_is_fine() {
        let text = "fn f(x: u8) -> bool {\n    let a =\n        matches!(x, 1);\n    assert!(\n        \
                    matches!(x, 2)\n    );\n    // matches!(x, 4);\n    matches!(x, 3)\n}\n";
        assert_eq!(said(check, &[("a.rs", text)]), Vec::<String>::new());
    }

    #[test]
    fn matches_as_a_statement_is_found_also_over_lines() {
        let text = "fn f() {\n    matches!(g(), Some(')' | '\"' | '\\''));\n    matches!(\n        g(\"\\\")\"),\n        None\n    );\n}\n";
        let places: Vec<String> =
            check(&Repository::made_of(&[("a.rs", text)])).unwrap().into_iter().map(|it| it.place).collect();
        assert_eq!(places, ["a.rs:2", "a.rs:3"]);
    }
}
