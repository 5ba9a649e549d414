//! How long to wait before the next attempt (row E1): exponential, with jitter that chance has no part in.

use onair_wire::Millis;

use crate::settings::{Settings, WAIT_MAX};

/// The wait behind attempt `attempt` (from 1): `retry_delay` times `backoff_multiplier` for each attempt before, at
/// most an hour, moved by up to a tenth either way. The jitter is a hash of `seed`, so that the same case waits the same.
#[must_use]
pub fn delay(settings: &Settings, attempt: u32, seed: &str) -> Millis {
    let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
    #[expect(clippy::cast_precision_loss, reason = "an hour of milliseconds fits")]
    let (first, longest) = (settings.retry_delay.0 as f64, WAIT_MAX.0 as f64);
    let wait = (first * settings.backoff_multiplier.powi(exponent)).min(longest);
    let hash = xxhash_rust::xxh3::xxh3_64_with_seed(seed.as_bytes(), u64::from(attempt));
    #[expect(clippy::cast_precision_loss, reason = "ten bits of a hash")]
    let part = (hash % 1_024) as f64 / 1_024.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 0 to an hour and a tenth"
    )]
    let millis = (wait * (0.9 + 0.2 * part)).max(1.0) as u64;
    Millis(millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e1_each_wait_is_twice_the_one_before_give_or_take_a_tenth() {
        let settings = Settings::default();
        for (attempt, about) in [(1, 1_000), (2, 2_000), (3, 4_000), (13, 3_600_000), (100, 3_600_000)] {
            let Millis(wait) = delay(&settings, attempt, "key");
            assert!((about * 9 / 10..=about * 11 / 10).contains(&wait), "attempt {attempt} waits {wait}");
            assert_eq!(delay(&settings, attempt, "key"), Millis(wait));
        }
        let waits: std::collections::BTreeSet<_> =
            ["a", "b", "c", "d"].iter().map(|seed| delay(&settings, 1, seed).0).collect();
        assert!(waits.len() > 1, "every case waits {waits:?}");
    }
}
