//! fanout: neutral fan-out load generator. One thread, one epoll set, no per-message allocation. See README.md for the
//! method. Prints one JSON line per phase.

mod dialect;
mod gen;
mod load;
mod stamp;
mod system;

use std::net::{TcpStream, ToSocketAddrs};
use std::os::fd::{AsRawFd, IntoRawFd};

use gen::{Gen, PUBTOK, TIMTOK};
use load::{closed_loop, open_loop, Ctx};
use stamp::Stats;
use system::{now, self_cpu, srv};

fn arg(a: &[String], k: &str, d: &str) -> String {
    a.iter().position(|x| x == k).and_then(|i| a.get(i + 1)).cloned().unwrap_or(d.to_string())
}

fn main() {
    let a: Vec<String> = std::env::args().collect();
    let n: usize = arg(&a, "--n", "100").parse().unwrap();
    let addr = arg(&a, "--addr", "127.0.0.1:9001").to_socket_addrs().unwrap().next().unwrap();
    let paddr = arg(&a, "--pub-addr", &addr.to_string());
    let pids: Vec<u32> = arg(&a, "--pids", "").split(',').filter_map(|x| x.parse().ok()).collect();
    let phases = arg(&a, "--phases", "storm,low,cap,sus");
    let low: f64 = arg(&a, "--low-rate", "10").parse().unwrap();
    let low_s: f64 = arg(&a, "--low-secs", "4").parse().unwrap();
    let cap_s: f64 = arg(&a, "--cap-secs", "4").parse().unwrap();
    let sus_s: f64 = arg(&a, "--sus-secs", "4").parse().unwrap();
    let core: usize = arg(&a, "--server-core", "1").parse().unwrap();
    let size: usize = arg(&a, "--payload", "200").parse().unwrap();
    let inflight: usize = arg(&a, "--inflight", "256").parse().unwrap();
    let ceiling: f64 = arg(&a, "--max-pub-rate", "1e9").parse().unwrap();
    let d = dialect::make(&a, &addr);
    unsafe {
        let rl = libc::rlimit { rlim_cur: 60000, rlim_max: 60000 };
        libc::setrlimit(libc::RLIMIT_NOFILE, &rl);
    }
    let fnd = memchr::memmem::Finder::new(b"@@");
    let ep = unsafe { libc::epoll_create1(0) };
    let timfd = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_NONBLOCK) };
    unsafe {
        let mut ev = libc::epoll_event { events: libc::EPOLLIN as u32, u64: TIMTOK };
        libc::epoll_ctl(ep, libc::EPOLL_CTL_ADD, timfd, &mut ev);
    }
    let mut g = Gen {
        ep,
        conns: vec![],
        d,
        buf: vec![0; 1 << 20],
        st: Stats::new(),
        base: 1,
        n_ready: 0,
        publ: None,
        pout: vec![],
        seq: 0,
        size,
        evs: vec![unsafe { std::mem::zeroed() }; 128],
        open_hs: 0,
        timfd,
    };
    let mut c = Ctx { server: arg(&a, "--name", "?"), n, pids, core, idle_rss: 0, rss0: 0 };
    // ---- storm
    let (cpu0, rss0) = srv(&c.pids);
    c.rss0 = rss0;
    let g0 = self_cpu();
    let t0 = now();
    g.connect_all(&addr, n, inflight, &fnd);
    let dt = (now() - t0) as f64 / 1e9;
    let gc = self_cpu() - g0;
    let (cpu1, _) = srv(&c.pids);
    // settle, then idle RSS
    let ts = now();
    while now() - ts < 700_000_000 {
        g.turn(50, &fnd);
    }
    c.idle_rss = srv(&c.pids).1;
    println!(
        "{{\"connects_per_server_cpu_s\":{:.0},\"server\":\"{}\",\"n\":{},\"phase\":\"storm\",\"ready\":{},\"closed\":{},\"secs\":{:.3},\"connects_per_s\":{:.0},\"server_cpu_s\":{:.2},\"gen_cpu_s\":{:.2},\"rss_start_kib\":{},\"idle_rss_kib\":{},\"idle_kib_per_conn\":{:.1}}}",
        g.n_ready as f64 / (cpu1 - cpu0).max(0.01), c.server, n, g.n_ready, g.st.closed, dt, g.n_ready as f64 / dt, cpu1 - cpu0, gc, rss0, c.idle_rss, (c.idle_rss as f64 - rss0 as f64) / n as f64
    );
    if g.n_ready < n {
        eprintln!("only {} of {n} ready", g.n_ready);
        std::process::exit(2)
    }
    if phases == "storm" {
        return;
    }
    // ---- publisher
    let mut s = TcpStream::connect(&paddr).unwrap();
    s.set_nodelay(true).unwrap();
    (g.d.pub_hs)(&mut s);
    s.set_nonblocking(true).unwrap();
    unsafe {
        let mut ev = libc::epoll_event { events: libc::EPOLLIN as u32, u64: PUBTOK };
        libc::epoll_ctl(ep, libc::EPOLL_CTL_ADD, s.as_raw_fd(), &mut ev);
    }
    g.publ = Some(s);
    // sequence numbers only grow, also across runs against one server (retained old values stay stale)
    g.seq = (now() / 1_000_000) % 4_000_000_000;
    // warm-up: a few messages so that JITs and buffers exist
    g.reset();
    for _ in 0..5 {
        g.publish(now());
        let t = now();
        while now() - t < 100_000_000 {
            g.turn(20, &fnd);
        }
    }
    if phases.contains("low") {
        open_loop(&mut g, &c, "low", low, low_s, &fnd);
    }
    let mut cap = 0.0;
    if phases.contains("cap") {
        let win: u64 = arg(&a, "--win", &std::cmp::max(4, 4000 / n as u64).to_string()).parse().unwrap();
        closed_loop(&mut g, &c, 1.0, win, &fnd); // JIT warm-up, printed too
        let r = closed_loop(&mut g, &c, cap_s, win, &fnd);
        cap = r.rate / n as f64;
        if r.lost != 0 {
            eprintln!("capacity phase lost {}", r.lost)
        }
        let _ = (r.per_cpu, r.p99, r.dup);
    }
    if phases.contains("sus") {
        let first = arg(&a, "--rate", "0").parse::<f64>().unwrap();
        let mut ok = false;
        if first > 0.0 {
            open_loop(&mut g, &c, "fixed", first, sus_s, &fnd);
            return;
        }
        for f in [0.93, 0.82, 0.7, 0.55, 0.4, 0.25, 0.1] {
            let rate = (cap * f).min(ceiling);
            let r = open_loop(&mut g, &c, &format!("sustain_{f}"), rate, sus_s, &fnd);
            if r.ok {
                ok = true;
                break;
            }
            let t = now();
            while now() - t < 500_000_000 {
                g.turn(20, &fnd);
            }
        }
        if !ok {
            eprintln!("no sustainable rate found")
        }
    }
    for c in &g.conns {
        if c.fd >= 0 {
            unsafe { libc::close(c.fd) };
        }
    }
    if let Some(s) = g.publ.take() {
        let _ = s.into_raw_fd();
    }
}
