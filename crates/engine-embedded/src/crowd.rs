//! How long a group waits for more before its flush.
//!
//! A flush costs as much processor time as dozens of commits. Where there are many writers and few processors it would be
//! paid for a handful, since the next group begins with what arrived during the last flush, and nothing arrives faster
//! than processors let it. So a group waits for half of those who write at the moment: while it is flushed and answered the
//! other half is at work, and neither disk nor processors wait. Others call this a commit delay with a number of siblings.
//! Who writes alone, or with a few, waits for nobody; nor does anybody wait once nobody comes any more.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use crate::keys::LogId;

/// Logs that were written to within so long are being written to.
const WINDOW: Duration = Duration::from_millis(10);
/// Writers from which on a group waits.
const CROWD: usize = 8;
/// For so long a group waits at a time; when nobody came meanwhile it waits no more.
pub(crate) const GATHER: Duration = Duration::from_micros(100);
/// How often at most.
pub(crate) const GATHERS_MAX: u32 = 16;

/// Who writes at the moment. A log has one append under way at most, so logs are counted.
#[derive(Debug)]
pub(crate) struct Crowd {
    begun: Instant,
    seen: HashSet<LogId>,
    before: usize,
}

impl Crowd {
    pub(crate) fn new(now: Instant) -> Self {
        Self { begun: now, seen: HashSet::new(), before: 0 }
    }

    pub(crate) fn saw(&mut self, log: LogId) {
        self.seen.insert(log);
    }

    /// Appends with which a group that begins `now` waits no more.
    pub(crate) fn enough(&mut self, now: Instant) -> usize {
        let since = now.saturating_duration_since(self.begun);
        if since >= WINDOW {
            self.before = if since < 2 * WINDOW { self.seen.len() } else { 0 };
            self.seen.clear();
            self.begun = now;
        }
        let crowd = self.before.max(self.seen.len());
        if crowd < CROWD { 0 } else { crowd / 2 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_waits_for_half_of_those_who_write_and_a_few_wait_for_nobody() {
        let begun = Instant::now();
        let at = |ms: u64| begun + Duration::from_millis(ms);
        let mut crowd = Crowd::new(begun);
        let write = |crowd: &mut Crowd, logs: u64| (0..logs).for_each(|log| crowd.saw(LogId(log)));
        assert_eq!(crowd.enough(at(1)), 0, "nobody writes");
        write(&mut crowd, 7);
        write(&mut crowd, 7);
        assert_eq!(crowd.enough(at(2)), 0, "seven write, each twice");
        write(&mut crowd, 64);
        assert_eq!(crowd.enough(at(3)), 32);
        assert_eq!(crowd.enough(at(11)), 32, "those of the window before");
        write(&mut crowd, 16);
        assert_eq!(crowd.enough(at(15)), 32);
        assert_eq!(crowd.enough(at(22)), 8, "48 have gone");
        assert_eq!(crowd.enough(at(60)), 0, "all have");
    }
}
