//! What the services, the operators and the killer share: the world behind a lock, where the server is, and the hour.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::plan::{self, Fault};
use super::world::{Asked, World};

/// Longer than the server waits for any answer: the settings in [`super::driver::manifest`].
const LATE: Duration = Duration::from_millis(5_300);

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It was done, now or before.
    Done,
    /// It was not.
    Failed {
        /// Whether another attempt may work.
        retryable: bool,
    },
    /// Nothing is said, and the connection stays.
    Silence,
    /// Nothing is said, and the connection breaks.
    Broken,
    /// It was done and is said, and the service is no more.
    DoneAndGone,
}

#[derive(Debug)]
pub(super) struct Scene {
    seed: u64,
    began: Instant,
    world: Mutex<World>,
    changed: Condvar,
    /// Where the server is; nothing while it is dead.
    server: Mutex<Option<String>>,
    /// Whether calls meet faults.
    pub(super) rough: AtomicBool,
    /// Nobody goes on.
    pub(super) over: AtomicBool,
    connections: AtomicU64,
}

impl Scene {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            began: Instant::now(),
            world: Mutex::default(),
            changed: Condvar::new(),
            server: Mutex::default(),
            rough: AtomicBool::new(false),
            over: AtomicBool::new(false),
            connections: AtomicU64::new(0),
        }
    }

    /// The world. Held for a look or a note, never while anything is waited for.
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn server(&self) -> Option<String> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_server(&self, api: Option<String>) {
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = api;
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// A number for one more connection of a service.
    pub(super) fn connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed)
    }

    /// Wakes whoever waits for the count.
    pub(super) fn counted(&self) {
        self.changed.notify_all();
    }

    /// Waits until so many calls were counted, at most so long, or until `enough`; whether they were.
    pub(super) fn wait_for(&self, count: u64, longest: Duration, enough: impl Fn() -> bool) -> bool {
        let until = Instant::now() + longest;
        let mut world = self.world();
        while world.count < count && !enough() && Instant::now() < until {
            let waited = self.changed.wait_timeout(world, Duration::from_millis(20));
            world = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        world.count >= count
    }

    /// What befalls the next call of a service in this round: `drawn` counts them.
    pub(super) fn befalls(&self, service: &str, drawn: &mut (u32, u64)) -> (Fault, Duration) {
        let round = self.world().round;
        *drawn = if drawn.0 == round { (round, drawn.1 + 1) } else { (round, 0) };
        let (fault, delay) = plan::befalls(self.seed, round, service, drawn.1);
        let rough = self.rough.load(Ordering::Relaxed);
        (if rough { fault } else { Fault::None }, Duration::from_millis(delay))
    }

    /// A service meets a call: takes its time, does it or not, and says how it ended.
    pub(super) fn meet(
        &self,
        service: &'static str,
        connection: u64,
        drawn: &mut (u32, u64),
        asked: Asked,
    ) -> (usize, Fault, End) {
        let at = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let call = self.world().asked(service, connection, at, asked);
        self.counted();
        let (fault, delay) = self.befalls(service, drawn);
        thread::sleep(if fault == Fault::Late { LATE } else { delay });
        let end = match fault {
            Fault::Fails => End::Failed { retryable: false },
            Fault::FailsOnce => End::Failed { retryable: true },
            Fault::LostBefore => End::Broken,
            Fault::HangsBefore => End::Silence,
            Fault::CrashesBefore => {
                self.world().crash(service);
                End::Broken
            }
            Fault::None | Fault::Late | Fault::CrashesAnswered => {
                self.world().carry_out(call);
                if fault == Fault::CrashesAnswered { End::DoneAndGone } else { End::Done }
            }
            Fault::LostAfter | Fault::HangsAfter | Fault::CrashesAfter => {
                let mut world = self.world();
                world.carry_out(call);
                if fault == Fault::CrashesAfter {
                    world.crash(service);
                }
                if fault == Fault::HangsAfter { End::Silence } else { End::Broken }
            }
        };
        (call, fault, end)
    }
}
