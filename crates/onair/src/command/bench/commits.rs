//! `onair bench commits`: clients, a connection each, that keep so many mutations under way, each with an id of its own.
//!
//! A mutation counts when its answer is there, which is when it is on disk (row D7). At the end every client waits for what
//! is under way; then the log is read, and must hold each mutation that was answered once, in order.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use onair_wire::ProductionId;
use serde::Deserialize;
use serde_json::json;
use tokio::time::{sleep, timeout};

use super::{
    super::Context,
    COLLECTION, PATIENCE, WARM_UP,
    figures::{Checked, Latencies, rate, tenth, thousands, whole},
    log,
    socket::Socket,
    target::Target,
};
use crate::cli::Usage;

/// Who writes, where, and how much.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many clients write, a connection and a document each
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    clients: u32,
    /// Over how many productions they are spread [default: one for each client, 64 at most]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    productions: Option<u32>,
    /// How many mutations a client has under way
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_024))]
    in_flight: u32,
    /// How large a document is
    #[arg(long, value_name = "BYTES", default_value_t = 200, value_parser = clap::value_parser!(u32).range(64..=60_000))]
    bytes: u32,
    /// How long is measured, behind a second to warm up
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    seconds: u32,
}

/// Productions that nobody asked for are made up to here.
const PRODUCTIONS_UNASKED: u32 = 64;

impl Options {
    /// Over how many productions the clients are spread.
    pub(super) fn productions(&self) -> Result<u32, Usage> {
        let clients = self.clients;
        match self.productions {
            None => Ok(clients.min(PRODUCTIONS_UNASKED)),
            Some(productions) if productions <= clients => Ok(productions),
            Some(productions) => {
                let usage = Usage::new(format!(
                    "--productions {productions}: {clients} clients cannot write to as many"
                ));
                Err(usage.hint(format!("say --clients {productions} as well")))
            }
        }
    }
}

/// What all clients look at.
#[derive(Default)]
struct Run {
    measuring: AtomicBool,
    over: AtomicBool,
}

/// What a client did.
struct Wrote {
    /// How many of its mutations were answered: all that it sent.
    answered: u64,
    /// Of these, while it was measured.
    latencies: Latencies,
    measured: u64,
}

pub(super) async fn run(
    context: &Context,
    target: &Target,
    productions: &[ProductionId],
    options: &Options,
) -> anyhow::Result<()> {
    let mut clients = Vec::new();
    for number in 0..options.clients {
        let production = &productions[number as usize % productions.len()];
        clients.push(Client::connect(target, number, production, options).await?);
    }
    let run = Run::default();
    let time = async {
        sleep(WARM_UP).await;
        run.measuring.store(true, Relaxed);
        let begun = Instant::now();
        sleep(Duration::from_secs(options.seconds.into())).await;
        run.measuring.store(false, Relaxed);
        run.over.store(true, Relaxed);
        anyhow::Ok(begun.elapsed())
    };
    let writing = futures_util::future::try_join_all(clients.iter_mut().map(|client| client.write(&run)));
    // All clients are one task: shared out by its budget, most of them would be asked in vain.
    let (took, wrote) = futures_util::future::try_join(time, tokio::task::unconstrained(writing)).await?;

    let mut checked = Checked::default();
    for (at, production) in productions.iter().enumerate() {
        let theirs = (0..).zip(&wrote).skip(at).step_by(productions.len());
        let answered = theirs.map(|(number, wrote)| (number, wrote.answered)).collect();
        checked.add(log::check(&context.remote, production, answered).await?);
    }
    let mut latencies = Latencies::default();
    wrote.iter().for_each(|wrote| latencies.add(&wrote.latencies));
    let commits = wrote.iter().map(|wrote| wrote.measured).sum();
    let per_second = rate(commits, took);
    if context.report.wants_json() {
        context.report.json(&json!({
            "bench": "commits", "clients": options.clients, "productions": productions.len(),
            "inFlight": options.in_flight, "bytes": options.bytes, "seconds": tenth(took.as_secs_f64()),
            "commits": commits, "commitsPerSecond": tenth(per_second), "latencyMs": latencies.value(),
            "checked": checked.value(),
        }))?;
    } else {
        context.report.pairs(&[
            ("commits/s", thousands(whole(per_second))),
            ("latency", latencies.line()),
            ("checked", checked.line()),
        ])?;
    }
    checked.judge("what was answered is not what the log holds")
}

/// What the server says to who writes.
#[derive(Deserialize)]
struct Said<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    id: Option<&'a str>,
    revision: Option<u64>,
}

/// A client and its document.
struct Client {
    number: u32,
    socket: Socket,
    /// What a mutation is made of: what stands before its number, and behind it.
    before: String,
    behind: String,
    in_flight: u64,
}

impl Client {
    async fn connect(
        target: &Target,
        number: u32,
        production: &ProductionId,
        options: &Options,
    ) -> anyhow::Result<Self> {
        let socket = Socket::open(target).await?;
        // With a number of ten digits, as large as was asked for.
        let text = "x".repeat((options.bytes as usize).saturating_sub(r#"{"n":1234567890,"text":""}"#.len()));
        let before = format!(
            r#"","production":"{production}","mutations":[{{"op":"put","collection":"{COLLECTION}","document":"d{number}","value":{{"n":"#
        );
        let behind = format!(r#","text":"{text}"}}}}]}}"#);
        Ok(Self { number, socket, before, behind, in_flight: options.in_flight.into() })
    }

    fn mutate(&mut self, n: u64) {
        let Self { before, behind, .. } = self;
        let id = log::id(self.number, n);
        // Ten digits without leading zeros, which JSON does not have: all documents are of one size.
        let text = format!(r#"{{"type":"mutate","id":"{id}{before}{}{behind}"#, 1_000_000_000 + n);
        self.socket.queue(&text);
    }

    /// Keeps mutations under way until the run is over, then waits for the last answer.
    async fn write(&mut self, run: &Run) -> anyhow::Result<Wrote> {
        let mut wrote = Wrote { answered: 0, latencies: Latencies::default(), measured: 0 };
        let (mut sent, mut revision) = (0, 0);
        let mut begun = VecDeque::new();
        loop {
            while sent < wrote.answered + self.in_flight && !run.over.load(Relaxed) {
                self.mutate(sent);
                begun.push_back(Instant::now());
                sent += 1;
            }
            if sent == wrote.answered {
                return Ok(wrote);
            }
            let hearing = timeout(PATIENCE, self.socket.hear()).await;
            hearing.context("the server has not answered a mutation")??;
            while let Some(text) = self.socket.next()? {
                let said: Said<'_> = serde_json::from_slice(text)?;
                match said.kind {
                    "result" => {}
                    "problem" => bail!("a mutation was refused: {}", String::from_utf8_lossy(text)),
                    _ => continue,
                }
                let due = log::id(self.number, wrote.answered);
                ensure!(
                    said.id == Some(&due),
                    "the answer to {:?} came where that to {due} was due",
                    said.id
                );
                let reached = said.revision.unwrap_or_default();
                ensure!(reached > revision, "{due} is revision {reached}, and the one before it {revision}");
                revision = reached;
                wrote.answered += 1;
                let begun = begun.pop_front().expect("an answer was due");
                if run.measuring.load(Relaxed) {
                    wrote.measured += 1;
                    wrote.latencies.note(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
                }
            }
        }
    }
}
