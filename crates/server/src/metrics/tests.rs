//! The text is one that scrapers read, and its numbers are those of what happened.

use std::collections::BTreeMap;

use axum::body::Body;
use http::Request;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use onair_core::Intent;
use onair_engine::memory::Memory;
use onair_runtime::{Clock, Keep, Options, Productions, Tasks};
use onair_wire::{Actor, Millis, Mutation, ProductionId, json as strict};
use serde_json::{Value, json};

use super::*;
use crate::{
    app::Parts,
    auth::Access,
    clients::{Clients, Look},
    session::Sessions,
};

struct Bench {
    app: App,
    clock: Clock,
    router: Router,
}

impl Bench {
    fn new() -> Self {
        let clock = Clock::simulated(Timestamp::from_millis(1_763_661_600_000));
        let engine = Arc::new(Memory::new());
        let (tasks, keep) = (Tasks::new(), Keep::default());
        let productions = Productions::new(Options {
            engine,
            clock: clock.clone(),
            tasks,
            keep,
            random: || 7,
            adapters: onair_runtime::adapter::Adapters::new([(
                "builtin",
                Arc::new(onair_adapters::Builtin) as Arc<dyn onair_runtime::adapter::Adapter>,
            )]),
            backends: None,
            surroundings: None,
        });
        let app = App::new(Parts {
            productions,
            access: Access::default(),
            clients: Clients::default(),
            sessions: Sessions::default(),
            agents: onair_adapters::Agents::new(
                clock.clone(),
                tokio::sync::mpsc::channel(1).0,
                Millis(2_000),
                &Tasks::new(),
            ),
            tasks: Tasks::new(),
            default_production: main(),
            random: || 7,
        });
        let router = router(&app, Arc::default());
        Self { app, clock, router }
    }

    async fn scrape(&self) -> BTreeMap<String, f64> {
        let request = Request::get("/metrics").body(Body::empty()).expect("a request");
        let response =
            TowerToHyperService::new(self.router.clone()).call(request).await.expect("never fails");
        assert_eq!(response.headers()[CONTENT_TYPE], OPEN_METRICS);
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.expect("a body");
        parse(std::str::from_utf8(&bytes).expect("text"))
    }

    async fn put(&self, id: &str) -> Result<(), onair_runtime::Error> {
        let mutation =
            json!({ "op": "put", "collection": "layers", "document": id, "value": { "visible": true } });
        let mutation: Mutation = strict::from_value(mutation).expect("a mutation");
        let handle = self.app.productions.open(&main()).await.expect("there");
        handle.execute(kim(), None, Intent::Mutate(vec![mutation])).await.map(drop)
    }
}

fn main() -> ProductionId {
    ProductionId::new("main").expect("a name")
}

fn kim() -> Actor {
    Actor::new("operator:kim").expect("an actor")
}

/// Reads the text as a scraper does, and holds it to the rules of the format. Samples by name and labels.
fn parse(page: &str) -> BTreeMap<String, f64> {
    let lines = page.strip_suffix("# EOF\n").expect("an end").lines();
    let mut kinds: BTreeMap<&str, &str> = BTreeMap::new();
    let (mut helped, mut samples) = (Vec::new(), BTreeMap::new());
    for line in lines {
        if let Some(comment) = line.strip_prefix("# ") {
            let [what, name, rest] = comment.splitn(3, ' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            assert!(name.starts_with("onair_") && !rest.is_empty(), "{line}");
            match what {
                "HELP" => helped.push(name),
                "TYPE" => assert_eq!(kinds.insert(name, rest), None, "twice: {line}"),
                "UNIT" => assert!(name.ends_with(&format!("_{rest}")), "{line}"),
                _ => panic!("{line}"),
            }
            continue;
        }
        let (sample, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
        let (name, labels) = sample.split_at(sample.find('{').unwrap_or(sample.len()));
        assert!(labels.is_empty() || labels.starts_with('{') && labels.ends_with("\"}"), "{line}");
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{line}");
        let metric = *helped.last().expect("help comes first");
        let suffixes: &[&str] = match kinds[metric] {
            "counter" => &["_total"],
            "gauge" => &[""],
            "info" => &["_info"],
            "histogram" => &["_sum", "_count", "_bucket"],
            kind => panic!("{kind}: {line}"),
        };
        assert!(suffixes.iter().any(|suffix| name == format!("{metric}{suffix}")), "{line}");
        let value = value.parse().unwrap_or_else(|_| panic!("{line}"));
        assert!(samples.insert(sample.to_owned(), value).is_none(), "twice: {line}");
    }
    assert_eq!(helped.len(), kinds.len());
    samples
}

#[tokio::test]
async fn o1_every_number_is_there_before_anything_happened() {
    let samples = Bench::new().scrape().await;
    for name in [
        "onair_commits_total",
        "onair_batches_total",
        "onair_commit_bytes_total",
        "onair_append_seconds_count",
        "onair_append_seconds_bucket{le=\"+Inf\"}",
        "onair_flushes_total",
        "onair_flush_seconds_total",
        "onair_records_total",
        "onair_snapshot_fallbacks_total",
        "onair_divergences_total",
        "onair_images_total",
        "onair_engine_read_only",
        "onair_subscribers{transport=\"socket\"}",
        "onair_subscribers{transport=\"stream\"}",
        "onair_productions_loaded",
        "onair_connections",
        "onair_connections_refused_total",
        "onair_lag_bytes",
        "onair_lag_max_bytes",
        "onair_authentication_failures_total",
        "onair_uptime_seconds",
        "onair_sequences_total{kind=\"emergency-stop\",status=\"rolledBack\"}",
        "onair_transitions_total{to=\"live\"}",
        "onair_step_duration_seconds_count",
    ] {
        assert_eq!(samples.get(name), Some(&0.0), "{name}");
    }
    assert_eq!(samples["onair_start_time_seconds"], 1_763_661_600.0);
    assert_eq!(samples[&format!("onair_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"))], 1.0);
    assert_eq!(samples["onair_engine_info{name=\"memory\"}"], 1.0);
}

#[tokio::test]
async fn o1_numbers_follow_what_happens() {
    let bench = Bench::new();
    bench.app.productions.configure(&main(), kim(), Value::Null).await.expect("begun");
    let before = bench.scrape().await;
    for id in ["logo", "title"] {
        bench.put(id).await.expect("put");
    }
    let late =
        json!({ "op": "put", "collection": "layers", "document": "logo", "value": {}, "ifRevision": 1 });
    let late: Mutation = strict::from_value(late).expect("a mutation");
    let handle = bench.app.productions.open(&main()).await.expect("there");
    handle.execute(kim(), None, Intent::Mutate(vec![late])).await.expect_err("too late");
    bench.clock.advance(Millis(1_500));
    let after = bench.scrape().await;
    let rose = |name: &str| after[name] - before[name];
    assert_eq!(rose("onair_commits_total"), 2.0);
    assert_eq!(rose("onair_records_total"), 2.0);
    assert!(rose("onair_batches_total") >= 1.0 && rose("onair_batches_total") <= 2.0);
    assert_eq!(rose("onair_append_seconds_count"), rose("onair_batches_total"));
    assert!(rose("onair_commit_bytes_total") > 100.0);
    assert_eq!(after["onair_append_seconds_bucket{le=\"+Inf\"}"], after["onair_append_seconds_count"]);
    assert_eq!(after["onair_refusals_total{code=\"revision-mismatch\"}"], 1.0);
    assert_eq!((after["onair_productions_loaded"], after["onair_uptime_seconds"]), (1.0, 1.5));
    let buckets: Vec<f64> = LATENCY_BOUNDS
        .iter()
        .map(|bound| {
            after.iter().find(|(name, _)| name.contains(&format!("le=\"{bound:?}\""))).expect("a bucket")
        })
        .map(|(_, count)| *count)
        .collect();
    assert!(buckets.is_sorted(), "buckets are cumulative: {buckets:?}");
}

#[tokio::test]
async fn o1_a_show_is_counted() {
    let bench = Bench::new();
    bench.app.productions.configure(&main(), kim(), Value::Null).await.expect("begun");
    let handle = bench.app.productions.open(&main()).await.expect("there");
    handle.act(kim(), None, onair_core::Act::Initialize, true).await.expect("ready");
    let samples = bench.scrape().await;
    assert_eq!(samples["onair_sequences_total{kind=\"initialize\",status=\"done\"}"], 1.0);
    assert_eq!(samples["onair_transitions_total{to=\"initializing\"}"], 1.0);
    assert_eq!(samples["onair_transitions_total{to=\"ready\"}"], 1.0);
    assert_eq!(samples["onair_step_duration_seconds_count"], 4.0);
    assert_eq!(samples["onair_phase{production=\"main\",phase=\"ready\"}"], 1.0);
    assert_eq!(samples["onair_phase{production=\"main\",phase=\"idle\"}"], 0.0);
}

struct Slow(&'static str, usize);

impl Look for Slow {
    fn look(&self) -> Client {
        Client {
            id: self.0.into(),
            kind: "socket",
            name: Some("\u{1b}[2J\"\n".into()),
            actor: "viewer:kim".into(),
            since: Timestamp::EPOCH,
            last_ping: None,
            lag: self.1,
            quality: None,
            diverged: 0,
        }
    }
}

#[tokio::test]
async fn o1_what_waits_is_counted_once_for_each_socket() {
    let bench = Bench::new();
    let names = ["main", "other"].map(|name| ProductionId::new(name).expect("a name"));
    let mut joined = Vec::new();
    for name in &names {
        bench.app.productions.configure(name, kim(), Value::Null).await.expect("begun");
        joined.push(bench.app.clients.join(name, Arc::new(Slow("s-1", 700))));
    }
    joined.push(bench.app.clients.join(&names[0], Arc::new(Slow("s-2", 300))));
    let samples = bench.scrape().await;
    assert_eq!(samples["onair_subscribers{transport=\"socket\"}"], 3.0);
    assert_eq!((samples["onair_lag_bytes"], samples["onair_lag_max_bytes"]), (1_000.0, 700.0));
}

#[tokio::test]
async fn o1_findings_are_counted_by_code_and_severity() {
    let bench = Bench::new();
    bench.app.productions.configure(&main(), kim(), json!(null)).await.expect("begun");
    let of = |name: &str, more: &str| format!("onair_{name}{{{more}code=\"SY002\",severity=\"warning\"}}");
    let (opened, stands) = (of("findings_opened_total", ""), of("findings", "production=\"main\","));
    let before = bench.scrape().await;
    assert_eq!((before.get(&opened), before.get(&stands)), (Some(&0.0), None));
    let handle = bench.app.productions.open(&main()).await.expect("there");
    handle.diverged();
    handle.check().await.expect("checked");
    let after = bench.scrape().await;
    assert_eq!((after[&opened], after[&stands]), (1.0, 1.0), "{after:?}");
    assert!(after["onair_checks_total"] >= 1.0);
}
