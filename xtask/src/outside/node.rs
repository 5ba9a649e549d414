//! Tests that are written for node, because those who witness are: official clients, and what our docs show in JavaScript.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::needs::ensure_npm;
use crate::process::watched;
use crate::repository::Repository;
use crate::steps::{Outcome, Tally};

/// Installs what the `package.json` in `source` names and copies `source` beside it: the directory of both.
pub(super) fn prepared(repository: &Repository, source: &str, name: &str) -> Result<PathBuf> {
    let dir = repository.target()?.join("tools").join(name);
    ensure_npm(&dir, &repository.root().join(source))?;
    copied(repository, source, &dir)?;
    Ok(dir)
}

/// Runs the tests of one file in `dir`; `command` is a node with what they need in its environment.
pub(super) fn tested(command: &mut Command, dir: &Path, file: &str) -> Result<Outcome> {
    let mut tally = Tally::default();
    command.current_dir(dir).args(["--test", "--test-reporter=tap", file]);
    let held = watched(command, |line| tally = tally.plus(counted(line)))?;
    Ok(match (held, tally) {
        (true, Tally { passed: 1.., failed: 0 }) => Outcome::Passed(tally),
        (true, _) => Outcome::Failed(tally, "it ran no test, or says that one failed".to_owned()),
        (false, _) => Outcome::Failed(tally, "see above".to_owned()),
    })
}

/// Copies every file of a directory of the repository, those of directories within it too.
pub(super) fn copied(repository: &Repository, from: &str, to: &Path) -> Result<()> {
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

/// The numbers in its lines `# pass 6` and `# fail 0`.
fn counted(line: &str) -> Tally {
    let number = |word| line.strip_prefix(word).and_then(|number| number.parse().ok()).unwrap_or_default();
    Tally { passed: number("# pass "), failed: number("# fail ") }
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
