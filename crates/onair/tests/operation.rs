//! How a production is operated, from the command line: `sequences`, `settings`, `backends`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod double;

use double::Double;
use serde_json::{Value, json};

#[test]
fn l12_sequences_newest_first_and_one_of_them_by_its_steps() {
    let sequence = json!({ "id": "start-43", "kind": "start", "status": "rolledBack",
        "startedBy": "operator:kim", "startedAt": "2026-11-20T18:00:00.000Z",
        "endedAt": "2026-11-20T18:00:02.500Z", "error": { "message": "in use" }, "steps": [
            { "name": "livefeed.start", "status": "undone", "attempts": 1, "error": null },
            { "name": "host.start", "status": "failed", "attempts": 3, "error": "in use",
                "startedAt": "2026-11-20T18:00:00.100Z", "endedAt": "2026-11-20T18:00:00.220Z" }] });
    let list = json!({ "sequences": [sequence] });
    let done = Double::new().says("GET sequences?limit=20", 200, &list).run(&["sequences"]);
    let expected = "\
ID        KIND   STATUS      BY            STARTED                   TOOK   ERROR
start-43  start  rolledBack  operator:kim  2026-11-20T18:00:00.000Z  2.5 s  in use
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
    let done = Double::new().says("GET backends?limit=500", 200, &backends).run(&["backends"]);
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
