//! Time from outside: real in the server, simulated in tests. Nothing else asks what time it is.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use onair_wire::{Millis, Timestamp};

/// Tells the time. Cheap to clone.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    Simulated(Arc<AtomicI64>),
    Paced { start: Timestamp, since: tokio::time::Instant },
}

impl Clock {
    /// The machine's clock. It may jump; the director makes sure that a production's time does not go back.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `start` until it is told to go on.
    #[must_use]
    pub fn simulated(start: Timestamp) -> Self {
        Self(Source::Simulated(Arc::new(AtomicI64::new(start.as_millis()))))
    }

    /// A clock that was at `start` now, and goes as timers do: simulated time in a test whose runtime is paused.
    #[must_use]
    pub fn paced(start: Timestamp) -> Self {
        Self(Source::Paced { start, since: tokio::time::Instant::now() })
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
            }
            Source::Simulated(ms) => Timestamp::from_millis(ms.load(Ordering::SeqCst)),
            Source::Paced { start, since } => {
                start.plus(Millis(u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)))
            }
        }
    }

    /// Moves a simulated clock.
    ///
    /// # Panics
    /// On the machine's clock.
    pub fn advance(&self, by: Millis) {
        let Source::Simulated(ms) = &self.0 else { panic!("the machine's clock is not moved") };
        ms.fetch_add(i64::try_from(by.0).unwrap_or(i64::MAX), Ordering::SeqCst);
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}
