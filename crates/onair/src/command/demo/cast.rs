//! The cast: host and producer, each a process of its own, started again when it is gone.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::Context as _;
use tokio::{
    process::{Child, Command},
    time::{Instant, timeout},
};

use super::{agent::Role, stage};

/// How long until somebody who fell by accident is back: before the show is not whole any more.
const STUMBLE: Duration = Duration::from_millis(1_200);
/// How long until somebody is back who was killed for the drama: after it.
const DRAMA: Duration = Duration::from_millis(1_700);
/// How long a process may take to go home.
const GOODBYE: Duration = Duration::from_secs(2);

/// Where the cast finds the show.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// The server.
    pub(super) url: String,
    /// Where what they say on stderr is kept.
    pub(super) folder: PathBuf,
    /// How much faster than real everything is.
    pub(super) pace: f64,
}

/// Both of them.
pub(super) struct Cast {
    call: Call,
    members: Vec<Member>,
}

struct Member {
    role: Role,
    state: State,
    /// Which of its processes this is.
    take: u32,
}

enum State {
    Here(Box<Child>),
    /// Until it comes back.
    Gone(Instant),
}

/// What happened to somebody.
#[derive(Debug)]
pub(super) enum Happened {
    /// The process has ended.
    Ended(Role, ExitStatus, Duration),
    /// Another is there, under this id.
    Back(Role, u32),
}

impl Cast {
    /// Both begin.
    pub(super) fn begin(call: Call) -> anyhow::Result<Self> {
        fs::create_dir_all(&call.folder).with_context(|| format!("cannot make {}", call.folder.display()))?;
        let member = |role| {
            let state = State::Here(Box::new(spawn(&call, role, 1)?));
            anyhow::Ok(Member { role, state, take: 1 })
        };
        let members = vec![member(Role::Host)?, member(Role::Producer)?];
        Ok(Self { call, members })
    }

    /// The process of somebody, while there is one.
    pub(super) fn pid(&self, role: Role) -> Option<u32> {
        self.members.iter().find(|member| member.role == role).and_then(|member| match &member.state {
            State::Here(child) => child.id(),
            State::Gone(_) => None,
        })
    }

    /// Kills the process of somebody: SIGKILL, so that it has no say in it.
    pub(super) fn kill(&mut self, role: Role) -> anyhow::Result<()> {
        for member in self.members.iter_mut().filter(|member| member.role == role) {
            if let State::Here(child) = &mut member.state {
                child.start_kill().context("the host cannot be killed")?;
            }
        }
        Ok(())
    }

    /// Looks who is gone, and brings back whose time has come. `drama`: the host is gone for the show's sake.
    pub(super) fn look(&mut self, drama: bool) -> anyhow::Result<Vec<Happened>> {
        let mut happened = Vec::new();
        for member in &mut self.members {
            match &mut member.state {
                State::Here(child) => {
                    let Some(status) = child.try_wait()? else { continue };
                    let wait = match drama && member.role == Role::Host {
                        true => stage::PATIENCE + DRAMA,
                        false => STUMBLE,
                    };
                    member.state = State::Gone(Instant::now() + wait);
                    happened.push(Happened::Ended(member.role, status, wait));
                }
                State::Gone(until) if *until <= Instant::now() => {
                    member.take += 1;
                    let child = spawn(&self.call, member.role, member.take)?;
                    happened.extend(child.id().map(|pid| Happened::Back(member.role, pid)));
                    member.state = State::Here(Box::new(child));
                }
                State::Gone(_) => {}
            }
        }
        Ok(happened)
    }

    /// Sends everybody home, and sees to it that they go.
    pub(super) async fn end(self) {
        let mut children: Vec<_> = self.members.into_iter().filter_map(Member::child).collect();
        // They go when nobody holds their line any more.
        children.iter_mut().for_each(|child| drop(child.stdin.take()));
        for child in &mut children {
            if timeout(GOODBYE, child.wait()).await.is_err() {
                // It may have ended in this moment.
                let _ = child.kill().await;
            }
        }
    }
}

impl Member {
    fn child(self) -> Option<Child> {
        match self.state {
            State::Here(child) => Some(*child),
            State::Gone(_) => None,
        }
    }
}

/// Starts a process. It holds one end of a pipe, and goes when nobody holds the other; Ctrl-C is not for its ears.
fn spawn(call: &Call, role: Role, take: u32) -> anyhow::Result<Child> {
    let program = std::env::current_exe().context("this program cannot be found")?;
    let place = call.folder.join(format!("{}.log", role.as_str()));
    let log = File::options().create(true).append(true).open(&place);
    let log = log.with_context(|| format!("cannot write {}", place.display()))?;
    let mut command = Command::new(program);
    command.args(["demo-agent", role.as_str(), "--server", &call.url, "--data"]).arg(&call.folder);
    command.args(["--pace", &call.pace.to_string(), "--take", &take.to_string()]);
    for name in ["ONAIR_SERVER", "ONAIR_TOKEN", "ONAIR_DATA"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log).process_group(0).kill_on_drop(true);
    command.spawn().with_context(|| format!("the {} cannot be started", role.as_str()))
}
