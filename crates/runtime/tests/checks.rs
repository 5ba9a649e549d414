//! When the rules look, and what it costs when there is nothing to see (row A2).

mod stage;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use onair_core::{Act, Intent, Phase, Production, rules::Observation};
use onair_engine::memory::{Memory, Storage};
use onair_runtime::{
    Clock, Error, Handle, Keep, Options, Productions, Tasks,
    adapter::{Adapter, Adapters},
    lookout::{CHECK_EVERY, Surroundings},
};
use onair_wire::{Code, Timestamp};
use serde_json::{Value, json};
use stage::{actor, execute, id, put};
use tokio::time::sleep;

/// Surroundings that a test makes, and counts the looks at.
#[derive(Debug, Default)]
struct Scene {
    exposed: Mutex<Vec<String>>,
    looks: AtomicUsize,
}

impl Scene {
    fn expose(&self, addresses: &[&str]) {
        *self.exposed.lock().expect("held for a line") = addresses.iter().map(ToString::to_string).collect();
    }

    fn looks(&self) -> usize {
        self.looks.load(Ordering::Relaxed)
    }
}

impl Surroundings for Scene {
    fn observe(&self, _: &Production, observation: &mut Observation) {
        self.looks.fetch_add(1, Ordering::Relaxed);
        observation.exposed.clone_from(&self.exposed.lock().expect("held for a line"));
    }
}

async fn begun(more: Value) -> (Arc<Scene>, Productions, Handle) {
    let scene = Arc::<Scene>::default();
    let builtin = Arc::new(onair_adapters::Builtin) as Arc<dyn Adapter>;
    let productions = Productions::new(Options {
        engine: Arc::new(Memory::open(&Storage::default())),
        clock: Clock::paced(Timestamp::from_millis(1_000_000)),
        tasks: Tasks::new(),
        keep: Keep::default(),
        random: || 7,
        adapters: Adapters::new([("builtin", builtin)]),
        backends: None,
        surroundings: Some(Arc::<Scene>::clone(&scene)),
    });
    let mut manifest = json!({ "services": [{ "name": "host" }], "requires": [] });
    manifest.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    productions.configure(&id("main"), actor(), manifest).await.expect("begun");
    let handle = productions.open(&id("main")).await.expect("there");
    (scene, productions, handle)
}

fn start(break_glass: Option<&str>) -> Act {
    Act::Start { session_id: None, kind: None, break_glass: break_glass.map(str::to_owned) }
}

/// As long as commits take that nobody waits for.
async fn moment() {
    sleep(Duration::from_millis(1)).await;
}

fn standing(handle: &Handle) -> Vec<String> {
    let state = handle.state();
    state.findings().filter(|finding| finding.stands()).map(|finding| finding.code).collect()
}

#[tokio::test(start_paused = true)]
async fn a2_the_rules_look_behind_each_move() {
    let (scene, _productions, handle) = begun(json!({})).await;
    scene.expose(&["0.0.0.0:4200"]);
    moment().await;
    assert_eq!(standing(&handle), Vec::<String>::new());
    handle.act(actor(), None, Act::Initialize, true).await.expect("allowed");
    moment().await;
    assert_eq!(standing(&handle), ["CF005"]);
}

#[tokio::test(start_paused = true)]
async fn a2_the_rules_look_within_five_seconds_of_what_happens_and_not_when_nothing_does() {
    let (scene, _productions, handle) = begun(json!({})).await;
    sleep(2 * CHECK_EVERY).await;
    let before = scene.looks();
    sleep(Duration::from_secs(3_600)).await;
    assert_eq!(scene.looks(), before, "nothing happened");
    for _ in 0..3 {
        execute(&handle, put("logo", json!(scene.looks()))).await.expect("written");
    }
    sleep(CHECK_EVERY + Duration::from_millis(1)).await;
    assert_eq!(scene.looks(), before + 1, "three commits are looked at once");
    handle.diverged();
    sleep(CHECK_EVERY + Duration::from_millis(1)).await;
    assert_eq!(standing(&handle), ["SY002"]);
    sleep(Duration::from_secs(70)).await;
    assert_eq!(standing(&handle), Vec::<String>::new(), "what passes by itself is looked for until it has");
    let after = scene.looks();
    sleep(Duration::from_secs(3_600)).await;
    assert_eq!(scene.looks(), after);
}

#[tokio::test(start_paused = true)]
async fn a2_a_finding_that_stands_costs_no_commit_each_time_it_is_seen() {
    let (_scene, _productions, handle) = begun(json!({})).await;
    handle.diverged();
    sleep(CHECK_EVERY + Duration::from_millis(1)).await;
    let (opened, before) = (handle.state().finding("SY002").expect("found"), handle.state().revision());
    sleep(Duration::from_secs(31)).await;
    assert_eq!(handle.state().revision(), before);
    let now = handle.as_of_now(opened.clone());
    assert_eq!((opened.count, now.count), (1, 7), "every five seconds");
    assert!(now.last_seen >= opened.last_seen.plus(onair_wire::Millis(30_000)), "{now:?}");
}

#[tokio::test(start_paused = true)]
async fn a2_a_check_on_demand_looks_now_and_at_everything() {
    let (scene, productions, handle) = begun(json!({})).await;
    assert!(handle.check().await.expect("checked").ok);
    scene.expose(&["0.0.0.0:4200"]);
    let report = handle.check().await.expect("checked");
    assert_eq!((report.ok, report.counts["error"], report.findings.len()), (false, 1, 1));
    assert_eq!(report.findings[0].subjects, ["0.0.0.0:4200"]);
    assert_eq!(standing(&handle), ["CF005"]);
    let counted = productions.figures().counted();
    assert_eq!((counted.findings["CF005"], counted.checks), (1, 2));
    scene.expose(&[]);
    assert!(handle.check().await.expect("checked").ok);
    assert_eq!(standing(&handle), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn l11_an_agent_that_is_turned_off_finds_nothing() {
    let (scene, _productions, handle) = begun(json!({ "settings": { "stateValidation": false } })).await;
    scene.expose(&["0.0.0.0:4200"]);
    handle.act(actor(), None, Act::Initialize, true).await.expect("allowed");
    sleep(2 * CHECK_EVERY).await;
    assert_eq!(standing(&handle), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a3_a_start_is_blocked_by_what_stands_at_that_moment() {
    let (scene, _productions, handle) = begun(json!({ "validation": { "blockStart": "error" } })).await;
    handle.act(actor(), None, Act::Initialize, true).await.expect("allowed");
    moment().await;
    scene.expose(&["0.0.0.0:4200"]);
    let refused = handle.act(actor(), None, start(None), true).await.expect_err("blocked");
    let Error::Refused(refusal) = &refused else { panic!("{refused}") };
    assert_eq!((refusal.code(), &refusal.problem().more["findings"]), (Code::NotAllowed, &json!(["CF005"])));
    scene.expose(&[]);
    let live = handle.act(actor(), None, start(None), true).await.expect("mended");
    assert_eq!(live.phase, Phase::Live);
    handle.act(actor(), None, Act::Stop, true).await.expect("allowed");
    scene.expose(&["0.0.0.0:4200"]);
    let live = handle.act(actor(), None, start(Some("it is a test")), true).await.expect("broken glass");
    assert_eq!(live.phase, Phase::Live);
}

#[tokio::test(start_paused = true)]
async fn a2_a_production_with_a_finding_leaves_memory_when_nobody_needs_it() {
    let (scene, productions, handle) = begun(json!({})).await;
    scene.expose(&["0.0.0.0:4200"]);
    execute(&handle, Intent::Act(Act::Initialize)).await.expect("allowed");
    moment().await;
    assert_eq!(standing(&handle), ["CF005"]);
    drop(handle);
    sleep(3 * onair_runtime::IDLE).await;
    assert!(productions.loaded().is_empty(), "a standing finding does not keep it");
}
