//! The stamps in the payloads: found in what was read, checked against what came before, and counted.

use hdrhistogram::Histogram;

pub const MARK: usize = 30; // "@@" + seq(10) + "." + nanos(16) + "@"

fn num(b: &[u8]) -> u64 {
    b.iter().fold(0u64, |a, c| a * 10 + (c.wrapping_sub(b'0') as u64))
}
pub struct Stats {
    pub recv: u64,
    pub lost_gap: u64,
    pub dup: u64,
    pub stale: u64,
    pub closed: u64,
    pub reads: u64,
    pub bytes: u64,
    pub h: Histogram<u32>,
    pub last_at: u64,
}
impl Stats {
    pub fn new() -> Self {
        Stats {
            recv: 0,
            lost_gap: 0,
            dup: 0,
            stale: 0,
            closed: 0,
            reads: 0,
            bytes: 0,
            h: Histogram::new_with_bounds(1, 120_000_000, 3).unwrap(),
            last_at: 0,
        }
    }
}

/// scan one message (or a raw stretch of stream) for stamps; returns index just past the last complete stamp
#[inline]
pub fn scan(
    fnd: &memchr::memmem::Finder,
    d: &[u8],
    last: &mut u64,
    base: u64,
    t: u64,
    st: &mut Stats,
) -> usize {
    let mut o = 0;
    while let Some(i) = fnd.find(&d[o..]) {
        let s = o + i;
        if s + MARK > d.len() {
            break;
        }
        let m = &d[s..s + MARK];
        if m[MARK - 1] != b'@' || m[12] != b'.' {
            o = s + 2;
            continue;
        }
        let seq = num(&m[2..12]);
        let at = num(&m[13..29]);
        o = s + MARK;
        if seq < base {
            st.stale += 1;
            continue;
        }
        if seq > *last {
            if seq > *last + 1 {
                st.lost_gap += seq - *last - 1
            }
            *last = seq;
            st.recv += 1;
            st.last_at = t;
            let l = t.saturating_sub(at) / 1000;
            let _ = st.h.record(l.max(1));
        } else {
            st.dup += 1
        }
    }
    o
}
