//! Token buckets, one per token or address, in a store that cannot grow without end (row X2).
//!
//! When the store is full of callers who still are being counted, newcomers share one bucket: an attack from very many
//! addresses slows other newcomers down, and those who were there before notice nothing.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use governor::{
    Quota, RateLimiter,
    clock::Clock as _,
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{InMemoryState, NotKeyed, StateStore, keyed::ShrinkableKeyedStateStore},
};
#[cfg(test)]
use onair_runtime::Clock;

/// Callers that are counted apart. Each costs about 50 bytes.
const KEYS_MAX: usize = 20_000;

/// How often a full store is looked through for callers who have been silent.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// How much anybody may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// HTTP requests of one token or address per second; 0 for no limit.
    pub requests_per_second: u32,
    /// HTTP requests that may come at once after a silence.
    pub requests_burst: u32,
    /// Wrong tokens from one address per minute; further ones are answered by 429 and not logged.
    pub failures_per_minute: u32,
}

impl Default for Rates {
    fn default() -> Self {
        Self { requests_per_second: 5_000, requests_burst: 10_000, failures_per_minute: 30 }
    }
}

/// Who is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// A token, by its id, whose eight characters fit.
    Token(u64),
    /// Who has none.
    Address(IpAddr),
}

impl Key {
    /// A token's.
    pub(super) fn token(id: &str) -> Self {
        Self::Token(id.bytes().take(8).fold(0, |key, byte| key << 8 | u64::from(byte)))
    }

    /// An address's; one subscriber of IPv6 has 2^64 of them.
    pub(super) fn address(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        })
    }
}

/// What buckets fill by. A machine's clock that is set back must not lock anybody out, so it is another one.
#[derive(Clone)]
pub(super) enum Pace {
    /// Monotonic.
    Machine(Instant),
    #[cfg(test)]
    Simulated(Clock),
}

impl Pace {
    pub(super) fn machine() -> Self {
        Self::Machine(Instant::now())
    }
}

impl governor::clock::Clock for Pace {
    type Instant = Duration;

    fn now(&self) -> Duration {
        match self {
            Self::Machine(start) => start.elapsed(),
            #[cfg(test)]
            Self::Simulated(clock) => {
                Duration::from_millis(u64::try_from(clock.now().as_millis()).unwrap_or(0))
            }
        }
    }
}

/// A bucket for each key.
pub(super) struct Buckets {
    limiter: RateLimiter<Key, Bounded<Key>, Pace, NoOpMiddleware<Duration>>,
    pace: Pace,
    keys_max: usize,
    /// Milliseconds of `pace`.
    swept: AtomicU64,
}

impl Buckets {
    pub(super) fn new(quota: Quota, keys_max: usize, pace: Pace) -> Self {
        let store = Bounded::new(keys_max);
        Self {
            limiter: RateLimiter::new(quota, store, pace.clone()),
            pace,
            keys_max,
            swept: AtomicU64::new(0),
        }
    }

    /// So many a second, and `burst` at once; `None` for no limit.
    pub(super) fn per_second(rate: u32, burst: u32, pace: Pace) -> Option<Self> {
        let rate = NonZeroU32::new(rate)?;
        let burst = NonZeroU32::new(burst).unwrap_or(rate);
        Some(Self::new(Quota::per_second(rate).allow_burst(burst), KEYS_MAX, pace))
    }

    /// So many a minute; at least one.
    pub(super) fn per_minute(rate: u32, pace: Pace) -> Self {
        let rate = NonZeroU32::new(rate).unwrap_or(NonZeroU32::MIN);
        Self::new(Quota::per_minute(rate), KEYS_MAX, pace)
    }

    /// Takes one out.
    ///
    /// # Errors
    /// When the bucket is empty: how long until there is one.
    pub(super) fn take(&self, key: Key) -> Result<(), Duration> {
        if self.limiter.len() >= self.keys_max {
            self.sweep();
        }
        self.limiter.check_key(&key).map_err(|until| until.wait_time_from(self.pace.now()))
    }

    fn sweep(&self) {
        let now = u64::try_from(self.pace.now().as_millis()).unwrap_or(u64::MAX);
        let before = self.swept.load(Ordering::Relaxed);
        let due = now.saturating_sub(before) >= u64::try_from(SWEEP_EVERY.as_millis()).unwrap_or(u64::MAX);
        if due && self.swept.compare_exchange(before, now, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.limiter.retain_recent();
        }
    }
}

impl fmt::Debug for Buckets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buckets({} of {})", self.limiter.len(), self.keys_max)
    }
}

/// A store of at most so many buckets, and one more for those who find no place.
struct Bounded<K> {
    max: usize,
    /// Held for one look-up, or a sweep once a second.
    buckets: Mutex<HashMap<K, InMemoryState>>,
    others: InMemoryState,
}

impl<K> Bounded<K> {
    fn new(max: usize) -> Self {
        Self { max, buckets: Mutex::default(), others: InMemoryState::default() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, InMemoryState>> {
        self.buckets.lock().expect("nothing panics while it holds the buckets")
    }
}

impl<K: Hash + Eq + Clone> StateStore for Bounded<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut buckets = self.lock();
        if let Some(bucket) = buckets.get(key) {
            return bucket.measure_and_replace(&NotKeyed::NonKey, measure);
        }
        if buckets.len() >= self.max {
            return self.others.measure_and_replace(&NotKeyed::NonKey, measure);
        }
        buckets.entry(key.clone()).or_default().measure_and_replace(&NotKeyed::NonKey, measure)
    }
}

impl<K: Hash + Eq + Clone> ShrinkableKeyedStateStore<K> for Bounded<K> {
    fn retain_recent(&self, drop_below: Nanos) {
        let recent = |bucket: &InMemoryState| {
            // Measured without being replaced: an error leaves it as it is.
            let full_at = bucket.measure_and_replace(&NotKeyed::NonKey, Err::<((), Nanos), _>);
            full_at.is_err_and(|at| at.is_some_and(|at| at > drop_below))
        };
        self.lock().retain(|_, bucket| recent(bucket));
    }

    fn len(&self) -> usize {
        self.lock().len()
    }

    fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use onair_wire::{Millis, Timestamp};

    use super::*;

    fn buckets(rate: u32, burst: u32, keys_max: usize) -> (Buckets, Clock) {
        let clock = Clock::simulated(Timestamp::from_millis(1_763_661_600_000));
        let quota =
            Quota::per_second(rate.try_into().expect("some")).allow_burst(burst.try_into().expect("some"));
        (Buckets::new(quota, keys_max, Pace::Simulated(clock.clone())), clock)
    }

    fn address(last: u8) -> Key {
        Key::address([10, 0, 0, last].into())
    }

    #[test]
    fn x2_a_bucket_empties_says_when_to_come_back_and_fills() {
        let (buckets, clock) = buckets(10, 3, 100);
        for _ in 0..3 {
            buckets.take(address(1)).expect("a burst");
        }
        assert_eq!(buckets.take(address(1)), Err(Duration::from_millis(100)));
        buckets.take(address(2)).expect("somebody else's");
        buckets.take(Key::token("abcdefgh")).expect("a token's");
        clock.advance(Millis(100));
        buckets.take(address(1)).expect("one came back");
        assert!(buckets.take(address(1)).is_err());
    }

    #[test]
    fn x2_a_full_store_serves_who_it_knows_and_the_others_together() {
        let (buckets, clock) = buckets(1, 1, 2);
        for last in [1, 2, 3] {
            buckets.take(address(last)).expect("the first of each, the third from the shared one");
        }
        assert!(buckets.take(address(4)).is_err(), "the shared bucket is empty");
        assert_eq!(buckets.limiter.len(), 2);
        clock.advance(Millis(2_000));
        for last in [5, 6] {
            buckets.take(address(last)).expect("those before were silent and made room");
        }
        assert!(buckets.limiter.len() <= 2);
    }

    #[test]
    fn x2_addresses_that_belong_to_one_are_counted_as_one() {
        let key = |text: &str| Key::address(text.parse().expect("an address"));
        let table = [
            ("10.0.0.1", "::ffff:10.0.0.1", true),
            ("10.0.0.1", "10.0.0.2", false),
            ("2001:db8::1", "2001:db8::2:3:4:5", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
        ];
        for (one, other, same) in table {
            assert_eq!(key(one) == key(other), same, "{one} and {other}");
        }
    }
}
