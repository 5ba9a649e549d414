//! What a process costs, as the kernel says: memory, descriptors, threads, time.

use std::{fs, path::Path};

use anyhow::{Context, Result};

/// Ticks of `/proc/PID/stat` in a second, on every Linux that there is.
const TICKS: f64 = 100.0;

/// What a process has at a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Figures {
    /// `VmRSS`, in KiB.
    pub(super) rss: u64,
    /// Threads.
    pub(super) threads: u64,
    /// Sockets open.
    pub(super) sockets: usize,
    /// Other descriptors open: files of the store among them, as many as it cares to keep.
    pub(super) files: usize,
    /// Seconds of processor time since it began.
    pub(super) cpu: f64,
}

impl Figures {
    /// Looks at a process.
    ///
    /// # Errors
    /// It is gone.
    pub(super) fn of(pid: u32) -> Result<Self> {
        let proc = Path::new("/proc").join(pid.to_string());
        let read = |name: &str| {
            fs::read_to_string(proc.join(name)).with_context(|| format!("process {pid} is gone"))
        };
        let status = read("status")?;
        let line = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
        };
        let (mut sockets, mut files) = (0, 0);
        for entry in fs::read_dir(proc.join("fd"))? {
            // One that was closed meanwhile is none.
            let Ok(target) = fs::read_link(entry?.path()) else { continue };
            let is_socket = target.to_string_lossy().starts_with("socket:");
            *(if is_socket { &mut sockets } else { &mut files }) += 1;
        }
        let cpu = ticks(&read("stat")?).context("/proc/PID/stat has times")?;
        Ok(Self { rss: line("VmRSS:"), threads: line("Threads:"), sockets, files, cpu })
    }
}

/// The time in user and in system mode. The name of the program stands before it in parentheses, spaces and all.
fn ticks(stat: &str) -> Option<f64> {
    let rest = stat.rsplit_once(')')?.1;
    let mut times = rest.split_whitespace().skip(11);
    let (user, system): (f64, f64) = (times.next()?.parse().ok()?, times.next()?.parse().ok()?);
    Some((user + system) / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_seen() {
        let own = Figures::of(std::process::id()).unwrap();
        assert!(own.rss > 100 && own.threads >= 1 && own.files >= 1, "{own:?}");
        assert!(Figures::of(u32::MAX).is_err());
    }

    #[test]
    fn times_stand_behind_a_name_with_spaces() {
        assert_eq!(ticks("1 (a) b) S 1 1 1 0 -1 4194560 1 0 0 0 250 50 0 0"), Some(3.0));
    }
}
