//! The document `_findings/{code}`, what stands now as a report, and what was found so far as numbers.
//!
//! One document for each rule: what it finds at several places at once are its `subjects`. When a rule fires again
//! what was cleared before goes on as `_findings/{code}-{revision}`, and as many of those are kept as there is a limit for.

use std::collections::BTreeMap;

use onair_wire::{Millis, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Category, Found, Observation, Rule, Scene, Severity, all};
use crate::production::{Production, server};

/// How many subjects a finding names; beyond it their number says enough.
pub const SUBJECTS_MAX: usize = 20;
/// How many of them its message tells about.
const SUBJECTS_TOLD: usize = 3;

/// The document `_findings/{code}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct Finding {
    /// The rule.
    pub code: String,
    /// Of which kind the rule is.
    pub category: Category,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, with the values, as of `lastSeen`.
    pub message: String,
    /// How to mend it.
    pub fix: String,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// When it was last seen.
    pub last_seen: Timestamp,
    /// When it was not seen any more; `null` while it stands.
    pub cleared_at: Option<Timestamp>,
    /// How often it was seen.
    pub count: u64,
    /// What it is about: services, backends, documents; at most [`SUBJECTS_MAX`].
    #[serde(default)]
    pub subjects: Vec<String>,
}

impl Finding {
    /// Seen for the first time.
    pub(crate) fn new(rule: &Rule, found: &[Found], at: Timestamp) -> Self {
        Self {
            code: rule.code.to_owned(),
            category: rule.category,
            severity: rule.severity,
            message: message(found),
            fix: rule.fix.to_owned(),
            first_seen: at,
            last_seen: at,
            cleared_at: None,
            count: 1,
            subjects: subjects(found),
        }
    }

    /// Whether it stands.
    #[must_use]
    pub fn stands(&self) -> bool {
        self.cleared_at.is_none()
    }

    /// Seen again by `rule`, and how often and when it was since this was written.
    pub(crate) fn again(
        &self,
        rule: &Rule,
        found: &[Found],
        observation: &Observation,
        at: Timestamp,
    ) -> Self {
        let unsaid = observation.unsaid.get(&self.code).map_or(0, |unsaid| unsaid.count);
        let (first_seen, count) = (self.first_seen, self.count + unsaid + 1);
        Self { first_seen, count, ..Self::new(rule, found, at) }
    }
}

pub(crate) fn subjects(found: &[Found]) -> Vec<String> {
    found.iter().take(SUBJECTS_MAX).map(|found| found.subject.clone()).collect()
}

fn message(found: &[Found]) -> String {
    let told: Vec<&str> = found.iter().take(SUBJECTS_TOLD).map(|found| found.what.as_str()).collect();
    let told = told.join("; ");
    match found.len().saturating_sub(SUBJECTS_TOLD) {
        0 => told,
        more => format!("{told}; and {more} more"),
    }
}

impl Production {
    /// A finding of the rule of this code, standing or cleared.
    #[must_use]
    pub fn finding(&self, code: &str) -> Option<Finding> {
        let document = self.server_document(server::FINDINGS, code)?;
        Finding::deserialize(&**document.value()).ok()
    }

    /// Every finding that is kept, in the order of the names; what another program wrote and does not read is left out.
    pub fn findings(&self) -> impl Iterator<Item = Finding> + '_ {
        let documents = self.collection(server::FINDINGS).into_iter().flat_map(crate::Documents::iter);
        documents.filter_map(|(_, document)| Finding::deserialize(&**document.value()).ok())
    }

    /// The codes of what stands and is at least so bad, in their order.
    #[must_use]
    pub fn standing(&self, least: Severity) -> Vec<String> {
        let standing = self.findings().filter(|finding| finding.stands() && finding.severity >= least);
        standing.map(|finding| finding.code).collect()
    }
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// When.
    pub at: Timestamp,
    /// Whether nothing stands that is an error.
    pub ok: bool,
    /// How many rules looked.
    pub rules: usize,
    /// How many findings stand, by severity.
    pub counts: BTreeMap<&'static str, u64>,
    /// What stands, the worst first.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Those that are at least so bad.
    pub fn at_least(&self, least: Severity) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.severity >= least)
    }
}

/// What stands at this moment, whether or not it is a document already.
#[must_use]
pub fn report(production: &Production, observation: &Observation) -> Report {
    let at = observation.at(production);
    let (scene, mut findings) = (Scene::new(production, observation), Vec::new());
    for rule in all() {
        let known = production.finding(rule.code).filter(Finding::stands);
        match (rule.look(&scene), known) {
            (None, known) => findings.extend(known),
            (Some(found), _) if found.is_empty() => {}
            (Some(_), Some(known)) if known.last_seen == at => findings.push(known),
            (Some(found), Some(known)) => findings.push(known.again(rule, &found, observation, at)),
            (Some(found), None) => findings.push(Finding::new(rule, &found, at)),
        }
    }
    findings.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.code.cmp(&b.code)));
    let count = |severity: Severity| {
        let count = findings.iter().filter(|finding| finding.severity == severity).count();
        (severity.as_str(), count as u64)
    };
    let counts: BTreeMap<_, _> = Severity::ALL.into_iter().map(count).collect();
    Report { at, ok: counts["error"] == 0, rules: all().count(), counts, findings }
}

/// What was found so far, as far as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Statistics {
    /// How many stand.
    pub standing: u64,
    /// How many were cleared and are kept.
    pub cleared: u64,
    /// Those that stand, by severity.
    pub by_severity: BTreeMap<&'static str, u64>,
    /// Those that stand, by category.
    pub by_category: BTreeMap<&'static str, u64>,
    /// Those of each rule that ever fired, as far as it is kept.
    pub by_code: BTreeMap<String, OfCode>,
}

/// The findings of one rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OfCode {
    /// Whether one stands.
    pub standing: bool,
    /// How often it was opened.
    pub opened: u64,
    /// How often it was seen.
    pub seen: u64,
    /// When the first was first seen.
    pub first_seen: Timestamp,
    /// When the last was last seen.
    pub last_seen: Timestamp,
    /// How long they stood together, in milliseconds.
    pub stood: Millis,
}

/// Counts `findings` at `now`.
#[must_use]
pub fn statistics(findings: impl Iterator<Item = Finding>, now: Timestamp) -> Statistics {
    let mut all = Statistics {
        by_severity: Severity::ALL.map(|severity| (severity.as_str(), 0)).into(),
        by_category: Category::ALL.map(|category| (category.as_str(), 0)).into(),
        ..Statistics::default()
    };
    for finding in findings {
        let stands = finding.stands();
        all.standing += u64::from(stands);
        all.cleared += u64::from(!stands);
        *all.by_severity.entry(finding.severity.as_str()).or_default() += u64::from(stands);
        *all.by_category.entry(finding.category.as_str()).or_default() += u64::from(stands);
        let Finding { first_seen, last_seen, count, .. } = finding;
        let of =
            all.by_code.entry(finding.code).or_insert(OfCode { first_seen, last_seen, ..OfCode::default() });
        of.standing |= stands;
        of.opened += 1;
        of.seen += count;
        of.first_seen = of.first_seen.min(first_seen);
        of.last_seen = of.last_seen.max(last_seen);
        of.stood.0 += first_seen.until(finding.cleared_at.unwrap_or(now)).0;
    }
    all
}
