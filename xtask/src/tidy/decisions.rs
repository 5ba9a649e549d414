//! Decisions are numbered without gaps, since a gap looks like a page that was taken away.

use anyhow::Result;

use super::Finding;
use crate::repository::Repository;

const DIRECTORY: &str = "docs/decisions";

/// Looks at the names in `docs/decisions`.
pub(super) fn check(repository: &Repository) -> Result<Vec<Finding>> {
    let mut names: Vec<&str> = repository.names_in(DIRECTORY).filter(|name| *name != "README.md").collect();
    names.sort_unstable();
    let wrong = names.into_iter().zip(1_usize..).filter(|(name, number)| {
        let rest = name.strip_prefix(&format!("{number:04}-")).and_then(|rest| rest.strip_suffix(".md"));
        rest.is_none_or(str::is_empty)
    });
    let finding = |(name, number)| {
        Finding::failure(format!("{DIRECTORY}/{name}"), format!("expected {number:04}-….md here"))
    };
    Ok(wrong.map(finding).take(1).collect())
}

#[cfg(test)]
mod tests {
    use super::super::tests::said;
    use super::*;

    #[test]
    fn a_row_without_gaps_is_fine() {
        let files = [
            ("docs/decisions/README.md", ""),
            ("docs/decisions/0002-b.md", ""),
            ("docs/decisions/0001-a.md", ""),
        ];
        assert_eq!(said(check, &files), Vec::<String>::new());
    }

    #[test]
    fn a_gap_a_number_used_twice_and_a_name_without_one_are_found() {
        for (second, number) in
            [("0003-b.md", "0002"), ("0001-b.md", "0002"), ("second.md", "0002"), ("0002-.md", "0002")]
        {
            let second = format!("docs/decisions/{second}");
            let found = said(check, &[("docs/decisions/0001-a.md", ""), (&second, "")]);
            assert_eq!(found, [format!("{second}: expected {number}-….md here")]);
        }
    }
}
