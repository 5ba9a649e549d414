//! The command line against the server that the same program is: `onair serve` on free ports, one for each test.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod served;

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdout, Stdio},
};

use serde_json::{Value, json};

use served::{Server, text};

fn path(path: &Path) -> &str {
    path.to_str().expect("a path of text")
}

/// `watch --json`, read line by line.
struct Watch {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Watch {
    fn start(server: &Server, words: &[&str]) -> Self {
        let mut child = server.command(&[&["watch", "--json"], words].concat()).spawn().expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("it was piped"));
        Self { child, lines }
    }

    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn d1_a_document_from_its_first_version_to_its_last() {
    let server = Server::start();
    let first = server.json(&["put", "layers/logo", r#"{"visible":true,"x":1}"#, "--create"]);
    let at = first["revision"].to_string();
    assert_eq!(first["outcome"], "applied");
    assert_eq!(server.refused(&["put", "layers/logo", "{}", "--create"]), "already-exists");

    server.says(&["patch", "layers/logo", r#"{"visible":false}"#, "--if-revision", &at]);
    assert_eq!(server.refused(&["patch", "layers/logo", "{}", "--if-revision", &at]), "revision-mismatch");
    assert_eq!(server.json(&["get", "layers/logo"])["value"], json!({ "visible": false, "x": 1 }));
    assert_eq!(
        server.json(&["get", "layers/logo", "--at", &at])["value"],
        json!({ "visible": true, "x": 1 })
    );

    server.says(&["delete", "layers/logo"]);
    assert_eq!(server.refused(&["get", "layers/logo"]), "gone");
    server.says(&["restore", "layers/logo", "--revision", &at]);
    assert_eq!(server.says(&["get", "layers/logo"]), "{\n  \"visible\": true,\n  \"x\": 1\n}\n");

    let versions = server.json(&["history", "layers/logo"]);
    assert_eq!(versions["versions"].as_array().map(Vec::len), Some(4), "{versions}");
    assert!(server.says(&["history", "layers/logo"]).contains("deleted"));
    assert_eq!(server.refused(&["put", "_system/lifecycle", "{}"]), "invalid");
}

#[test]
fn d1_a_value_comes_from_stdin_or_a_file() {
    let server = Server::start();
    let file = server.data.path().join("value.json");
    fs::write(&file, "[1]").unwrap();
    server.says(&["put", "feed/a", &format!("@{}", path(&file))]);
    let mut child = server.command(&["put", "feed/b"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"[2]").unwrap();
    assert!(child.wait().unwrap().success());
    let listed = server.json(&["get", "feed"]);
    let values: Vec<_> =
        listed["documents"].as_array().unwrap().iter().map(|it| it["value"].clone()).collect();
    assert_eq!(values, [json!([1]), json!([2])]);
}

#[test]
fn a_status_in_a_dozen_lines() {
    let server = Server::start();
    server.says(&["put", "layers/logo", "{}"]);
    let status = server.json(&["status"]);
    assert_eq!((&status["phase"], &status["readOnly"]), (&json!("idle"), &json!(false)));
    assert_eq!(status["documents"]["layers"], 1);
    let said = server.says(&["status", "main"]);
    assert!(said.contains("idle") && said.contains("layers 1"), "{said}");
    assert_eq!(server.refused(&["status", "nowhere"]), "not-found");
}

/// Both asked for backends in pages, as our double let them, and a real server has none: they never worked.
#[test]
fn b3_backends_and_what_stands_in_the_way_are_told() {
    let server = Server::start();
    assert_eq!(server.json(&["backends"]), json!({ "backends": [] }));
    assert_eq!(server.json(&["why"])["backends"], json!([]));
}

#[test]
fn k2_a_conflict_is_listed_and_resolved() {
    let server = Server::start();
    let base = server.json(&["put", "scenes/intro", r#"{"title":"a"}"#])["revision"].to_string();
    server.says(&["patch", "scenes/intro", r#"{"title":"server"}"#]);
    let late = server.json(&["patch", "scenes/intro", r#"{"title":"local"}"#, "--base", &base]);
    assert_eq!(late["outcome"], "conflict", "{late}");
    let id = late["conflicts"][0].as_str().unwrap();
    assert!(server.says(&["conflicts"]).contains("scenes/intro /title"));

    server.says(&["resolve", id, "--choose", "merge", "--value", "\"both\""]);
    assert_eq!(server.json(&["get", "scenes/intro"])["value"]["title"], "both");
    assert_eq!(server.json(&["conflicts"])["conflicts"], json!([]));
    assert_eq!(server.json(&["conflicts", "--all"])["conflicts"].as_array().map(Vec::len), Some(1));
}

#[test]
fn y1_a_watch_and_a_replay_show_the_same_commits() {
    let server = Server::start();
    let before = server.json(&["status"])["revision"].to_string();
    let mut watch = Watch::start(&server, &["--after", &before, "--collections", "layers"]);
    for value in ["1", "2", "3"] {
        server.says(&["put", "layers/logo", value]);
    }
    let watched: Vec<Value> = (0..3).map(|_| watch.next()).collect();
    let from = watched[0]["revision"].to_string();
    let replayed = server.says(&["replay", "--json", "--from", &from]);
    let replayed: Vec<Value> = replayed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(watched, replayed);

    let states = server.says(&["replay", "--json", "--state", "--from", &from]);
    let values = states.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let values: Vec<_> = values.map(|it| it["documents"]["layers"]["logo"]["value"].clone()).collect();
    assert_eq!(values, [json!(1), json!(2), json!(3)]);

    let file = server.data.path().join("main.onair.jsonl");
    server.says(&["export", path(&file)]);
    let at = ["--state", "--json"];
    let from_server = server.says(&[&["replay"], &at[..]].concat());
    assert_eq!(server.says(&[&["replay", path(&file)], &at[..]].concat()), from_server);
    let there = server.says(&["replay", path(&file), "--at", &from, "--json"]);
    assert_eq!(there, server.says(&["replay", "--at", &from, "--json"]));
}

#[test]
fn o6_a_production_goes_into_a_file_and_comes_back() {
    let server = Server::start();
    server.says(&["put", "layers/logo", r#"{"n":1}"#]);
    let file = server.data.path().join("show.jsonl");
    server.says(&["export", path(&file)]);
    let again = server.run(&["export", path(&file)]);
    assert_eq!(again.status.code(), Some(1), "a file that is there was replaced");
    server.says(&["export", path(&file), "--force"]);
    assert_eq!(server.says(&["export", "-"]), fs::read_to_string(&file).unwrap());

    assert_eq!(server.refused(&["import", path(&file)]), "already-exists");
    server.says(&["import", path(&file), "--as", "rehearsal"]);
    let there = server.json(&["get", "layers/logo", "--production", "rehearsal"]);
    assert_eq!(there["value"], json!({ "n": 1 }));
    let epoch = |name| server.json(&["status", name])["epoch"].clone();
    let (main, rehearsal) = (epoch("main"), epoch("rehearsal"));
    assert_ne!(main, rehearsal);
    server.says(&["import", path(&file), "--replace"]);
    assert_ne!(epoch("main"), main);

    let half = fs::read_to_string(&file).unwrap();
    fs::write(&file, &half[..half.len() / 2]).unwrap();
    assert_eq!(server.run(&["import", path(&file), "--as", "half"]).status.code(), Some(1));
    assert_eq!(server.refused(&["status", "half"]), "not-found");
}

#[test]
fn o6_a_backup_has_every_production() {
    let server = Server::start();
    server.says(&["create", "studio"]);
    server.says(&["put", "layers/logo", "1", "--production", "studio"]);
    let directory = server.data.path().join("backup");
    let made = server.json(&["backup", path(&directory)]);
    let names: Vec<_> = made["productions"].as_array().unwrap().iter().map(|it| it["name"].clone()).collect();
    assert_eq!(names, ["main", "studio"]);
    assert_eq!(server.json(&["backup", "--check", path(&directory)]), made);
    assert_eq!(server.run(&["backup", path(&directory)]).status.code(), Some(1), "a backup was replaced");

    let file = directory.join("studio.onair.jsonl");
    let damaged = fs::read_to_string(&file).unwrap().replacen("layers", "lawyer", 1);
    fs::write(&file, damaged).unwrap();
    let checked = server.run(&["backup", "--check", path(&directory)]);
    assert_eq!(checked.status.code(), Some(1));
    assert!(text(&checked.stderr).contains("studio.onair.jsonl"), "{}", text(&checked.stderr));
}

#[test]
fn productions_come_and_go() {
    let server = Server::start();
    let manifest = server.data.path().join("studio.toml");
    fs::write(
        &manifest,
        "start = [\"cam\"]\nrequires = []\n[settings]\nstartup_timeout = 20_000\n\
        [[services]]\nname = \"cam\"\n[collections.my_feed]\nkeep = { documents = 1 }\n",
    )
    .unwrap();
    assert!(server.says(&["create", "studio", "--manifest", path(&manifest)]).contains("created"));
    assert!(server.says(&["create", "studio", "--manifest", path(&manifest)]).contains("changed"));
    assert_eq!(server.refused(&["create", "studio"]), "already-exists");
    let manifest = server.json(&["get", "_system/manifest", "--production", "studio"]);
    assert_eq!(manifest["value"]["settings"]["startupTimeout"], 20_000);
    assert!(manifest["value"]["collections"].get("my_feed").is_some(), "{manifest}");

    assert!(server.says(&["productions"]).contains("studio"));
    server.says(&["remove", "studio", "--yes"]);
    assert!(!server.says(&["productions"]).contains("studio"));
}

#[test]
fn x1_a_token_may_what_its_role_may_until_it_is_revoked() {
    let server = Server::start();
    server.says(&["create", "studio"]);
    let made =
        server.json(&["token", "create", "--name", "kim", "--role", "operator", "--production", "main"]);
    let (id, token) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());
    server.says(&["put", "layers/logo", "1", "--token", token]);
    let versions = server.json(&["history", "layers/logo", "--token", token]);
    assert_eq!(versions["versions"][0]["actor"], "operator:kim");
    assert_eq!(
        server.refused(&["put", "layers/logo", "1", "--token", token, "--production", "studio"]),
        "forbidden"
    );
    assert_eq!(server.refused(&["token", "list", "--token", token]), "forbidden");
    assert_eq!(server.refused(&["status", "--token", "nonsense"]), "unauthenticated");

    let listed = server.says(&["token", "list"]);
    assert!(listed.contains("kim") && !listed.contains(token), "{listed}");
    server.says(&["token", "revoke", id]);
    assert_eq!(server.refused(&["status", "--token", token]), "unauthenticated");
}

#[test]
fn d7_what_was_acknowledged_is_there_after_a_kill() {
    let mut server = Server::start();
    server.says(&["put", "layers/logo", "7"]);
    let epoch = server.json(&["status"])["epoch"].clone();
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    let data = std::mem::replace(&mut server.data, tempfile::tempdir().unwrap());
    let server = Server::on(data);
    assert_eq!(server.json(&["get", "layers/logo"])["value"], 7);
    assert_eq!(server.json(&["status"])["epoch"], epoch);
}

/// `onair why` and `onair backends` asked for pages of a list that has none, and a failed action named no step: both
/// were right by a double of the server, and wrong by the server.
#[test]
fn l9_a_show_that_lacks_its_host_is_explained_by_the_server_itself() {
    let server = Server::start();
    let manifest = server.data.path().join("studio.toml");
    fs::write(
        &manifest,
        "requires = []\n[settings]\ninitialization_timeout = 500\nmax_retries = 0\nauto_recovery = false\n\
        [[services]]\nname = \"livefeed\"\n[[services]]\nname = \"host\"\nadapter = { type = \"agent\" }\n",
    )
    .unwrap();
    server.says(&["create", "studio", "--manifest", path(&manifest)]);
    assert_eq!(text(&server.run(&["backends", "--production", "studio"]).stderr), "no backends\n");
    let why = server.says(&["why", "--production", "studio"]);
    assert!(why.contains("Next: onair initialize --production studio"), "{why}");
    let status = server.says(&["status", "studio"]);
    assert!(status.contains("services    host down\n            livefeed down\n"), "{status}");

    let failed = server.run(&["initialize", "studio"]);
    let (code, err) = (failed.status.code(), text(&failed.stderr));
    let sequence = server.json(&["sequences", "--production", "studio"])["sequences"][0]["id"].clone();
    let end = format!(
        "\n  sequence: {}\n  see: onair why --production studio\n",
        sequence.as_str().expect("a sequence")
    );
    assert!(
        code == Some(1) && err.starts_with("error: host.initialize: no ") && err.ends_with(&end),
        "{err}"
    );
    let why = server.says(&["why", "--production", "studio"]);
    assert!(why.contains("Last error: host.initialize: no "), "{why}");
    assert!(why.contains("Next: onair recover --production studio"), "{why}");
}

#[test]
fn a3_a_check_says_what_stands_and_fails_when_it_is_asked_to() {
    let server = Server::start();
    assert_eq!(server.says(&["check"]).trim(), "36 rules found nothing");
    server.says(&["settings", "retryDelay=20000"]);
    let shown = server.says(&["check"]);
    assert!(shown.contains("warning") && shown.contains("CF001") && shown.contains("20000"), "{shown}");
    assert_eq!(server.json(&["check"])["counts"], json!({ "error": 0, "warning": 1, "info": 0 }));
    for (severity, code) in [("error", 0), ("warning", 1), ("info", 1), ("fatal", 2)] {
        let output = server.run(&["check", "--fail", severity]);
        assert_eq!(output.status.code(), Some(code), "{severity}: {}", text(&output.stderr));
    }
    assert!(server.says(&["explain", "cf001"]).starts_with("# CF001\n"));
}

/// What a run says when nothing went wrong, and that it took its productions along.
fn measured(server: &Server, words: &[&str]) -> Value {
    let said = server.json(&[&["bench"], words, &["--seconds", "1"]].concat());
    for wrong in ["lost", "doubled", "reordered"] {
        assert_eq!(said["checked"][wrong], 0, "{said}");
    }
    let latency =
        |share: &str| said["latencyMs"][share].as_f64().unwrap_or_else(|| panic!("{share}: {said}"));
    let [p50, p99, p999, max] = ["p50", "p99", "p999", "max"].map(latency);
    assert!(0.0 < p50 && p50 <= p99 && p99 <= p999 && p999 <= max, "{said}");
    assert_eq!(names(server), ["main"], "a run leaves nothing behind");
    said
}

fn names(server: &Server) -> Vec<String> {
    let said = server.json(&["productions"]);
    let productions = said["productions"].as_array().unwrap().iter();
    productions.map(|production| production["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn d7_bench_counts_commits_and_finds_each_in_the_log() {
    let server = Server::start();
    let words = ["commits", "--clients", "4", "--productions", "2", "--in-flight", "3", "--bytes", "100"];
    let said = measured(&server, &words);
    let commits = said["commits"].as_u64().unwrap();
    // What was written to warm up is looked for as well.
    assert!(commits > 0 && said["checked"]["expected"].as_u64().unwrap() > commits, "{said}");
    let text = server.says(&["bench", "commits", "--clients", "1", "--seconds", "1"]);
    assert!(text.contains("commits/s") && text.contains("0 lost, 0 doubled, 0 reordered"), "{text}");
}

#[test]
fn y1_bench_tells_everybody_over_sockets_and_event_streams() {
    let server = Server::start();
    for (transport, pace) in [("socket", ["--window", "4"]), ("events", ["--rate", "20"])] {
        let words = ["fanout", "--subscribers", "5", "--transport", transport];
        let said = measured(&server, &[&words[..], &pace].concat());
        let [updates, deliveries, expected] =
            [&said["updates"], &said["deliveries"], &said["checked"]["expected"]]
                .map(|count| count.as_u64().unwrap());
        assert!(updates > 0 && expected > deliveries, "{said}");
        assert_eq!(deliveries, updates * 5, "{said}");
    }
}

#[test]
fn b32_bench_says_what_cannot_be_measured_and_touches_nothing() {
    let server = Server::start();
    let usage = |words: &[&str]| {
        let output = server.run(words);
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        text(&output.stderr)
    };
    let said = usage(&["bench", "commits", "--clients", "2", "--productions", "3"]);
    assert!(said.contains("2 clients") && said.contains("--clients 3"), "{said}");
    let said = usage(&["bench", "fanout", "--server", "https://127.0.0.1:1"]);
    assert!(said.contains("http://"), "{said}");
    // Who cannot create productions measures nothing.
    let viewer = server.says(&["token", "create", "--name", "eve", "--role", "viewer"]);
    assert_eq!(server.refused(&["bench", "commits", "--token", viewer.trim()]), "forbidden");
    assert_eq!(names(&server), ["main"]);
}

#[test]
fn an_interrupted_bench_takes_its_productions_along() {
    let server = Server::start();
    let child = server.command(&["bench", "commits", "--clients", "2", "--seconds", "3600"]).spawn().unwrap();
    while names(&server).len() < 3 {}
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(1), ""));
    assert!(text(&output.stderr).contains("interrupted"), "{}", text(&output.stderr));
    assert_eq!(names(&server), ["main"]);
}
