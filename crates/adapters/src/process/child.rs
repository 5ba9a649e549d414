//! A guarded child as the server has it: what it prints, how it is told to end, and how it ended.

use std::{
    collections::VecDeque,
    fmt,
    io::{self, Write},
    os::{fd::OwnedFd, unix::net::UnixStream as Pair},
    process::Stdio,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    net::UnixStream,
    process::{Child as Process, ChildStderr, ChildStdout, Command},
    time::{Instant, sleep_until},
};

use super::{Host, Options, lines::Splitter};

/// How long output is waited for once the guard is gone: whoever got away with the pipe does not hold us up.
const DRAIN: Duration = Duration::from_millis(500);

/// What is read from a pipe at once.
const PIECE: usize = 8 * 1024;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// By itself, with this status.
    Status(i32),
    /// By this signal.
    Signal(i32),
    /// It was not seen: the guard was ended by somebody.
    Unseen,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "exited with status {status}"),
            Self::Signal(signal) => write!(f, "was ended by signal {signal}"),
            Self::Unseen => f.write_str("lost its guard, and was ended"),
        }
    }
}

/// What happens to a child.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// It runs.
    Running,
    /// It cannot be run.
    Failed(String),
    /// It printed a line.
    Line {
        /// On stdout, not on stderr.
        stdout: bool,
        text: String,
    },
    /// It ended; what it started may still be there, and lines may follow.
    Ended(Exit),
    /// Nothing of it is left. Nothing follows.
    Gone,
}

/// A child and its guard. Dropping it ends both, gracefully and then by force: the guard sees to that.
#[derive(Debug)]
pub(super) struct Child {
    guard: Process,
    line: UnixStream,
    /// The same socket, written to at once.
    writes: Pair,
    said: Splitter,
    stdout: Pipe<ChildStdout>,
    stderr: Pipe<ChildStderr>,
    /// The group of the child, once it runs.
    group: Option<Pid>,
    ended: bool,
    /// Until when output is waited for, once the guard is gone.
    drained: Option<Instant>,
    events: VecDeque<Event>,
}

impl Child {
    /// Starts a command of these options under a guard.
    pub(super) fn spawn(host: &Host, options: &Options, command: &[String]) -> io::Result<Self> {
        let (ours, theirs) = Pair::pair()?;
        ours.set_nonblocking(true)?;
        let mut guard = Command::new(&host.guard);
        // A list of processes shows what it is, whatever its file is called.
        guard
            .arg0("onair")
            .arg("guard")
            .arg("--")
            .arg(options.stop_signal.as_str())
            .arg(options.grace.0.to_string());
        guard.args(command).env_clear().envs(host.environment(options));
        if let Some(directory) = &options.directory {
            guard.current_dir(directory);
        }
        // A group of its own, so that what is typed at the server's terminal is for the server.
        guard.process_group(0).stdin(Stdio::from(OwnedFd::from(theirs)));
        guard.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut guard = guard.spawn()?;
        let (writes, line) = (ours.try_clone()?, UnixStream::from_std(ours)?);
        let (stdout, stderr) = (Pipe::new(guard.stdout.take()), Pipe::new(guard.stderr.take()));
        let (said, events) = (Splitter::default(), VecDeque::new());
        Ok(Self {
            guard,
            line,
            writes,
            said,
            stdout,
            stderr,
            group: None,
            ended: false,
            drained: None,
            events,
        })
    }

    /// Asks it to end, and has it ended by force when the grace is over.
    pub(super) fn stop(&self) {
        self.say("stop\n");
    }

    /// Has it ended at once.
    pub(super) fn kill(&self) {
        self.say("kill\n");
    }

    fn say(&self, word: &str) {
        // A guard that is gone has nothing left to end, and the socket has room for two words.
        let _ = (&self.writes).write_all(word.as_bytes());
    }

    /// What happens next.
    ///
    /// # Cancellation
    /// Nothing is lost.
    pub(super) async fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.events.pop_front() {
                return event;
            }
            if self.drained.is_some() && self.stdout.source.is_none() && self.stderr.source.is_none() {
                return Event::Gone;
            }
            self.happen().await;
        }
    }

    async fn happen(&mut self) {
        let Self { guard, line, said, stdout, stderr, drained, .. } = self;
        let until = drained.unwrap_or_else(Instant::now);
        let mut word = [0; 256];
        // Who it is comes first: what it prints may be taken for its being on, and then it has to be known whom to end.
        let known = self.group.is_some() || self.ended || drained.is_some();
        tokio::select! {
            lines = stdout.lines(), if known => self.printed(true, lines),
            lines = stderr.lines(), if known => self.printed(false, lines),
            read = line.read(&mut word), if drained.is_none() => match read {
                Ok(read @ 1..) => for line in said.take(&word[..read]) { self.heard(&line) },
                // It says no more; what is left to know is that it is gone.
                Ok(0) | Err(_) => {
                    let _ = guard.wait().await;
                    self.left_by_guard();
                }
            },
            () = sleep_until(until), if drained.is_some() => (stdout.source, stderr.source) = (None, None),
        }
    }

    fn printed(&mut self, stdout: bool, lines: Vec<String>) {
        self.events.extend(lines.into_iter().map(|text| Event::Line { stdout, text }));
    }

    fn heard(&mut self, line: &str) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let number = rest.parse::<i32>().ok();
        match (word, number) {
            ("running", Some(pid)) => {
                self.group = Pid::from_raw(pid);
                self.events.push_back(Event::Running);
            }
            ("exited", Some(status)) => self.end(Exit::Status(status)),
            ("killed", Some(signal)) => self.end(Exit::Signal(signal)),
            _ => {
                self.ended = true;
                self.events.push_back(Event::Failed(rest.to_owned()));
            }
        }
    }

    fn end(&mut self, exit: Exit) {
        self.ended = true;
        self.events.push_back(Event::Ended(exit));
    }

    fn left_by_guard(&mut self) {
        self.drained = Some(Instant::now() + DRAIN);
        if self.ended {
            return;
        }
        match self.group {
            // Somebody ended the guard. What it guarded leads a group, and is not reaped by us.
            Some(group) => {
                let _ = kill_process_group(group, Signal::KILL);
                self.end(Exit::Unseen);
            }
            None => {
                self.ended = true;
                self.events.push_back(Event::Failed("the guard ended before it ran anything".into()));
            }
        }
    }
}

/// A pipe as lines; without a source once it has ended.
#[derive(Debug)]
struct Pipe<R> {
    source: Option<R>,
    splitter: Splitter,
    piece: Box<[u8]>,
}

impl<R: AsyncRead> Pipe<R> {
    fn new(source: Option<R>) -> Self {
        Self { source, splitter: Splitter::default(), piece: vec![0; PIECE].into() }
    }
}

impl<R: AsyncRead + Unpin> Pipe<R> {
    /// The lines that end in the next piece; waits for ever once there are no more.
    async fn lines(&mut self) -> Vec<String> {
        let Some(source) = &mut self.source else { return std::future::pending().await };
        match source.read(&mut self.piece).await {
            Ok(read @ 1..) => self.splitter.take(&self.piece[..read]),
            Ok(0) | Err(_) => {
                self.source = None;
                self.splitter.rest().into_iter().collect()
            }
        }
    }
}
