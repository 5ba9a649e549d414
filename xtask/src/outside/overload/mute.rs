//! Somebody who subscribes and never reads: it costs at most a mebibyte and nobody else more than a tenth of their 99th
//! percentile, and when it reads again it has a snapshot behind the first message that was dropped (goal G13).
//!
//! Readers follow a small collection at a steady rate. A bulky collection is written all the time beside it, to which only
//! those who never read and one who does are subscribed: enough to fill every buffer between. Spans without and with
//! those who never read take turns, since the machine is not the same from one minute to the next.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use super::{
    super::{client::Client, figures::Figures},
    Stage,
    lean::{Lean, Place, number},
    quantile,
};

const PRODUCTION: &str = "mute";
/// What each may cost, in KiB.
const COST_KIB_MAX: f64 = 1024.0;
/// So many tell what one costs.
const TELLING: usize = 50;
/// What the others may lose of their 99th percentile.
const RATIO_MAX: f64 = 1.10;
/// The receive buffer of those who never read, so that what they do not take stays with the server.
const RECEIVE_BUFFER: u32 = 4096;
/// Bytes of a bulky document, and how many there are.
const BULK_BYTES: usize = 60_000;
const BULKS: u64 = 20;
/// More than the kernel keeps for a socket (4 MiB here) and the server for a lane (8 MiB) together.
const BULK_MIN: u64 = 16 << 20;
/// What reading again may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long and how many.
pub(super) struct Size {
    pub(super) readers: usize,
    pub(super) mutes: &'static [usize],
    pub(super) turns: usize,
    pub(super) span: Duration,
    /// Small commits a second, and bulky ones.
    pub(super) rates: (u32, u32),
}

/// What the readers share.
struct Shared {
    begun: std::time::Instant,
    /// Microseconds from saying to hearing.
    late: Mutex<Vec<f64>>,
    bulk: AtomicU64,
    over: AtomicBool,
}

pub(super) async fn run(stage: &Stage, size: &Size) -> Result<()> {
    let server = stage.serve(&[])?;
    stage.create(&server, PRODUCTION)?;
    let address: SocketAddr = server.api().trim_start_matches("http://").parse()?;
    let shared = Arc::new(Shared {
        begun: std::time::Instant::now(),
        late: Mutex::default(),
        bulk: AtomicU64::new(0),
        over: AtomicBool::new(false),
    });
    let mut readers = JoinSet::new();
    for _ in 0..size.readers {
        readers.spawn(read(address, "layers", Arc::clone(&shared)));
    }
    readers.spawn(read(address, "bulk", Arc::clone(&shared)));
    let writers = [("layers", size.rates.0), ("bulk", size.rates.1)].map(|(collection, rate)| {
        let (api, shared) = (server.api().to_owned(), Arc::clone(&shared));
        thread::spawn(move || write(&api, collection, rate, &shared))
    });
    // Rings, images and the memory of the log fill up first.
    flow(&shared, size.span, &mut readers).await?;
    flow(&shared, size.span, &mut readers).await?;
    for count in size.mutes {
        let (mut ratios, mut costs) = (Vec::new(), Vec::new());
        for _ in 0..size.turns {
            let begun = Figures::of(server.pid())?.rss;
            let without = flow(&shared, size.span, &mut readers).await?;
            let before = Figures::of(server.pid())?.rss;
            let mut mutes = Vec::new();
            for _ in 0..*count {
                mutes.push(mute(address).await?);
            }
            let with = flow(&shared, size.span, &mut readers).await?;
            let after = Figures::of(server.pid())?.rss;
            // What memory moves by in such a span anyway is not theirs.
            let grown = (after as f64 - before as f64) - (before as f64 - begun as f64);
            costs.push(grown / *count as f64);
            ratios.push(with / without);
            println!(
                "{count} never read: 99th of {} readers {:.1} ms without, {:.1} ms with; memory {:.1}, {:.1}, {:.1} MiB",
                size.readers,
                without / 1e3,
                with / 1e3,
                begun as f64 / 1024.0,
                before as f64 / 1024.0,
                after as f64 / 1024.0
            );
            let (mut taken, count) = (0, mutes.len());
            for (lean, place) in mutes {
                taken += read_again(lean, place).await?;
            }
            println!(
                "  reading again: {} messages each, then a snapshot and all behind it",
                taken / count as u64
            );
        }
        let (ratio, cost) = (quantile(&ratios, 50), quantile(&costs, 50));
        println!(
            "{count} never read: {cost:+.0} KiB each at the median, 99th of the others × {ratio:.2} ({})",
            if ratio <= RATIO_MAX { "the goal of 1.10 holds" } else { "the goal of 1.10 does NOT hold here" }
        );
        // What one alone costs is below what memory moves by itself, by tens of mebibytes; many tell.
        ensure!(*count < TELLING || cost <= COST_KIB_MAX, "one that never reads costs {cost:.0} KiB");
    }
    shared.over.store(true, Ordering::SeqCst);
    for writer in writers {
        end(writer)?;
    }
    while let Some(reader) = readers.join_next().await {
        reader.context("a reader panicked")??;
    }
    server.end()
}

fn end(writer: JoinHandle<Result<()>>) -> Result<()> {
    writer.join().map_err(|_| anyhow::anyhow!("a writer panicked"))?
}

/// Lets it flow: for so long, and until enough of the bulk was written. The 99th percentile, in microseconds.
async fn flow(shared: &Shared, span: Duration, readers: &mut JoinSet<Result<()>>) -> Result<f64> {
    let (until, bulk) = (Instant::now() + span, shared.bulk.load(Ordering::SeqCst));
    shared.late.lock().unwrap_or_else(PoisonError::into_inner).clear();
    while Instant::now() < until || shared.bulk.load(Ordering::SeqCst) < bulk + BULK_MIN {
        sleep(Duration::from_millis(100)).await;
        if let Some(ended) = readers.try_join_next() {
            ended.context("a reader panicked")??;
        }
    }
    let late = std::mem::take(&mut *shared.late.lock().unwrap_or_else(PoisonError::into_inner));
    ensure!(!late.is_empty(), "nobody heard anything");
    Ok(quantile(&late, 99))
}

async fn subscribed(address: SocketAddr, collection: &str, buffer: Option<u32>) -> Result<(Lean, Place)> {
    let (mut lean, mut place) = (Lean::enter(address, buffer).await?, Place::default());
    lean.say(&place.subscribe(PRODUCTION, Some(collection))).await?;
    while !place.is_current() {
        let message = lean.hear().await?;
        place.hear(&message)?;
    }
    Ok((lean, place))
}

async fn read(address: SocketAddr, collection: &'static str, shared: Arc<Shared>) -> Result<()> {
    let (mut lean, mut place) = subscribed(address, collection, None).await?;
    while !shared.over.load(Ordering::SeqCst) {
        let Ok(message) = timeout(Duration::from_secs(1), lean.hear()).await else { continue };
        let message = message?;
        place.hear(&message)?;
        if collection == "layers"
            && let Some(sent) = number(&message, "sent")
        {
            let late = shared.begun.elapsed().as_micros() as f64 - sent as f64;
            shared.late.lock().unwrap_or_else(PoisonError::into_inner).push(late);
        }
    }
    Ok(())
}

/// Is subscribed, and reads nothing from here on.
async fn mute(address: SocketAddr) -> Result<(Lean, Place)> {
    subscribed(address, "bulk", Some(RECEIVE_BUFFER)).await
}

/// Reads on: what was on its way, in order, then a snapshot, and from there on in order again. How many came before it.
/// On a machine so slow that it was silent for too long it was closed instead, and nothing follows.
async fn read_again(mut lean: Lean, mut place: Place) -> Result<u64> {
    let (snapshots, commits) = (place.snapshots, place.commits);
    let again = async {
        while place.snapshots == snapshots {
            let message = lean.hear().await?;
            place.hear(&message)?;
        }
        let before = place.commits - commits;
        let behind = place.commits;
        while place.commits < behind + 3 {
            let message = lean.hear().await?;
            place.hear(&message)?;
        }
        ensure!(place.snapshots == snapshots + 1, "{} snapshots", place.snapshots - snapshots);
        Ok(before)
    };
    match timeout(PATIENCE, again).await.context("no snapshot came")? {
        Err(error) if error.to_string() == "closed: no sign of life" => Ok(place.commits - commits),
        came => came,
    }
}

fn write(api: &str, collection: &str, rate: u32, shared: &Shared) -> Result<()> {
    let (mut client, pace) = (Client::connect(api)?, Duration::from_secs(1) / rate);
    let (mut next, mut sent, text) = (std::time::Instant::now(), 0_u64, "x".repeat(BULK_BYTES));
    while !shared.over.load(Ordering::SeqCst) {
        next = (next + pace).max(std::time::Instant::now());
        thread::sleep(next.saturating_duration_since(std::time::Instant::now()));
        sent += 1;
        let (document, value) = if collection == "bulk" {
            (format!("b{}", sent % BULKS), json!({"text": text}))
        } else {
            let micros = u64::try_from(shared.begun.elapsed().as_micros())?;
            (format!("d{}", sent % 50), json!({"sent": micros, "visible": true}))
        };
        let mutation = json!({"op": "put", "collection": collection, "document": document, "value": value});
        let id = format!("{collection}-{sent}");
        let said: Value =
            json!({"type": "mutate", "id": id, "production": PRODUCTION, "mutations": [mutation]});
        client.say(&said)?;
        client.wait_for("result")?;
        if collection == "bulk" {
            shared.bulk.fetch_add(BULK_BYTES as u64, Ordering::SeqCst);
        }
    }
    Ok(())
}
