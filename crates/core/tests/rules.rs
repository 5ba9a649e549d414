//! Each rule has a production that makes it fire and one, as near as can be, that keeps it silent (row A1).

#![allow(clippy::needless_pass_by_value, reason = "each case is written once, with what is at hand")]

mod show;

use std::collections::BTreeMap;

use onair_core::rules::{self, Lagging, Observation, Scene, Took, verify};
use onair_wire::{
    Actor, CauseKind, Change, Collection, Commit, DocumentId, Millis, Op, Timestamp, sync::StreamFigures,
};
use serde_json::{Value, json};
use show::Show;

/// When the logs of this test were last written, in milliseconds.
const NOW: i64 = 1_000_000;

fn at(ms: i64) -> String {
    Timestamp::from_millis(ms).to_string()
}

/// A production whose server has written these documents, lawful or not.
fn written(manifest: &Value, documents: &[(&str, &str, Value)]) -> Show {
    let mut show = Show::with(manifest);
    let revision = show.production.revision().next();
    let change = |(collection, id, value): &(&str, &str, Value)| Change {
        collection: Collection::new(*collection).expect("a name"),
        id: DocumentId::new(*id).expect("a name"),
        revision,
        op: Op::Put(value.clone().into()),
    };
    show.apply(Commit {
        revision,
        at: Timestamp::from_millis(NOW),
        actor: Actor::new("server:test").expect("an actor"),
        mutation: None,
        fingerprint: None,
        cause: CauseKind::Batch.into(),
        changes: documents.iter().map(change).collect(),
    });
    show
}

fn lifecycle(phase: &str, more: Value) -> (&'static str, &'static str, Value) {
    let mut value = json!({ "phase": phase, "paused": false, "since": at(NOW), "sessionId": null, "sequence": null, "error": null });
    value.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    ("_system", "lifecycle", value)
}

fn live() -> (&'static str, &'static str, Value) {
    lifecycle("live", json!({ "sessionId": "s-1", "liveSince": at(NOW - 70_000) }))
}

fn moved(
    id: &'static str,
    from: &str,
    to: &str,
    reason: &str,
    ms: i64,
) -> (&'static str, &'static str, Value) {
    let value = json!({ "from": from, "to": to, "reason": reason, "actor": "server:show", "at": at(ms), "lasted": 1 });
    ("_transitions", id, value)
}

fn service(more: Value) -> (&'static str, &'static str, Value) {
    let mut value = json!({ "status": "active", "required": true, "adapter": "agent", "healthy": true });
    value.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    ("_services", "host", value)
}

fn sequence(status: &str, deadline: i64) -> (&'static str, &'static str, Value) {
    let step = json!({ "name": "host.start", "status": "running", "attempts": 1, "key": "k", "startedAt": at(NOW),
        "endedAt": null, "error": null, "timeout": 1000, "deadline": at(deadline) });
    let value = json!({ "id": "start-9", "kind": "start", "status": status, "startedBy": "operator:kim",
        "startedAt": at(NOW), "endedAt": null, "error": null, "steps": [step] });
    ("_sequences", "start-9", value)
}

fn backend(status: &str) -> (&'static str, &'static str, Value) {
    ("_backends", "hook", json!({ "type": "webhook", "status": status, "lag": 4, "lastError": "500" }))
}

fn conflict(document: &str) -> (&'static str, &'static str, Value) {
    let value = json!({ "id": "9-0", "collection": "scenes", "document": document, "status": "open" });
    ("_conflicts", "9-0", value)
}

/// Nothing but services of its own, with some more of the manifest.
fn manifest(more: Value) -> Value {
    let mut value =
        json!({ "services": [{ "name": "host", "adapter": { "type": "agent" } }], "requires": [] });
    value.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    value
}

fn plain(documents: &[(&str, &str, Value)]) -> Show {
    written(&manifest(json!({})), documents)
}

fn seen(more: impl FnOnce(&mut Observation)) -> Observation {
    let mut observation =
        Observation { now: Timestamp::from_millis(NOW), room: 4_096, ..Observation::default() };
    more(&mut observation);
    observation
}

fn later(ms: i64) -> Observation {
    seen(|it| it.now = Timestamp::from_millis(NOW + ms))
}

fn now() -> Observation {
    later(0)
}

fn took(count: u64, total_ms: f64) -> Took {
    Took { count, total_ms }
}

fn stream(fps: f64) -> Observation {
    let figures = StreamFigures { fps: Some(fps), target_fps: Some(60.0), ..StreamFigures::default() };
    seen(|it| it.stream = Some(figures))
}

fn lags(client: u64, backend: u64) -> Observation {
    seen(|it| {
        it.lagging = vec![Lagging { client: "c-1".into(), bytes: client }];
        it.lags = BTreeMap::from([("hook".into(), backend)]);
    })
}

fn thorough(show: &Show) -> Observation {
    seen(|it| it.verified = Some(verify(&show.production)))
}

fn many(count: usize) -> Show {
    let ids: Vec<String> = (0..count).map(|n| format!("d{n}")).collect();
    let documents: Vec<_> = ids.iter().map(|id| ("feed", id.as_str(), json!(1))).collect();
    plain(&documents)
}

type Case = (&'static str, Show, Observation);

/// What fires, and behind it what does not.
fn state_machine() -> Vec<[Case; 2]> {
    let starting = || lifecycle("starting", json!({ "sequence": "start-9" }));
    let falls = |falls: usize| {
        let all = ["1", "2", "3"].map(|id| moved(id, "idle", "error", "error", NOW - 1_000));
        plain(&all[..falls])
    };
    let recovery = |gave_up: bool| {
        let recovery = json!({ "attempts": 3, "nextAt": null, "gaveUp": gave_up });
        plain(&[lifecycle("error", json!({ "recovery": recovery }))])
    };
    let forced = |reason| plain(&[moved("9", "live", "idle", reason, NOW)]);
    vec![
        [("SM001", forced("user_action"), now()), ("SM001", forced("forced"), now())],
        [
            ("SM002", plain(&[lifecycle("stopping", json!({}))]), later(60_000)),
            ("SM002", plain(&[lifecycle("stopping", json!({}))]), later(20_000)),
        ],
        [
            ("SM003", plain(&[starting(), sequence("running", NOW + 1_000)]), later(12_000)),
            ("SM003", plain(&[starting(), sequence("running", NOW + 1_000)]), later(10_000)),
        ],
        [("SM004", plain(&[lifecycle("live", json!({}))]), now()), ("SM004", plain(&[live()]), now())],
        [("SM005", falls(3), now()), ("SM005", falls(2), now())],
        [("SM006", recovery(true), now()), ("SM006", recovery(false), now())],
        [
            (
                "SM007",
                plain(&[lifecycle("live", json!({})), moved("9", "idle", "error", "error", NOW)]),
                now(),
            ),
            (
                "SM007",
                plain(&[lifecycle("error", json!({})), moved("9", "idle", "error", "error", NOW)]),
                now(),
            ),
        ],
    ]
}

fn dependency() -> Vec<[Case; 2]> {
    let away = |ms: i64| service(json!({ "awaySince": at(NOW - ms), "healthy": false }));
    let agents = |agents: usize| seen(|it| it.agents = BTreeMap::from([("host".into(), agents)]));
    let uncertain =
        |uncertain: bool| plain(&[service(json!({ "status": "failed", "uncertain": uncertain }))]);
    vec![
        [
            ("DP001", plain(&[live(), service(json!({ "status": "ready" }))]), now()),
            ("DP001", plain(&[live(), service(json!({}))]), now()),
        ],
        [("DP002", plain(&[away(3_000)]), now()), ("DP002", plain(&[away(2_000)]), now())],
        [
            ("DP003", plain(&[live(), service(json!({}))]), agents(1)),
            ("DP003", plain(&[live(), service(json!({}))]), agents(2)),
        ],
        [("DP004", plain(&[backend("parked")]), now()), ("DP004", plain(&[backend("retrying")]), now())],
        [("DP005", uncertain(true), now()), ("DP005", uncertain(false), now())],
    ]
}

fn synchronization() -> Vec<[Case; 2]> {
    let empty = || plain(&[]);
    vec![
        [("SY001", empty(), lags(600_000, 0)), ("SY001", empty(), lags(1_000, 0))],
        [("SY002", empty(), seen(|it| it.diverged = 1)), ("SY002", empty(), now())],
        [("SY003", empty(), seen(|it| it.foreign = 5)), ("SY003", empty(), seen(|it| it.foreign = 4))],
        [("SY004", empty(), lags(0, 101)), ("SY004", empty(), lags(0, 100))],
        [("SY005", empty(), seen(|it| it.fell_back = 21)), ("SY005", empty(), seen(|it| it.fell_back = 20))],
    ]
}

fn performance() -> Vec<[Case; 2]> {
    let empty = || plain(&[]);
    let frames = |dropped| seen(|it| (it.frames, it.dropped) = (3_600, dropped));
    let large = |bytes| plain(&[("feed", "d", json!("x".repeat(bytes)))]);
    vec![
        [
            ("PF001", empty(), seen(|it| it.appends = took(10, 2_000.0))),
            ("PF001", empty(), seen(|it| it.appends = took(4, 2_000.0))),
        ],
        [
            ("PF002", empty(), seen(|it| it.flushes = took(10, 2_000.0))),
            ("PF002", empty(), seen(|it| it.flushes = took(10, 200.0))),
        ],
        [
            ("PF003", empty(), seen(|it| it.waiting = 3_072)),
            ("PF003", empty(), seen(|it| it.waiting = 3_000)),
        ],
        [("PF004", empty(), frames(37)), ("PF004", empty(), frames(36))],
        [("PF005", plain(&[live()]), stream(50.0)), ("PF005", plain(&[live()]), stream(55.0))],
        [("PF006", large(200_000), now()), ("PF006", large(190_000), now())],
        [("PF007", many(100_001), now()), ("PF007", many(10), now())],
    ]
}

fn configuration() -> Vec<[Case; 2]> {
    let with = |more: Value| written(&manifest(more), &[]);
    let waits = |ms: u64| with(json!({ "settings": { "retryDelay": ms } }));
    let requires = |is: &str| with(json!({ "requires": [{ "service": "host", "is": is }] }));
    let merges = |path: &str| {
        let schema = json!({ "properties": { "tags": { "type": "array" } } });
        with(json!({ "collections": { "scenes": { "schema": schema, "merge": { path: "union" } } } }))
    };
    let adapter = |more: Value| {
        let mut adapter = json!({ "type": "http", "url": "https://host.example/" });
        adapter.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        with(json!({ "services": [{ "name": "host", "adapter": adapter }] }))
    };
    let exposed = seen(|it| it.exposed = vec!["0.0.0.0:4200".into()]);
    vec![
        [("CF001", waits(15_000), now()), ("CF001", waits(14_999), now())],
        [("CF002", requires("active"), now()), ("CF002", requires("initialized"), now())],
        [("CF003", merges("/tag"), now()), ("CF003", merges("/tags"), now())],
        [
            ("CF004", adapter(json!({ "token": "s3cret" })), now()),
            ("CF004", adapter(json!({ "token": "env:TOKEN" })), now()),
        ],
        [("CF005", plain(&[]), exposed), ("CF005", plain(&[]), now())],
    ]
}

fn integrity() -> Vec<[Case; 2]> {
    let schema = |value: Value| {
        let schema = json!({ "type": "object", "required": ["title"] });
        let rules = json!({ "collections": { "scenes": { "schema": schema } } });
        written(&manifest(rules), &[("scenes", "intro", value)])
    };
    let (broken, whole) = (schema(json!({})), schema(json!({ "title": "Intro" })));
    let (of_broken, of_whole) = (thorough(&broken), thorough(&whole));
    let wrong = seen(|it| {
        it.verified = Some(rules::Verified { digests: vec!["scenes".into()], misfits: Vec::new() });
    });
    let of_empty = thorough(&plain(&[]));
    let scene = ("scenes", "intro", json!({}));
    let names = |status: &str| {
        plain(&[lifecycle("starting", json!({ "sequence": "start-9" })), sequence(status, NOW)])
    };
    vec![
        [
            ("IN001", plain(&[]), seen(|it| it.damage = Some("a checksum".into()))),
            ("IN001", plain(&[]), now()),
        ],
        [("IN002", plain(&[]), wrong), ("IN002", plain(&[]), of_empty)],
        [("IN003", broken, of_broken), ("IN003", whole, of_whole)],
        [
            ("IN004", plain(&[scene.clone(), conflict("outro")]), now()),
            ("IN004", plain(&[scene, conflict("intro")]), now()),
        ],
        [("IN005", plain(&[]), later(-2_001)), ("IN005", plain(&[]), later(-2_000))],
        [("IN006", names("done"), now()), ("IN006", names("running"), now())],
        [
            ("IN007", plain(&[]), seen(|it| it.mended = vec!["a torn tail was cut".into()])),
            ("IN007", plain(&[]), now()),
        ],
    ]
}

fn cases() -> impl Iterator<Item = [Case; 2]> {
    let tables = [state_machine, dependency, synchronization, performance, configuration, integrity];
    tables.into_iter().flat_map(|table| table())
}

#[test]
fn a1_each_rule_fires_and_keeps_silent() {
    let mut tried = Vec::new();
    for pair in cases() {
        for ((code, show, observation), fires) in pair.into_iter().zip([true, false]) {
            let rule = rules::rule(code).expect("a rule");
            let found = rule.look(&Scene::new(&show.production, &observation)).expect("enough was observed");
            assert_eq!(!found.is_empty(), fires, "{code}: {found:?}");
            assert!(found.iter().all(|it| !it.subject.is_empty() && !it.what.is_empty()), "{found:?}");
            tried.extend(fires.then_some(code));
        }
    }
    let all: Vec<_> = rules::all().map(|rule| rule.code).collect();
    assert_eq!(tried, all, "every rule is in the tables above, in its order");
    assert!(all.len() >= 20);
}

#[test]
fn a1_a_show_that_goes_well_is_found_nothing_wrong_with() {
    let show = Show::begun();
    let observation = Observation { verified: Some(verify(&show.production)), ..now() };
    let report = rules::report(&show.production, &observation);
    assert_eq!(report.findings, Vec::new());
    assert!(report.ok);
}

#[test]
fn a1_a_secret_is_not_repeated_by_the_finding_about_it() {
    let [(_, show, _), _] = configuration().swap_remove(3);
    let text = json!(rules::report(&show.production, &now())).to_string();
    assert!(text.contains("CF004") && !text.contains("s3cret"), "{text}");
}

#[test]
fn a2_a_patience_that_is_shorter_than_two_heartbeats_is_found() {
    let show = plain(&[]);
    for (heartbeat, fires) in [(2_000, false), (3_000, true)] {
        let observation = seen(|it| it.heartbeat = Some(Millis(heartbeat)));
        let found = rules::rule("CF001").expect("a rule").look(&Scene::new(&show.production, &observation));
        assert_eq!(found.is_some_and(|found| !found.is_empty()), fires, "{heartbeat}");
    }
}
