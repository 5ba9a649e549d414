//! What the machine says: the time, the CPU and memory of processes, and how busy a core was.

pub fn now() -> u64 {
    unsafe {
        let mut t: libc::timespec = std::mem::zeroed();
        libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut t);
        t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64
    }
}
pub fn self_cpu() -> f64 {
    unsafe {
        let mut r: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut r);
        r.ru_utime.tv_sec as f64
            + r.ru_stime.tv_sec as f64
            + (r.ru_utime.tv_usec + r.ru_stime.tv_usec) as f64 / 1e6
    }
}
fn children(p: u32, out: &mut Vec<u32>) {
    out.push(p);
    if let Ok(d) = std::fs::read_dir(format!("/proc/{p}/task")) {
        for t in d.flatten() {
            if let Ok(s) = std::fs::read_to_string(t.path().join("children")) {
                for c in s.split_whitespace() {
                    if let Ok(c) = c.parse() {
                        children(c, out)
                    }
                }
            }
        }
    }
}
/// (cpu seconds, rss KiB, per-process rss) over the given pids and their descendants
pub fn srv(pids: &[u32]) -> (f64, u64) {
    let mut all = vec![];
    for p in pids {
        children(*p, &mut all)
    }
    all.sort();
    all.dedup();
    let hz = unsafe { libc::sysconf(libc::_SC_CLK_TCK) } as f64;
    let (mut cpu, mut rss) = (0.0, 0);
    for p in all {
        if let Ok(s) = std::fs::read_to_string(format!("/proc/{p}/stat")) {
            if let Some(r) = s.rfind(')') {
                let f: Vec<&str> = s[r + 2..].split(' ').collect();
                cpu += (f[11].parse::<f64>().unwrap_or(0.0) + f[12].parse::<f64>().unwrap_or(0.0)) / hz;
                rss += f[21].parse::<u64>().unwrap_or(0) * 4;
            }
        }
    }
    (cpu, rss)
}
/// busy seconds of one cpu (all modes but idle and iowait)
pub fn core_busy(c: usize) -> f64 {
    let s = std::fs::read_to_string("/proc/stat").unwrap();
    for l in s.lines() {
        if l.starts_with(&format!("cpu{c} ")) {
            let f: Vec<f64> = l.split_whitespace().skip(1).map(|x| x.parse().unwrap()).collect();
            return (f[0] + f[1] + f[2] + f[5] + f[6] + f[7])
                / unsafe { libc::sysconf(libc::_SC_CLK_TCK) } as f64;
        }
    }
    0.0
}
