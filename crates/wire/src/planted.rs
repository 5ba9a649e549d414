//! Bugs that are planted to prove that the harness finds such bugs: one at a time, and never in what is released.
//!
//! Without the feature `planted-bugs` there is none: [`planted`] is a constant. With it, which one is there is a value
//! of the process, for the simulation sets it at run time and tests by the variable `ONAIR_PLANTED_BUG`.

macro_rules! bugs {
    ($($(#[doc = $about:literal])+ $bug:ident = $name:literal, $finder:expr;)*) => {
        /// What can be planted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Bug {
            $($(#[doc = $about])+ $bug,)*
        }

        impl Bug {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$bug),*];

            /// The word for it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$bug => $name,)* }
            }

            /// Who is to find it: the simulation, or a test that it cannot replace, by name.
            #[must_use]
            pub const fn finder(self) -> Finder {
                match self { $(Self::$bug => $finder,)* }
            }
        }
    };
}

/// Who finds a bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finder {
    /// The simulation.
    Simulation,
    /// A test, by the arguments of `cargo test`.
    Test(&'static [&'static str]),
}

use Finder::{Simulation, Test};

bugs! {
    /// Answered before it was appended.
    AckBeforeAppend = "ack-before-append", Simulation;
    /// Sent to subscribers before it was flushed.
    PublishBeforeFlush = "publish-before-flush", Simulation;
    /// A flush that failed is taken for one that was done.
    FailureForgotten = "failure-forgotten", Simulation;
    /// An import goes on under the epoch of the log it replaces, so that revisions are used twice.
    RevisionReused = "revision-reused", Simulation;
    /// No mutation is remembered.
    DedupeWindowZero = "dedupe-window-zero", Simulation;
    /// Who comes back is told from one commit too late.
    ResumeOffByOne = "resume-off-by-one", Simulation;
    /// Who comes back with another epoch is not sent a snapshot.
    EpochIgnored = "epoch-ignored", Simulation;
    /// The last step of a rollback is left out.
    CompensationSkipped = "compensation-skipped", Simulation;
    /// A rollback goes in the order of the start.
    CompensationForward = "compensation-forward", Simulation;
    /// That another instance of a service came is not noticed.
    InstanceIgnored = "instance-ignored", Simulation;
    /// A merge loses what only the server has.
    MergeLosesField = "merge-loses-field", Simulation;
    /// A digest depends on an order that is chance.
    DigestUnordered = "digest-unordered", Simulation;
    /// `If-Match` and `ifRevision` are not looked at.
    ConditionIgnored = "condition-ignored", Simulation;
    /// A filtered subscriber is sent the changes of all collections.
    FilterLeaks = "filter-leaks", Simulation;
    /// An answer does not wait for the commits that it speaks of.
    AnswerOvertakes = "answer-overtakes", Simulation;
    /// What a socket did not take of a write is forgotten.
    PartialWriteLost = "partial-write-lost", Simulation;
    /// Time goes back with the machine's clock.
    TimeGoesBack = "time-goes-back", Simulation;
    /// What a backend refused counts as told.
    DeliverySkipped = "delivery-skipped", Simulation;
    /// The key of a step is that of the same step of another sequence.
    KeyReused = "key-reused", Simulation;
    /// A batch is carried out in part.
    BatchInPart = "batch-in-part", Simulation;
    /// A subscriber whose place is gone is not told.
    LagUntold = "lag-untold", Simulation;
    /// The success of a call counts for a step that is given up.
    LateSuccessAccepted = "late-success-accepted", Test(&["--test", "actions"]);
    /// Event ids do not name the epoch.
    EventIdWithoutEpoch = "event-id-without-epoch", Test(&["--lib", "hub"]);
    /// A revoked token opens connections still.
    TokenCached = "token-cached", Test(&["--lib", "auth"]);
    /// A role is looked at when a session begins, and not when it does something.
    RoleOnConnectOnly = "role-on-connect-only", Test(&["--test", "sync"]);
    /// An origin is compared by what it begins with.
    OriginByPrefix = "origin-by-prefix", Test(&["--lib", "auth"]);
    /// What waits for a client has no limit.
    QueueUnbounded = "queue-unbounded", Test(&["--test", "socket"]);
    /// Nothing is flushed to the disk's own memory before it is answered.
    NothingFlushed = "nothing-flushed", Test(&["--test", "open"]);
    /// The end of a journal is not compared with what was acknowledged.
    TailUnchecked = "tail-unchecked", Test(&["--test", "open"]);
}

/// Whether a bug can be planted in this build. The program refuses to be built so.
pub const POSSIBLE: bool = cfg!(feature = "planted-bugs");

/// Whether this bug is there now.
#[cfg(not(feature = "planted-bugs"))]
#[must_use]
#[inline(always)]
pub const fn planted(_: Bug) -> bool {
    false
}

#[cfg(feature = "planted-bugs")]
pub use switch::{plant, planted, unordered};

#[cfg(feature = "planted-bugs")]
mod switch {
    use std::{
        env,
        sync::{
            OnceLock,
            atomic::{AtomicU8, Ordering},
        },
    };

    use super::Bug;

    const NONE: u8 = u8::MAX;

    fn which() -> &'static AtomicU8 {
        static WHICH: OnceLock<AtomicU8> = OnceLock::new();
        WHICH.get_or_init(|| {
            let named = env::var("ONAIR_PLANTED_BUG").unwrap_or_default();
            let bug = Bug::ALL.iter().find(|bug| bug.name() == named);
            AtomicU8::new(bug.map_or(NONE, |bug| *bug as u8))
        })
    }

    /// Plants a bug in place of the one there is, or none.
    pub fn plant(bug: Option<Bug>) {
        which().store(bug.map_or(NONE, |bug| bug as u8), Ordering::SeqCst);
    }

    /// Whether this bug is there now.
    #[must_use]
    pub fn planted(bug: Bug) -> bool {
        which().load(Ordering::Relaxed) == bug as u8
    }

    /// The bytes in an order that is chance, as a map without order would have them.
    #[must_use]
    pub fn unordered(mut bytes: Vec<u8>) -> Vec<u8> {
        use std::hash::BuildHasher;
        let length = bytes.len().max(1);
        let by = std::hash::RandomState::new().hash_one(length) % 16;
        bytes.rotate_left(usize::try_from(by).unwrap_or(0).min(length));
        bytes
    }
}

/// The bytes as they are.
#[cfg(not(feature = "planted-bugs"))]
#[must_use]
pub const fn unordered(bytes: Vec<u8>) -> Vec<u8> {
    bytes
}
