//! `onair top` as somebody sees it who sits at a terminal: a real server, a real pseudo-terminal, keys, other sizes, and
//! the terminal as it was at the end (row M5).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use rustix::{
    process::{Pid, Signal, kill_process},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcgetattr, tcsetwinsize},
};
use serde_json::Value;

/// How often is looked whether a condition holds, and how many times at most.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS: u32 = 3_000;

/// A server that ends with its test.
struct Server {
    child: Child,
    api: String,
}

impl Server {
    fn start(data: &Path, listen: &str) -> Self {
        let mut command = program();
        command.args(["serve", "--listen", listen, "--metrics-listen", "127.0.0.1:0", "--json", "--data"]);
        let mut child = command.arg(data).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        Self { child, api: said["api"].as_str().unwrap().to_owned() }
    }

    fn end(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The test may have ended it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A terminal with a program in it, and somebody who looks.
struct Seat {
    ours: File,
    theirs: File,
    screen: Arc<Mutex<vt100::Parser>>,
    child: Child,
    /// How the terminal was before.
    before: String,
}

impl Seat {
    fn run(mut command: Command, columns: u16, rows: u16) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        tcsetwinsize(&ours, size(columns, rows)).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap();
        let path = Path::new(std::ffi::OsStr::from_bytes(name.as_bytes()));
        let theirs = File::options().read(true).write(true).open(path).unwrap();
        let before = modes(&theirs);
        let end = || Stdio::from(OwnedFd::from(theirs.try_clone().unwrap()));
        command.env("TERM", "xterm-256color").env("LC_ALL", "C.UTF-8");
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        let ours = File::from(ours);
        let screen = Arc::new(Mutex::new(vt100::Parser::new(rows, columns, 0)));
        let (mut reading, shown) = (ours.try_clone().unwrap(), Arc::clone(&screen));
        thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(count @ 1..) = reading.read(&mut piece) {
                shown.lock().unwrap().process(&piece[..count]);
            }
        });
        Self { ours, theirs, screen, child, before }
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    fn press(&mut self, keys: &str) {
        self.ours.write_all(keys.as_bytes()).unwrap();
    }

    fn resize(&mut self, columns: u16, rows: u16) {
        self.screen.lock().unwrap().screen_mut().set_size(rows, columns);
        tcsetwinsize(&self.ours, size(columns, rows)).unwrap();
        // As the kernel says it to whoever has this for its controlling terminal.
        kill_process(self.pid(), Signal::WINCH).unwrap();
    }

    fn rows(&self) -> Vec<String> {
        let screen = self.screen.lock().unwrap();
        let (_, columns) = screen.screen().size();
        screen.screen().rows(0, columns).map(|row| row.trim_end().to_owned()).collect()
    }

    /// Looks until every one of these stands there.
    fn until(&self, texts: &[&str]) -> Vec<String> {
        for _ in 0..LOOKS {
            let rows = self.rows();
            if texts.iter().all(|text| rows.iter().any(|row| row.contains(text))) {
                return rows;
            }
            thread::sleep(LOOK);
        }
        panic!("waited for {texts:?}:\n{}", self.rows().join("\n"));
    }

    /// Waits until the program has ended and all that it said was seen.
    fn over(&mut self) -> ExitStatus {
        for _ in 0..LOOKS {
            let ended = self.child.try_wait().unwrap();
            let screen = self.screen.lock().unwrap();
            if let Some(status) = ended.filter(|_| !screen.screen().alternate_screen()) {
                return status;
            }
            drop(screen);
            thread::sleep(LOOK);
        }
        panic!("it does not end:\n{}", self.rows().join("\n"));
    }

    /// Whether the terminal is as it was.
    fn is_restored(&self) -> bool {
        modes(&self.theirs) == self.before && !self.cursor_is_hidden()
    }

    fn cursor_is_hidden(&self) -> bool {
        self.screen.lock().unwrap().screen().hide_cursor()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // A test that failed leaves nobody behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a terminal treats what is typed and printed.
fn modes(terminal: &File) -> String {
    let modes = tcgetattr(terminal).unwrap();
    format!("{:?} {:?} {:?}", modes.input_modes, modes.output_modes, modes.local_modes)
}

fn size(columns: u16, rows: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_onair"));
    for name in ["ONAIR_SERVER", "ONAIR_TOKEN", "ONAIR_DATA", "NO_COLOR"] {
        command.env_remove(name);
    }
    command
}

fn onair(server: &Server, data: &Path, words: &[&str]) -> Command {
    let mut command = program();
    command.env("ONAIR_SERVER", &server.api).env("ONAIR_DATA", data).args(words);
    command
}

/// Whether a picture is whole: each line where it belongs, and nothing of another one.
fn is_whole(rows: &[String]) -> bool {
    let last = rows.len() - 1;
    let rules =
        rows[3..last - 1].iter().filter(|row| row.contains('─') && row.chars().any(char::is_alphabetic));
    let once = rows.iter().filter(|row| row.contains(" UTC ") || row.contains("● connected")).count() == 1;
    rows[0].starts_with(" main  ")
        && rows[1].starts_with(" rev ")
        && rows[2].starts_with("[1 Show]")
        && once
        && rules.count() > 0
        && !rows[last - 1].is_empty()
}

#[test]
fn m5_a_whole_show_by_keys_and_the_terminal_as_it_was() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start(data.path(), "127.0.0.1:0");
    let put = onair(&server, data.path(), &["put", "feed/first", "{}"]).output().unwrap();
    assert!(put.status.success(), "{put:?}");
    let mut seat = Seat::run(onair(&server, data.path(), &["top"]), 80, 24);
    seat.until(&["○ IDLE", "● connected", "i initialize"]);
    assert!(seat.cursor_is_hidden());

    seat.press("p");
    seat.until(&["pause is not allowed: the phase is idle"]);
    seat.press("i");
    seat.until(&["◎ READY", "initialize: done, ready", " s start"]);
    seat.press("s");
    seat.until(&["Enter goes live with main", "undone by host.stop"]);
    for (columns, rows) in [(40, 12), (200, 50), (61, 9), (80, 24)] {
        seat.resize(columns, rows);
        let picture = seat.until(&["Enter goes live", " main  "]);
        assert_eq!(picture.len(), usize::from(rows));
    }
    seat.press("x");
    seat.until(&["not started"]);
    seat.press("s");
    seat.until(&["Enter goes live with main"]);
    seat.press("\r");
    seat.until(&["● LIVE", "start: done, live", "x stop"]);
    for (columns, rows) in [(200, 50), (40, 12), (120, 30), (79, 23), (80, 24)] {
        seat.resize(columns, rows);
        for look in 0.. {
            let picture = seat.rows();
            if picture.len() == usize::from(rows) && is_whole(&picture) {
                break;
            }
            assert!(look < LOOKS, "{columns} × {rows}:\n{}", picture.join("\n"));
            thread::sleep(LOOK);
        }
    }
    seat.press("p");
    seat.until(&["● LIVE, PAUSED", "p resume"]);
    seat.press("p");
    seat.until(&["resume: done", "p pause"]);
    seat.press("5");
    seat.until(&["[5 History]", "starting → live"]);
    seat.press("x");
    seat.until(&["Enter ends the show"]);
    seat.press("\r");
    seat.until(&["◎ READY", "stop: done"]);

    // The server goes, and what was known stays.
    let address = server.api.trim_start_matches("http://").to_owned();
    server.end();
    seat.until(&["◌ reconnecting", "◎ READY", "starting → live", "shown is rev"]);
    let _again = Server::start(data.path(), &address);
    seat.press("c");
    seat.until(&["● connected", "◎ READY"]);

    assert!(!seat.is_restored());
    seat.press("q");
    assert!(seat.over().success());
    assert!(seat.is_restored());
}

#[test]
fn m5_a_signal_ends_it_and_the_terminal_is_as_it_was() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), "127.0.0.1:0");
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let mut seat = Seat::run(onair(&server, data.path(), &["top"]), 80, 24);
        seat.until(&["○ IDLE"]);
        kill_process(seat.pid(), signal).unwrap();
        assert!(seat.over().success(), "{signal:?}");
        assert!(seat.is_restored(), "{signal:?}");
    }
}

#[test]
fn m5_without_a_terminal_it_says_what_to_do_or_prints_once() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), "127.0.0.1:0");
    let said = |words: &[&str]| {
        let output = onair(&server, data.path(), words).stdin(Stdio::null()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, out, err) = said(&["top"]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(err.contains("onair top --once") && err.contains("onair status"), "{err}");
    let (code, out, _) = said(&["top", "--once"]);
    assert_eq!(code, Some(0));
    assert!(out.starts_with(" main  ") && out.contains("IDLE") && !out.contains('\u{1b}'), "{out}");
    let (code, out, _) = said(&["top", "--json"]);
    let facts: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &facts["lifecycle"]["phase"]), (Some(0), &"idle".into()));
    let (code, _, err) = said(&["top", "nobody", "--once"]);
    assert!(code == Some(1) && err.contains("(not-found)"), "{err}");
}
