//! Commits per second of the embedded engine beside what the disk allows: `cargo run --release --example commits [folder]`.
//!
//! Three things are measured in one run, since a shared machine is another one a minute later: single appends to a
//! file with one fdatasync each, appends by 64 tasks over 64 productions and over one, and opening a folder with a
//! million commits of ten thousand productions. Bodies have 200 bytes.

use std::{
    error::Error,
    fs::File,
    io::Write,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use onair_engine::{Engine, Record};
use onair_engine_embedded::{Embedded, Options};
use onair_wire::{Epoch, ProductionId, Revision};
use tokio::task::JoinSet;

const TASKS: usize = 64;
const BODY: usize = 200;
const TIME: Duration = Duration::from_secs(4);
const PRODUCTIONS: usize = 10_000;
const COMMITS: u64 = 100;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let base = match std::env::args_os().nth(1) {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    for round in 1..=3 {
        println!("round {round}");
        raw(&base.path().join(format!("raw-{round}")), 1)?;
        raw(&base.path().join(format!("raw-32-{round}")), 32)?;
        for productions in [TASKS, 1] {
            append(&base.path().join(format!("log-{round}-{productions}")), productions).await?;
        }
    }
    open(&base.path().join("million")).await
}

/// What the disk allows: `group` bodies in one write and one fdatasync, one after the other.
fn raw(path: &Path, group: usize) -> Result<()> {
    let mut file = File::create(path)?;
    let body = vec![b'x'; BODY * group];
    let (begun, mut writes) = (Instant::now(), 0_u32);
    while begun.elapsed() < TIME {
        file.write_all(&body)?;
        file.sync_data()?;
        writes += 1;
    }
    let rate = f64::from(writes) / begun.elapsed().as_secs_f64();
    println!("  file, {group:2} per fdatasync: {:7.0} commits/s, {rate:.0} fdatasync/s", rate * group as f64);
    Ok(())
}

fn names(number: usize) -> Result<(ProductionId, Epoch)> {
    Ok((ProductionId::new(format!("production-{number}"))?, Epoch::new("e1")?))
}

async fn append(path: &Path, productions: usize) -> Result<()> {
    let engine = Arc::new(Embedded::open(&Options::new(path))?);
    for number in 0..productions {
        let (production, epoch) = names(number)?;
        engine.create(&production, &epoch).await?;
    }
    let before = engine.figures();
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        tasks.spawn(client(engine.clone(), task % productions, begun + TIME));
    }
    let (mut latencies, mut moved) = (Vec::new(), 0);
    for (mine, lost) in tasks.join_all().await.into_iter().collect::<Result<Vec<_>>>()? {
        latencies.extend(mine);
        moved += lost;
    }
    let seconds = begun.elapsed().as_secs_f64();
    let figures = engine.figures();
    latencies.sort();
    let at = |percent: usize| latencies[latencies.len() * percent / 100].as_secs_f64() * 1e3;
    let flushes = figures.flushes - before.flushes;
    println!(
        "  {TASKS} tasks, {productions:2} productions: {:7.0} commits/s, p50 {:.2} ms, p99 {:.2} ms, {:.1} per flush, \
         {flushes} flushes, {moved} moved",
        latencies.len() as f64 / seconds,
        at(50),
        at(99),
        latencies.len() as f64 / flushes as f64,
    );
    engine.close().await?;
    Ok(())
}

async fn client(engine: Arc<Embedded>, number: usize, until: Instant) -> Result<(Vec<Duration>, u64)> {
    let (production, epoch) = names(number)?;
    let body = Bytes::from(vec![b'x'; BODY]);
    let (mut at, mut moved, mut latencies) = (Revision::ZERO, 0, Vec::new());
    while Instant::now() < until {
        let begun = Instant::now();
        at = loop {
            let records = vec![Record { revision: at.next(), body: body.clone() }];
            match engine.append(&production, &epoch, at, records).await {
                Ok(last) => break last,
                Err(onair_engine::Error::Moved { last, .. }) => (at, moved) = (last, moved + 1),
                Err(error) => return Err(error.into()),
            }
        };
        latencies.push(begun.elapsed());
    }
    Ok((latencies, moved))
}

async fn open(path: &Path) -> Result<()> {
    let engine = Arc::new(Embedded::open(&Options::new(path))?);
    let begun = Instant::now();
    let mut tasks: JoinSet<Result<()>> = JoinSet::new();
    for task in 0..TASKS {
        let engine = engine.clone();
        tasks.spawn(async move {
            let numbers = || (task..PRODUCTIONS).step_by(TASKS);
            for number in numbers() {
                let (production, epoch) = names(number)?;
                engine.create(&production, &epoch).await?;
            }
            let body = Bytes::from(vec![b'x'; BODY]);
            for after in (0..COMMITS).step_by(10) {
                for number in numbers() {
                    let (production, epoch) = names(number)?;
                    let records = (after + 1..=after + 10)
                        .map(|at| Record { revision: Revision(at), body: body.clone() });
                    engine.append(&production, &epoch, Revision(after), records.collect()).await?;
                }
            }
            Ok(())
        });
    }
    tasks.join_all().await.into_iter().collect::<Result<()>>()?;
    println!(
        "{} commits of {PRODUCTIONS} productions written in {:.1?}",
        engine.figures().records,
        begun.elapsed()
    );
    drop(engine);
    for _ in 0..3 {
        let begun = Instant::now();
        let engine = Embedded::open(&Options::new(path))?;
        let took = begun.elapsed();
        let (production, _) = names(PRODUCTIONS - 1)?;
        let head = engine.head(&production).await?.ok_or("no such production")?;
        println!("opened in {took:.0?}, the last production is at {}", head.last);
    }
    Ok(())
}
