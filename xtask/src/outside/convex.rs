//! The mutation that we ship for Convex, and the connector that calls it. A deployment cannot be had here: its programs
//! are not in any package registry. So a double speaks its HTTP API and lets convex-test run the mutation; the official
//! client witnesses that the double is right, and then onair's connector is held to it (row B1).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::built;
use crate::needs::ensure_npm;
use crate::process::watched;
use crate::repository::Repository;
use crate::steps::{Outcome, Tally};

/// The double, its tests, and the versions of what they need.
const WITNESS: &str = "xtask/convex";
/// What we ship.
const FUNCTIONS: &str = "examples/convex/convex";

/// Installs client and convex-test, builds the connector's program, and runs the tests.
pub(crate) fn convex(repository: &Repository) -> Result<Outcome> {
    let dir = repository.target()?.join("tools/convex");
    ensure_npm(&dir, &repository.root().join(WITNESS))?;
    let deliver = built(repository, "deliver", &["--package", "onair-adapters", "--example", "deliver"])?;
    let functions = dir.join("functions");
    if functions.exists() {
        fs::remove_dir_all(&functions).with_context(|| format!("cannot remove {}", functions.display()))?;
    }
    copied(repository, FUNCTIONS, &functions)?;
    copied(repository, WITNESS, &dir)?;
    let mut tally = Tally::default();
    let mut command = Command::new("node");
    command.current_dir(&dir).env("CONVEX_FUNCTIONS", &functions).env("DELIVER", deliver).args([
        "--test",
        "--test-reporter=tap",
        "convex.test.mjs",
    ]);
    let held = watched(&mut command, |line| tally = tally.plus(counted(line)))?;
    Ok(match (held, tally) {
        (true, Tally { passed: 1.., failed: 0 }) => Outcome::Passed(tally),
        (true, _) => Outcome::Failed(tally, "it ran no test, or says that one failed".to_owned()),
        (false, _) => Outcome::Failed(tally, "see above".to_owned()),
    })
}

/// The numbers in its lines `# pass 6` and `# fail 0`.
fn counted(line: &str) -> Tally {
    let number = |word| line.strip_prefix(word).and_then(|number| number.parse().ok()).unwrap_or_default();
    Tally { passed: number("# pass "), failed: number("# fail ") }
}

/// Copies every file of a directory of the repository, those of directories within it too.
fn copied(repository: &Repository, from: &str, to: &Path) -> Result<()> {
    let prefix = format!("{from}/");
    for file in repository.files() {
        let Some(path) = file.path.strip_prefix(&prefix) else { continue };
        let to: PathBuf = to.join(path);
        fs::create_dir_all(to.parent().unwrap_or(&to))
            .and_then(|()| fs::write(&to, &file.text))
            .with_context(|| format!("cannot write {}", to.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tests_that_ran_are_read_from_the_summary() {
        let lines = ["ok 1 - a", "# tests 7", "# pass 6", "# fail 1", "# skipped 0"];
        let tally = lines.iter().fold(Tally::default(), |tally, line| tally.plus(counted(line)));
        assert_eq!(tally, Tally { passed: 6, failed: 1 });
    }
}
