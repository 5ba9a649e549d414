//! How a production is and what stands in its way, from the command line: `why`, `status`, `sequences`, `settings`,
//! `backends`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod double;

use double::Double;
use serde_json::{Value, json};

fn snapshot(lifecycle: &Value) -> Value {
    json!({ "production": "main", "epoch": "k3f9", "revision": 43, "at": "2026-11-20T18:00:00.000Z",
        "lifecycle": lifecycle, "settings": { "startupTimeout": 15_000 },
        "services": { "host": { "status": "down", "required": true, "healthy": false, "error": null },
            "livefeed": { "status": "ready", "required": true, "healthy": true, "error": null } },
        "documents": { "layers": { "logo": {} } }, "conflicts": 0, "clients": 12,
        "findings": { "error": 0, "warning": 0, "info": 0 },
        "backends": { "hook": { "lag": 7, "parked": 3 } } })
}

fn asked(lifecycle: &Value, can: &Value, backends: &Value) -> Double {
    Double::new()
        .says("GET ", 200, &snapshot(lifecycle))
        .says("GET can", 200, can)
        .says("GET backends", 200, &json!({ "backends": backends }))
        .says_text("GET /readyz", 200, "{}")
}

/// As the server says it of a phase that is not `ready`, or of one that is and lacks something.
fn refused(phase: &str) -> Value {
    let reason = match phase {
        "ready" => "a start needs host, feed".to_owned(),
        phase => format!("the phase is {phase}, and start needs ready"),
    };
    json!({ "initialize": { "allowed": true }, "emergency-stop": { "allowed": true },
        "start": { "allowed": false, "reason": reason, "missingDependencies": ["host", "feed"] } })
}

#[test]
fn l9_why_the_show_cannot_go_live() {
    let lifecycle =
        json!({ "phase": "idle", "paused": false, "sessionId": null, "sequence": null, "error": null });
    let done = asked(&lifecycle, &refused("idle"), &json!([])).run(&["why"]);
    let expected = "\
main cannot go live now: the phase is idle, and start needs ready.

Services:
  host      down
  livefeed  ready

Missing:
  host, a service: it is down
  feed, a collection: fill it with onair put feed/ID VALUE

Allowed now: initialize, emergency-stop.

Next: onair initialize
";
    assert_eq!((done.code, done.out.as_str(), done.err.as_str()), (Some(0), expected, ""));
}

#[test]
fn l9_why_after_a_failure_and_while_something_runs() {
    let error = json!({ "code": "step-failed", "step": "host.start", "service": "host",
        "message": "host.start: the camera is in use", "owed": ["livefeed.stop"] });
    let recovery = json!({ "attempts": 1, "nextAt": "2026-11-20T18:00:05.000Z", "gaveUp": false });
    let lifecycle =
        json!({ "phase": "error", "sequence": "recover-51", "error": error, "recovery": recovery });
    let sequence = json!({ "id": "recover-51", "kind": "recover", "status": "running",
        "startedBy": "operator:kim", "steps": [
            { "name": "livefeed.stop", "status": "done", "attempts": 1 },
            { "name": "host.initialize", "status": "running", "attempts": 2, "deadline": 10_000,
                "startedAt": "2026-11-20T18:00:01.000Z" }] });
    let parked = json!([{ "name": "hook", "type": "webhook", "lag": 7, "parked": 3, "lastError": "401 No" },
        { "name": "convex", "type": "convex", "lag": 0, "parked": 0 }]);
    let can = json!({ "start": { "allowed": false, "reason": "the phase is error, and start needs ready" } });
    let done =
        asked(&lifecycle, &can, &parked).says("GET sequences/recover-51", 200, &sequence).run(&["why"]);
    let expected = "
Running: recover-51, started by operator:kim.
  host.initialize  running, attempt 2, since 2026-11-20T18:00:01.000Z, deadline 10 s

Last error: host.start: the camera is in use (step-failed).
Still to be undone: livefeed.stop.
It recovers by itself at 2026-11-20T18:00:05.000Z.

Backends that did not take what they were told (no show waits for them):
  hook, 3 parked: 401 No; send again with onair backends replay hook

Next: wait for it: onair sequences recover-51 --wait
";
    assert!(done.out.ends_with(expected), "{}", done.out);
}

#[test]
fn l9_why_of_one_action_with_the_plan_of_a_start() {
    let lifecycle = json!({ "phase": "ready", "sequence": null, "error": null });
    let plan = json!({ "allowed": false, "steps":
        [{ "name": "host.start", "deadline": 15_000, "compensation": "host.stop" }] });
    let done = asked(&lifecycle, &refused("ready"), &json!([]))
        .says("POST start?dryRun=true", 200, &plan)
        .run(&["why", "start"]);
    let expected = "\
start is not allowed: main is in phase ready: a start needs host, feed.

Missing:
  host, a service: it is down
  feed, a collection: fill it with onair put feed/ID VALUE

STEP        DEADLINE  UNDONE BY
host.start  15 s      host.stop

Next: bring what is missing (host, feed), then onair start
";
    assert_eq!((done.code, done.out.as_str(), done.err.as_str()), (Some(0), expected, ""));

    // Who may only look gets no plan, and the answer all the same.
    let forbidden = json!({ "status": 403, "code": "forbidden", "detail": "this needs an operator" });
    let double =
        || asked(&lifecycle, &refused("ready"), &json!([])).says("POST start?dryRun=true", 403, &forbidden);
    let done = double().run(&["why", "start", "--json"]);
    let said: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!((&said["allowed"], &said["missingDependencies"]), (&false.into(), &json!(["host", "feed"])));
    let done = double().run(&["why", "initialize"]);
    assert_eq!(done.out, "initialize is allowed: main is in phase ready.\n\nNext: onair initialize\n");
}

#[test]
fn l2_why_of_a_show_that_is_live() {
    let lifecycle = json!({ "phase": "live", "paused": true, "sessionId": "s-1", "sequence": null });
    let can = json!({ "start": { "allowed": false, "reason": "it is live", "missingDependencies": ["feed"] }, "resume": { "allowed": true } });
    let done = asked(&lifecycle, &can, &json!([])).run(&["why"]);
    let first = "main is live, session s-1; it is paused, and onair resume goes on.\n";
    assert!(done.out.starts_with(first) && done.out.ends_with("Allowed now: resume.\n"), "{}", done.out);
    assert!(!done.out.contains("Missing"), "{}", done.out);
}

#[test]
fn l1_status_shows_what_belongs_to_the_show() {
    let lifecycle = json!({ "phase": "live", "paused": true, "sessionId": "s-1", "sequence": "stop-44",
        "error": { "message": "the camera is in use", "owed": [] } });
    let done = asked(&lifecycle, &refused("live"), &json!([])).run(&["status"]);
    for line in [
        "phase       live, paused\n",
        "session     s-1\n",
        "sequence    stop-44\n",
        "services    host down\n            livefeed ready\n",
        "backends    hook lag 7, 3 parked\n",
        "error       the camera is in use\n",
    ] {
        assert!(done.out.contains(line), "{line:?} in {done:?}");
    }
}

#[test]
fn l12_sequences_newest_first_and_one_of_them_by_its_steps() {
    let sequence = json!({ "id": "start-43", "kind": "start", "status": "rolledBack",
        "startedBy": "operator:kim", "startedAt": "2026-11-20T18:00:00.000Z",
        "endedAt": "2026-11-20T18:00:02.500Z", "error": { "message": "in use" }, "steps": [
            { "name": "livefeed.start", "status": "undone", "attempts": 1, "error": null },
            { "name": "host.start", "status": "failed", "attempts": 3, "error": "in use",
                "startedAt": "2026-11-20T18:00:00.100Z", "endedAt": "2026-11-20T18:00:00.220Z" }] });
    let other = json!({ "id": "recover-41", "kind": "recover", "service": "host", "status": "done" });
    let list = json!({ "sequences": [sequence, other] });
    let done = Double::new().says("GET sequences?limit=20", 200, &list).run(&["sequences"]);
    let expected = "\
ID          KIND          STATUS      BY            STARTED                   TOOK   ERROR
start-43    start         rolledBack  operator:kim  2026-11-20T18:00:00.000Z  2.5 s  in use
recover-41  recover host  done
";
    assert_eq!((done.code, done.out.as_str()), (Some(0), expected));

    let double = || Double::new().says("GET sequences/start-43", 200, &sequence);
    let done = double().run(&["sequences", "start-43"]);
    let expected = "\
STEP            STATUS  ATTEMPTS  STARTED                   TOOK    ERROR
livefeed.start  undone  1
host.start      failed  3         2026-11-20T18:00:00.100Z  120 ms  in use
";
    assert!(done.out.starts_with("sequence  start-43\n") && done.out.ends_with(expected), "{}", done.out);
    let done = double().run(&["sequences", "start-43", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&done.out).unwrap(), sequence);
}

#[test]
fn l11_settings_are_shown_and_changed() {
    let settings = json!({ "autoRecovery": false, "startupTimeout": 20_000 });
    let shown = "autoRecovery    false\nstartupTimeout  20000\n";
    let done = Double::new().says("GET settings", 200, &settings).run(&["settings"]);
    assert_eq!((done.code, done.out.as_str()), (Some(0), shown));

    let words = ["settings", "startup_timeout=20000", "autoRecovery=false"];
    let done = Double::new().says("PATCH settings", 200, &settings).run(&words);
    assert_eq!((done.code, done.out.as_str()), (Some(0), shown));
    assert_eq!(done.requests[0].body, settings);
    assert_eq!(done.requests[0].header("content-type"), Some("application/merge-patch+json"));
}

#[test]
fn b3_backends_are_shown_and_sent_again_what_they_did_not_take() {
    let backends = json!({ "backends": [
        { "name": "hook", "type": "webhook", "lag": 7, "parked": [{}, {}], "lastError": { "message": "401 No" } },
        { "name": "convex", "type": "convex", "lag": 0 }] });
    let done = Double::new().says("GET backends", 200, &backends).run(&["backends"]);
    let expected = "\
NAME    TYPE     LAG  PARKED  LAST ERROR
hook    webhook  7    2       401 No
convex  convex   0    0
";
    assert_eq!((done.code, done.out.as_str()), (Some(0), expected));
    assert_eq!(done.err, "send again what is parked with: onair backends replay NAME\n");

    let table: [(&[&str], Value, &str); 2] = [
        (&[], json!({}), "hook  sent again what was parked\n"),
        (&["--from", "41"], json!({ "from": 41 }), "hook  sent again from revision 41\n"),
    ];
    for (more, body, expected) in table {
        let double = Double::new().says_text("POST backends/hook/replay", 202, "{}");
        let done = double.run(&[&["backends", "replay", "hook"], more].concat());
        assert_eq!((done.code, done.out.as_str()), (Some(0), expected), "{done:?}");
        assert_eq!(done.requests[0].body, body);
    }
}
