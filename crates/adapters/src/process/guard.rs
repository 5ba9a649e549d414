//! The guard: a small process between the server and a child, so that no child outlives the server (row L12).
//!
//! A server that is killed cannot end anything. The guard can: its stdin is a socket whose other end the server alone
//! holds, and when that end is gone the guard ends the child and all that came of it, gracefully and then by force. It
//! adopts what the child leaves behind, so it also knows when nothing is left. It is the only one who sends signals
//! while it lives: it reaps, so it cannot hit a stranger with the number of a process that is gone.
//!
//! The server says `stop` or `kill`. The guard says `running PID` or `failed WHY`, then `exited STATUS` or
//! `killed SIGNAL`, and ends when nothing is left.

use std::{
    ffi::OsString,
    fs,
    io::{self, Write},
    os::{fd::AsFd, unix::process::CommandExt},
    process::{Command, Stdio},
    time::Duration,
};

use rustix::{
    io::Errno,
    process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, kill_process_group},
};
use tokio::{
    io::AsyncReadExt,
    net::UnixStream,
    signal::unix::{Signal as Listener, SignalKind, signal},
    time::{Instant, sleep, sleep_until},
};

use super::{StopSignal, lines::Splitter};

/// How often what has to be gone is killed again: somebody may have forked at the wrong moment.
const SWEEP: Duration = Duration::from_millis(20);

/// What a guard says with its exit status when the command cannot be run, as shells do.
const CANNOT_RUN: u8 = 127;

/// What a guard is told on its command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orders {
    stop_signal: StopSignal,
    grace: Duration,
    program: OsString,
    arguments: Vec<OsString>,
}

impl Orders {
    /// Reads `SIGNAL GRACE_MS PROGRAM ARGUMENT…`.
    ///
    /// # Errors
    /// What is missing.
    pub fn read(words: impl IntoIterator<Item = OsString>) -> Result<Self, String> {
        let mut words = words.into_iter();
        let mut next = || words.next().ok_or("a guard is told SIGNAL GRACE_MS PROGRAM ARGUMENT…");
        let (stop_signal, grace, program) = (next()?, next()?, next()?);
        let grace = grace.to_str().and_then(|text| text.parse().ok());
        Ok(Self {
            stop_signal: stop_signal
                .to_string_lossy()
                .parse()
                .map_err(|error| format!("a signal {error}"))?,
            grace: Duration::from_millis(grace.ok_or("the grace is a number of milliseconds")?),
            program,
            arguments: words.collect(),
        })
    }
}

/// Runs the command, and ends it when stdin says so or is closed. Answers the exit status to end with: the command's
/// own, 128 and the signal that ended it, or 127 when it cannot be run.
///
/// # Errors
/// When stdin is no socket, or signals cannot be listened to; the command was not run then.
pub async fn run(orders: Orders) -> io::Result<u8> {
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    // Before there is a child, so that none of its signals is missed.
    let mut children = signal(SignalKind::child())?;
    let mut told = Told::listen()?;
    let mut server = Server::on_stdin()?;
    let group = match spawn(&orders) {
        Ok(group) => group,
        Err(error) => {
            server.say(&format!("failed {error}"));
            return Ok(CANNOT_RUN);
        }
    };
    server.say(&format!("running {}", group.as_raw_nonzero()));
    let mut guard = Guard { orders, group, status: None, end: End::NotYet };
    while !guard.reap(&mut server) {
        if guard.end == End::Forced {
            guard.kill();
        }
        let until = if let End::Asked { until } = guard.end { Some(until) } else { None };
        tokio::select! {
            said = server.next() => match said {
                Some(Said::Kill) => guard.end = End::Forced,
                Some(Said::Stop) | None => guard.ask(),
            },
            _ = children.recv() => {}
            () = told.received() => guard.ask(),
            () = sleep_until(until.unwrap_or_else(Instant::now)), if until.is_some() => guard.end = End::Forced,
            () = sleep(SWEEP), if guard.end == End::Forced => {}
        }
    }
    Ok(guard.status.unwrap_or(CANNOT_RUN))
}

/// The child, at the head of a group of its own. It is reaped with whoever is adopted.
fn spawn(orders: &Orders) -> io::Result<Pid> {
    let mut command = Command::new(&orders.program);
    command.args(&orders.arguments).stdin(Stdio::null()).process_group(0);
    Ok(Pid::from_child(&command.spawn()?))
}

/// How far the end is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    NotYet,
    Asked { until: Instant },
    Forced,
}

struct Guard {
    orders: Orders,
    /// The child, and the group that it leads.
    group: Pid,
    /// The status to end with, once the child has ended.
    status: Option<u8>,
    end: End,
}

impl Guard {
    /// Asks the group to end, once, and lets the grace begin.
    fn ask(&mut self) {
        if self.end == End::NotYet {
            // Whoever is gone already need not be asked.
            let _ = kill_process_group(self.group, self.orders.stop_signal.signal());
            self.end = End::Asked { until: Instant::now() + self.orders.grace };
        }
    }

    /// Kills all that is left, those who left the group too.
    fn kill(&self) {
        let _ = kill_process_group(self.group, Signal::KILL);
        for child in children() {
            let _ = kill_process(child, Signal::KILL);
        }
    }

    /// Takes leave of whoever has ended; answers whether nobody is left.
    fn reap(&mut self, server: &mut Server) -> bool {
        loop {
            match rustix::process::wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) if pid == self.group => self.child_ended(status, server),
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) => return false,
                Err(_) => return rustix::process::test_kill_process_group(self.group).is_err(),
            }
        }
    }

    fn child_ended(&mut self, status: WaitStatus, server: &mut Server) {
        let byte = |number: i32| u8::try_from(number & 0xff).unwrap_or(u8::MAX);
        match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => {
                server.say(&format!("exited {code}"));
                self.status = Some(byte(code));
            }
            (None, Some(signal)) => {
                server.say(&format!("killed {signal}"));
                self.status = Some(byte(128 + signal));
            }
            // It was stopped or went on, and is there.
            (None, None) => return,
        }
        // What it left behind has nobody to work for.
        self.ask();
    }
}

/// The guard's own children: the child, and whoever was adopted.
fn children() -> Vec<Pid> {
    let Ok(threads) = fs::read_dir("/proc/self/task") else { return Vec::new() };
    let lists =
        threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let mut found = Vec::new();
    for list in lists {
        found.extend(list.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)));
    }
    found
}

/// Signals that tell the guard itself to end: a service manager tells every process of its unit.
struct Told {
    terminate: Listener,
    interrupt: Listener,
    hangup: Listener,
    quit: Listener,
}

impl Told {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            quit: signal(SignalKind::quit())?,
        })
    }

    async fn received(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = self.hangup.recv() => {}
            _ = self.quit.recv() => {}
        }
    }
}

/// What the server wants.
enum Said {
    Stop,
    Kill,
}

/// The server's end of the line. Once it is gone, nothing more is heard, and that is not said twice.
struct Server {
    socket: UnixStream,
    /// The same socket, written to at once: that it takes a line need not be waited for.
    writes: std::os::unix::net::UnixStream,
    lines: Splitter,
    gone: bool,
}

impl Server {
    fn on_stdin() -> io::Result<Self> {
        let socket = std::os::unix::net::UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        socket.set_nonblocking(true)?;
        let writes = socket.try_clone()?;
        Ok(Self { socket: UnixStream::from_std(socket)?, writes, lines: Splitter::default(), gone: false })
    }

    /// Says a line. It is short, and there are three at most: the socket takes them, or the server is gone.
    fn say(&mut self, line: &str) {
        let _ = self.writes.write_all(format!("{line}\n").as_bytes());
    }

    /// The strongest of what is said next; none once the server is gone.
    async fn next(&mut self) -> Option<Said> {
        if self.gone {
            return std::future::pending().await;
        }
        let mut piece = [0; 64];
        loop {
            let read = match self.socket.read(&mut piece).await {
                Ok(0) | Err(_) => {
                    self.gone = true;
                    return None;
                }
                Ok(read) => read,
            };
            let lines = self.lines.take(&piece[..read]);
            match (lines.iter().any(|line| line == "kill"), lines.iter().any(|line| line == "stop")) {
                (true, _) => return Some(Said::Kill),
                (false, true) => return Some(Said::Stop),
                (false, false) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s2_a_guard_knows_its_orders() {
        let read = |text: &str| Orders::read(text.split_whitespace().map(OsString::from));
        let orders = read("INT 250 ffmpeg -i x").expect("good");
        assert_eq!((orders.stop_signal, orders.grace), (StopSignal::Int, Duration::from_millis(250)));
        assert_eq!((orders.program, orders.arguments), ("ffmpeg".into(), vec!["-i".into(), "x".into()]));
        for text in ["", "TERM 5", "HUP 5 ffmpeg", "TERM soon ffmpeg"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
