//! When to try again: exponential waits with jitter (row E1), so that clients of a server that comes back do not all
//! come back at once.

use std::time::Duration;

/// How often a request is sent again (E1).
pub(crate) const RETRIES_MAX: u32 = 3;
/// How long before the first time (E1).
const WAIT_MS: u64 = 1_000;
/// By how much each wait is longer (E1).
const FACTOR: u64 = 2;
/// The longest wait of somebody who does not give up: a show that is back is seen within half a minute.
const WAIT_MS_MAX: u64 = 30_000;

/// The waits, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    wait_ms: u64,
    left: Option<u32>,
    random: fn() -> u64,
}

impl Backoff {
    /// For a request: [`RETRIES_MAX`] waits.
    pub(crate) fn of_request(random: fn() -> u64) -> Self {
        Self { wait_ms: WAIT_MS, left: Some(RETRIES_MAX), random }
    }

    /// For a stream: it goes on for as long as somebody looks.
    pub(crate) fn of_stream(random: fn() -> u64) -> Self {
        Self { wait_ms: WAIT_MS, left: None, random }
    }
}

impl Iterator for Backoff {
    type Item = Duration;

    /// Half of the wait, and by chance up to the other half.
    fn next(&mut self) -> Option<Duration> {
        self.left = match self.left {
            Some(0) => return None,
            Some(left) => Some(left - 1),
            None => None,
        };
        let half = self.wait_ms / 2;
        self.wait_ms = (self.wait_ms * FACTOR).min(WAIT_MS_MAX);
        Some(Duration::from_millis(half + (self.random)() % (half + 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e1_three_waits_each_twice_as_long() {
        let shortest: Vec<_> = Backoff::of_request(|| 0).map(|wait| wait.as_millis()).collect();
        assert_eq!(shortest, [500, 1_000, 2_000]);
        let longest: Vec<_> =
            Backoff::of_request(|| 500 * 1_001 * 2_001 - 1).map(|wait| wait.as_millis()).collect();
        assert!(longest.iter().zip([1_000, 2_000, 4_000]).all(|(have, most)| *have <= most), "{longest:?}");
    }

    #[test]
    fn e1_a_stream_is_tried_for_good_with_waits_that_have_an_end() {
        let last = Backoff::of_stream(|| u64::MAX).nth(1_000).unwrap();
        assert!(last.as_millis() <= u128::from(WAIT_MS_MAX));
    }
}
