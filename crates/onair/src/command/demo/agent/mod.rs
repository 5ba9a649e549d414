//! `onair demo-agent`, which the demo calls and nobody else: host or producer, as a process of its own.
//!
//! It registers at the server, carries out what it is told, and plays its part while it is on. It comes back over a new
//! connection when one breaks, under the name it had; it goes when its server stays away, or the demo that started it.

mod hand;
mod parts;

use std::{future::Future, io, pin::Pin, process::ExitCode, rc::Rc, thread, time::Duration};

use clap::{Args, ValueEnum};
use onair_client::{
    agent::{self, Agent, Failure, Task},
    connection::{Connection, State},
};
use onair_wire::{Millis, TaskAction};
use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep, sleep_until},
};

use super::{
    factor,
    script::{Cue, HOST},
};
use crate::command::Context;
use hand::Hand;

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

/// What somebody plays: without end, until it is dropped.
type Part = Pin<Box<dyn Future<Output = ()>>>;

/// Something that was to be done and took its time; to be made true now.
type Deed = (Task, oneshot::Sender<()>);

/// Whoever plays.
struct Player {
    role: Role,
    hand: Rc<Hand>,
    /// What it plays while it is on.
    part: Option<Part>,
    /// Whether it was on before.
    again: bool,
}

/// Plays until the show is over.
pub(crate) async fn run(context: Context, options: Options) -> anyhow::Result<ExitCode> {
    go_with_the_demo();
    let Options { service: role, pace, take } = options;
    let instance = format!("{}-{}", role.as_str(), std::process::id());
    let hand = Rc::new(Hand::new(context, instance, pace));
    // The show asks for one thing at a time.
    let (deeds, mut due) = mpsc::channel(1);
    let agent = Agent::start(register(&hand, role, take)?, handler(&hand, role, deeds))?;
    let mut player = Player { role, hand, part: None, again: false };
    let mut connection = agent.connection();
    let mut away = Some(Instant::now());
    loop {
        let gone = away.map(|since| since + PATIENCE);
        tokio::select! {
            deed = due.recv() => if let Some((task, done)) = deed {
                player.act(task.action, &task.params).await;
                // Whoever asked may be gone: then it is asked for again, under the same key.
                let _ = done.send(());
            },
            () = playing(&mut player.part) => {}
            changed = connection.changed() => {
                let Connection { state, reason, .. } = connection.borrow_and_update().clone();
                if changed.is_err() || state == State::Failed {
                    anyhow::bail!("the server does not want it: {}", reason.unwrap_or_default());
                }
                let is_here = state == State::Connected;
                away = if is_here { None } else { away.or_else(|| Some(Instant::now())) };
            }
            () = sleep_until(gone.unwrap_or_else(Instant::now)), if gone.is_some() => {
                anyhow::bail!("the server stays away");
            }
        }
    }
}

fn register(hand: &Hand, role: Role, take: u32) -> anyhow::Result<agent::Options> {
    let Context { remote, production, .. } = &hand.context;
    let mut options = agent::Options::new(remote.server(), production.clone(), role.as_str());
    options.instance = Some(hand.instance.parse()?);
    options.name = format!("onair demo {}, take {take}", role.as_str());
    options.backoff.max = Millis(1_500);
    Ok(options)
}

/// What is done takes as long as it takes to see it, and is made true then by the one who plays.
fn handler(
    hand: &Hand,
    role: Role,
    deeds: mpsc::Sender<Deed>,
) -> impl Fn(Task) -> Pin<Box<dyn Future<Output = Result<Value, Failure>> + Send>> + Send + use<> {
    let (instance, pace) = (hand.instance.clone(), hand.pace);
    move |task| {
        let (instance, deeds) = (instance.clone(), deeds.clone());
        Box::pin(async move {
            sleep(Duration::from_millis(role.effort_ms(task.action)).div_f64(pace)).await;
            let (done, is_done) = oneshot::channel();
            let sent = deeds.send((task, done)).await;
            match (sent, is_done.await) {
                (Ok(()), Ok(())) => Ok(json!({ "by": instance })),
                _ => Err(Failure { error: "the show is over".into(), retryable: false }),
            }
        })
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

impl Player {
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
fn play(role: Role, hand: Rc<Hand>, again: bool) -> Part {
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
async fn playing(part: &mut Option<Part>) {
    match part {
        Some(part) => part.await,
        None => std::future::pending().await,
    }
}
