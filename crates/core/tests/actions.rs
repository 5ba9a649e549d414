//! Every action in every phase: what it comes to, and what `can` and `validate` say of it before.

mod show;

use onair_core::{
    Act, ActionName, Due, Intent, Observe, Phase, Refusal, Report, StepError, advance, can, plan,
    service::Seen, validate,
};
use onair_wire::{Actor, TaskAction, Timestamp};
use serde_json::json;
use show::Show;

const START: Act = Act::Start { session_id: None, kind: None, break_glass: None };

fn go_on(show: &mut Show) {
    while let Some(commit) = advance(&show.production, Timestamp::from_millis(2_000)).expect("allowed") {
        show.apply(commit);
    }
}

fn act(show: &mut Show, act: Act) -> Result<Option<String>, Refusal> {
    let receipt = show.execute(Intent::Act(act), None)?;
    go_on(show);
    Ok(receipt.sequence.map(|sequence| sequence.to_string()))
}

/// Answers every call that is due, and those that follow, while `wanted` says so.
fn answer(show: &mut Show, wanted: impl Fn(&Due) -> bool, result: &Result<(), StepError>) {
    while let Some(due) = show.production.due().into_iter().find(|due| wanted(due)) {
        let Due { sequence, step, key, attempt, .. } = due;
        let report = Report { sequence, step, key, attempt, result: result.clone() };
        show.execute(Intent::Report(report), None).expect("taken");
        go_on(show);
    }
}

fn done(show: &mut Show) {
    answer(show, |_| true, &Ok(()));
}

/// A show that rests in `phase`, or is under way in it while a service does not answer.
fn show_in(phase: Phase) -> Show {
    let mut show = Show::with(&json!({ "settings": { "autoRecovery": false } }));
    show.mutate(json!({"op": "put", "collection": "feed", "document": "a", "value": {}}))
        .expect("a document");
    if phase == Phase::Idle {
        return show;
    }
    act(&mut show, Act::Initialize).expect("allowed");
    match phase {
        Phase::Initializing => return show,
        Phase::Error => {
            let error = StepError { message: "no".into(), retryable: false, unknown: false };
            answer(&mut show, |_| true, &Err(error));
            return show;
        }
        _ => done(&mut show),
    }
    if phase == Phase::Ready {
        return show;
    }
    act(&mut show, START).expect("allowed");
    if phase == Phase::Starting {
        return show;
    }
    done(&mut show);
    if phase == Phase::Stopping {
        act(&mut show, Act::Stop).expect("allowed");
    }
    assert_eq!(show.production.phase(), phase);
    show
}

fn acts() -> [Act; 7] {
    [Act::Initialize, START, Act::Stop, Act::Pause, Act::Resume, Act::EmergencyStop, Act::Recover]
}

/// What was given up is undone or owed from then on: that it was done after all must not turn it back into a success.
#[test]
fn l5_a_success_that_comes_late_does_not_undo_giving_up() {
    let mut show = show_in(Phase::Live);
    act(&mut show, Act::EmergencyStop).expect("allowed");
    let Due { sequence, step, key, attempt, .. } = show.production.due().into_iter().next().expect("a call");
    let mut report = |result| {
        let (sequence, step, key) = (sequence.clone(), step.clone(), key.clone());
        let report = Report { sequence, step, key, attempt, result };
        let before = show.production.revision();
        show.execute(Intent::Report(report), None).expect("taken");
        show.production.revision() > before
    };
    let error = StepError { message: "no".into(), retryable: false, unknown: false };
    assert!(report(Err(error)), "it is given up");
    assert!(!report(Ok(())), "and stays so");
    assert!(!show.production.due().is_empty(), "while the rest is still under way");
}

/// Each attempt that nobody answered wrapped the sentence of the one before into its own, and the fourth read "not done
/// within 10000 ms: not done within 10000 ms: not done within 10000 ms: no answer within 10000 ms".
#[test]
fn l3_attempts_that_nobody_answers_are_one_sentence() {
    let mut show = Show::with(&json!({ "settings": { "autoRecovery": false } }));
    act(&mut show, Act::Initialize).expect("allowed");
    while let Some(at) = show.production.wake_at() {
        while let Some(commit) = advance(&show.production, at).expect("allowed") {
            show.apply(commit);
        }
    }
    let error = show.production.lifecycle().error.expect("nobody answered");
    assert_eq!(error.message, "livefeed.initialize: no answer within 10000 ms");
    let sequence = show.production.sequence("initialize-2").expect("a sequence");
    assert!(sequence.steps.iter().all(|step| step.attempts == 4), "{sequence:?}");
}

#[test]
fn l9_every_action_in_every_phase() {
    // What each action comes to: `-` refused, `=` joined or so already, `.` cancelled, else the phase it ends in when
    // everybody answers: i(dle), r(eady), l(ive). Columns: initialize start stop pause resume emergency-stop recover.
    let table = [
        (Phase::Idle, "r----i-"),
        (Phase::Initializing, "=----i-"),
        (Phase::Ready, "-l---i-"),
        (Phase::Starting, "-=.--i-"),
        (Phase::Live, "--rl=i-"),
        (Phase::Stopping, "--=--i-"),
        (Phase::Error, "--i--ii"),
    ];
    for (phase, row) in table {
        for (expected, wish) in row.chars().zip(acts()) {
            let mut show = show_in(phase);
            assert_eq!(show.production.phase(), phase);
            let told = format!("{} while {}", wish.name().as_str(), phase.as_str());
            let before = (show.production.revision(), show.production.lifecycle().sequence);
            let allowed = can(&show.production)[wish.name().as_str()].clone();
            let actor = Actor::new("operator:kim").expect("an actor");
            let planned = plan(&show.production, &wish, &actor, Timestamp::from_millis(2_000));
            assert_eq!(planned.allowed, allowed.allowed, "{told}");
            let came = act(&mut show, wish);
            match expected {
                '-' => {
                    let Err(Refusal::NotAllowed { reason, missing, .. }) = came else {
                        panic!("{told}: {came:?}")
                    };
                    assert_eq!((allowed.allowed, &allowed.reason), (false, &Some(reason)), "{told}");
                    assert_eq!(allowed.missing_dependencies, missing, "{told}");
                    assert_eq!(show.production.revision(), before.0, "{told} changed something");
                }
                '=' => {
                    assert_eq!(came.expect("allowed"), before.1, "{told} is joined");
                    assert_eq!(show.production.revision(), before.0, "{told} changed something");
                }
                '.' => {
                    done(&mut show);
                    assert_eq!(show.production.phase(), Phase::Ready, "{told}");
                }
                end => {
                    came.unwrap_or_else(|refusal| panic!("{told}: {refusal}"));
                    done(&mut show);
                    let ended = show.production.phase().as_str();
                    assert!(ended.starts_with(end), "{told} ends in {ended}");
                }
            }
            show.check();
        }
    }
}

#[test]
fn l4_a_start_says_what_it_lacks() {
    let mut show = Show::begun();
    let start = can(&show.production)["start"].clone();
    assert_eq!(start.missing_dependencies, ["livefeed", "session", "host", "producer", "feed"]);
    act(&mut show, Act::Initialize).expect("allowed");
    done(&mut show);
    let refusal = act(&mut show, START).expect_err("there is no content");
    assert_eq!(refusal.to_string(), "a start needs feed");
    let validity = validate(&show.production, Phase::Live);
    assert_eq!((validity.valid, validity.missing_dependencies), (false, vec!["feed".to_owned()]));
}

#[test]
fn l6_a_stop_goes_on_to_ready_by_itself_and_each_move_is_in_the_history() {
    let mut show = show_in(Phase::Live);
    act(&mut show, Act::Stop).expect("allowed");
    done(&mut show);
    let moves: Vec<String> = (show.production.collection("_transitions").expect("a history").by_age())
        .map(|(_, document)| {
            let value = document.value();
            format!(
                "{} {}",
                value["to"].as_str().expect("a phase"),
                value["reason"].as_str().expect("a reason")
            )
        })
        .collect();
    let expected = [
        "initializing user_action",
        "ready dependency_ready",
        "starting user_action",
        "live dependency_ready",
        "stopping user_action",
        "idle user_action",
        "initializing system_init",
        "ready dependency_ready",
    ];
    assert_eq!(moves, expected);
}

#[test]
fn l7_nobody_is_told_of_an_emergency_stop() {
    let backend =
        json!({ "name": "hook", "type": "webhook", "url": "https://example.org/", "secret": "env:S" });
    let mut show = Show::with(&json!({ "requires": [], "backends": [backend] }));
    act(&mut show, Act::Initialize).expect("allowed");
    done(&mut show);
    act(&mut show, START).expect("allowed");
    done(&mut show);
    let told = |show: &Show| show.value("_system", "broadcast").expect("told")["broadcastState"].clone();
    assert_eq!(told(&show), "live");
    act(&mut show, Act::EmergencyStop).expect("allowed");
    assert_eq!(told(&show), "live", "the forced move tells nobody");
    done(&mut show);
    assert_eq!(told(&show), "live", "nor does what follows from it");
    act(&mut show, Act::Initialize).expect("allowed");
    assert_eq!(told(&show), "idle", "the next ordinary move does");
}

#[test]
fn l13_a_start_of_another_session_is_not_joined() {
    let mut show = show_in(Phase::Starting);
    let other = Act::Start { session_id: Some("other".into()), kind: None, break_glass: None };
    let refusal = act(&mut show, other).expect_err("another session");
    assert!(refusal.to_string().contains("is under way for session s-"), "{refusal}");
}

#[test]
fn l2_pausing_twice_is_pausing_once() {
    let mut show = show_in(Phase::Live);
    act(&mut show, Act::Pause).expect("allowed");
    assert!(show.production.lifecycle().paused);
    let revision = show.production.revision();
    act(&mut show, Act::Pause).expect("allowed");
    assert_eq!(show.production.revision(), revision);
    act(&mut show, Act::Resume).expect("allowed");
    assert!(!show.production.lifecycle().paused);
}

#[test]
fn s1_a_manifest_names_what_is_wrong_with_its_services() {
    let service = |name: &str, after: &[&str]| json!({ "name": name, "after": after });
    let table = [
        (json!({ "services": [service("a", &["b"]), service("b", &["a"])] }), "/services/0/after"),
        (json!({ "services": [service("a", &["a"])] }), "/services/0/after"),
        (json!({ "services": [service("a", &["x"])] }), "/services/0/after/0"),
        (json!({ "services": [service("a", &[]), service("a", &[])] }), "/services/1/name"),
        (json!({ "services": [service("a", &[]), service("b", &["a"])], "start": ["b", "a"] }), "/start/0"),
        (json!({ "services": [service("a", &[])], "start": ["b"] }), "/start/0"),
        (
            json!({ "services": [{ "name": "a", "adapter": { "type": "magic" } }] }),
            "/services/0/adapter/type",
        ),
    ];
    for (manifest, place) in table {
        let error = onair_core::Manifest::new(manifest.clone()).expect_err("it is wrong");
        let onair_wire::json::JsonError::Invalid { pointer, .. } = error else {
            panic!("{manifest}: {error}")
        };
        assert_eq!(pointer, place, "{manifest}");
    }
    let free = onair_core::Manifest::new(json!({ "services": [service("a", &[]), service("b", &["a"])] }));
    assert_eq!(free.expect("a manifest").written.start, ["a", "b"]);
}

#[test]
fn s1_a_service_that_is_up_is_not_taken_away() {
    let mut show = show_in(Phase::Live);
    let other = json!({ "services": [{ "name": "livefeed" }] });
    let refusal = show.execute(Intent::Configure(other), None).expect_err("host is on");
    assert!(refusal.to_string().starts_with("service host is active"), "{refusal}");
}

#[test]
fn s3_another_that_came_during_a_stop_is_made_ready() {
    // An agent crashed while it was being turned off and came back: the show was `ready` with a host that nobody had
    // asked to get ready.
    let mut show = show_in(Phase::Live);
    let seen = |instance: &str| {
        let seen = Seen::Here { instance: Some(instance.into()), healthy: true, details: None };
        Intent::Observe(Observe { service: "host".into(), seen })
    };
    show.execute(seen("one"), None).expect("taken");
    act(&mut show, Act::Stop).expect("allowed");
    answer(&mut show, |due| due.service != "host", &Ok(()));
    show.execute(seen("another"), None).expect("taken");
    answer(&mut show, |due| due.action == TaskAction::Stop, &Ok(()));
    assert_eq!(show.production.phase(), Phase::Idle, "not every service is ready");
    act(&mut show, Act::Initialize).expect("allowed");
    let asked: Vec<String> = show.production.due().into_iter().map(|due| due.step).collect();
    assert_eq!(asked, ["host.initialize"]);
    done(&mut show);
    assert_eq!(show.production.phase(), Phase::Ready);
}

/// A show with a process, live, and its process seen.
fn show_with_a_process() -> Show {
    let encoder = json!({ "name": "encoder", "adapter": { "type": "process", "name": "encoder" } });
    let settings = json!({ "autoRecovery": false });
    let mut show = Show::with(&json!({ "services": [encoder], "requires": [], "settings": settings }));
    act(&mut show, Act::Initialize).expect("allowed");
    done(&mut show);
    act(&mut show, START).expect("allowed");
    show.execute(there("1-0"), None).expect("taken");
    done(&mut show);
    show
}

fn there(instance: &str) -> Intent {
    let seen = Seen::Here { instance: Some(instance.into()), healthy: true, details: None };
    Intent::Observe(Observe { service: "encoder".into(), seen })
}

fn gone() -> Intent {
    let seen = Seen::Away { reason: "is not running".into() };
    Intent::Observe(Observe { service: "encoder".into(), seen })
}

#[test]
fn s2_a_process_that_is_off_is_not_away() {
    // The server was killed in the midst of a stop, and the process with it. The next server saw that it was not there
    // and went on with the stop: five seconds later the show was `ready`, its encoder was lost, and no start worked.
    let resumed =
        Intent::Resume([("encoder".to_owned(), Seen::Away { reason: "is not running".into() })].into());
    for (seen, before) in [(resumed, true), (gone(), true), (gone(), false)] {
        let mut show = show_with_a_process();
        act(&mut show, Act::Stop).expect("allowed");
        if before {
            show.execute(seen.clone(), None).expect("taken");
        }
        done(&mut show);
        if !before {
            show.execute(seen, None).expect("taken");
        }
        assert_eq!(show.production.phase(), Phase::Ready);
        assert_eq!(show.production.wake_at(), None, "nobody is waited for");
        let encoder = show.production.service("encoder").expect("declared");
        assert_eq!((encoder.away_since, encoder.healthy, encoder.instance), (None, true, None));
        act(&mut show, START).expect("allowed");
    }
}

#[test]
fn s2_the_instance_of_a_process_stays_told() {
    let show = show_with_a_process();
    let encoder = show.production.service("encoder").expect("declared");
    assert_eq!((show.production.phase(), encoder.instance.as_deref()), (Phase::Live, Some("1-0")));
}

#[test]
fn l12_what_a_dead_server_asked_for_is_not_known_not_to_have_happened() {
    // A host was turned on, and the server died before it heard of it. The next one asked again and reached nobody in
    // time, which it took for proof that the host was off: the rollback left it on.
    let mut show = show_in(Phase::Starting);
    answer(&mut show, |due| due.service != "host", &Ok(()));
    show.execute(Intent::Resume(Default::default()), None).expect("taken");
    go_on(&mut show);
    let nobody = StepError { message: "nobody was there".into(), retryable: false, unknown: false };
    answer(&mut show, |due| due.step == "host.start", &Err(nobody));
    let asked: Vec<String> = show.production.due().into_iter().map(|due| due.step).collect();
    assert_eq!(asked, ["host.stop"], "it may be on");
    done(&mut show);
    assert_eq!(show.production.phase(), Phase::Error);
    assert_eq!(show.production.owed(), Vec::<String>::new());
}

#[test]
fn s3_who_came_back_and_is_not_on_yet_is_stopped_all_the_same() {
    // An agent without a name of its own lost its connection while it was on. It came back as somebody else, was asked to
    // get ready, and a stop was pressed: nobody asked it to go off, and the show was `idle` with a host that was on.
    for failed in [false, true] {
        let mut show = show_in(Phase::Live);
        for instance in ["one", "another"] {
            let seen = Seen::Here { instance: Some(instance.into()), healthy: true, details: None };
            show.execute(Intent::Observe(Observe { service: "host".into(), seen }), None).expect("taken");
        }
        go_on(&mut show);
        let asked: Vec<String> = show.production.due().into_iter().map(|due| due.step).collect();
        assert_eq!(asked, ["host.initialize"]);
        if failed {
            let error = StepError { message: "no".into(), retryable: false, unknown: false };
            answer(&mut show, |due| due.step == "host.initialize", &Err(error));
            let owed = show.production.lifecycle().error.expect("it failed").owed;
            assert!(owed.contains(&"host.stop".to_owned()), "{owed:?}");
        }
        act(&mut show, Act::Stop).expect("allowed");
        answer(&mut show, |due| due.service != "host", &Ok(()));
        let asked: Vec<String> = show.production.due().into_iter().map(|due| due.step).collect();
        assert_eq!(asked, ["host.stop"]);
        done(&mut show);
        assert!(!show.production.service("host").expect("declared").is_on());
    }
}

#[test]
fn the_actions_are_those_of_the_contract() {
    let names: Vec<&str> = ActionName::ALL.iter().map(|name| name.as_str()).collect();
    assert_eq!(names, ["initialize", "start", "stop", "pause", "resume", "emergency-stop", "recover"]);
}

/// An agent had left, and the service was given to an adapter that says nothing of itself: it stayed away for good, and no
/// show could be started.
#[test]
fn s1_a_service_that_is_reached_in_another_way_begins_anew() {
    let manifest = |adapter: &str| json!({ "services": [{ "name": "host", "adapter": { "type": adapter } }], "requires": [] });
    let mut show = Show::with(&manifest("agent"));
    let here = Seen::Here { instance: Some("left".into()), healthy: true, details: None };
    for seen in [here, Seen::Away { reason: "it left".into() }] {
        show.execute(Intent::Observe(Observe { service: "host".into(), seen }), None).expect("taken");
    }
    show.execute(Intent::Configure(manifest("builtin")), None).expect("the host is down");
    let host = show.value("_services", "host").expect("a service");
    assert_eq!(
        host,
        json!({ "status": "down", "required": true, "adapter": "builtin", "healthy": false, "lastSeen": null, "error": null })
    );
    act(&mut show, Act::Initialize).expect("allowed");
    done(&mut show);
    act(&mut show, START).expect("nothing is missing");
}
