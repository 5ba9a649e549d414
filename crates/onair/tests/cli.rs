//! The program from outside, without a server: what it prints where, and with which exit code (row B32).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    io::{Read, Write},
    net::TcpListener,
    process::{Command, Output, Stdio},
    thread,
};

/// Runs `onair` with these words; the environment of whoever runs the tests does not matter.
fn onair(words: &[&str]) -> Output {
    command(words).output().expect("the program starts")
}

fn command(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_onair"));
    let names = ["ONAIR_SERVER", "ONAIR_TOKEN", "NO_COLOR"];
    for name in names {
        command.env_remove(name);
    }
    command.env("ONAIR_DATA", "a-directory-that-is-not-there").args(words).stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

fn json(bytes: &[u8]) -> serde_json::Value {
    serde_json::from_slice(bytes).unwrap_or_else(|error| panic!("{error}: {}", text(bytes)))
}

#[test]
fn b32_exit_codes_and_hints() {
    let nobody = ["--server", "http://127.0.0.1:1"];
    let table: [(&[&str], i32, &str); 18] = [
        (&["--help"], 0, "Exit codes"),
        (&["--version"], 0, "onair"),
        (&["explain", "not-found"], 0, "# not-found"),
        (&["explain"], 0, "revision-mismatch"),
        (&["explain", "not-fuond"], 2, "did you mean not-found"),
        (&["completions", "bash"], 0, "_onair"),
        (&["completions", "klingon"], 2, "possible values"),
        (&[], 2, "Usage"),
        (&["statsu"], 2, "status"),
        (&["get"], 2, "COLLECTION"),
        (&["get", "layers/a b"], 2, "document id"),
        (&["put", "layers/logo", "{visible}"], 2, "not JSON"),
        (&["resolve", "c-1", "--choose", "merge"], 2, "--value"),
        (&["remove", "main"], 2, "--yes"),
        (&["status", "--server", "localhost:4200"], 2, "http://127.0.0.1:4200"),
        (&["import", "not-there.jsonl"], 1, "not-there.jsonl"),
        (&["backup", "--check", "not-there"], 1, "no backup"),
        (&["status", nobody[0], nobody[1]], 1, "is onair running? start it with: onair serve"),
    ];
    for (words, code, expected) in table {
        let output = onair(words);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{words:?}: {out}{err}");
        let (said, silent) = if code == 0 { (out, err) } else { (err, out) };
        assert!(said.contains(expected), "{words:?}: {said}");
        assert_eq!(silent, "", "{words:?}");
        assert!(!said.contains('\x1b'), "styles away from a terminal: {said:?}");
    }
}

#[test]
fn b32_with_json_a_failure_is_data() {
    let table: [(&[&str], i32, &str, &str); 6] = [
        (&["statsu", "--json"], 2, "usage", "did you mean `status`?"),
        (&["get", "--json"], 2, "usage", "see: onair help"),
        (&["explain", "not-fuond", "--json"], 2, "usage", "did you mean not-found, not-allowed?"),
        (&["--json", "remove", "main"], 2, "usage", "keep a copy"),
        (&["--json", "watch", "--server", "http://127.0.0.1:1"], 1, "network", "is onair running?"),
        (&["put", "a/b", "1", "--json", "--server", "http://127.0.0.1:1"], 1, "network", "is onair running?"),
    ];
    for (words, code, class, hint) in table {
        let output = onair(words);
        assert_eq!(output.status.code(), Some(code), "{words:?}");
        let said = json(&output.stdout);
        assert_eq!(said["class"], class, "{words:?}: {said}");
        assert!(said["hint"].as_str().is_some_and(|text| text.starts_with(hint)), "{words:?}: {said}");
        assert!(said["detail"].as_str().is_some_and(|text| !text.contains('\n')), "{words:?}: {said}");
        assert_eq!(text(&output.stderr), "", "{words:?}");
    }
    assert_eq!(json(&onair(&["explain", "gone", "--json"]).stdout)["status"], 410);
}

#[test]
fn every_page_of_a_code_is_printed_whole() {
    for code in onair_wire::Code::ALL {
        let output = onair(&["explain", code.as_str()]);
        assert_eq!(text(&output.stdout).trim_end(), code.page().trim_end());
    }
}

#[test]
fn who_has_seen_enough_ends_it_in_peace() {
    let mut child = command(&["explain"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""));
}

/// A server that answers each connection with the next of `answers`, and hands back the requests it got.
fn scripted(answers: &[&str]) -> (String, thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("it listens"));
    let answers: Vec<String> = answers.iter().map(ToString::to_string).collect();
    let serve = move || {
        answers
            .iter()
            .map(|answer| {
                let (mut stream, _) = listener.accept().expect("somebody calls");
                let mut request = vec![0; 16 * 1024];
                let count = stream.read(&mut request).expect("a request");
                stream.write_all(answer.as_bytes()).expect("it is read");
                text(&request[..count])
            })
            .collect()
    };
    (address, thread::spawn(serve))
}

fn answer(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
}

#[test]
fn e1_a_change_is_sent_again_under_the_same_key() {
    let busy =
        answer("503 Unavailable", r#"{"code":"closing","detail":"the server is stopping","status":503}"#);
    let done = answer("200 OK", r#"{"revision":7,"outcome":"merged","conflicts":["c-1"]}"#);
    // The second connection is closed without a word.
    let (server, requests) = scripted(&[&busy, "", &done]);
    let output =
        onair(&["put", "layers/logo", "{}", "--if-revision", "3", "--server", &server, "--token", "secret"]);
    assert_eq!(text(&output.stdout), "layers/logo  revision 7, merged\n");
    let notes = text(&output.stderr);
    assert!(notes.contains("the server is stopping (closing); trying again in"), "{notes}");
    assert!(notes.contains("conflicts: c-1"), "{notes}");

    let requests = requests.join().unwrap();
    let header = |request: &String, name: &str| {
        let line = request.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.to_owned()
    };
    let keys: Vec<_> = requests.iter().map(|request| header(request, "idempotency-key: ")).collect();
    assert!(keys[0].len() > 16 && keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    for request in &requests {
        assert!(
            request.starts_with("PUT /v1/productions/main/documents/layers/logo HTTP/1.1\r\n"),
            "{request}"
        );
        assert_eq!(header(request, "if-match: "), "\"3\"");
        assert_eq!(header(request, "authorization: "), "Bearer secret");
        assert_eq!(header(request, "content-type: "), "application/json");
    }
}

#[test]
fn e1_a_no_is_not_asked_for_again() {
    let no = r#"{"type":"/docs/problems/invalid","title":"t","status":422,"code":"invalid",
        "detail":"two places","errors":[{"pointer":"/a\u001b[2J","detail":"too long"}]}"#;
    for json_wanted in [false, true] {
        let (server, requests) = scripted(&[&answer("422 No", no)]);
        let flag = if json_wanted { "--json" } else { "--production=main" };
        let output = onair(&["patch", "layers/logo", "{}", flag, "--server", &server]);
        assert_eq!((output.status.code(), requests.join().unwrap().len()), (Some(1), 1));
        if json_wanted {
            let said = json(&output.stdout);
            assert_eq!((&said["code"], &said["class"]), (&"invalid".into(), &"validation".into()));
            assert_eq!(said["hint"], "see: onair explain invalid");
        } else {
            let expected =
                "error: two places (invalid)\n  at /a\\u{1b}[2J: too long\n  see: onair explain invalid\n";
            assert_eq!(text(&output.stderr), expected);
        }
    }
}

#[test]
fn b33_somebody_else_at_the_address_is_named() {
    let (server, requests) = scripted(&[&answer("200 OK", "<html>router</html>")]);
    let output = onair(&["status", "--server", &server]);
    let err = text(&output.stderr);
    assert!(err.contains("answered 200 with something that onair does not say: <html>router"), "{err}");
    assert_eq!((output.status.code(), requests.join().unwrap().len()), (Some(1), 1));
}

#[test]
fn y_a_watch_goes_on_from_where_it_stood() {
    let commit = |revision: u64| {
        let commit = serde_json::json!({ "revision": revision, "at": "2026-11-20T18:00:00.000Z",
            "actor": "operator:kim", "cause": { "kind": "document.put" },
            "changes": [{ "op": "delete", "collection": "layers", "id": "logo", "revision": revision }] });
        format!("event: commit\nid: k3f9:{revision}\ndata: {commit}\n\n")
    };
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    let snapshot = "event: snapshot\ndata: {\"production\":\"main\",\"epoch\":\"k3f9\",\"revision\":6,\"documents\":{}}\n\n";
    let first = format!("{head}: hello\n\n{snapshot}{}", commit(7));
    let second = format!("{head}{}", commit(8));
    let gone = answer("401 No", r#"{"code":"unauthenticated","detail":"the token was revoked"}"#);
    let (server, requests) = scripted(&[&first, &second, &gone]);
    let output = onair(&["watch", "--collections", "layers,chat", "--server", &server]);
    assert_eq!(output.status.code(), Some(1));
    let lines: Vec<_> = text(&output.stdout).lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[1].contains("8  2026-11-20T18:00:00.000Z  operator:kim  document.put  delete layers/logo"));

    let requests = requests.join().unwrap();
    assert!(
        requests[0].starts_with("GET /v1/productions/main/events?collections=layers%2Cchat HTTP"),
        "{requests:?}"
    );
    assert!(!requests[0].contains("last-event-id"));
    assert!(requests[1].contains("last-event-id: k3f9:7\r\n"), "{requests:?}");
    assert!(requests[2].contains("last-event-id: k3f9:8\r\n"), "{requests:?}");
}

#[test]
fn y6_a_watch_shows_no_gap_and_believes_no_wrong_digest() {
    let commit = |revision: u64| {
        let commit = serde_json::json!({ "revision": revision, "at": "2026-11-20T18:00:00.000Z",
            "actor": "operator:kim", "cause": { "kind": "document.put" },
            "changes": [{ "op": "put", "collection": "layers", "id": "logo", "revision": revision, "value": 1 }] });
        format!("event: commit\nid: k3f9:{revision}\ndata: {commit}\n\n")
    };
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    let snapshot = "event: snapshot\ndata: {\"epoch\":\"k3f9\",\"revision\":6,\"documents\":{}}\n\n";
    let wrong = "event: digest\ndata: {\"revision\":8,\"digest\":\"ffffffffffffffff\"}\n\n";
    let gap = format!("{head}{snapshot}{}{}", commit(7), commit(9));
    let diverged = format!("{head}{}{}{wrong}", commit(7), commit(8));
    let gone = answer("401 No", r#"{"code":"unauthenticated","detail":"the token was revoked"}"#);
    let (server, requests) = scripted(&[&gap, &diverged, &gone]);
    let output = onair(&["watch", "--server", &server]);
    let lines: Vec<_> = text(&output.stdout).lines().map(|line| line.trim().to_owned()).collect();
    let revisions: Vec<&str> = lines.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(revisions, ["7", "8"], "in order, once each, without the one behind the gap");
    let notes = text(&output.stderr);
    assert!(notes.contains("revision 9 came behind 7"), "{notes}");
    assert!(notes.contains("at revision 8 the server's digest is ffffffffffffffff"), "{notes}");

    let requests = requests.join().unwrap();
    assert!(requests[1].contains("last-event-id: k3f9:7\r\n"), "{requests:?}");
    assert!(!requests[2].contains("last-event-id"), "it is read anew: {requests:?}");
}
