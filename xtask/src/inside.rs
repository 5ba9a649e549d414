//! The steps that look at the source from inside: format, lints, tests, licences.

use anyhow::Result;

use crate::process::{cargo, run, watched};
use crate::repository::Repository;
use crate::steps::{Outcome, Tally};

/// `cargo fmt --check`.
pub(crate) fn fmt(repository: &Repository) -> Result<Outcome> {
    run(&mut cargo(repository, &["fmt", "--all", "--check"]))?;
    Ok(Outcome::Passed(Tally::default()))
}

/// `cargo clippy`, warnings denied.
pub(crate) fn clippy(repository: &Repository) -> Result<Outcome> {
    let arguments =
        ["clippy", "--workspace", "--all-targets", "--all-features", "--quiet", "--", "-D", "warnings"];
    run(&mut cargo(repository, &arguments))?;
    Ok(Outcome::Passed(Tally::default()))
}

/// `cargo test`, documentation tests included; goes on after a failed binary so that the counts are whole.
pub(crate) fn test(repository: &Repository) -> Result<Outcome> {
    let mut tally = Tally::default();
    let mut command = cargo(repository, &["test", "--workspace", "--all-features", "--no-fail-fast"]);
    let held = watched(&mut command, |line| tally = tally.plus(counts(line).unwrap_or_default()))?;
    Ok(match (held, tally.failed) {
        (true, _) => Outcome::Passed(tally),
        (false, 0) => Outcome::Failed(tally, "the tests could not be built or did not end".to_owned()),
        (false, failed) => Outcome::Failed(tally, format!("{failed} tests failed")),
    })
}

/// Writes the types of the TypeScript client anew. That they are not stale is a test of `onair-core`, behind the same
/// feature, which [`test`] turns on.
pub(crate) fn types(repository: &Repository) -> Result<()> {
    let arguments = ["test", "--package", "onair-core", "--features", "types", "--test", "types"];
    run(cargo(repository, &arguments).env("UPDATE", "1"))
}

/// The tests that damage a small log, with so many damages of each kind; optimized, since there are a million and more.
pub(crate) fn bits(repository: &Repository, each: &str) -> Result<()> {
    let arguments = [
        "test",
        "--release",
        "--package",
        "onair-engine-embedded",
        "--test",
        "bits",
        "--",
        "--nocapture",
        "--test-threads=1",
    ];
    let mut command = cargo(repository, &arguments);
    // Linking it as a whole takes longer than it saves.
    run(command.env("ONAIR_BITS", each).env("CARGO_PROFILE_RELEASE_LTO", "off"))
}

/// `cargo deny`, when it is installed. Advisories are not looked at: they change under a commit that did not, so
/// they say nothing about it.
pub(crate) fn deny(repository: &Repository) -> Result<Outcome> {
    if !cargo(repository, &["deny", "--version"]).output().is_ok_and(|output| output.status.success()) {
        return Ok(Outcome::Skipped(
            "cargo-deny is not installed (`cargo install --locked cargo-deny`, some minutes)".to_owned(),
        ));
    }
    run(&mut cargo(repository, &["deny", "--all-features", "check", "bans", "licenses", "sources"]))?;
    Ok(Outcome::Passed(Tally::default()))
}

/// The counts of a line such as `test result: ok. 12 passed; 0 failed; 0 ignored; …`.
fn counts(line: &str) -> Option<Tally> {
    let (_, result) = line.split_once("test result: ")?;
    let before = |word: &str| result.split_once(word)?.0.rsplit(' ').next()?.parse().ok();
    Some(Tally { passed: before(" passed")?, failed: before(" failed;")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_from_the_line_of_results() {
        let line = "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 0 filtered out";
        assert_eq!(counts(line), Some(Tally { passed: 12, failed: 3 }));
        assert_eq!(counts("test result: ok. 0 passed; 0 failed; 0 ignored"), Some(Tally::default()));
        assert_eq!(counts("test tidy::tests::result ... ok"), None);
        assert_eq!(counts("running 3 tests"), None);
    }
}
