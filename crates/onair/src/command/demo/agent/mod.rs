//! `onair demo-agent`, which the demo calls and nobody else: host or producer, as a process of its own.
//!
//! It registers at the server, carries out what it is told, and plays its part while it is on. It comes back over a new
//! connection when one breaks, under the name it had; it goes when its server stays away, or the demo that started it.

mod hand;
mod parts;
mod socket;

use std::{
    collections::BTreeSet, future::Future, io, pin::Pin, process::ExitCode, rc::Rc, sync::Arc, thread,
    time::Duration,
};

use clap::{Args, ValueEnum};
use onair_wire::TaskAction;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    factor,
    script::{Cue, HOST},
};
use crate::{
    command::Context,
    remote::{Backoff, chance},
};
use hand::Hand;
use socket::{Heard, Socket, Task};

/// How long the server may be away before nobody counts on it any more.
const PATIENCE: Duration = Duration::from_secs(6);

/// Who somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Asks and tells.
    Host,
    /// Cuts and counts.
    Producer,
}

impl Role {
    /// The service of the manifest.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Producer => "producer",
        }
    }

    /// How long it takes to do what it is told, in milliseconds: as long as it takes to see it.
    const fn effort_ms(self, action: TaskAction) -> u64 {
        match (self, action) {
            (Self::Host, TaskAction::Initialize) => 420,
            (Self::Producer, TaskAction::Initialize) => 760,
            (Self::Host, TaskAction::Start) => 640,
            (Self::Producer, TaskAction::Start) => 480,
            (_, TaskAction::Stop) => 260,
            (_, TaskAction::Health) => 0,
        }
    }
}

/// Who to be.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Which part to play
    #[arg(value_enum)]
    service: Role,
    /// How much faster than real
    #[arg(long, default_value = "1", value_parser = factor)]
    pace: f64,
    /// Which process of this part it is
    #[arg(long, default_value_t = 1)]
    take: u32,
}

/// An agent.
struct Agent {
    role: Role,
    take: u32,
    hand: Rc<Hand>,
    /// What is being done, and when it will be.
    under_way: Vec<(Instant, Task)>,
    /// The keys of what was done.
    done: BTreeSet<Arc<str>>,
    /// What it plays while it is on.
    part: Option<Pin<Box<dyn Future<Output = ()>>>>,
    /// Whether it was on before.
    again: bool,
}

/// Plays until the show is over.
pub(crate) async fn run(context: Context, options: Options) -> anyhow::Result<ExitCode> {
    go_with_the_demo();
    let Options { service: role, pace, take } = options;
    let instance = format!("{}-{}", role.as_str(), std::process::id());
    let hand = Rc::new(Hand::new(context, instance, pace));
    let (under_way, done) = (Vec::new(), BTreeSet::new());
    let mut agent = Agent { role, take, hand, under_way, done, part: None, again: false };
    let mut here = Instant::now();
    let mut waits = Backoff::of_stream(chance);
    loop {
        if let Ok(socket) = agent.connect().await {
            waits = Backoff::of_stream(chance);
            let why = agent.serve(socket).await;
            eprintln!("{}: {why:#}", agent.hand.instance);
            here = Instant::now();
        }
        if here.elapsed() > PATIENCE {
            anyhow::bail!("the server stays away");
        }
        sleep(waits.next().unwrap_or_default().min(PATIENCE / 4)).await;
    }
}

/// The demo holds the other end of stdin. When it is gone, however it went, there is nothing to be finished here: what
/// this process has done is in onair.
fn go_with_the_demo() {
    thread::spawn(|| {
        // Whether it ends or breaks is the same.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(0);
    });
}

impl Agent {
    async fn connect(&self) -> anyhow::Result<Socket> {
        let Hand { context, instance, .. } = &*self.hand;
        let register = json!({ "type": "register", "production": context.production, "service": self.role.as_str(),
            "instance": instance, "client": { "name": format!("onair demo {}, take {}", self.role.as_str(), self.take) } });
        Socket::connect(context.remote.server(), &register).await
    }

    /// Until the connection ends; says why it did.
    async fn serve(&mut self, mut socket: Socket) -> anyhow::Error {
        loop {
            let due = self.under_way.iter().map(|(at, _)| *at).min();
            let result = tokio::select! {
                heard = socket.next() => heard.map(|heard| self.take(heard)),
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => self.finish(&mut socket).await,
                () = playing(&mut self.part) => Ok(()),
            };
            if let Err(error) = result {
                return error;
            }
        }
    }

    /// Begins what it is told.
    fn take(&mut self, heard: Heard) {
        match heard {
            Heard::Task(task) => {
                // What was done already is not done again, only said again.
                let known = self.done.contains(&task.key);
                let effort = if known { 0 } else { self.role.effort_ms(task.action) };
                self.under_way.push((Instant::now() + self.hand.length(effort), task));
            }
            Heard::Cancel { id } => self.under_way.retain(|(_, task)| task.id != id),
            Heard::Problem { detail } => eprintln!("{}: {detail}", self.hand.instance),
            Heard::Registered {} | Heard::Other => {}
        }
    }

    /// Ends what is due.
    async fn finish(&mut self, socket: &mut Socket) -> anyhow::Result<()> {
        let now = Instant::now();
        let (due, rest) = self.under_way.drain(..).partition(|(at, _)| *at <= now);
        self.under_way = rest;
        let due: Vec<(Instant, Task)> = due;
        for (_, Task { id, action, key, params }) in due {
            if self.done.insert(key) {
                self.act(action, &params).await;
            }
            socket.done(&id, &json!({ "by": self.hand.instance })).await?;
        }
        Ok(())
    }

    async fn act(&mut self, action: TaskAction, params: &Value) {
        match action {
            TaskAction::Initialize | TaskAction::Health => {}
            TaskAction::Start => {
                self.part = Some(play(self.role, Rc::clone(&self.hand), self.again));
                self.again = true;
            }
            TaskAction::Stop => {
                let was_on = self.part.take().is_some();
                if was_on && self.role == Role::Host && params.get("force") != Some(&Value::Bool(true)) {
                    let goodbye = "That is all from us. Turn off the hob. No, really, go and look.";
                    self.hand.cue(&Cue::Say(HOST, goodbye.to_owned())).await;
                }
            }
        }
    }
}

/// A part, from now on and without end.
fn play(role: Role, hand: Rc<Hand>, again: bool) -> Pin<Box<dyn Future<Output = ()>>> {
    Box::pin(async move {
        match role {
            Role::Host => parts::host(&hand, again).await,
            Role::Producer => loop {
                if let Err(error) = parts::producer(&hand).await {
                    eprintln!("{}: {error:#}", hand.instance);
                }
                hand.wait(1_000).await;
            },
        }
    })
}

/// Plays on; without a part there is silence.
async fn playing(part: &mut Option<Pin<Box<dyn Future<Output = ()>>>>) {
    match part {
        Some(part) => part.await,
        None => std::future::pending().await,
    }
}
