//! An `onair serve` of our own: on free ports, with a data directory of its own, ended by its own process id.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process;

/// How long a debug build may take to say where it listens.
const START_MAX: Duration = Duration::from_secs(30);
/// How long it may take to finish what runs after it was asked to end; the server's own grace period is shorter.
const END_MAX: Duration = Duration::from_secs(30);
/// How often we look whether it has ended.
const LOOK: Duration = Duration::from_millis(50);

/// A running server. Dropped without [`Server::end`], it is killed.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    api: String,
    admin_token: String,
    log: PathBuf,
}

impl Server {
    /// Starts `onair` with everything it writes below `dir`, and waits until it listens.
    ///
    /// # Errors
    /// It did not start, said no address within [`START_MAX`], or left no admin token.
    pub(super) fn start(onair: &mut Command, dir: &Path) -> Result<Self> {
        let data = dir.join("data");
        let log = dir.join("server.log");
        let mut child = onair
            .args(["serve", "--json", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--data"])
            .arg(&data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).with_context(|| format!("cannot create {}", log.display()))?)
            .spawn()
            .context("cannot start `onair serve`")?;
        let out = child.stdout.take().expect("standard output was asked for above");
        let mut server = Self { child, api: String::new(), admin_token: String::new(), log };
        let first =
            first_line(out).with_context(|| format!("`onair serve` said nothing; {}", server.said()))?;
        server.api = api(&first)?;
        let token = data.join("admin.token");
        let text = fs::read_to_string(&token).with_context(|| format!("cannot read {}", token.display()))?;
        text.trim().clone_into(&mut server.admin_token);
        Ok(server)
    }

    /// Where it answers HTTP, such as `http://127.0.0.1:41234`.
    pub(super) fn api(&self) -> &str {
        &self.api
    }

    /// Which process it is.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The token that its first start has made.
    pub(super) fn admin_token(&self) -> &str {
        &self.admin_token
    }

    /// Asks it to end, as an operator would, and waits.
    ///
    /// # Errors
    /// It had ended before, panicked on the way, took longer than [`END_MAX`], or ended with another code than 0.
    pub(super) fn end(mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("`onair serve` had ended with {status}; {}", self.said());
        }
        process::run(Command::new("kill").args(["-TERM", &self.child.id().to_string()]))?;
        let status = self.wait()?;
        if fs::read_to_string(&self.log)?.contains("panicked at") {
            bail!("`onair serve` panicked; {}", self.said());
        }
        if !status.success() {
            bail!("`onair serve` ended with {status}; {}", self.said());
        }
        Ok(())
    }

    /// Kills it, as a power cut or the kernel would, and does not wait.
    ///
    /// # Errors
    /// It had ended before.
    pub(super) fn kill_now(&self) -> Result<()> {
        process::run(Command::new("kill").args(["-KILL", &self.child.id().to_string()]))
    }

    /// Kills it if it lives, and waits until it is gone.
    pub(super) fn kill(self) {
        drop(self);
    }

    fn wait(&mut self) -> Result<ExitStatus> {
        let asked = Instant::now();
        while asked.elapsed() < END_MAX {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            thread::sleep(LOOK);
        }
        bail!("`onair serve` did not end within {END_MAX:?} of SIGTERM; {}", self.said())
    }

    /// The last lines of its log, and where the rest is.
    fn said(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let tail = &lines[lines.len().saturating_sub(20)..];
        format!("the end of {}:\n{}", self.log.display(), tail.join("\n"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first line of `out`; what follows is read and dropped, so that the writer never waits for us.
fn first_line(out: ChildStdout) -> Result<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            // Nobody listens after the first line.
            let _ = sender.send(line);
        }
    });
    receiver.recv_timeout(START_MAX).context("no line on its standard output")
}

/// The address in the line that `onair serve --json` begins with.
fn api(line: &str) -> Result<String> {
    let value: Value = serde_json::from_str(line).with_context(|| format!("not a line of JSON: {line}"))?;
    let api = value["api"].as_str().with_context(|| format!("no `api` in {line}"))?;
    Ok(api.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that is a shell script, in a directory where the token is already.
    fn stand_in(name: &str, script: &str) -> Result<Server> {
        let dir = std::env::temp_dir().join(format!("onair-server-{name}-{}", std::process::id()));
        fs::create_dir_all(dir.join("data")).unwrap();
        fs::write(dir.join("data/admin.token"), "secret\n").unwrap();
        Server::start(Command::new("sh").args(["-c", script]), &dir)
    }

    /// Says where it is and goes on until it is asked to end.
    fn ends_with(code: u8) -> String {
        format!(
            "trap 'exit {code}' TERM; echo '{{\"api\":\"http://127.0.0.1:1/\"}}'; while :; do sleep 0.01; done"
        )
    }

    #[test]
    fn a_server_is_started_and_ended() {
        let server = stand_in("ends", &ends_with(0)).unwrap();
        assert_eq!((server.api(), server.admin_token()), ("http://127.0.0.1:1", "secret"));
        server.end().unwrap();
    }

    #[test]
    fn a_server_that_ends_badly_is_said() {
        let message = stand_in("badly", &ends_with(3)).unwrap().end().unwrap_err().to_string();
        assert!(message.contains("exit status: 3"), "{message}");
    }

    #[test]
    fn a_server_that_says_nothing_is_said_with_its_log() {
        let message = stand_in("mute", "echo 'port in use' >&2").unwrap_err().to_string();
        assert!(message.contains("said nothing") && message.ends_with("port in use"), "{message}");
    }

    #[test]
    fn a_first_line_that_names_no_address_is_shown() {
        assert_eq!(api("{\"port\":1}").unwrap_err().to_string(), "no `api` in {\"port\":1}");
        assert_eq!(api("listening").unwrap_err().to_string(), "not a line of JSON: listening");
    }
}
