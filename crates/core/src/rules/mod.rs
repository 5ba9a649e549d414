//! The validation agent (rows A1 to A3): rules, and what they find.
//!
//! A rule is data and one function of a production and of what was observed around it. It decides nothing and knows no
//! time but the one it is given, so what it says of a log can be asked again tomorrow. What the rules find becomes
//! documents by [`crate::Intent::Check`]; here is only what is true now.

mod configuration;
mod dependency;
mod finding;
mod integrity;
mod observation;
mod performance;
mod scene;
mod state_machine;
mod synchronization;

use std::fmt;

use serde::{Deserialize, Serialize};

pub(crate) use finding::subjects;
pub use finding::{Finding, OfCode, Report, SUBJECTS_MAX, Statistics, report, statistics};
pub use integrity::{Verified, verify};
pub use observation::{Lagging, Observation, Took, Unsaid};
pub use scene::Scene;

/// The kinds of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub enum Category {
    /// Phases, moves, sequences.
    StateMachine,
    /// Services and backends.
    Dependency,
    /// Clients and what they have.
    Synchronization,
    /// How fast, how large.
    Performance,
    /// Manifest, settings, how the server is set up.
    Configuration,
    /// Whether the state is what the log says.
    Integrity,
}

/// How bad it is, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub enum Severity {
    /// Good to know.
    Info,
    /// Somebody should look.
    Warning,
    /// Something is broken, or will be.
    Error,
}

impl Category {
    /// Every category, in the order of the codes' table.
    pub const ALL: [Self; 6] = [
        Self::StateMachine,
        Self::Dependency,
        Self::Synchronization,
        Self::Performance,
        Self::Configuration,
        Self::Integrity,
    ];

    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StateMachine => "stateMachine",
            Self::Dependency => "dependency",
            Self::Synchronization => "synchronization",
            Self::Performance => "performance",
            Self::Configuration => "configuration",
            Self::Integrity => "integrity",
        }
    }
}

impl Severity {
    /// Every severity, the worst first.
    pub const ALL: [Self; 3] = [Self::Error, Self::Warning, Self::Info];

    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Severity {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|severity| severity.as_str() == text);
        known.ok_or_else(|| "a severity is `error`, `warning` or `info`".to_owned())
    }
}

/// What a rule found once: of what, and what is wrong with the values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Of what: a service, a backend, a document; the rule's own name for it where there is but one.
    pub subject: String,
    /// What is wrong, as a clause with the values.
    pub what: String,
}

impl Found {
    fn new(subject: impl Into<String>, what: impl Into<String>) -> Self {
        Self { subject: subject.into(), what: what.into() }
    }
}

/// A rule.
#[derive(Clone, Copy)]
pub struct Rule {
    /// Its name, which stays.
    pub code: &'static str,
    /// Of which kind it is.
    pub category: Category,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence, the same for every case.
    pub title: &'static str,
    /// How to mend it.
    pub fix: &'static str,
    /// Its page in `docs/problems/`.
    pub page: &'static str,
    look: fn(&Scene<'_>) -> Vec<Found>,
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rule({})", self.code)
    }
}

/// A line of a file's table; the page comes from `docs/problems/`.
macro_rules! rules {
    ($category:ident: $($code:literal $severity:ident $title:literal, $fix:literal => $look:expr;)*) => {
        pub(super) const RULES: &[$crate::rules::Rule] = &[$($crate::rules::Rule {
            code: $code,
            category: $crate::rules::Category::$category,
            severity: $crate::rules::Severity::$severity,
            title: $title,
            fix: $fix,
            page: include_str!(concat!("../../../../docs/problems/", $code, ".md")),
            look: $look,
        },)*];
    };
}
use rules;

/// Every rule, in the order of the codes' table.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    let tables = [
        state_machine::RULES,
        dependency::RULES,
        synchronization::RULES,
        performance::RULES,
        configuration::RULES,
        integrity::RULES,
    ];
    tables.into_iter().flatten()
}

/// The rule of a code, in capitals or not.
#[must_use]
pub fn rule(code: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.code.eq_ignore_ascii_case(code))
}

impl Rule {
    /// Whether it goes through the whole state, which only a check on demand does.
    #[must_use]
    pub fn is_thorough(&self) -> bool {
        integrity::THOROUGH.contains(&self.code)
    }

    /// Whether what it finds can pass without a commit, so that somebody has to look again.
    #[must_use]
    pub fn passes(&self) -> bool {
        let observed = matches!(self.category, Category::Synchronization | Category::Performance);
        observed || self.code == "IN005"
    }

    /// What it finds. `None`: it cannot be told from what was observed.
    #[must_use]
    pub fn look(&self, scene: &Scene<'_>) -> Option<Vec<Found>> {
        if self.is_thorough() && scene.observation.verified.is_none() {
            return None;
        }
        Some((self.look)(scene))
    }
}
