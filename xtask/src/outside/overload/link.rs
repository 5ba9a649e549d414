//! A bad line, in a network of our own: a peer that is gone without a word (fault F20), loss and little bandwidth
//! (fault F19). Needs to be root; the network and its rules end with the program.

use std::{
    net::{Ipv4Addr, SocketAddr},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use super::{
    super::{client::Client, figures::Figures, server::Server},
    Stage,
    lean::{Lean, Place},
};
use crate::process;

const PRODUCTION: &str = "line";
/// Where those live who will be cut off.
const FAR: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// Those who will be cut off, and those who will not.
const GONE: usize = 50;
const STAY: usize = 5;
/// The silence after which a client is gone, as documented, and what looking for it and closing may take.
const SILENCE: Duration = Duration::from_secs(75);
const SLACK: Duration = Duration::from_secs(10);
/// Clients on a bad line.
const CLIENTS: usize = 12;
/// How long the line is bad, and how long all may take to be current once it is good.
const BAD: Duration = Duration::from_secs(30);
const HEAL_MAX: Duration = Duration::from_secs(60);
/// Between two commits.
const PACE: Duration = Duration::from_millis(500);
/// Packets of a hundred that are lost, and kilobits a second; none for as many as there are.
const LINES: [(u32, u32); 6] = [(1, 0), (10, 0), (20, 0), (0, 512), (0, 64), (5, 256)];

/// Runs `part` of this program in a network of its own.
pub(super) fn alone(stage: &Stage, part: &str) -> Result<()> {
    let own = std::env::current_exe()?;
    let mut command = Command::new("unshare");
    command.arg("--net").arg("--").arg(own).args(["overload", "--only", part, "--onair"]).arg(&stage.onair);
    process::run(&mut command)
}

/// Peers that are gone without a word are noticed, and what they had comes back.
pub(super) async fn half_open(stage: &Stage) -> Result<()> {
    let (server, address) = begin(stage)?;
    let writer = Writer::start(server.api())?;
    let mut near = JoinSet::new();
    let over = Arc::new(AtomicBool::new(false));
    for _ in 0..STAY {
        near.spawn(stay(address, Arc::clone(&over)));
    }
    sleep(Duration::from_secs(2)).await;
    let before = Figures::of(server.pid())?;
    let mut far = Vec::new();
    for _ in 0..GONE {
        let mut lean = Lean::enter_from(FAR, address, None).await?;
        lean.say(&Place::default().subscribe(PRODUCTION, None)).await?;
        far.push(lean);
    }
    sleep(Duration::from_secs(2)).await;
    let full = Figures::of(server.pid())?;
    ensure!(full.sockets >= before.sockets + GONE, "not all came in");
    nft(&["add", "rule", "inet", "line", "in", "ip", "saddr", &FAR.to_string(), "drop"])?;
    nft(&["add", "rule", "inet", "line", "in", "ip", "daddr", &FAR.to_string(), "drop"])?;
    let cut = Instant::now();
    while Figures::of(server.pid())?.sockets > before.sockets {
        ensure!(cut.elapsed() < SILENCE + SLACK, "after {:?} they are there still", cut.elapsed());
        sleep(Duration::from_millis(200)).await;
    }
    let after = Figures::of(server.pid())?;
    println!(
        "{GONE} peers gone without a word were cut after {:.1} s; memory {:.1} MiB before they came, {:.1} with them, \
         {:.1} behind them",
        cut.elapsed().as_secs_f64(),
        before.rss as f64 / 1024.0,
        full.rss as f64 / 1024.0,
        after.rss as f64 / 1024.0
    );
    over.store(true, Ordering::SeqCst);
    let last = writer.end()?;
    while let Some(place) = near.join_next().await {
        let place = place.context("a client panicked")??;
        ensure!(place.revision + 4 >= last && place.snapshots == 1, "{place:?} at {last}");
    }
    println!("the {STAY} others stayed and have every commit");
    drop(far);
    server.end()
}

/// Clients on a bad line stay or come back, and lack nothing.
pub(super) async fn loss(stage: &Stage) -> Result<()> {
    let (server, address) = begin(stage)?;
    for (lost, kilobits) in LINES {
        let writer = Writer::start(server.api())?;
        let over = Arc::new(AtomicU64::new(u64::MAX));
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            clients.spawn(come_back(address, Arc::clone(&over)));
        }
        sleep(Duration::from_secs(1)).await;
        worsen(lost, kilobits)?;
        sleep(BAD).await;
        mend(kilobits)?;
        let last = writer.end()?;
        over.store(last, Ordering::SeqCst);
        let (healed, mut again, mut commits, mut snapshots) = (Instant::now(), 0, 0, 0);
        while let Some(ended) = timeout(HEAL_MAX, clients.join_next()).await.context("not all are current")? {
            let (place, tries) = ended.context("a client panicked")??;
            again += tries;
            commits += place.commits;
            snapshots += place.snapshots;
        }
        let line = if kilobits == 0 { "all it can".to_owned() } else { format!("{kilobits} kbit/s") };
        println!(
            "{lost} % lost, {line}: {commits} commits heard by {CLIENTS}, no gap, {again} came back, {} snapshots in \
             place of commits, all current {:.1} s behind it",
            snapshots - CLIENTS as u64,
            healed.elapsed().as_secs_f64()
        );
        ensure!(commits > CLIENTS as u64, "that proves nothing");
    }
    server.end()
}

fn begin(stage: &Stage) -> Result<(Server, SocketAddr)> {
    process::run(Command::new("ip").args(["link", "set", "lo", "up"]))?;
    nft(&["add", "table", "inet", "line"])?;
    nft(&["add", "chain", "inet", "line", "in", "{ type filter hook input priority 0; }"])?;
    let server = stage.serve(&[])?;
    stage.create(&server, PRODUCTION)?;
    let address = server.api().trim_start_matches("http://").parse()?;
    Ok((server, address))
}

fn nft(words: &[&str]) -> Result<()> {
    process::run(Command::new("nft").args(words))
}

fn worsen(lost: u32, kilobits: u32) -> Result<()> {
    if lost > 0 {
        let lost = lost.to_string();
        nft(&["add", "rule", "inet", "line", "in", "numgen", "random", "mod", "100", "<", &lost, "drop"])?;
    }
    if kilobits > 0 {
        let rate = format!("{kilobits}kbit");
        let line =
            ["qdisc", "add", "dev", "lo", "root", "tbf", "rate", &rate, "burst", "70k", "latency", "400ms"];
        process::run(Command::new("tc").args(line))?;
    }
    Ok(())
}

fn mend(kilobits: u32) -> Result<()> {
    nft(&["flush", "chain", "inet", "line", "in"])?;
    if kilobits > 0 {
        process::run(Command::new("tc").args(["qdisc", "del", "dev", "lo", "root"]))?;
    }
    Ok(())
}

/// Stays connected until it is over.
async fn stay(address: SocketAddr, over: Arc<AtomicBool>) -> Result<Place> {
    let (mut lean, mut place) = (Lean::enter(address, None).await?, Place::default());
    lean.say(&place.subscribe(PRODUCTION, None)).await?;
    while !over.load(Ordering::SeqCst) {
        let Ok(message) = timeout(PACE, lean.hear()).await else { continue };
        let message = message?;
        place.hear(&message)?;
    }
    Ok(place)
}

/// Comes back as often as it is cut off, from where it was, until it has the last; how often it did.
async fn come_back(address: SocketAddr, last: Arc<AtomicU64>) -> Result<(Place, u64)> {
    let (mut place, mut tries) = (Place::default(), 0);
    while tries < 1_000 {
        let line = async {
            let mut lean = Lean::enter(address, None).await?;
            lean.say(&place.subscribe(PRODUCTION, None)).await?;
            anyhow::Ok(lean)
        };
        if let Ok(Ok(mut lean)) = timeout(Duration::from_secs(20), line).await {
            loop {
                if place.revision >= last.load(Ordering::SeqCst) {
                    return Ok((place, tries));
                }
                match timeout(PACE, lean.hear()).await {
                    Ok(Ok(message)) => place.hear(&message)?,
                    Ok(Err(_)) => break,
                    Err(_) => {}
                }
            }
        }
        tries += 1;
        sleep(PACE).await;
    }
    bail!("it does not come to stay")
}

/// Commits at a pace.
struct Writer {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Result<u64>>,
}

impl Writer {
    fn start(api: &str) -> Result<Self> {
        let over = Arc::new(AtomicBool::new(false));
        let mut client = Client::connect(api)?;
        let (begun, until) = (std::process::id(), Arc::clone(&over));
        let thread = thread::spawn(move || {
            let (mut last, mut sent) = (0, 0_u64);
            while !until.load(Ordering::SeqCst) {
                thread::sleep(PACE);
                sent += 1;
                let id = format!("{begun}-{:?}-{sent}", thread::current().id());
                let id = id.replace(['(', ')'], "");
                client.put(PRODUCTION, &id, &json!({"n": sent, "text": "x".repeat(100)}))?;
                last = client.wait_for("result")?["revision"].as_u64().context("a revision")?;
            }
            Ok(last)
        });
        Ok(Self { over, thread })
    }

    /// The last revision that was acknowledged.
    fn end(self) -> Result<u64> {
        self.over.store(true, Ordering::SeqCst);
        self.thread.join().map_err(|_| anyhow::anyhow!("the writer panicked"))?
    }
}
