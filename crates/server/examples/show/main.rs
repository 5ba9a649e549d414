//! What onair adds to a show: the time of a step beside a bare append, the answer to an emergency stop while every
//! adapter hangs, and a thousand shows at once.
//!
//! `cargo run --release -p onair-server --example show [ROUNDS]`. The server runs in this process over the embedded
//! engine in a temporary folder, and is asked over HTTP. Prints one line of JSON per figure, times in microseconds.

mod client;

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use client::Client;
use onair_engine::{Engine, Record};
use onair_engine_embedded::{Embedded, Options};
use onair_server::{config::Config, serve::Server};
use onair_wire::{Epoch, ProductionId, Revision};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinSet,
};

const NAMES: [&str; 4] = ["host", "producer", "livefeed", "session"];
const SHOWS: usize = 1_000;
/// How often each is started and stopped.
const TIMES: usize = 4;
/// Connections that a thousand shows are started over: fewer than shows, as behind any proxy.
const CLIENTS: usize = 100;

#[tokio::main]
async fn main() -> io::Result<()> {
    let rounds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(200);
    let folder = tempfile::tempdir()?;
    let engine =
        Arc::new(Embedded::open(&Options::new(folder.path().join("log"))).map_err(io::Error::other)?);
    let hanging = TcpListener::bind("127.0.0.1:0").await?;
    let stage = Stage::begin(&folder, Arc::clone(&engine), &hanging).await?;
    steps(&stage, &engine, rounds).await?;
    emergencies(&stage, hanging, rounds.min(50)).await?;
    crowd(&stage).await?;
    stage.server.stop().await;
    Ok(())
}

struct Stage {
    server: Server,
    admin: String,
}

impl Stage {
    async fn begin(
        folder: &tempfile::TempDir,
        engine: Arc<Embedded>,
        hanging: &TcpListener,
    ) -> io::Result<Self> {
        let allow = hanging.local_addr()?.to_string().parse().map_err(io::Error::other)?;
        let config = Config {
            listen: ([127, 0, 0, 1], 0).into(),
            metrics_listen: ([127, 0, 0, 1], 0).into(),
            data: folder.path().to_owned(),
            outbound_allow: onair_runtime::reach::Allow::new([allow]),
            requests_per_second: 0,
            ..Config::default()
        };
        let server = Server::start(&config, engine).await.map_err(io::Error::other)?;
        let admin = std::fs::read_to_string(folder.path().join("admin.token"))?.trim().to_owned();
        Ok(Self { server, admin })
    }

    async fn client(&self) -> io::Result<Client> {
        Client::connect(self.server.api(), &self.admin).await
    }
}

fn at(production: &str, rest: &str) -> String {
    format!("/v1/productions/{production}{rest}")
}

fn figure(name: &str, mut times: Vec<u128>, more: &Value) {
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    let mut line = json!({"figure": name, "n": times.len(), "p50_us": at(50), "p99_us": at(99)});
    line.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    println!("{line}");
}

/// Starts of four builtin services, each beside one bare append to the same log.
async fn steps(stage: &Stage, engine: &Embedded, rounds: usize) -> io::Result<()> {
    let (bare, epoch) = (ProductionId::new("bare").expect("a name"), Epoch::new("e1").expect("a name"));
    engine.create(&bare, &epoch).await.map_err(io::Error::other)?;
    let mut client = stage.client().await?;
    client.ask("PUT", &at("show", ""), &json!({"services": services(), "requires": []})).await?;
    client.ask("POST", &at("show", "/initialize"), &Value::Null).await?;
    let (mut starts, mut appends, mut steps) = (Vec::new(), Vec::new(), 0);
    for round in 0..rounds as u64 {
        let begun = Instant::now();
        let record = Record { revision: Revision(round + 1), body: Bytes::from(vec![b'x'; 200]) };
        engine.append(&bare, &epoch, Revision(round), vec![record]).await.map_err(io::Error::other)?;
        appends.push(begun.elapsed().as_micros());
        let begun = Instant::now();
        let started = client.ask("POST", &at("show", "/start"), &Value::Null).await?;
        starts.push(begun.elapsed().as_micros());
        let path = at("show", &format!("/sequences/{}", started["sequence"].as_str().unwrap_or_default()));
        steps = client.ask("GET", &path, &Value::Null).await?["steps"].as_array().map_or(0, Vec::len) as u128;
        client.ask("POST", &at("show", "/stop"), &Value::Null).await?;
    }
    let each: Vec<u128> = starts.iter().map(|time| time / steps.max(1)).collect();
    figure("bare append", appends, &Value::Null);
    figure("start", starts, &json!({"steps": steps}));
    figure("start, each step", each, &Value::Null);
    Ok(())
}

fn services() -> Value {
    let service = |name: &str| json!({"name": name, "adapter": {"type": "builtin"}});
    NAMES.map(service).into()
}

/// Emergency stops while a start hangs in every adapter. The services answer again afterwards, so that the next round
/// begins at `ready`.
async fn emergencies(stage: &Stage, hanging: TcpListener, rounds: usize) -> io::Result<()> {
    let url = format!("http://{}/", hanging.local_addr()?);
    let hangs = Arc::new(AtomicBool::new(false));
    let services = JoinSet::from_iter([answer(hanging, Arc::clone(&hangs))]);
    // `cargo run` sets it: any text does for a secret here.
    let adapter = json!({"type": "http", "url": url, "secret": "env:CARGO_PKG_NAME"});
    let named = |name: &str| json!({"name": name, "adapter": adapter});
    let mut client = stage.client().await?;
    let manifest = json!({
        "services": NAMES.map(named),
        "requires": [],
        "settings": {"shutdownTimeout": 1_000, "autoRecovery": true},
    });
    client.ask("PUT", &at("hung", ""), &manifest).await?;
    let mut times = Vec::new();
    for _ in 0..rounds {
        hangs.store(false, Ordering::Relaxed);
        until(&mut client, "hung", "ready").await?;
        hangs.store(true, Ordering::Relaxed);
        let mut other = stage.client().await?;
        let start = async { other.send("POST", &at("hung", "/start"), &Value::Null).await };
        let stop = async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let begun = Instant::now();
            client.ask("POST", &at("hung", "/emergency-stop"), &Value::Null).await?;
            times.push(begun.elapsed().as_micros());
            io::Result::Ok(())
        };
        let (started, stopped) = tokio::join!(start, stop);
        stopped?;
        drop(started?);
    }
    figure("emergency stop while adapters hang", times, &Value::Null);
    drop(services);
    Ok(())
}

/// Waits for a phase, and presses what leads to `ready`.
async fn until(client: &mut Client, production: &str, phase: &str) -> io::Result<()> {
    for _ in 0..6_000 {
        let can = client.ask("GET", &at(production, ""), &Value::Null).await?;
        let now = can["lifecycle"]["phase"].as_str().unwrap_or_default();
        if now == phase {
            return Ok(());
        }
        for action in ["recover", "initialize"] {
            if can["can"][action]["allowed"] == true {
                client.send("POST", &at(production, &format!("/{action}")), &Value::Null).await?;
            }
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Err(io::Error::other(format!("{production} does not come to {phase}")))
}

/// A service that does what it is asked, or hangs.
async fn answer(listener: TcpListener, hangs: Arc<AtomicBool>) {
    let mut calls = JoinSet::new();
    while let Ok((mut stream, _)) = listener.accept().await {
        let hangs = Arc::clone(&hangs);
        calls.spawn(async move {
            let mut bytes = [0; 16 * 1024];
            while stream.read(&mut bytes).await.is_ok_and(|read| read > 0) {
                while hangs.load(Ordering::Relaxed) {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                let answer =
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
                if stream.write_all(answer).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// A thousand productions, initialized, started and stopped all at once.
async fn crowd(stage: &Stage) -> io::Result<()> {
    let before = resident()?;
    let mut peak = before;
    let begin = [("PUT", "", ""), ("POST", "/initialize", "ready")];
    let show = [("POST", "/start", "live"), ("POST", "/stop", "ready")];
    // More than once: what a show leaves behind has limits.
    for (method, action, phase) in begin.into_iter().chain(show.into_iter().cycle().take(2 * TIMES)) {
        let begun = Instant::now();
        let mut clients = JoinSet::new();
        for n in 0..CLIENTS {
            let mut client = stage.client().await?;
            clients.spawn(async move {
                let mut times = Vec::new();
                for show in (n..SHOWS).step_by(CLIENTS) {
                    let body = if method == "PUT" {
                        json!({"services": services(), "requires": []})
                    } else {
                        Value::Null
                    };
                    let begun = Instant::now();
                    let answer = client.ask(method, &at(&format!("show-{show}"), action), &body).await?;
                    times.push(begun.elapsed().as_micros());
                    if !phase.is_empty() && answer["phase"] != phase {
                        return Err(io::Error::other(format!("show-{show} is not {phase}: {answer}")));
                    }
                }
                Ok(times)
            });
        }
        let mut times = Vec::new();
        while let Some(ended) = clients.join_next().await {
            times.extend(ended.map_err(io::Error::other)??);
        }
        let (took, now) = (begun.elapsed().as_millis(), resident()?);
        peak = peak.max(now);
        let name = if action.is_empty() { "a thousand created" } else { action };
        figure(name, times, &json!({"took_ms": took, "resident_kib": now}));
    }
    println!(
        "{}",
        json!({"figure": "memory of a thousand shows", "kib_each": peak.saturating_sub(before) / SHOWS})
    );
    Ok(())
}

/// Memory of this process, in KiB.
fn resident() -> io::Result<usize> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|rest| rest.split_whitespace().next()).and_then(|text| text.parse().ok());
    number.ok_or_else(|| io::Error::other("the kernel does not say how much memory is used"))
}
