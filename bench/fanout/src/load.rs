//! The two loads: an open loop at a rate, a closed one at a window; and the line of JSON that each comes to.

use crate::gen::Gen;
use crate::system::{core_busy, now, self_cpu, srv};

pub struct Ctx {
    pub server: String,
    pub n: usize,
    pub pids: Vec<u32>,
    pub core: usize,
    pub idle_rss: u64,
    pub rss0: u64,
}

pub struct Res {
    pub rate: f64,
    pub per_cpu: f64,
    pub p99: f64,
    pub lost: i64,
    pub dup: u64,
    pub ok: bool,
}

fn report(
    g: &Gen,
    c: &Ctx,
    phase: &str,
    target: f64,
    published: u64,
    secs: f64,
    cpu: f64,
    busy: f64,
    gcpu: f64,
    rss: u64,
) -> Res {
    let exp = published * c.n as u64;
    let lost = exp as i64 - g.st.recv as i64;
    let q = |p: f64| g.st.h.value_at_quantile(p) as f64 / 1000.0;
    let rate = g.st.recv as f64 / secs;
    let per_cpu = if cpu > 0.0 { g.st.recv as f64 / cpu } else { 0.0 };
    println!(
        "{{\"deliveries_per_server_cpu_s\":{:.0},\"server\":\"{}\",\"n\":{},\"phase\":\"{}\",\"target_pub_per_s\":{:.1},\"published\":{},\"secs\":{:.2},\"deliveries_per_s\":{:.0},\"p50_ms\":{:.3},\"p99_ms\":{:.3},\"p999_ms\":{:.3},\"max_ms\":{:.3},\"lost\":{},\"dup_or_reordered\":{},\"gaps\":{},\"closed\":{},\"server_cpu_s\":{:.2},\"server_cpu_pct\":{:.0},\"core_busy_pct\":{:.0},\"gen_cpu_s\":{:.2},\"gen_cpu_pct\":{:.0},\"rss_kib\":{},\"rss_start_kib\":{},\"idle_kib_per_conn\":{:.1},\"load_kib_per_conn\":{:.1},\"msgs_per_read\":{:.2},\"bytes_per_delivery\":{:.0}}}",
        per_cpu, c.server, c.n, phase, target, published, secs, rate, q(0.5), q(0.99), q(0.999), g.st.h.max() as f64 / 1000.0,
        lost, g.st.dup, g.st.lost_gap, g.st.closed, cpu, cpu / secs * 100.0, busy / secs * 100.0, gcpu, gcpu / secs * 100.0, rss, c.rss0,
        (c.idle_rss as f64 - c.rss0 as f64) / c.n as f64, (rss as f64 - c.rss0 as f64) / c.n as f64,
        g.st.recv as f64 / g.st.reads.max(1) as f64, g.st.bytes as f64 / g.st.recv.max(1) as f64
    );
    Res {
        rate,
        per_cpu,
        p99: q(0.99),
        lost,
        dup: g.st.dup,
        ok: lost == 0 && g.st.dup == 0 && q(0.99) < 100.0,
    }
}

/// open loop: stamps carry the SCHEDULED send time, so a stalled generator or publisher is charged to latency
pub fn open_loop(
    g: &mut Gen,
    c: &Ctx,
    phase: &str,
    rate: f64,
    secs: f64,
    fnd: &memchr::memmem::Finder,
) -> Res {
    g.reset();
    let total = ((rate * secs) as u64).max(1);
    let iv = 1e9 / rate;
    let (cpu0, _) = srv(&c.pids);
    let b0 = core_busy(c.core);
    let g0 = self_cpu();
    let t0 = now() + 1_000_000;
    let mut its: libc::itimerspec = unsafe { std::mem::zeroed() };
    let exp = total * c.n as u64;
    let mut sent = 0u64;
    let mut maxrss = 0;
    let mut last_rss = now();
    let mut lastrecv = (0u64, now());
    unsafe {
        its.it_value.tv_sec = (t0 / 1_000_000_000) as i64;
        its.it_value.tv_nsec = (t0 % 1_000_000_000) as i64;
        its.it_interval.tv_sec = (iv as u64 / 1_000_000_000) as i64;
        its.it_interval.tv_nsec = (iv as u64 % 1_000_000_000) as i64;
        libc::timerfd_settime(g.timfd, 1, &its, std::ptr::null_mut());
    }
    let mut sent_done = 0u64;
    loop {
        let t = now();
        while sent < total {
            let due = t0 + (sent as f64 * iv) as u64;
            if due > t {
                break;
            }
            g.publish(due);
            sent += 1;
            if sent == total {
                sent_done = now()
            }
        }
        g.turn(50, fnd);
        let t = now();
        if t - last_rss > 500_000_000 {
            maxrss = maxrss.max(srv(&c.pids).1);
            last_rss = t
        }
        if g.st.recv != lastrecv.0 {
            lastrecv = (g.st.recv, t)
        }
        if sent == total {
            if g.st.recv >= exp {
                break;
            }
            if t - lastrecv.1 > 1_500_000_000 || t - sent_done > 8_000_000_000 {
                break;
            }
        }
    }
    let tl = g.st.last_at.max(t0 + 1);
    let (cpu1, rss1) = srv(&c.pids);
    let b1 = core_busy(c.core);
    let secs_real = ((tl - t0) as f64 / 1e9).max(total as f64 / rate);
    let gc = self_cpu() - g0;
    unsafe {
        let z: libc::itimerspec = std::mem::zeroed();
        libc::timerfd_settime(g.timfd, 0, &z, std::ptr::null_mut());
    }
    let r = report(g, c, phase, rate, sent, secs_real, cpu1 - cpu0, b1 - b0, gc, maxrss.max(rss1));
    r
}

/// closed loop: at most `win` messages outstanding; finds the capacity of the server core
pub fn closed_loop(g: &mut Gen, c: &Ctx, secs: f64, win: u64, fnd: &memchr::memmem::Finder) -> Res {
    g.reset();
    let (cpu0, _) = srv(&c.pids);
    let b0 = core_busy(c.core);
    let g0 = self_cpu();
    let t0 = now();
    let end = t0 + (secs * 1e9) as u64;
    let mut sent = 0u64;
    let mut maxrss = 0;
    let mut last_rss = now();
    let mut lastrecv = (0u64, now());
    loop {
        let t = now();
        if t < end {
            while sent < win || g.st.recv >= (sent - win) * c.n as u64 + c.n as u64 * 1 {
                if sent >= win && g.st.recv < (sent + 1 - win) * c.n as u64 {
                    break;
                }
                g.publish(now());
                sent += 1;
            }
        }
        g.turn(20, fnd);
        let t = now();
        if t - last_rss > 500_000_000 {
            maxrss = maxrss.max(srv(&c.pids).1);
            last_rss = t
        }
        if g.st.recv != lastrecv.0 {
            lastrecv = (g.st.recv, t)
        }
        if t >= end && g.st.recv >= sent * c.n as u64 {
            break;
        }
        if t - lastrecv.1 > 1_500_000_000 {
            break;
        }
    }
    let (cpu1, rss1) = srv(&c.pids);
    let b1 = core_busy(c.core);
    let tl = g.st.last_at.max(t0 + 1);
    let gc = self_cpu() - g0;
    report(
        g,
        c,
        "capacity_closed_loop",
        0.0,
        sent,
        (tl - t0) as f64 / 1e9,
        cpu1 - cpu0,
        b1 - b0,
        gc,
        maxrss.max(rss1),
    )
}
