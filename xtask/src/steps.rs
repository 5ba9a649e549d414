//! The steps of `cargo xtask test`, in the order in which a mistake is cheapest to find.
//!
//! To add a step, write its function in a file of its own and add one line to [`all`].

use anyhow::{Context, Result};

use crate::repository::Repository;
use crate::{inside, outside, tidy};

/// One thing that must hold of the repository.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// What `--only` takes.
    pub(crate) name: &'static str,
    /// The heading.
    pub(crate) about: &'static str,
    /// Does it. An error is a failure, just as [`Outcome::Failed`] is, but without counts.
    pub(crate) run: fn(&Repository) -> Result<Outcome>,
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It holds.
    Passed(Tally),
    /// It could not be looked at here; the reason is shown again at the end.
    Skipped(String),
    /// It does not hold, and this is why.
    Failed(Tally, String),
}

/// How many tests passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Tests that passed.
    pub(crate) passed: usize,
    /// Tests that failed.
    pub(crate) failed: usize,
}

impl Tally {
    /// Both together.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self { passed: self.passed + other.passed, failed: self.failed + other.failed }
    }
}

/// Every step, in order.
pub(crate) fn all() -> Vec<Step> {
    vec![
        Step { name: "fmt", about: "every file is formatted", run: inside::fmt },
        Step { name: "clippy", about: "no lint has anything to say", run: inside::clippy },
        Step { name: "test", about: "unit, integration and documentation tests", run: inside::test },
        Step { name: "tidy", about: "what no compiler checks", run: tidy::step },
        Step { name: "deny", about: "licences, bans and sources of dependencies", run: inside::deny },
        Step {
            name: "crash",
            about: "kill -9 under load loses nothing that was acknowledged",
            run: outside::crash,
        },
        Step {
            name: "syscalls",
            about: "death and failure at system calls that write lose nothing and show nothing that is not there",
            run: outside::syscalls,
        },
        Step {
            name: "show",
            about: "kill -9 in the midst of a show leaves nothing half on and does nothing twice",
            run: outside::show,
        },
        Step {
            name: "sim",
            about: "hundreds of simulated shows with faults: nothing lost, doubled, torn or left half on",
            run: outside::sim,
        },
        Step {
            name: "overload",
            about: "too many, too slow, too few descriptors: nobody who is served is harmed",
            run: outside::overload,
        },
        Step {
            name: "schemathesis",
            about: "the server answers as its OpenAPI says",
            run: outside::schemathesis,
        },
        Step {
            name: "convex",
            about: "the mutation we ship, behind a double that the official client knows",
            run: outside::convex,
        },
        Step {
            name: "receivers",
            about: "who follows the docs can answer and verify what we send",
            run: outside::receivers,
        },
        Step {
            name: "packages",
            about: "the npm packages: types, sizes, tests in node and in a browser",
            run: outside::packages,
        },
    ]
}

/// The step of that name.
pub(crate) fn named(name: &str) -> Result<Step> {
    let steps = all();
    let names: Vec<&str> = steps.iter().map(|step| step.name).collect();
    let names = names.join(", ");
    steps
        .into_iter()
        .find(|step| step.name == name)
        .with_context(|| format!("there is no step `{name}`; there are {names}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_found_by_its_name() {
        assert_eq!(named("tidy").unwrap().name, "tidy");
    }

    #[test]
    fn an_unknown_step_names_the_known_ones() {
        let message = named("tydi").unwrap_err().to_string();
        assert!(message.contains("`tydi`") && message.contains("fmt, clippy"), "{message}");
    }

    #[test]
    fn names_are_used_once() {
        let mut names: Vec<&str> = all().iter().map(|step| step.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all().len());
    }
}
