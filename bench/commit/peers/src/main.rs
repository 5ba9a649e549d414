//! Durable commits against real servers, one connection per client, as a compare-and-set or, onair alone, as a plain write.
//!
//! usage: commit-peers <redis|onair|onair-put> <host:port> <secs> <clients> <prods> <server-pid> [under way]
//! `redis` and `onair` compare and set, one at a time, and try again with the head they are told. `onair-put` writes
//! without a condition, so many under way. Prints one line of JSON.

mod onair;
mod redis;

use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

fn payload(p: u64, r: u64) -> String {
    let mut s = format!("{{\"kind\":\"cue.update\",\"production\":{p},\"rev\":{r},\"title\":\"");
    while s.len() < 198 {
        s.push('x');
    }
    s.push_str("\"}");
    s
}
/// what a client knows of a production: the revision to compare with
#[derive(Clone, Copy, Default, Debug)]
pub struct Head {
    rev: u64,
}

enum Client {
    Redis(redis::Redis),
    Onair(onair::Onair),
}

impl Client {
    async fn head(&mut self, p: u64) -> Head {
        match self {
            Self::Redis(c) => c.head(p).await,
            Self::Onair(c) => c.head(p).await,
        }
    }

    async fn commit(&mut self, p: u64, e: Head, body: &str) -> Result<Head, Head> {
        match self {
            Self::Redis(c) => c.commit(p, e, body).await,
            Self::Onair(c) => c.commit(p, e, body).await,
        }
    }

    /// compare-and-set until the time is over: latencies with retries, tries, commits
    async fn race(&mut self, p: u64, end: Instant) -> (Histogram<u64>, u64, u64) {
        let (mut h, mut tries, mut n) = (hist(), 0u64, 0u64);
        let mut e = self.head(p).await;
        while Instant::now() < end {
            let a = Instant::now();
            loop {
                tries += 1;
                match self.commit(p, e, &payload(p, e.rev + 1)).await {
                    Ok(x) => {
                        e = x;
                        break;
                    }
                    Err(x) => e = x,
                }
                if Instant::now() > end {
                    return (h, tries, n);
                }
            }
            n += 1;
            h.record(a.elapsed().as_micros() as u64).unwrap();
        }
        (h, tries, n)
    }
}

/// CPU seconds of a process and its descendants (utime + stime, clock ticks of 10 ms)
fn tree_cpu(root: u32) -> f64 {
    let mut all = vec![];
    for e in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = e.file_name().to_string_lossy().parse::<u32>() else { continue };
        let Ok(s) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        let f: Vec<&str> = s[s.rfind(')').unwrap() + 2..].split(' ').collect();
        let (ppid, t) =
            (f[1].parse::<u32>().unwrap(), f[11].parse::<u64>().unwrap() + f[12].parse::<u64>().unwrap());
        let ct = f[13].parse::<u64>().unwrap() + f[14].parse::<u64>().unwrap();
        all.push((pid, ppid, t, ct));
    }
    let mut set = vec![root];
    let mut i = 0;
    while i < set.len() {
        let p = set[i];
        set.extend(all.iter().filter(|a| a.1 == p).map(|a| a.0));
        i += 1;
    }
    let own: u64 = all.iter().filter(|a| set.contains(&a.0)).map(|a| a.2).sum();
    let reaped: u64 = all.iter().filter(|a| a.0 == root).map(|a| a.3).sum();
    (own + reaped) as f64 / 100.0
}
fn hist() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 120_000_000, 3).unwrap()
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let a: Vec<String> = std::env::args().collect();
    let (kind, addr) = (a[1].as_str(), a[2].as_str());
    let secs: f64 = a[3].parse().unwrap();
    let (clients, prods): (u64, u64) = (a[4].parse().unwrap(), a[5].parse().unwrap());
    let pid: u32 = a[6].parse().unwrap();
    let depth: u64 = a.get(7).map_or(1, |d| d.parse().unwrap());
    let mut cs = vec![];
    if kind != "redis" {
        for p in 0..prods {
            onair::create(addr, p).await;
        }
    }
    for i in 0..clients {
        cs.push(match kind {
            "redis" => Client::Redis(redis::Redis::connect(addr).await),
            // Ids are remembered, so those of another run must be others.
            _ => Client::Onair(onair::Onair::connect(addr, format!("{}-{i}", std::process::id())).await),
        });
    }
    let cpu0 = tree_cpu(pid);
    let t0 = Instant::now();
    let end = t0 + Duration::from_secs_f64(secs);
    let kind: Arc<str> = kind.into();
    let mut js = vec![];
    for (i, mut c) in cs.into_iter().enumerate() {
        let p = i as u64 % prods;
        let plain = &*kind == "onair-put";
        js.push(tokio::spawn(async move {
            let done = match &mut c {
                Client::Onair(o) if plain => {
                    let (h, n) = o.flow(p, depth, end).await;
                    (h, n, n)
                }
                other => other.race(p, end).await,
            };
            // The connections stay until the last client is done.
            (done, c)
        }));
    }
    let (mut h, mut tries, mut n, mut keep) = (hist(), 0, 0, vec![]);
    for j in js {
        let ((x, t, m), c) = j.await.unwrap();
        h.add(&x).unwrap();
        tries += t;
        n += m;
        keep.push(c);
    }
    // What `flow` waits for behind the end does not count, nor does that time.
    let el = if &*kind == "onair-put" { secs } else { t0.elapsed().as_secs_f64() };
    let cpu = tree_cpu(pid) - cpu0;
    println!(
        "{{\"peer\":\"{kind}\",\"clients\":{clients},\"prods\":{prods},\"depth\":{depth},\"commits\":{n},\"per_s\":{:.0},\"p50_ms\":{:.2},\"p99_ms\":{:.2},\"p999_ms\":{:.2},\"max_ms\":{:.1},\"tries_per_commit\":{:.2},\"server_cpu_s_per_1000\":{:.3}}}",
        n as f64 / el,
        h.value_at_quantile(0.5) as f64 / 1e3,
        h.value_at_quantile(0.99) as f64 / 1e3,
        h.value_at_quantile(0.999) as f64 / 1e3,
        h.max() as f64 / 1e3,
        tries as f64 / n as f64,
        cpu / (n as f64 / 1000.0)
    );
}
