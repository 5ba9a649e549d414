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
    let mut command = npm(repository, &["test"]);
    command.env("ONAIR_BIN", build_onair(repository)?);
    let mut tally = Tally::default();
    let held = watched(&mut command, |line| tally = tally.plus(counted(line)))?;
    Ok(match (held, tally) {
        (true, Tally { passed: 1.., failed: 0 }) => Outcome::Passed(tally),
        (true, _) => Outcome::Failed(tally, "it ran no test, or says that one failed".to_owned()),
        (false, _) => Outcome::Failed(tally, "see above".to_owned()),
    })
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

/// The numbers in vitest's line `      Tests  1 failed | 239 passed (240)`.
fn counted(line: &str) -> Tally {
    let Some(counts) = line.trim_start().strip_prefix("Tests ") else { return Tally::default() };
    let number = |word: &str| {
        let part = counts.split('|').find(|part| part.contains(word));
        part.and_then(|part| part.split_whitespace().next()).and_then(|text| text.parse().ok()).unwrap_or(0)
    };
    Tally { passed: number("passed"), failed: number("failed") }
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
        let tally = lines.iter().fold(Tally::default(), |tally, line| tally.plus(counted(line)));
        assert_eq!(tally, Tally { passed: 246, failed: 1 });
    }

    #[test]
    fn an_old_node_is_named() {
        check_node("v20.19.2\n").unwrap();
        assert!(check_node("v18.20.8").unwrap_err().to_string().contains("v18.20.8"));
    }
}
