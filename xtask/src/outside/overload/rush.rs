//! Everybody comes back at once: the server was killed, or the network went; within a second all connect again with where
//! they were, and within five all are current (goal G12).

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout},
};

use super::{
    super::{client::Client, figures::Figures},
    Stage,
    lean::{Lean, Place},
    quantile,
};

/// The production that is watched.
pub(super) const PRODUCTION: &str = "rush";
/// The time in which all come back.
const SPREAD: Duration = Duration::from_secs(1);
/// The goal.
const CURRENT_MAX: Duration = Duration::from_secs(5);
/// For what the machine may be too slow: then it is said, and not waited for any longer.
const PATIENCE: Duration = Duration::from_secs(120);
/// What all hear together in a second, at most: the programs that hear it share the machine with the server.
const DELIVERIES: u32 = 10_000;
/// Between two commits, at least.
const PACE_MIN: Duration = Duration::from_millis(50);
/// Who connect at the same time in the beginning.
const AT_ONCE: usize = 200;

/// What all are told.
#[derive(Clone, Copy, Debug)]
enum Word {
    Stay,
    Return(SocketAddr, Instant),
    /// Go once this was heard.
    Go(u64),
}

/// What came of it.
#[derive(Debug, Default)]
struct Seen {
    inside: AtomicUsize,
    /// From the first who came back, and from when each began to.
    back: Mutex<Vec<(Duration, Duration)>>,
    again: AtomicUsize,
}

pub(super) async fn run(stage: &Stage, count: usize) -> Result<()> {
    let mut server = stage.serve(&[])?;
    stage.create(&server, PRODUCTION)?;
    let pace = PACE_MIN.max(Duration::from_secs(1) * u32::try_from(count)? / DELIVERIES);
    let writer = Writer::start(server.api(), pace)?;
    let before = Figures::of(server.pid())?;
    let (words, word) = watch::channel(Word::Stay);
    let seen = Arc::<Seen>::default();
    let mut clients = JoinSet::new();
    let address = server.api().trim_start_matches("http://").parse()?;
    for index in 0..count {
        let (word, own) = (word.clone(), Arc::clone(&seen));
        let share = SPREAD.mul_f64(index as f64 / count as f64);
        clients.spawn(async move { client(address, share, word, &own).await });
        until(&seen.inside, (index + 1).saturating_sub(AT_ONCE), &mut clients).await?;
    }
    until(&seen.inside, count, &mut clients).await.context("not all came in")?;
    let full = Figures::of(server.pid())?;
    println!(
        "{count} clients in: {:.1} MiB, {:.1} KiB each, {:.1} s of processor time",
        full.rss as f64 / 1024.0,
        (full.rss.saturating_sub(before.rss)) as f64 / count as f64,
        full.cpu - before.cpu
    );
    for how in ["reset", "restart"] {
        let mut cpu = Figures::of(server.pid())?.cpu;
        let mut address: SocketAddr = server.api().trim_start_matches("http://").parse()?;
        if how == "restart" {
            writer.pause();
            server.kill();
            server = stage.serve(&[])?;
            address = server.api().trim_start_matches("http://").parse()?;
            writer.resume(server.api())?;
            cpu = Figures::of(server.pid())?.cpu;
        }
        seen.inside.store(0, Ordering::Relaxed);
        words.send_replace(Word::Return(address, Instant::now() + Duration::from_millis(200)));
        until(&seen.inside, count, &mut clients)
            .await
            .with_context(|| format!("{how}: not all came back"))?;
        let back = std::mem::take(&mut *seen.back.lock().unwrap_or_else(PoisonError::into_inner));
        let again = seen.again.swap(0, Ordering::Relaxed);
        let after = Figures::of(server.pid())?;
        let last = back.iter().map(|back| back.0).max().unwrap_or_default();
        let own: Vec<f64> = back.iter().map(|back| back.1.as_secs_f64()).collect();
        println!(
            "{how}: {count} back within {SPREAD:?}, the last current after {:.2} s ({}); each for itself: median \
             {:.0} ms, 99th {:.0} ms, {again} tries in vain; {:.2} s of processor time, {:.1} MiB",
            last.as_secs_f64(),
            if last <= CURRENT_MAX { "the goal of 5 s holds" } else { "the goal of 5 s does NOT hold here" },
            1e3 * quantile(&own, 50),
            1e3 * quantile(&own, 99),
            after.cpu - cpu,
            after.rss as f64 / 1024.0
        );
    }
    let last = writer.end()?;
    words.send_replace(Word::Go(last));
    let (mut commits, mut snapshots) = (0, 0);
    while let Some(place) = timeout(PATIENCE, clients.join_next()).await.context("somebody is not current")? {
        let place = place.context("a client panicked")??;
        ensure!(place.revision == last, "a client ends at {}, the log at {last}", place.revision);
        commits += place.commits;
        snapshots += place.snapshots;
    }
    println!("all {count} have revision {last} at the end: {commits} commits, no gap, {snapshots} snapshots");
    ensure!(snapshots == count as u64, "{snapshots} snapshots: one is to begin with, and none to resume");
    server.end()
}

/// Waits until so many are in, and nobody ends before.
async fn until(count: &AtomicUsize, wanted: usize, clients: &mut JoinSet<Result<Place>>) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    while count.load(Ordering::Relaxed) < wanted {
        ensure!(Instant::now() < until, "{} of {wanted}", count.load(Ordering::Relaxed));
        if let Some(ended) = clients.try_join_next() {
            ended.context("a client panicked")??;
        }
        sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// One who comes, stays, is cut off, comes back in its share of the second, and goes when it has all.
async fn client(
    mut address: SocketAddr,
    share: Duration,
    mut word: watch::Receiver<Word>,
    seen: &Seen,
) -> Result<Place> {
    let (mut place, mut begun) = (Place::default(), None);
    loop {
        let own = Instant::now();
        let mut lean = loop {
            match come(address, &mut place).await {
                Ok(lean) => break lean,
                Err(_) if own.elapsed() < PATIENCE => {
                    seen.again.fetch_add(1, Ordering::Relaxed);
                    sleep(Duration::from_millis(50)).await;
                }
                Err(error) => return Err(error),
            }
        };
        if let Some(begun) = begun {
            let mut back = seen.back.lock().unwrap_or_else(PoisonError::into_inner);
            back.push((Instant::now() - begun, own.elapsed()));
        }
        seen.inside.fetch_add(1, Ordering::Relaxed);
        let at = loop {
            let now = *word.borrow_and_update();
            match now {
                Word::Return(to, at) if begun != Some(at) => {
                    address = to;
                    break at;
                }
                Word::Go(last) if place.revision >= last => return Ok(place),
                _ => {}
            }
            tokio::select! {
                heard = lean.hear() => match heard {
                    Ok(message) => place.hear(&message)?,
                    // Cut off by the server's end: where to go is said soon.
                    Err(_) => drop(word.changed().await),
                },
                _ = word.changed() => {}
            }
        };
        lean.reset();
        begun = Some(at);
        sleep_until(at + share).await;
    }
}

/// Connects and goes on from where it was, until it is current.
async fn come(address: SocketAddr, place: &mut Place) -> Result<Lean> {
    let mut lean = Lean::enter(address, None).await?;
    lean.say(&place.subscribe(PRODUCTION, None)).await?;
    place.head = 0;
    while !place.is_current() {
        let message = lean.hear().await?;
        place.hear(&message)?;
    }
    Ok(lean)
}

/// Commits that go on, whatever happens.
struct Writer {
    state: Arc<WriterState>,
    thread: thread::JoinHandle<Result<u64>>,
}

#[derive(Default)]
struct WriterState {
    api: Mutex<Option<String>>,
    idle: AtomicBool,
    over: AtomicBool,
}

impl Writer {
    fn start(api: &str, pace: Duration) -> Result<Self> {
        let state = Arc::new(WriterState { api: Mutex::new(Some(api.to_owned())), ..Default::default() });
        let thread = thread::spawn({
            let state = Arc::clone(&state);
            move || write(&state, pace)
        });
        Ok(Self { state, thread })
    }

    /// Stops until there is a server again.
    fn pause(&self) {
        *self.state.api.lock().unwrap_or_else(PoisonError::into_inner) = None;
        while !self.state.idle.load(Ordering::SeqCst) {
            thread::sleep(PACE_MIN / 10);
        }
    }

    fn resume(&self, api: &str) -> Result<()> {
        self.state.idle.store(false, Ordering::SeqCst);
        *self.state.api.lock().unwrap_or_else(PoisonError::into_inner) = Some(api.to_owned());
        Ok(())
    }

    /// The last revision that was acknowledged.
    fn end(self) -> Result<u64> {
        self.state.over.store(true, Ordering::SeqCst);
        self.thread.join().map_err(|_| anyhow::anyhow!("the writer panicked"))?
    }
}

fn write(state: &WriterState, pace: Duration) -> Result<u64> {
    let (mut last, mut sent) = (0, 0_u64);
    let mut client: Option<(String, Client)> = None;
    while !state.over.load(Ordering::SeqCst) {
        thread::sleep(pace);
        let Some(api) = state.api.lock().unwrap_or_else(PoisonError::into_inner).clone() else {
            client = None;
            state.idle.store(true, Ordering::SeqCst);
            continue;
        };
        if client.as_ref().is_none_or(|(known, _)| *known != api) {
            client = Some((api.clone(), Client::connect(&api)?));
        }
        let Some((_, client)) = &mut client else { continue };
        sent += 1;
        let id = format!("rush-{sent}");
        client.put(PRODUCTION, &id, &json!({"n": sent}))?;
        last = client.wait_for("result")?["revision"].as_u64().context("a revision")?;
    }
    Ok(last)
}
