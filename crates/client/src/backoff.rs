//! How long to wait before the next try: twice as long each time, up to a limit, with jitter (row E1).

use onair_wire::Millis;

/// How tries are spaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The first wait.
    pub first: Millis,
    /// By how much each wait is longer.
    pub factor: u64,
    /// The longest wait.
    pub max: Millis,
}

impl Default for Backoff {
    /// A show comes back fast, and ten thousand clients that lost one server do not come back at once.
    fn default() -> Self {
        Self { first: Millis(500), factor: 2, max: Millis(10_000) }
    }
}

impl Backoff {
    /// The wait before try `attempt`, counted from 0. Half of it is fixed, half is chance.
    #[must_use]
    pub fn delay(&self, attempt: u32, chance: u64) -> Millis {
        let longer = self.factor.saturating_pow(attempt.min(32));
        let whole = self.first.0.saturating_mul(longer).min(self.max.0);
        let half = whole / 2;
        Millis(whole - half + chance % (half + 1))
    }
}

/// Chance from a seed that the caller brings (`SplitMix64`, Steele et al. 2014): the same seed, the same waits.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// From `seed` on.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e1_each_wait_is_twice_as_long_up_to_a_limit() {
        let backoff = Backoff::default();
        for (attempt, shortest, longest) in
            [(0, 250, 500), (1, 500, 1_000), (4, 4_000, 8_000), (5, 5_000, 10_000), (u32::MAX, 5_000, 10_000)]
        {
            assert_eq!(backoff.delay(attempt, 0).0, shortest, "{attempt}");
            let mut chance = Chance::new(u64::from(attempt));
            for _ in 0..100 {
                let wait = backoff.delay(attempt, chance.draw()).0;
                assert!((shortest..=longest).contains(&wait), "{attempt}: {wait}");
            }
        }
    }
}
