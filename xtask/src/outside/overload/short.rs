//! Too few descriptors, too little memory: what is new is shed, what is there goes on, and it recovers (fault F32).

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tokio::time::{sleep, timeout};

use super::{
    super::{client::Client, figures::Figures, server::Server},
    Stage,
    lean::{Lean, Place},
};

const PRODUCTION: &str = "short";
/// Descriptors that the server has.
const DESCRIPTORS: u32 = 64;
/// Who come: more than there are descriptors.
const COMERS: usize = 100;
/// To be let in or turned away.
const ANSWER: Duration = Duration::from_secs(20);
/// What must come, may take so long.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long nobody does anything, and which share of a core that may cost.
const QUIET: Duration = Duration::from_secs(3);
const QUIET_SHARE_MAX: f64 = 0.2;
/// Written while there is no descriptor: more than the store keeps before it needs another file.
const HEAVY_BYTES: usize = 100 << 20;
const HEAVY_PIECE: usize = 60_000;
/// Addresses that a server may use when memory is short: a little more than it takes to begin.
const MEMORY_BYTES: u64 = 640 << 20;
/// Documents that are more than those hold.
const DOCUMENTS_MAX: u32 = 8_000;

/// With 64 descriptors; `heavy` writes until the store must open files as well.
pub(super) async fn descriptors(stage: &Stage, heavy: bool) -> Result<()> {
    let limit = format!("--nofile={DESCRIPTORS}:{DESCRIPTORS}");
    let server = stage.serve(&["prlimit", &limit])?;
    stage.create(&server, PRODUCTION)?;
    let mut writer = Client::connect(server.api())?;
    let address: SocketAddr = server.api().trim_start_matches("http://").parse()?;
    let before = settled(&server, None).await?;
    let mut inside: Vec<(Lean, Place)> = Vec::new();
    let mut refused = 0;
    for _ in 0..COMERS {
        match timeout(ANSWER, knock(address)).await.context("nobody answers who comes")? {
            Ok(lean) => inside.push(begin(lean).await?),
            Err(_) => refused += 1,
        }
    }
    println!("{DESCRIPTORS} descriptors, {COMERS} come: {} are in, {refused} were turned away", inside.len());
    ensure!(inside.len() >= 16 && refused >= 16, "that proves nothing");
    let cpu = Figures::of(server.pid())?.cpu;
    sleep(QUIET).await;
    let share = (Figures::of(server.pid())?.cpu - cpu) / QUIET.as_secs_f64();
    println!("then the server takes {:.1} % of a core", 100.0 * share);
    ensure!(share <= QUIET_SHARE_MAX, "it is busy with nothing");
    // Those who are in go on being served.
    let mut revision = put(&mut writer, "while-short")?;
    if heavy {
        for piece in 0..HEAVY_BYTES / HEAVY_PIECE {
            let value = json!({"text": "x".repeat(HEAVY_PIECE)});
            writer.put(PRODUCTION, &format!("heavy-{piece}"), &value)?;
            revision = writer.wait_for("result").context("writing without descriptors")?["revision"]
                .as_u64()
                .context("a revision")?;
        }
        println!("{} MiB were written without a free descriptor", HEAVY_BYTES >> 20);
    }
    follow(&mut inside, revision).await?;
    // Half of them leave; as many come in.
    let leave = inside.len() / 2;
    inside.truncate(inside.len() - leave);
    for _ in 0..leave {
        inside.push(begin(knock_again(address).await?).await?);
    }
    println!("{leave} left, and {leave} others are in");
    let revision = put(&mut writer, "behind")?;
    follow(&mut inside, revision).await?;
    drop(inside);
    drop(knock_again(address).await?);
    let after = settled(&server, Some(before.sockets)).await?;
    println!("sockets before and after: {} and {}", before.sockets, after.sockets);
    ensure!(after.sockets <= before.sockets, "sockets were lost");
    drop(writer);
    server.end()
}

/// Comes in where somebody has left, which is not noticed at once.
async fn knock_again(address: SocketAddr) -> Result<Lean> {
    let until = Instant::now() + PATIENCE;
    loop {
        match timeout(ANSWER, knock(address)).await.context("nobody answers who comes")? {
            Ok(lean) => return Ok(lean),
            Err(error) => ensure!(Instant::now() < until, "there is no place again: {error:#}"),
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// Under so little memory that it does not last: what happens is said, and what was acknowledged is there afterwards.
pub(super) fn memory(stage: &Stage) -> Result<()> {
    let limit = format!("--as={MEMORY_BYTES}:{MEMORY_BYTES}");
    let server = stage.serve(&["prlimit", &limit])?;
    stage.create(&server, PRODUCTION)?;
    let mut writer = Client::connect(server.api())?;
    let (mut last, mut documents) = (put(&mut writer, "first")?, 0);
    let why = loop {
        if documents == DOCUMENTS_MAX {
            break "it lasted".to_owned();
        }
        let value = json!({"text": "x".repeat(HEAVY_PIECE)});
        let said = writer.put(PRODUCTION, &format!("m-{documents}"), &value);
        match said.and_then(|()| writer.wait_for("result")) {
            Ok(result) => last = result["revision"].as_u64().context("a revision")?,
            Err(error) => break format!("{error:#}"),
        }
        documents += 1;
    };
    let alive = Figures::of(server.pid()).is_ok_and(|seen| seen.rss > 0);
    println!(
        "{} MiB of addresses: {documents} documents of {HEAVY_PIECE} bytes were acknowledged, then: {why}; the server {}",
        MEMORY_BYTES >> 20,
        if alive { "lives" } else { "ended" }
    );
    server.kill();
    let server = stage.serve(&[])?;
    let site = super::super::http::Site::new(server.api(), server.admin_token());
    let (status, body) = site.get(&format!("/v1/productions/{PRODUCTION}"))?;
    ensure!(status == 200, "{status} {body:.300}");
    let said: serde_json::Value = serde_json::from_str(&body)?;
    let there = said["revision"].as_u64().context("a revision")?;
    ensure!(there >= last, "revision {last} was acknowledged, the log ends at {there}");
    println!("with memory again: revision {there} is there, {last} was the last that was acknowledged");
    server.end()
}

/// Comes, and is let in or turned away.
async fn knock(address: SocketAddr) -> Result<Lean> {
    let mut lean = Lean::knock(address, None).await?;
    lean.ask().await?;
    lean.answered().await?;
    Ok(lean)
}

async fn begin(mut lean: Lean) -> Result<(Lean, Place)> {
    let mut place = Place::default();
    lean.say(r#"{"type":"hello"}"#).await?;
    lean.say(&place.subscribe(PRODUCTION, None)).await?;
    while !place.is_current() {
        let message = timeout(PATIENCE, lean.hear()).await.context("no snapshot")??;
        place.hear(&message)?;
    }
    Ok((lean, place))
}

async fn follow(inside: &mut [(Lean, Place)], revision: u64) -> Result<()> {
    for (lean, place) in inside {
        while place.revision < revision {
            let message = timeout(PATIENCE, lean.hear()).await.context("somebody inside hears nothing")??;
            place.hear(&message)?;
        }
    }
    Ok(())
}

fn put(writer: &mut Client, id: &str) -> Result<u64> {
    writer.put(PRODUCTION, id, &json!({"n": 1}))?;
    writer.wait_for("result")?["revision"].as_u64().context("a revision")
}

/// What the server has once those who left are noticed.
async fn settled(server: &Server, sockets: Option<usize>) -> Result<Figures> {
    let until = Instant::now() + PATIENCE;
    loop {
        let seen = Figures::of(server.pid())?;
        if sockets.is_none_or(|sockets| seen.sockets <= sockets) || Instant::now() > until {
            return Ok(seen);
        }
        sleep(Duration::from_millis(50)).await;
    }
}
