//! What moves a production, from the command line: the requests made, and what is said of their answers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod double;

use double::Double;
use serde_json::{Value, json};

fn started() -> Value {
    json!({ "sequence": "start-43", "phase": "live", "revision": 51 })
}

fn sequence(status: &str, steps: &[(&str, &str)]) -> Value {
    let steps: Vec<Value> = steps
        .iter()
        .map(|(name, status)| {
            json!({ "name": name, "status": status, "attempts": 1, "key": "k", "startedAt": null,
                "endedAt": null, "error": null })
        })
        .collect();
    json!({ "id": "start-43", "kind": "start", "status": status, "startedBy": "operator:kim",
        "startedAt": "2026-11-20T18:00:00.000Z", "endedAt": null, "error": null, "steps": steps })
}

#[test]
fn l4_an_action_is_asked_for_and_its_answer_is_a_line() {
    let paused = json!({ "sequence": null, "phase": "live", "revision": 52 });
    let idle = json!({ "sequence": "stop-60", "phase": "ready", "revision": 70 });
    let table: [(&[&str], &'static str, Value, Value, &str); 7] = [
        (
            &["initialize"],
            "POST initialize",
            Value::Null,
            idle.clone(),
            "ready  sequence stop-60  revision 70\n",
        ),
        (&["start"], "POST start", json!({}), started(), "live  sequence start-43  revision 51\n"),
        (
            &["start", "main", "--session", "s-1", "--kind", "analysis"],
            "POST start",
            json!({ "sessionId": "s-1", "kind": "analysis" }),
            started(),
            "live  sequence start-43  revision 51\n",
        ),
        (&["pause"], "POST pause", Value::Null, paused.clone(), "live, paused  revision 52\n"),
        (&["resume"], "POST resume", Value::Null, paused, "live  revision 52\n"),
        (&["stop"], "POST stop", Value::Null, idle.clone(), "ready  sequence stop-60  revision 70\n"),
        (&["recover"], "POST recover", Value::Null, idle, "ready  sequence stop-60  revision 70\n"),
    ];
    for (words, line, body, answer, expected) in table {
        let done = Double::new().says(line, 200, &answer).run(words);
        assert_eq!((done.code, done.out.as_str(), done.err.as_str()), (Some(0), expected, ""), "{words:?}");
        // Without a terminal nobody asks for events.
        let [request] = done.requests.as_slice() else { panic!("{words:?}: {:?}", done.requests) };
        assert_eq!((request.line.as_str(), &request.body), (line, &body), "{words:?}");
        assert_eq!((request.header("prefer"), request.header("idempotency-key")), (None, None), "{words:?}");

        let done = Double::new().says(line, 200, &answer).run(&[words, &["--json"]].concat());
        assert_eq!(serde_json::from_str::<Value>(&done.out).unwrap(), answer, "{words:?}");
    }
}

#[test]
fn l4_another_production_is_named_first_or_by_its_flag() {
    for words in [&["start", "studio"][..], &["start", "--production", "studio"]] {
        let done = Double::new().says("POST /v1/productions/studio/start", 200, &started()).run(words);
        assert_eq!(done.code, Some(0), "{done:?}");
    }
}

#[test]
fn l4_who_does_not_wait_is_told_how_to_wait_later() {
    let answer = json!({ "sequence": "start-43", "phase": "starting", "revision": 44 });
    let done = Double::new().says("POST start", 202, &answer).run(&["start", "--no-wait"]);
    assert_eq!((done.code, done.out.as_str()), (Some(0), "starting  sequence start-43  revision 44\n"));
    assert_eq!(done.err, "under way; wait for it with: onair sequences start-43 --wait\n");
    assert_eq!(done.requests[0].header("prefer"), Some("respond-async"));
}

#[test]
fn l4_each_step_is_told_to_who_asks_for_it() {
    let begun = sequence("running", &[("livefeed.start", "running"), ("host.start", "pending")]);
    let over = sequence("done", &[("livefeed.start", "done"), ("host.start", "done")]);
    let commit = json!({ "revision": 44, "at": "2026-11-20T18:00:00.000Z", "actor": "operator:kim",
        "cause": { "kind": "sequence.step" }, "changes":
        [{ "op": "put", "collection": "_sequences", "id": "start-43", "revision": 44, "value": begun }] });
    let snapshot = json!({ "production": "main", "epoch": "k3f9", "revision": 43, "documents": {} });
    let events = format!("event: snapshot\ndata: {snapshot}\n\nevent: commit\ndata: {commit}\n\n");
    let done = Double::new()
        .says_text("GET events?collections=_sequences", 200, &events)
        .says("GET sequences/start-43", 200, &over)
        .says("POST start", 200, &started())
        .run(&["start", "--steps"]);
    assert_eq!((done.code, done.out.as_str()), (Some(0), "live  sequence start-43  revision 51\n"));
    // Whether the stream or the answer came first, no step is left out.
    let last = "start-43  livefeed.start  done\nstart-43  host.start  done\n";
    assert!(done.err.ends_with(last), "{done:?}");
}

#[test]
fn l9_a_no_says_why_and_what_is_missing() {
    let no = json!({ "type": "/docs/problems/not-allowed", "title": "t", "status": 409, "code": "not-allowed",
        "detail": "the phase is idle, and start needs ready",
        "reason": "the phase is idle, and start needs ready",
        "missingDependencies": ["host", "feed"] });
    let done = Double::new().says("POST start", 409, &no).run(&["start"]);
    let expected = "error: the phase is idle, and start needs ready (not-allowed)\n  \
        missing: host\n  missing: feed\n  see: onair why start\n";
    assert_eq!((done.code, done.out.as_str(), done.err.as_str()), (Some(1), "", expected));

    let done = Double::new().says("POST start", 409, &no).run(&["start", "--json"]);
    let said: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(said["missingDependencies"], json!(["host", "feed"]));
    assert_eq!((&said["class"], &said["hint"]), (&"conflict".into(), &"see: onair why start".into()));
}

#[test]
fn l13_who_comes_second_is_told_what_runs_and_can_wait_for_it() {
    let no = json!({ "status": 409, "code": "not-allowed", "detail": "start-43 runs, begun by operator:kim",
        "reason": "start-43 runs", "missingDependencies": [], "sequence": "start-43" });
    let done = Double::new().says("POST start", 409, &no).run(&["start"]);
    assert_eq!(done.code, Some(1));
    assert!(done.err.ends_with("  running: start-43\n  see: onair sequences start-43 --wait\n"), "{done:?}");

    let running = sequence("running", &[("host.start", "running")]);
    for (status, code) in [("done", 0), ("failed", 1), ("rolledBack", 1)] {
        let over = sequence(status, &[("host.start", "done")]);
        let double = Double::new().says("GET sequences/start-43", 200, &running);
        let done =
            double.says("GET sequences/start-43", 200, &over).run(&["sequences", "start-43", "--wait"]);
        assert_eq!(done.code, Some(code), "{status}: {done:?}");
        assert!(done.out.contains(&format!("status    {status}\n")), "{done:?}");
    }
}

#[test]
fn l5_a_failure_names_the_step_and_what_was_undone() {
    for (status, code) in [(502, "step-failed"), (504, "step-timeout")] {
        let detail = "host.start: the camera is in use";
        let error = json!({ "code": code, "message": detail, "step": "host.start", "service": "host",
            "at": "2026-11-20T18:00:00.000Z", "owed": ["producer.stop"] });
        let no = json!({ "status": status, "code": code, "detail": detail, "sequence": "start-43",
            "phase": "error", "revision": 50, "error": error });
        let steps = [("livefeed.start", "undone"), ("session.start", "undone"), ("host.start", "failed")];
        let done = Double::new()
            .says("POST start", status, &no)
            .says("GET sequences/start-43", 200, &sequence("rolledBack", &steps))
            .run(&["start"]);
        let expected = format!(
            "error: host.start: the camera is in use ({code})\n  \
            sequence: start-43\n  undone: session.start, livefeed.start\n  \
            still to be undone: producer.stop\n  see: onair why\n"
        );
        assert_eq!((done.code, done.err), (Some(1), expected));
        assert_eq!(done.requests.iter().filter(|request| request.line == "POST start").count(), 1);
    }
}

#[test]
fn l5_a_connection_that_breaks_is_no_second_start() {
    let done = Double::new().says_text("POST start", 200, "").run(&["start"]);
    assert_eq!((done.code, done.requests.len()), (Some(1), 1), "{done:?}");
    assert!(done.err.contains("it goes on with; see: onair status\n"), "{done:?}");
}

#[test]
fn l7_an_emergency_waits_for_nobody() {
    let answer = json!({ "sequence": "emergency-stop-9", "phase": "idle", "revision": 60 });
    // The first connection breaks: the one action that is sent again, under the same key.
    let done = Double::new()
        .says_text("POST emergency-stop", 200, "")
        .says("POST emergency-stop", 200, &answer)
        .run(&["emergency-stop"]);
    assert_eq!((done.code, done.out.as_str()), (Some(0), "idle  sequence emergency-stop-9  revision 60\n"));
    let keys: Vec<_> = done.requests.iter().map(|request| request.header("idempotency-key")).collect();
    assert!(matches!(keys[..], [Some(first), Some(second)] if first == second), "{keys:?}");
}

#[test]
fn l9_a_plan_changes_nothing_and_says_what_would_be_done() {
    let steps = json!([
        { "name": "livefeed.start", "deadline": 15_000, "compensation": "livefeed.stop" },
        { "name": "backends.tell", "deadline": 1_500, "compensation": null, "after": ["livefeed.start"] },
        { "name": "late.tell", "deadline": 1_500, "compensation": null, "after": [], "skipped": true }]);
    let table = "STEP            DEADLINE  UNDONE BY         AFTER\n\
        livefeed.start  15 s      livefeed.stop\n\
        backends.tell   1.5 s     cannot be undone  livefeed.start\n\
        late.tell       1.5 s     nothing to do\n";
    let missing = "not allowed: the feed is empty\nmissing: feed\n";
    for (allowed, reason, names, code, more) in [
        (true, Value::Null, json!([]), 0, ""),
        (false, "the feed is empty".into(), json!(["feed"]), 1, missing),
    ] {
        let plan = json!({ "allowed": allowed, "reason": reason, "steps": steps,
            "missingDependencies": names, "irreversible": ["backends.tell"] });
        let double = || Double::new().says("POST start?dryRun=true", 200, &plan);
        let done = double().run(&["start", "--dry-run", "--kind", "analysis"]);
        assert_eq!((done.code, done.out, done.err.as_str()), (Some(code), format!("{table}{more}"), ""));
        assert_eq!(done.requests[0].body, json!({ "kind": "analysis" }));

        let done = double().run(&["start", "--dry-run", "--json"]);
        assert_eq!(done.code, Some(code));
        assert_eq!(serde_json::from_str::<Value>(&done.out).unwrap(), plan);
    }
}
