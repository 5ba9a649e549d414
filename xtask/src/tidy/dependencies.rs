//! `[workspace.dependencies]` is sorted and each line says why: the list is where a dependency is argued for.
//!
//! Ours come first, in the order of `ARCHITECTURE.md`, and need no reason.

use anyhow::Result;

use super::Finding;
use crate::repository::Repository;

const MANIFEST: &str = "Cargo.toml";

/// Looks at the manifest of the workspace.
pub(super) fn check(repository: &Repository) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut before = "";
    let manifest = repository.text(MANIFEST).unwrap_or_default();
    for (number, line) in theirs(manifest) {
        let name = line.split(['=', '.', ' ']).next().unwrap_or_default();
        let place = format!("{MANIFEST}:{number}");
        if name < before {
            findings.push(Finding::failure(&place, format!("`{name}` stands behind `{before}`; sort them")));
        }
        if reason(line).is_none() {
            findings.push(Finding::failure(&place, format!("`{name}` has no reason behind it (`# why`)")));
        }
        before = name;
    }
    Ok(findings)
}

/// The lines of other people's crates, with their numbers.
fn theirs(manifest: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..)
        .zip(manifest.lines())
        .skip_while(|(_, line)| *line != "[workspace.dependencies]")
        .skip(1)
        .take_while(|(_, line)| !line.starts_with('['))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#') && !line.starts_with("onair-"))
}

/// The comment behind a line; a `#` within quotes begins none.
fn reason(line: &str) -> Option<&str> {
    let mut quoted = false;
    let at = line.find(|character: char| {
        quoted ^= character == '"';
        character == '#' && !quoted
    })?;
    Some(line[at + 1..].trim()).filter(|reason| !reason.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::tests::said;
    use super::*;

    #[test]
    fn sorted_lines_with_reasons_are_fine() {
        let manifest = "[workspace.dependencies]\nonair-wire = { path = \"crates/wire\" }\n\
                        onair-core = { path = \"crates/core\" }\n\n# Theirs.\nbytes = \"1\" # shared\n\
                        serde = { version = \"1\" } # wire types\n[profile.dev]\nzz = 1\naa = 1\n";
        assert_eq!(said(check, &[(MANIFEST, manifest)]), Vec::<String>::new());
    }

    #[test]
    fn disorder_and_silence_are_found() {
        let manifest = "[workspace.dependencies]\nserde = \"1\" # wire types\nbytes = { git = \"a#b\" }\n";
        let expected = [
            "Cargo.toml:3: `bytes` stands behind `serde`; sort them",
            "Cargo.toml:3: `bytes` has no reason behind it (`# why`)",
        ];
        assert_eq!(said(check, &[(MANIFEST, manifest)]), expected);
    }
}
