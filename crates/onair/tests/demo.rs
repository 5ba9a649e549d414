//! `onair demo` as somebody sees it who runs it: it goes live, falls, comes back, and leaves nothing behind.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    fs,
    io::{self, BufRead, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, ChildStdout, Command, Output, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;

/// How often is looked whether a condition holds, and how many times at most.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS: u32 = 3_000;

/// A demo that ends with its test.
struct Demo {
    child: Child,
    /// Where it said that everything is.
    map: Value,
}

impl Demo {
    fn start(words: &[&str]) -> Self {
        let mut child = program(&["demo", "--json", "--port", "0"]).args(words).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let map = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        // It would wait, were nobody to read what it says.
        thread::spawn(move || io::copy(&mut out, &mut io::sink()));
        Self { child, map }
    }

    fn data(&self) -> &Path {
        Path::new(self.map["data"].as_str().unwrap())
    }

    fn agents(&self) -> [String; 2] {
        ["host", "producer"].map(|name| self.map[name].to_string())
    }

    /// Follows its commits from outside, until `holds` of one.
    fn until(&self, what: &str, commits: &mut Commits, holds: impl Fn(&Value) -> bool) -> Value {
        let mut seen = Vec::new();
        while let Some(commit) = commits.next() {
            if holds(&commit) {
                return commit;
            }
            seen.push(commit["cause"].to_string());
        }
        panic!("the stream ended before {what}: {seen:#?}");
    }

    fn commits(&self) -> Commits {
        let server = self.map["api"].as_str().unwrap();
        let mut child = program(&["watch", "--json", "--after", "0", "--server", server]).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Commits { child, lines }
    }

    fn end(&mut self, signal: &str) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It may have ended by itself; then the test has said why.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The commits of a production, as `watch` sees them.
struct Commits {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Commits {
    fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        (!line.is_empty()).then(|| serde_json::from_str(&line).unwrap())
    }
}

impl Drop for Commits {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_onair"));
    for name in ["ONAIR_SERVER", "ONAIR_TOKEN", "ONAIR_DATA"] {
        command.env_remove(name);
    }
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

fn run(words: &[&str]) -> Output {
    program(words).stderr(Stdio::piped()).output().unwrap()
}

/// Whether there is a process of this number.
fn is_there(pid: &str) -> bool {
    Command::new("kill").args(["-0", pid]).stderr(Stdio::null()).status().unwrap().success()
}

fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..LOOKS {
        if holds() {
            return;
        }
        thread::sleep(LOOK);
    }
    panic!("not in time: {what}");
}

/// The change that a commit makes to a document.
fn change<'a>(commit: &'a Value, collection: &str, id: &str) -> Option<&'a Value> {
    let mut changes = commit["changes"].as_array().into_iter().flatten();
    changes.find(|change| change["collection"] == collection && change["id"] == id)
}

/// Whether a commit moves the phase to this one.
fn moves_to(phase: &'static str) -> impl Fn(&Value) -> bool {
    move |commit| change(commit, "_system", "lifecycle").is_some_and(|it| it["value"]["phase"] == phase)
}

#[test]
fn the_show_goes_live_falls_comes_back_and_leaves_nothing_behind() {
    let mut demo = Demo::start(&["--pace", "8"]);
    let (data, agents) = (demo.data().to_owned(), demo.agents());
    assert!(data.is_dir() && agents.iter().all(|pid| is_there(pid)));
    let mut commits = demo.commits();
    demo.until("ready", &mut commits, moves_to("ready"));
    demo.until("live", &mut commits, moves_to("live"));

    let host = |healthy: bool| {
        move |commit: &Value| {
            change(commit, "_services", "host").is_some_and(|it| it["value"]["healthy"] == healthy)
        }
    };
    demo.until("the fault", &mut commits, host(false));
    until("the host's process is gone", || !is_there(&agents[0]));
    let fallen = demo.until("the error", &mut commits, moves_to("error"));
    let error = &change(&fallen, "_system", "lifecycle").unwrap()["value"]["error"];
    assert_eq!(error["service"], "host", "{error}");

    let back = demo.until("another host", &mut commits, host(true));
    let instance = change(&back, "_services", "host").unwrap()["value"]["instance"].clone();
    let another = instance.as_str().unwrap().strip_prefix("host-").unwrap().to_owned();
    assert_ne!(another, agents[0]);
    demo.until("ready again", &mut commits, moves_to("ready"));
    demo.until("live again", &mut commits, moves_to("live"));
    let said = |commit: &Value| {
        let mut changes = commit["changes"].as_array().into_iter().flatten();
        changes.any(|it| {
            it["collection"] == "chat"
                && it["value"]["text"].as_str().unwrap().starts_with("I remember nothing")
        })
    };
    demo.until("the host who asked onair where the quiz was", &mut commits, said);

    assert_eq!(demo.end("-INT"), Some(0));
    assert!(!data.exists(), "{}", data.display());
    for pid in [&agents[1], &another] {
        until("nobody is left", || !is_there(pid));
    }
}

#[test]
fn agents_go_with_a_demo_that_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("show");
    let mut demo = Demo::start(&["--no-fault", "--data", place.to_str().unwrap()]);
    let agents = demo.agents();
    demo.until("ready", &mut demo.commits(), moves_to("ready"));
    assert_eq!(demo.end("-KILL"), None);
    until("nobody is left", || !agents.iter().any(|pid| is_there(pid)));
}

#[test]
fn what_was_to_be_kept_is_kept_and_what_was_there_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("show");
    let words = ["demo", "--port", "0", "--for", "100ms", "--data", place.to_str().unwrap()];
    let done = run(&words);
    let (out, err) = (String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap());
    assert_eq!(done.status.code(), Some(0), "{err}");
    assert!(out.contains("Simmer Down") && !out.contains('\x1b'), "{out}");
    assert!(err.contains("everything is kept: onair serve --data"), "{err}");
    assert!(place.join("log").exists() && place.join("agents").exists());

    let before = fs::read_dir(&place).unwrap().count();
    assert_eq!(run(&words).status.code(), Some(2), "a directory that is not new");
    assert_eq!(fs::read_dir(&place).unwrap().count(), before);
}

#[test]
fn a_port_that_was_asked_for_is_not_exchanged() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let done = run(&["demo", "--port", &port, "--for", "1s"]);
    assert_eq!(done.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&done.stderr).contains(&port));
}
