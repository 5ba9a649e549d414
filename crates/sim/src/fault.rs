//! The kinds of faults, and how often each befell a run. A kind that never fires proves nothing: see [`Fault::floor`].

use std::fmt;

/// How often a kind is to fire in a thousand seeds at least: about half of what it does. What befalls traffic does so all
/// the time, what is planned a few times in a run, and what ends a run's server seldom.
const OFTEN: u64 = 300;
const NOW_AND_THEN: u64 = 80;
const SELDOM: u64 = 40;

macro_rules! faults {
    ($($(#[doc = $about:literal])+ $fault:ident = $name:literal, $floor:expr;)*) => {
        /// What can go wrong outside of the server.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault {
            $($(#[doc = $about])+ $fault,)*
        }

        impl Fault {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$fault),*];

            /// The word for it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$fault => $name,)* }
            }

            /// How often it fires in a thousand seeds at least, or the thousand proves nothing about it.
            #[must_use]
            pub const fn floor(self) -> u64 {
                match self { $(Self::$fault => $floor,)* }
            }
        }
    };
}

faults! {
    /// A message came in pieces, cut at any byte.
    Split = "split", OFTEN;
    /// A socket took a part of what it was given.
    PartialWrite = "partial-write", OFTEN;
    /// A connection was reset on both sides.
    Cut = "cut", OFTEN;
    /// A client vanished, and the server was not told.
    HalfOpen = "half-open", SELDOM;
    /// Nothing passed for a while, either way, and then all of it.
    Stall = "stall", NOW_AND_THEN;
    /// A client did not read for a while.
    SlowReader = "slow-reader", NOW_AND_THEN;
    /// A connection did not come about.
    Unreachable = "unreachable", SELDOM;
    /// A program of a client was killed, and begun again over what it had stored.
    ClientKilled = "client-killed", SELDOM;
    /// A flush took long.
    SlowFlush = "slow-flush", OFTEN;
    /// A flush failed, and nothing was written.
    FlushFailed = "flush-failed", SELDOM;
    /// A flush failed, and it was written all the same.
    FlushLost = "flush-lost", SELDOM;
    /// The machine lost its power while nothing was being written.
    Crash = "crash", OFTEN;
    /// It did so under a write, which was lost.
    CrashUnderWrite = "crash-under-write", SELDOM;
    /// It did so under a write, which was found on the disk.
    CrashBehindWrite = "crash-behind-write", SELDOM;
    /// The server was stopped as it should be, and begun again.
    Restart = "restart", SELDOM;
    /// The clock of the machine went back with a restart.
    ClockBack = "clock-back", SELDOM;
    /// The log was imported as it is, under a new epoch.
    Replaced = "replaced", SELDOM;
    /// An image was saved and the log behind it trimmed.
    Trimmed = "trimmed", SELDOM;
    /// A request was lost on its way to the server.
    RequestLost = "request-lost", SELDOM;
    /// An answer was lost on its way back.
    AnswerLost = "answer-lost", SELDOM;
    /// A request was made again under the same key.
    Repeated = "repeated", OFTEN;
    /// A service said that it had failed.
    TaskFailed = "task-failed", NOW_AND_THEN;
    /// A service did not answer.
    TaskHung = "task-hung", SELDOM;
    /// A service answered when nobody waited any more.
    TaskLate = "task-late", SELDOM;
    /// A service answered twice.
    TaskTwice = "task-twice", NOW_AND_THEN;
    /// The program of a service died, and came back.
    AgentDied = "agent-died", NOW_AND_THEN;
    /// A backend refused what it was told.
    BackendRefused = "backend-refused", SELDOM;
    /// A backend took what it was told, and its answer was lost.
    BackendLost = "backend-lost", SELDOM;
}

/// How often each kind fired, and what was asked and answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    faults: [u64; Fault::ALL.len()],
    /// Mutations and actions that were asked for.
    pub asked: u64,
    /// Those that were done.
    pub done: u64,
    /// Those that were refused, for a reason.
    pub refused: u64,
    /// Commits that became durable.
    pub commits: u64,
    /// Shows that went on air.
    pub shows: u64,
    /// Deliveries that a backend took.
    pub deliveries: u64,
    /// Messages that clients heard and that were looked at.
    pub heard: u64,
    /// Reads that were compared with the log.
    pub reads: u64,
}

impl Counts {
    pub(crate) fn fired(&mut self, fault: Fault) {
        self.faults[fault as usize] += 1;
    }

    /// How often a kind fired.
    #[must_use]
    pub fn of(&self, fault: Fault) -> u64 {
        self.faults[fault as usize]
    }

    /// Adds those of another run.
    pub fn add(&mut self, other: &Self) {
        for (sum, more) in self.faults.iter_mut().zip(&other.faults) {
            *sum += more;
        }
        self.asked += other.asked;
        self.done += other.done;
        self.refused += other.refused;
        self.commits += other.commits;
        self.shows += other.shows;
        self.deliveries += other.deliveries;
        self.heard += other.heard;
        self.reads += other.reads;
    }

    /// The kinds that fired less often than they must in so many seeds.
    #[must_use]
    pub fn below_floor(&self, seeds: u64) -> Vec<(Fault, u64, u64)> {
        let floor = |fault: Fault| fault.floor() * seeds / 1_000;
        let all = Fault::ALL.iter().map(|&fault| (fault, self.of(fault), floor(fault)));
        all.filter(|(_, fired, floor)| fired < floor).collect()
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { asked, done, refused, commits, shows, deliveries, heard, reads, .. } = self;
        writeln!(f, "asked {asked}, done {done}, refused {refused}; commits {commits}, shows {shows}")?;
        writeln!(f, "deliveries {deliveries}, messages heard {heard}, reads compared {reads}")?;
        for fault in Fault::ALL {
            writeln!(f, "  {:<20} {:>9}", fault.name(), self.of(*fault))?;
        }
        Ok(())
    }
}
