//! The guard from outside, as the server calls it (row L12): its stdin is a socket, and whoever holds the other end may go.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

/// How often is looked whether a condition holds, and how many times at most.
const LOOK: Duration = Duration::from_millis(10);
const LOOKS: u32 = 3_000;

struct Guard {
    child: Child,
    line: UnixStream,
}

impl Guard {
    fn of(words: &[&str], folder: &Path) -> Self {
        let (line, theirs) = UnixStream::pair().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_onair"));
        command.args(["guard", "--"]).args(words).current_dir(folder).stdout(Stdio::piped());
        let child = command.stdin(Stdio::from(OwnedFd::from(theirs))).spawn().unwrap();
        Self { child, line }
    }

    /// The next line that the child prints.
    fn printed(&mut self) -> String {
        let mut line = String::new();
        BufReader::new(self.child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
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

#[test]
fn l12_whoever_holds_the_line_goes_and_the_process_with_it() {
    let folder = tempfile::tempdir().unwrap();
    // It takes no notice of being asked, and has left the group besides.
    let script = "trap '' TERM; setsid sh -c 'echo $$ > far; exec sleep 1000' & \
                  until [ -s far ]; do sleep 0.01; done; echo $$; while :; do sleep 1; done";
    let mut guard = Guard::of(&["TERM", "50", "sh", "-c", script], folder.path());
    let pid = guard.printed();
    let far = fs::read_to_string(folder.path().join("far")).unwrap().trim().to_owned();
    assert!(is_there(&pid) && is_there(&far));
    drop(guard.line);
    assert_eq!(guard.child.wait().unwrap().code(), Some(128 + 9));
    until("both are gone", || !is_there(&pid) && !is_there(&far));
}

#[test]
fn s3_the_guard_ends_as_the_process_did_and_says_how() {
    let table =
        [("exit 0", 0, "exited 0"), ("exit 7", 7, "exited 7"), ("kill -QUIT $$", 128 + 3, "killed 3")];
    let folder = tempfile::tempdir().unwrap();
    for (script, code, said) in table {
        let mut guard = Guard::of(&["TERM", "5000", "sh", "-c", script], folder.path());
        assert_eq!(guard.child.wait().unwrap().code(), Some(code), "{script}");
        let mut heard = String::new();
        guard.line.read_to_string(&mut heard).unwrap();
        let lines: Vec<_> = heard.lines().collect();
        assert!(
            std::matches!(lines.as_slice(), [first, last] if first.starts_with("running ") && *last == said),
            "{heard}"
        );
    }
    let mut guard = Guard::of(&["TERM", "5000", "no-such-program"], folder.path());
    assert_eq!(guard.child.wait().unwrap().code(), Some(127));
    let mut heard = String::new();
    guard.line.read_to_string(&mut heard).unwrap();
    assert!(heard.starts_with("failed "), "{heard}");
}

#[test]
fn s3_the_guard_asks_with_the_signal_it_was_told() {
    let folder = tempfile::tempdir().unwrap();
    let script = "trap 'exit 5' INT; echo on; while :; do sleep 0.02; done";
    let mut guard = Guard::of(&["INT", "600000", "sh", "-c", script], folder.path());
    assert_eq!(guard.printed(), "on");
    guard.line.write_all(b"stop\n").unwrap();
    assert_eq!(guard.child.wait().unwrap().code(), Some(5));
}

#[test]
fn s2_the_guard_is_for_the_server_alone() {
    let onair = |words: &[&str]| Command::new(env!("CARGO_BIN_EXE_onair")).args(words).output().unwrap();
    assert!(!String::from_utf8_lossy(&onair(&["help"]).stdout).contains("guard"));
    assert_eq!(onair(&["guard"]).status.code(), Some(2));
    assert_eq!(onair(&["guard", "--", "TERM", "soon", "true"]).status.code(), Some(2));
}
