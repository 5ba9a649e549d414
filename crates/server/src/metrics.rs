//! What is counted, in the text format of Prometheus: contract, section 6.
//!
//! Nothing is counted here. A scrape reads the counters where they are kept, so that no number is kept twice; a client
//! who watches several productions is looked at once.

mod findings;
mod show;

use std::{collections::BTreeMap, fmt, sync::Arc};

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::header::CONTENT_TYPE;
use onair_runtime::figures::LATENCY_BOUNDS;
use onair_wire::{Code, Timestamp};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, MetricEncoder, text},
    metrics::{MetricType, exemplar::Exemplar},
    registry::{Registry, Unit},
};

use crate::{App, Failure, clients::Client, net::Door};

/// What scrapers are told the text is.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Labels<'a> = [(&'static str, &'a str); 1];
type NoExemplar<'a> = Option<&'a Exemplar<Labels<'static>, f64>>;

/// `GET /metrics`, for a listener of its own. `door` is that of the listener whose connections are counted.
pub fn router(app: &App, door: Arc<Door>) -> Router {
    let mut registry = Registry::with_prefix("onair");
    let started = app.productions.clock().now();
    registry.register_collector(Box::new(Scrape { app: app.clone(), door, started }));
    Router::new().route("/metrics", get(render)).with_state(Arc::new(registry))
}

async fn render(State(registry): State<Arc<Registry>>) -> Response {
    let mut page = String::new();
    match text::encode(&mut page, &registry) {
        Ok(()) => ([(CONTENT_TYPE, OPEN_METRICS)], page).into_response(),
        Err(_) => Failure::new(Code::Internal, "the metrics could not be written down").into_response(),
    }
}

/// Reads all counters when it is asked to.
struct Scrape {
    app: App,
    door: Arc<Door>,
    started: Timestamp,
}

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrape")
    }
}

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page(encoder);
        self.process(&mut page)?;
        self.commits(&mut page)?;
        self.shows(&mut page)?;
        self.findings(&mut page)?;
        self.engine(&mut page)?;
        self.watchers(&mut page)?;
        self.callers(&mut page)
    }
}

impl Scrape {
    fn process(&self, page: &mut Page<'_>) -> fmt::Result {
        let now = self.app.productions.clock().now();
        page.info("build", "Which onair this is", ("version", env!("CARGO_PKG_VERSION")))?;
        let start = seconds(self.started.as_millis().unsigned_abs());
        page.gauge("start_time", "When the server started, since 1970", Some(&Unit::Seconds), start)?;
        let uptime = seconds(self.started.until(now).0);
        page.gauge("uptime", "Since when the server runs", Some(&Unit::Seconds), uptime)
    }

    fn commits(&self, page: &mut Page<'_>) -> fmt::Result {
        let counted = self.app.productions.figures().counted();
        page.counter("commits", "Commits made", None, counted.commits)?;
        page.counter("batches", "Appends that carried them", None, counted.batches)?;
        page.counter("commit", "Bytes of commits", Some(&Unit::Bytes), counted.bytes)?;
        let help = "How long appends took, from the first command to the log's answer";
        page.seconds("append", help, &LATENCY_BOUNDS, &counted.latency, counted.latency_sum)?;
        page.counter("images", "States saved, to open from", None, counted.images)?;
        let fallbacks = "Subscribers that got a snapshot in place of the commits they asked for";
        page.counter("snapshot_fallbacks", fallbacks, None, counted.snapshot_fallbacks)?;
        page.counter("divergences", "Clients that said their digest differs", None, counted.divergences)?;
        let refusals = counted.refusals.iter().map(|(code, count)| (code.as_str(), *count));
        page.counters("refusals", "What was refused, by code", "code", refusals)
    }

    fn engine(&self, page: &mut Page<'_>) -> fmt::Result {
        let engine = self.app.productions.engine();
        let figures = engine.figures();
        page.info("engine", "Where commits are kept", ("name", engine.name()))?;
        page.counter("records", "Records that the engine appended", None, figures.records)?;
        page.counter("record", "Bytes of those records", Some(&Unit::Bytes), figures.bytes)?;
        page.counter("flushes", "Flushes to stable storage", None, figures.flushes)?;
        page.float_counter(
            "flush",
            "Time spent in flushes",
            &Unit::Seconds,
            figures.flush_time.as_secs_f64(),
        )?;
        let closed = u8::from(figures.read_only.is_some()).into();
        page.gauge(
            "engine_read_only",
            "1 when the engine accepts nothing more until it is opened anew",
            None,
            closed,
        )
    }

    fn watchers(&self, page: &mut Page<'_>) -> fmt::Result {
        let loaded = self.app.productions.loaded();
        page.gauge("productions_loaded", "Productions in memory", None, float(loaded.len()))?;
        let closed = loaded.iter().filter(|handle| handle.read_only().is_some()).count();
        let help = "Productions in memory that serve their last good state and take nothing";
        page.gauge("productions_read_only", help, None, float(closed))?;
        let clients = || loaded.iter().flat_map(|handle| self.app.clients.list(handle.id()));
        let Watchers { by_transport, lag } = Watchers::of(clients());
        page.gauges("subscribers", "Subscriptions to productions, by transport", "transport", by_transport)?;
        let (sum, max) = (lag.values().sum(), lag.values().copied().max().unwrap_or(0));
        page.gauge(
            "lag",
            "Bytes that wait because sockets do not take them",
            Some(&Unit::Bytes),
            float(sum),
        )?;
        page.gauge("lag_max", "Bytes that wait for the slowest socket", Some(&Unit::Bytes), float(max))
    }

    fn callers(&self, page: &mut Page<'_>) -> fmt::Result {
        page.gauge("connections", "Connections open, sockets included", None, float(self.door.open()))?;
        let refused = "Connections closed at once because there were too many";
        page.counter("connections_refused", refused, None, self.door.refused())?;
        let failed = "Times a connection could not be accepted, for lack of descriptors mostly";
        page.counter("connections_failed", failed, None, self.door.failed())?;
        let strangers = "Tokens and tickets that were nobody's";
        page.counter("authentication_failures", strangers, None, self.app.access.failed())
    }
}

/// Clients by what they are, and what waits for each.
#[derive(Default)]
struct Watchers {
    by_transport: BTreeMap<&'static str, f64>,
    /// By session: one that watches several productions has one socket.
    lag: BTreeMap<String, usize>,
}

impl Watchers {
    fn of(clients: impl Iterator<Item = Client>) -> Self {
        let mut watchers = Self::default();
        // Both are there from the start, so that a graph begins at none.
        watchers.by_transport.extend([("socket", 0.0), ("stream", 0.0)]);
        for client in clients {
            *watchers.by_transport.entry(client.kind).or_default() += 1.0;
            watchers.lag.insert(client.id, client.lag);
        }
        watchers
    }
}

/// The text under way.
struct Page<'a>(DescriptorEncoder<'a>);

impl Page<'_> {
    fn begin<'s>(
        &'s mut self,
        name: &'s str,
        help: &str,
        unit: Option<&'s Unit>,
        kind: MetricType,
    ) -> Result<MetricEncoder<'s>, fmt::Error> {
        self.0.encode_descriptor(name, help, unit, kind)
    }

    fn counter(&mut self, name: &str, help: &str, unit: Option<&Unit>, value: u64) -> fmt::Result {
        let mut metric = self.begin(name, help, unit, MetricType::Counter)?;
        metric.encode_counter(&value, None as NoExemplar<'_>)
    }

    fn float_counter(&mut self, name: &str, help: &str, unit: &Unit, value: f64) -> fmt::Result {
        let mut metric = self.begin(name, help, Some(unit), MetricType::Counter)?;
        metric.encode_counter(&value, None as NoExemplar<'_>)
    }

    fn counters<'v>(
        &mut self,
        name: &str,
        help: &str,
        label: &'static str,
        values: impl Iterator<Item = (&'v str, u64)>,
    ) -> fmt::Result {
        let mut metric = self.begin(name, help, None, MetricType::Counter)?;
        for (value, count) in values {
            let labels: Labels<'_> = [(label, value)];
            metric.encode_family(&labels)?.encode_counter(&count, None as NoExemplar<'_>)?;
        }
        Ok(())
    }

    fn gauge(&mut self, name: &str, help: &str, unit: Option<&Unit>, value: f64) -> fmt::Result {
        self.begin(name, help, unit, MetricType::Gauge)?.encode_gauge(&value)
    }

    fn gauges(
        &mut self,
        name: &str,
        help: &str,
        label: &'static str,
        values: BTreeMap<&'static str, f64>,
    ) -> fmt::Result {
        let mut metric = self.begin(name, help, None, MetricType::Gauge)?;
        for (value, number) in values {
            let labels: Labels<'_> = [(label, value)];
            metric.encode_family(&labels)?.encode_gauge(&number)?;
        }
        Ok(())
    }

    fn info(&mut self, name: &str, help: &str, label: (&'static str, &str)) -> fmt::Result {
        let labels: Labels<'_> = [label];
        self.begin(name, help, None, MetricType::Info)?.encode_info(&labels)
    }

    /// How long something took: `counts` has one more than `bounds`, for what is beyond. The count is theirs and no
    /// other, which is taken at another moment: a histogram agrees with itself.
    fn seconds(&mut self, name: &str, help: &str, bounds: &[f64], counts: &[u64], sum: f64) -> fmt::Result {
        let bounds = bounds.iter().copied().chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = bounds.zip(counts.iter().copied()).collect();
        let unit = Unit::Seconds;
        let mut metric = self.begin(name, help, Some(&unit), MetricType::Histogram)?;
        metric.encode_histogram::<Labels<'static>>(sum, counts.iter().sum(), &buckets, None)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a number for a graph")]
fn float(number: usize) -> f64 {
    number as f64
}

#[expect(clippy::cast_precision_loss, reason = "exact until the year 287396")]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1e3
}

#[cfg(test)]
mod tests;
