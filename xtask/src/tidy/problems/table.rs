//! Reads the codes out of Rust and out of Markdown.

use super::Row;

/// The rows of every `=> ("code", 400, "Title")` in `source`, however its lines are broken.
pub(super) fn in_source(source: &str) -> Vec<Row> {
    source.split("=>").skip(1).filter_map(row).collect()
}

/// The rows of the table whose head is `| code | status | title |`; a code may be a link.
pub(super) fn in_markdown(text: &str) -> Vec<Row> {
    let rows = text.lines().skip_while(|line| *line != "| code | status | title |").skip(2);
    rows.map_while(|line| {
        let cells: Vec<&str> = line.strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim).collect();
        let [code, status, title] = cells[..] else { return None };
        let code = code.split('`').nth(1)?;
        Some(Row { code: code.to_owned(), status: status.parse().ok()?, title: title.to_owned() })
    })
    .collect()
}

fn row(after_arrow: &str) -> Option<Row> {
    let rest = after_arrow.trim_start().strip_prefix('(')?;
    let (code, rest) = quoted(rest)?;
    let (status, rest) = rest.split_once(',')?;
    let (title, _) = quoted(rest)?;
    let status = status.trim().parse().ok()?;
    Some(Row { code: code.to_owned(), status, title: title.to_owned() })
}

/// The string literal that `text` begins with, and what follows its comma, if there is one.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let (value, rest) = text.trim_start().strip_prefix('"')?.split_once('"')?;
    let rest = rest.trim_start();
    Some((value, rest.strip_prefix(',').unwrap_or(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected() -> Vec<Row> {
        let row = |code: &str, status, title: &str| Row { code: code.into(), status, title: title.into() };
        vec![row("bad-json", 400, "The body is not JSON"), row("gone", 410, "It was deleted, once")]
    }

    #[test]
    fn source_is_read_also_over_lines() {
        let source = "codes! {\n    BadJson => (\"bad-json\", 400, \"The body is not JSON\"),\n    Gone => (\n        \
                      \"gone\",\n        410,\n        \"It was deleted, once\",\n    ),\n}\n";
        assert_eq!(in_source(source), expected());
    }

    #[test]
    fn other_arrows_are_passed_over() {
        assert_eq!(in_source("match x { A => 1, B => (2, \"b\"), C => (\"c\", x, \"d\") }"), []);
    }

    #[test]
    fn a_table_is_read_up_to_its_end() {
        let text = "# Codes\n\n| code | status | title |\n|---|---|---|\n| [`bad-json`](bad-json.md) | 400 | The body is \
                    not JSON |\n| `gone` | 410 | It was deleted, once |\n\n| `other` | 500 | Another table |\n";
        assert_eq!(in_markdown(text), expected());
    }

    #[test]
    fn text_without_the_table_has_no_rows() {
        assert_eq!(in_markdown("| a | b |\n|---|---|\n| `x` | 1 | y |\n"), []);
    }
}
