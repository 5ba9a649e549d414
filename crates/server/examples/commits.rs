//! Commits over the wire, as many as a running server takes: 64 clients, one connection each, on 64 productions, then
//! all on one, then with 16 mutations under way each.
//!
//! `cargo run --release -p onair-server --example commits -- 127.0.0.1:4200 ADMIN_TOKEN [SECONDS]`. Frames are written
//! and read by hand, so that the client costs little beside the server. Prints one line of JSON per run.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

const CLIENTS: usize = 64;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let address: Arc<str> = arguments.next().unwrap_or_else(|| "127.0.0.1:4200".into()).into();
    let token = arguments.next().unwrap_or_default();
    let seconds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(5);
    for n in 0..CLIENTS {
        begin(&address, &token, &format!("bench-{n}")).await?;
    }
    for (name, productions, in_flight) in
        [("free", CLIENTS, 1), ("one production", 1, 1), ("free, 16 under way", CLIENTS, 16)]
    {
        let run = Arc::new(Run::default());
        let mut clients = JoinSet::new();
        for n in 0..CLIENTS {
            let (address, run) = (Arc::clone(&address), Arc::clone(&run));
            let production = format!("bench-{}", n % productions);
            clients.spawn(async move { client(&address, &production, n, in_flight, &run).await });
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let (before, begun) = (run.done.load(Ordering::Relaxed), Instant::now());
        run.measuring.store(true, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let (done, took) = (run.done.load(Ordering::Relaxed) - before, begun.elapsed());
        run.over.store(true, Ordering::Relaxed);
        while let Some(ended) = clients.join_next().await {
            ended.map_err(std::io::Error::other)??;
        }
        let mut latencies = run.latencies.lock().expect("no client panics").clone();
        latencies.sort_unstable();
        let at = |share: usize| latencies.get(latencies.len() * share / 1000).copied().unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "a rate to read")]
        let rate = done as f64 / took.as_secs_f64();
        println!(
            r#"{{"run":"{name}","commits_per_s":{rate:.0},"p50_us":{},"p99_us":{},"p999_us":{}}}"#,
            at(500),
            at(990),
            at(999)
        );
    }
    Ok(())
}

#[derive(Default)]
struct Run {
    done: AtomicU64,
    measuring: AtomicBool,
    over: AtomicBool,
    latencies: Mutex<Vec<u64>>,
}

async fn begin(address: &str, token: &str, production: &str) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let authorization =
        if token.is_empty() { String::new() } else { format!("authorization: Bearer {token}\r\n") };
    let request = format!(
        "PUT /v1/productions/{production} HTTP/1.1\r\nhost: {address}\r\n{authorization}content-length: 0\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    if !answer.starts_with("HTTP/1.1 20") {
        return Err(std::io::Error::other(answer));
    }
    Ok(())
}

/// A masked text frame whose mask is zero.
fn frame(text: &str) -> Vec<u8> {
    let mut out = vec![0x81];
    match u16::try_from(text.len()) {
        Ok(short) if short < 126 => out.push(0x80 | short.to_le_bytes()[0]),
        Ok(length) => {
            out.push(0x80 | 126);
            out.extend_from_slice(&length.to_be_bytes());
        }
        Err(_) => unreachable!("messages here are short"),
    }
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(text.as_bytes());
    out
}

const RESULT: &[u8] = b"\"type\":\"result\"";
const PROBLEM: &[u8] = b"\"type\":\"problem";

fn count(text: &[u8], word: &[u8]) -> usize {
    text.windows(word.len()).filter(|window| *window == word).count()
}

/// Keeps `in_flight` mutations under way and counts their results.
async fn client(
    address: &str,
    production: &str,
    number: usize,
    in_flight: u64,
    run: &Run,
) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let upgrade = format!(
        "GET /v1/sync HTTP/1.1\r\nhost: {address}\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(upgrade.as_bytes()).await?;
    stream.write_all(&frame(r#"{"type":"hello"}"#)).await?;
    let mut buffer = vec![0; 64 * 1024];
    let mut said = Vec::new();
    while !said.windows(9).any(|window| window == b"\"welcome\"") {
        let read = stream.read(&mut buffer).await?;
        said.extend_from_slice(&buffer[..read]);
    }
    let id = |n: u64| format!("{}-{number}-{n}", std::process::id());
    let text = "x".repeat(170);
    let mutate = |n: u64| {
        let value = format!(r#"{{"n":{n},"text":"{text}"}}"#);
        frame(&format!(
            r#"{{"type":"mutate","id":"{}","production":"{production}","mutations":[{{"op":"put","collection":"bench","document":"d{number}","value":{value}}}]}}"#,
            id(n)
        ))
    };
    let (mut sent, mut done) = (0, 0);
    let mut times = std::collections::VecDeque::new();
    let (mut latencies, mut heard) = (Vec::new(), Vec::new());
    while !run.over.load(Ordering::Relaxed) {
        let mut out = Vec::new();
        while sent < done + in_flight {
            out.extend_from_slice(&mutate(sent));
            times.push_back(Instant::now());
            sent += 1;
        }
        stream.write_all(&out).await?;
        let read = stream.read(&mut buffer).await?;
        if read == 0 {
            return Err(std::io::Error::other("the server closed"));
        }
        heard.extend_from_slice(&buffer[..read]);
        let results = count(&heard, RESULT);
        if count(&heard, PROBLEM) > 0 {
            return Err(std::io::Error::other(String::from_utf8_lossy(&heard)));
        }
        // What may be the beginning of the next one is kept, and is too short to be counted twice.
        heard.drain(..heard.len().saturating_sub(RESULT.len() - 1));
        for _ in 0..results {
            let begun = times.pop_front().expect("one time per mutation");
            if run.measuring.load(Ordering::Relaxed) {
                latencies.push(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
            }
        }
        done += results as u64;
        run.done.fetch_add(results as u64, Ordering::Relaxed);
    }
    run.latencies.lock().expect("no client panics").extend(latencies);
    Ok(())
}
