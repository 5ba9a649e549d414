//! The whole server in one thread from a seed: real sessions, director, hub, outbox and watchdog, the real rules of a
//! client, and around them a network, a disk, services and people that fail. The clock is simulated, so that an hour
//! costs milliseconds, and a run can be had again, to the byte, by its seed.
//!
//! What is looked for: nobody is told of what was not durable at that moment; what was acknowledged is in the log, once,
//! as it was asked for; no update is lost; every client's stream is ordered, unique, reliable, atomic and resumable; all
//! caches come to what the log comes to; a show is on as a whole or off as a whole; and when faults end, all that was
//! pending is done within 30 simulated seconds. What is *not* in it: the system's sockets, the embedded engine and its
//! disk, child processes; they have harnesses of their own (`cargo xtask crash`, `cargo xtask show`).

mod agent;
mod backend;
mod caller;
mod chance;
mod course;
mod disk;
mod fault;
mod frame;
mod judge;
mod judgement;
mod ledger;
mod line;
mod network;
mod scene;
mod server;
mod shape;
mod trace;
mod user;
mod watch;
mod wish;
mod world;

pub use fault::{Counts, Fault};

use world::{Ended, World};

/// How one run came out.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Which.
    pub seed: u64,
    /// The hash of everything that happened, with its times.
    pub trace: u64,
    /// What was found; nothing is well.
    pub wrong: Vec<String>,
    /// How often what happened.
    pub counts: Counts,
    /// Simulated milliseconds.
    pub lasted_ms: u64,
}

/// Plays one run from its seed; `told`: and says what happens, line by line.
///
/// # Panics
/// When the server does: that is a finding too.
#[must_use]
pub fn run(seed: u64, told: bool) -> Outcome {
    let mut world = World::new(seed, told);
    loop {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime without I/O");
        let ended = runtime.block_on(world.live());
        // Whatever the server's tasks hold is let go of, as a process that is gone lets go of it.
        world.ended(ended);
        drop(runtime);
        world.power_off();
        if ended == Ended::Over {
            break;
        }
    }
    let lasted_ms = world.now();
    let books = world.books.lock();
    let (trace, wrong, counts) = (books.trace.digest(), books.findings().to_vec(), books.counts.clone());
    Outcome { seed, trace, wrong, counts, lasted_ms }
}
