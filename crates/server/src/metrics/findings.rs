//! Findings: what stands in each production in memory, what was opened, and what looking for it costs.

use std::fmt;

use onair_core::rules;
use prometheus_client::{metrics::MetricType, registry::Unit};

use super::{NoExemplar, Page, Scrape};

type Labels<'a> = [(&'static str, &'a str); 3];
type Pair<'a> = [(&'static str, &'a str); 2];

impl Scrape {
    pub(super) fn findings(&self, page: &mut Page<'_>) -> fmt::Result {
        let counted = self.app.productions.figures().counted();
        page.counter("checks", "Times the rules looked at a production", None, counted.checks)?;
        page.float_counter("check", "Time spent in that", &Unit::Seconds, counted.checks_sum)?;
        let help = "Findings that were opened, by code and severity";
        let mut metric = page.begin("findings_opened", help, None, MetricType::Counter)?;
        // All are there from the start, so that a graph begins at none.
        for rule in rules::all() {
            let count = counted.findings.get(rule.code).copied().unwrap_or_default();
            let labels: Pair<'_> = [("code", rule.code), ("severity", rule.severity.as_str())];
            metric.encode_family(&labels)?.encode_counter(&count, None as NoExemplar<'_>)?;
        }
        self.standing(page)
    }

    fn standing(&self, page: &mut Page<'_>) -> fmt::Result {
        let help = "1 for each finding that stands in a production in memory";
        let mut metric = page.begin("findings", help, None, MetricType::Gauge)?;
        for handle in self.app.productions.loaded() {
            for finding in handle.state().findings().filter(|finding| finding.stands()) {
                let labels: Labels<'_> = [
                    ("production", handle.id().as_str()),
                    ("code", &finding.code),
                    ("severity", finding.severity.as_str()),
                ];
                metric.encode_family(&labels)?.encode_gauge(&1_i64)?;
            }
        }
        Ok(())
    }
}
