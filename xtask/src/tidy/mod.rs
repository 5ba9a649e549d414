//! The tidy checks: what must hold of the repository that neither compiler nor lints look at.
//!
//! A check is a function of [`Repository`], so that each can be shown a made-up one. They run as the step `tidy` and
//! as a test, so that plain `cargo test` finds what they find.

mod decisions;
mod dependencies;
mod leftovers;
mod length;
mod places;
mod planted;
mod problems;
mod promises;
mod purity;
mod purpose;
mod rules;

use std::fmt;

use anyhow::Result;

use crate::repository::Repository;
use crate::steps::{Outcome, Tally};

/// One check, and what it is about.
struct Check {
    about: &'static str,
    run: fn(&Repository) -> Result<Vec<Finding>>,
}

/// Every check; one line adds one.
const CHECKS: [Check; 11] = [
    Check { about: "every source file opens with its purpose", run: purpose::check },
    Check { about: "no file has grown a second noun", run: length::check },
    Check { about: "nothing was left behind", run: leftovers::check },
    Check { about: "dependencies are sorted and say why", run: dependencies::check },
    Check { about: "the pure crates are pure", run: purity::check },
    Check { about: "nothing planted is released", run: planted::check },
    Check { about: "codes, their table and their pages agree", run: problems::check },
    Check { about: "rules, their table and their pages agree", run: rules::check },
    Check { about: "each promise, row and fault names its test", run: promises::check },
    Check { about: "decisions are numbered without gaps", run: decisions::check },
    Check { about: "no file knows the machine it was written on", run: places::check },
];

/// Something that a check has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    place: String,
    text: String,
    weight: Weight,
}

/// Whether a finding stops anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    /// Shown, no more.
    Note,
    /// The check does not hold.
    Failure,
}

impl Finding {
    fn failure(place: impl Into<String>, text: impl Into<String>) -> Self {
        Self { place: place.into(), text: text.into(), weight: Weight::Failure }
    }

    fn note(place: impl Into<String>, text: impl Into<String>) -> Self {
        Self { place: place.into(), text: text.into(), weight: Weight::Note }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weight = match self.weight {
            Weight::Note => "note: ",
            Weight::Failure => "",
        };
        write!(f, "{weight}{}: {}", self.place, self.text)
    }
}

/// The step `tidy`.
pub(crate) fn step(repository: &Repository) -> Result<Outcome> {
    let mut failures = 0;
    for check in &CHECKS {
        let findings = (check.run)(repository)?;
        let failed = findings.iter().filter(|finding| finding.weight == Weight::Failure).count();
        println!("{} {}", if failed == 0 { "ok  " } else { "FAIL" }, check.about);
        for finding in &findings {
            println!("     {finding}");
        }
        failures += failed;
    }
    // Not counted as tests: under `cargo test` they were.
    let tally = Tally::default();
    Ok(match failures {
        0 => Outcome::Passed(tally),
        _ => Outcome::Failed(tally, format!("{failures} findings, each named above")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `check` says of a repository made of `files`, one line each.
    pub(super) fn said(
        check: fn(&Repository) -> Result<Vec<Finding>>,
        files: &[(&str, &str)],
    ) -> Vec<String> {
        let findings = check(&Repository::made_of(files)).unwrap();
        findings.iter().map(Finding::to_string).collect()
    }

    #[test]
    fn the_repository_is_tidy() {
        let repository = Repository::open().unwrap();
        let findings = CHECKS.iter().flat_map(|check| (check.run)(&repository).unwrap());
        let failures: Vec<String> = findings
            .filter(|finding| finding.weight == Weight::Failure)
            .map(|finding| finding.to_string())
            .collect();
        assert!(failures.is_empty(), "\n{}", failures.join("\n"));
    }
}
