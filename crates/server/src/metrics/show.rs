//! Shows: what moved, what was carried out, and how each production in memory is.

use std::fmt;

use onair_core::{
    Phase,
    production::backends,
    sequence::{Kind, SequenceStatus},
};
use onair_runtime::figures::STEP_BOUNDS;
use prometheus_client::metrics::MetricType;

use super::{NoExemplar, Page, Scrape};

type Pair<'a> = [(&'static str, &'a str); 2];

const KINDS: [Kind; 6] =
    [Kind::Initialize, Kind::Start, Kind::Stop, Kind::EmergencyStop, Kind::Recover, Kind::Rollback];
const ENDS: [SequenceStatus; 3] = [SequenceStatus::Done, SequenceStatus::Failed, SequenceStatus::RolledBack];

impl Scrape {
    pub(super) fn shows(&self, page: &mut Page<'_>) -> fmt::Result {
        let show = self.app.productions.figures().counted().show;
        let help = "Sequences that ended, by what they were for and how they ended";
        let mut metric = page.begin("sequences", help, None, MetricType::Counter)?;
        // All are there from the start, so that a graph begins at none.
        for (kind, status) in KINDS.into_iter().flat_map(|kind| ENDS.map(|status| (kind, status))) {
            let count = show.sequences.get(&(kind, status)).copied().unwrap_or_default();
            let labels: Pair<'_> = [("kind", kind.as_str()), ("status", status.as_str())];
            metric.encode_family(&labels)?.encode_counter(&count, None as NoExemplar<'_>)?;
        }
        let transitions =
            Phase::ALL.map(|to| (to.as_str(), show.transitions.get(&to).copied().unwrap_or_default()));
        page.counters("transitions", "Moves, by the phase they led to", "to", transitions.into_iter())?;
        let help = "How long steps took, all attempts of one together";
        page.seconds("step_duration", help, &STEP_BOUNDS, &show.steps, show.steps_sum)?;
        self.phases(page)?;
        self.backends(page)
    }

    fn phases(&self, page: &mut Page<'_>) -> fmt::Result {
        let help = "1 for the phase that a production in memory is in";
        let mut metric = page.begin("phase", help, None, MetricType::Gauge)?;
        for handle in self.app.productions.loaded() {
            let current = handle.state().phase();
            for phase in Phase::ALL {
                let labels: Pair<'_> = [("production", handle.id().as_str()), ("phase", phase.as_str())];
                metric.encode_family(&labels)?.encode_gauge(&i64::from(phase == current))?;
            }
        }
        Ok(())
    }

    fn backends(&self, page: &mut Page<'_>) -> fmt::Result {
        let help = "Deliveries that wait, by backend of a production in memory";
        let mut metric = page.begin("backend_lag", help, None, MetricType::Gauge)?;
        for handle in self.app.productions.loaded() {
            for (name, backend) in backends(&handle.state(), &handle.observed().lags) {
                let lag = backend["lag"].as_u64().unwrap_or_default();
                let labels: Pair<'_> = [("production", handle.id().as_str()), ("backend", &name)];
                metric.encode_family(&labels)?.encode_gauge(&lag)?;
            }
        }
        Ok(())
    }
}
