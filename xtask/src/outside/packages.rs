//! The npm packages: types, sizes, and their tests, in node and in a real browser, against a built `onair`.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::build_onair;
use crate::needs::ensure_apt;
use crate::process::{output, run, watched};
use crate::repository::Repository;
use crate::steps::{Outcome, Tally};

/// What vitest 4 and vite 8 ask for.
const NODE_MIN: u32 = 20;

/// Installs what the lock file names, builds the packages, and runs their checks and tests.
pub(crate) fn packages(repository: &Repository) -> Result<Outcome> {
    ensure_apt("npm", "npm")?;
    ensure_apt("chromium", "chromium")?;
    check_node(&output(Command::new("node").arg("--version"))?)?;
    install(repository)?;
    run(&mut npm(repository, &["run", "build"]))?;
    run(&mut npm(repository, &["run", "check"]))?;
    let program = build_onair(repository)?;
    let mut counts = Counts::default();
    let mut held = true;
    for script in ["test", "browser"] {
        let mut command = npm(repository, &["run", script]);
        command.env("ONAIR_BIN", &program);
        held &= watched(&mut command, |line| counts.add(line))?;
    }
    Ok(counts.judge(held))
}

/// What vitest counted.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    tally: Tally,
    skipped: usize,
}

impl Counts {
    /// The numbers in vitest's line `      Tests  1 failed | 239 passed | 2 skipped (242)`.
    fn add(&mut self, line: &str) {
        let Some(counts) = line.trim_start().strip_prefix("Tests ") else { return };
        let number = |word: &str| {
            let part = counts.split('|').find(|part| part.contains(word));
            part.and_then(|part| part.split_whitespace().next())
                .and_then(|text| text.parse().ok())
                .unwrap_or(0)
        };
        self.tally = self.tally.plus(Tally { passed: number("passed"), failed: number("failed") });
        self.skipped += number("skipped");
    }

    fn judge(self, held: bool) -> Outcome {
        match (held, self) {
            (true, Self { tally: Tally { passed: 1.., failed: 0 }, skipped: 0 }) => {
                Outcome::Passed(self.tally)
            }
            (true, Self { tally, skipped: 1.. }) => {
                Outcome::Failed(tally, format!("{} were skipped, and all they need is here", self.skipped))
            }
            (true, _) => Outcome::Failed(self.tally, "it ran no test, or says that one failed".to_owned()),
            (false, _) => Outcome::Failed(self.tally, "see above".to_owned()),
        }
    }
}

fn npm(repository: &Repository, arguments: &[&str]) -> Command {
    let mut command = Command::new("npm");
    // Colours would stand between the words that are counted.
    command.current_dir(repository.root()).env("NO_COLOR", "1").args(arguments);
    command
}

fn check_node(version: &str) -> Result<()> {
    let major = version.trim().trim_start_matches('v').split('.').next().and_then(|text| text.parse().ok());
    if major.is_none_or(|major: u32| major < NODE_MIN) {
        bail!("node {} is here, the packages are built with {NODE_MIN} or later", version.trim());
    }
    Ok(())
}

/// `npm ci`, unless what is installed is what the lock file names.
fn install(repository: &Repository) -> Result<()> {
    let read = |file: &str| {
        let path = repository.root().join(file);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let wanted = read("package-lock.json")?;
    let stamp = repository.root().join("node_modules/.onair-requirement");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    println!("installing what package-lock.json names");
    // No script of a package runs: nothing here needs one.
    let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    run(&mut npm(repository, &arguments))?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tests_that_ran_are_read_from_the_summary() {
        let lines = [
            " Test Files  11 passed (11)",
            "      Tests  1 failed | 239 passed (240)",
            "      Tests  7 passed (7)",
        ];
        let mut counts = Counts::default();
        lines.iter().for_each(|line| counts.add(line));
        assert_eq!(counts.tally, Tally { passed: 246, failed: 1 });
    }

    #[test]
    fn what_is_skipped_is_not_passed() {
        let mut counts = Counts::default();
        counts.add("      Tests  5 passed | 4 skipped (9)");
        assert!(matches!(counts.judge(true), Outcome::Failed(Tally { passed: 5, failed: 0 }, _)));
    }

    #[test]
    fn an_old_node_is_named() {
        check_node("v20.19.2\n").unwrap();
        assert!(check_node("v18.20.8").unwrap_err().to_string().contains("v18.20.8"));
    }
}
