//! What a page about a code must say: what it is, its cause, what to do, and a body as a client sees it.

use serde_json::{Value, json};

use super::Row;

/// Headings, in order.
const HEADINGS: [&str; 2] = ["## Cause", "## What to do"];

/// What is wrong with the page `text` about the code of `row`.
pub(super) fn faults(text: &str, row: &Row) -> Vec<String> {
    let mut faults = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    if lines.first() != Some(&format!("# {}", row.code).as_str()) {
        faults.push(format!("does not open with `# {}`", row.code));
    }
    let headings: Vec<&str> = lines.iter().filter(|line| line.starts_with("## ")).copied().collect();
    if !headings.starts_with(&HEADINGS) {
        faults.push(format!("its headings are not {}", HEADINGS.join(", ")));
    }
    match example(text) {
        None => faults.push("has no example (```json) that is JSON".to_owned()),
        Some(body) => faults.extend(wrong_fields(&body, row)),
    }
    faults
}

/// The first block of JSON.
fn example(text: &str) -> Option<Value> {
    let (_, block) = text.split_once("```json\n")?;
    serde_json::from_str(block.split_once("```")?.0).ok()
}

/// The fields of the example that say something else than `row`.
fn wrong_fields(body: &Value, row: &Row) -> Vec<String> {
    let fields = [
        ("type", json!(format!("/docs/problems/{}", row.code))),
        ("title", json!(row.title)),
        ("status", json!(row.status)),
        ("code", json!(row.code)),
    ];
    let mut wrong: Vec<String> = fields
        .iter()
        .filter(|(name, value)| body[name] != *value)
        .map(|(name, value)| format!("the example's `{name}` is {} and not {value}", body[name]))
        .collect();
    if body["detail"].as_str().is_none_or(str::is_empty) {
        wrong.push("the example has no `detail`".to_owned());
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# gone\n\nIt was deleted.\n\n## Cause\n\nx\n\n## What to do\n\nx\n\n```json\n{ \"type\": \
                        \"/docs/problems/gone\", \"title\": \"It was deleted\", \"status\": 410, \
                        \"detail\": \"layers/logo\", \"code\": \"gone\" }\n```\n";

    fn row() -> Row {
        Row { code: "gone".into(), status: 410, title: "It was deleted".into() }
    }

    #[test]
    fn a_whole_page_has_no_faults() {
        assert_eq!(faults(PAGE, &row()), Vec::<String>::new());
    }

    #[test]
    fn each_fault_is_named() {
        let cases = [
            ("# gone", "# lost", "does not open with `# gone`"),
            ("## Cause", "## Why", "its headings are not ## Cause, ## What to do"),
            ("```json", "```", "has no example (```json) that is JSON"),
            (
                "problems/gone",
                "problems/lost",
                "the example's `type` is \"/docs/problems/lost\" and not \"/docs/problems/gone\"",
            ),
            (
                "was deleted\"",
                "is gone\"",
                "the example's `title` is \"It is gone\" and not \"It was deleted\"",
            ),
            ("410", "404", "the example's `status` is 404 and not 410"),
            ("\"code\"", "\"kode\"", "the example's `code` is null and not \"gone\""),
            ("layers/logo", "", "the example has no `detail`"),
        ];
        for (from, to, fault) in cases {
            assert_eq!(faults(&PAGE.replacen(from, to, 1), &row()), [fault]);
        }
    }
}
