//! Durable compare-and-set commits in process: what the disk and the store allow without a network.
//!
//! usage: commit-embed <single|group> <log|log-pre|fjall> <dir> <secs> <clients or prods> [prods]

mod stores;

use hdrhistogram::Histogram;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::Arc;
use std::time::{Duration, Instant};
use stores::*;

fn payload(p: u64, r: u64) -> Vec<u8> {
    // 200-byte JSON whose content depends on (production, revision), so a reader can check it
    let x = p.wrapping_mul(0x9E3779B97F4A7C15) ^ r.wrapping_mul(0xC2B2AE3D27D4EB4F);
    let mut s = format!(
        "{{\"kind\":\"cue.update\",\"production\":{p},\"rev\":{r},\"cue\":\"c{:08x}\",\"at\":\"2026-11-20T18:{:02}:{:02}.{:03}Z\",\"title\":\"",
        x as u32, (x >> 32) % 60, (x >> 38) % 60, (x >> 44) % 1000
    );
    let mut y = x;
    while s.len() < 198 {
        y = y.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        s.push((b'a' + ((y >> 59) as u8 % 26)) as char);
    }
    s.push_str("\"}");
    assert_eq!(s.len(), 200);
    s.into_bytes()
}

fn cpu_us() -> u64 {
    unsafe {
        let mut u: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut u);
        (u.ru_utime.tv_sec as u64 + u.ru_stime.tv_sec as u64) * 1_000_000
            + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) as u64
    }
}
fn write_bytes() -> u64 {
    std::fs::read_to_string("/proc/self/io")
        .unwrap()
        .lines()
        .find_map(|l| l.strip_prefix("write_bytes: ").map(|v| v.parse().unwrap()))
        .unwrap()
}
fn files(d: &Path) -> Vec<PathBuf> {
    let mut v = vec![];
    let mut st = vec![d.to_path_buf()];
    while let Some(p) = st.pop() {
        for e in std::fs::read_dir(p).into_iter().flatten().flatten() {
            let p = e.path();
            if p.is_dir() {
                st.push(p)
            } else {
                v.push(p)
            }
        }
    }
    v
}
fn disk(d: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    files(d).iter().filter_map(|p| p.metadata().ok()).map(|m| m.blocks() * 512).sum()
}
#[allow(clippy::too_many_arguments)]
fn report(
    what: &str,
    eng: &str,
    h: &Histogram<u64>,
    secs: f64,
    cpu: u64,
    wb: u64,
    dk: u64,
    batches: u64,
    retries: u64,
) {
    let n = h.len();
    println!(
        "{{\"what\":\"{what}\",\"engine\":\"{eng}\",\"commits\":{n},\"per_s\":{:.0},\"p50_us\":{},\"p99_us\":{},\"p999_us\":{},\"max_us\":{},\"cpu_us\":{:.1},\"batch\":{:.1},\"retries\":{:.2},\"wr_per\":{:.0},\"disk_per\":{:.0}}}",
        n as f64 / secs,
        h.value_at_quantile(0.5),
        h.value_at_quantile(0.99),
        h.value_at_quantile(0.999),
        h.max(),
        cpu as f64 / n as f64,
        n as f64 / batches.max(1) as f64,
        retries as f64 / n as f64,
        wb as f64 / n as f64,
        dk as f64 / n as f64,
    );
}
fn hist() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000, 3).unwrap()
}

fn single(eng: &str, dir: &Path, secs: f64, prods: u64) {
    let mut s = open(eng, dir);
    let mut heads = vec![0u64; prods as usize];
    let mut h = hist();
    let mut out = vec![];
    let (c0, w0, t0) = (cpu_us(), write_bytes(), Instant::now());
    let mut i = 0u64;
    while t0.elapsed().as_secs_f64() < secs {
        let p = i % prods;
        i += 1;
        let op = Op { prod: p, expected: heads[p as usize], payload: payload(p, heads[p as usize] + 1) };
        let a = Instant::now();
        s.commit(std::slice::from_ref(&op), &mut out);
        h.record(a.elapsed().as_micros() as u64).unwrap();
        heads[p as usize] = out[0].unwrap();
    }
    let (el, c, w) = (t0.elapsed().as_secs_f64(), cpu_us() - c0, write_bytes() - w0);
    drop(s);
    report(&format!("single/{prods}"), eng, &h, el, c, w, disk(dir), i, 0);
}

struct Req {
    op: Op,
    tx: tokio::sync::oneshot::Sender<Res>,
}
fn committer(
    mut s: Box<dyn Store>,
    mut rx: tokio::sync::mpsc::UnboundedReceiver<Req>,
    batches: Arc<AtomicU64>,
) {
    let (mut ops, mut txs, mut out) = (vec![], vec![], vec![]);
    while let Some(r) = rx.blocking_recv() {
        ops.push(r.op);
        txs.push(r.tx);
        while ops.len() < 1024 {
            match rx.try_recv() {
                Ok(r) => {
                    ops.push(r.op);
                    txs.push(r.tx);
                }
                Err(_) => break,
            }
        }
        s.commit(&ops, &mut out);
        batches.fetch_add(1, Relaxed);
        ops.clear();
        for (t, r) in txs.drain(..).zip(out.drain(..)) {
            t.send(r).ok();
        }
    }
}
fn rt() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn group(eng: &str, dir: &Path, secs: f64, clients: u64, prods: u64) {
    let s = open(eng, dir);
    let batches = Arc::new(AtomicU64::new(0));
    let (tx, rx) = tokio::sync::mpsc::unbounded_channel::<Req>();
    let b2 = batches.clone();
    let th = std::thread::spawn(move || committer(s, rx, b2));
    let rt = rt();
    let (c0, w0, t0) = (cpu_us(), write_bytes(), Instant::now());
    let dl = t0 + Duration::from_secs_f64(secs);
    let (h, retries) = rt.block_on(async {
        let mut js = vec![];
        for c in 0..clients {
            let tx = tx.clone();
            js.push(tokio::spawn(async move {
                let mine: Vec<u64> = if prods >= clients {
                    (0..prods).filter(|p| p % clients == c).collect()
                } else {
                    vec![c % prods]
                };
                let mut heads: HashMap<u64, u64> = HashMap::new();
                let (mut h, mut i, mut retries) = (hist(), 0usize, 0u64);
                while Instant::now() < dl {
                    let p = mine[i % mine.len()];
                    i += 1;
                    let a = Instant::now();
                    loop {
                        let e = *heads.get(&p).unwrap_or(&0);
                        let (t, r) = tokio::sync::oneshot::channel();
                        tx.send(Req { op: Op { prod: p, expected: e, payload: payload(p, e + 1) }, tx: t })
                            .ok()
                            .unwrap();
                        match r.await.unwrap() {
                            Ok(n) => {
                                heads.insert(p, n);
                                break;
                            }
                            Err(act) => {
                                heads.insert(p, act);
                                retries += 1;
                                if Instant::now() > dl {
                                    return (h, retries);
                                }
                            }
                        }
                    }
                    h.record(a.elapsed().as_micros() as u64).unwrap();
                }
                (h, retries)
            }));
        }
        let (mut h, mut rs) = (hist(), 0);
        for j in js {
            let (a, r) = j.await.unwrap();
            h.add(&a).unwrap();
            rs += r;
        }
        (h, rs)
    });
    let (el, c, w) = (t0.elapsed().as_secs_f64(), cpu_us() - c0, write_bytes() - w0);
    drop(tx);
    th.join().unwrap();
    report(&format!("group{clients}/{prods}"), eng, &h, el, c, w, disk(dir), batches.load(Relaxed), retries);
}

fn main() {
    let a: Vec<String> = std::env::args().collect();
    let dir = PathBuf::from(&a[3]);
    let n = |i: usize| a.get(i).map(|s| s.parse::<f64>().unwrap()).unwrap_or(0.0);
    match a[1].as_str() {
        "single" => single(&a[2], &dir, n(4), n(5) as u64),
        "group" => group(&a[2], &dir, n(4), n(5) as u64, n(6) as u64),
        x => panic!("{x}: single or group"),
    }
}
