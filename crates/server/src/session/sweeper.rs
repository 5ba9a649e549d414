//! Looks at all sessions now and then: who is silent, whose token was revoked, and whether the server ends.
//!
//! One task for all of them, so that an idle connection has no timer of its own.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::Close;
use crate::App;

/// A client that was silent for so long is asked for a sign of life.
pub const HEARTBEAT: Duration = Duration::from_secs(30);
/// One that was silent for so long is gone.
pub const SILENCE: Duration = Duration::from_secs(75);
/// How often sessions are looked at: tokens are revoked within 5 s on open connections (row X1).
pub const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// Runs until the server ends, then closes every session.
pub async fn run(app: App) {
    let cancelled = app.tasks.cancelled();
    let mut ticks = interval(SWEEP_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut swept = Instant::now();
    while let Some(now) = cancelled.run_until_cancelled(ticks.tick()).await {
        sweep(&app, swept, now);
        swept = now;
    }
    app.sessions.all().iter().for_each(|session| session.close(Close::AWAY));
}

fn sweep(app: &App, before: Instant, now: Instant) {
    app.access.refresh();
    for session in app.sessions.all() {
        if !app.access.still_valid(&session.identity) {
            session.close(Close::UNAUTHENTICATED);
            continue;
        }
        let Some(outlet) = session.outlet() else { continue };
        let seen = outlet.last_seen();
        let silent = now.saturating_duration_since(seen);
        if silent >= SILENCE {
            session.close(Close::SILENT);
        } else if silent >= HEARTBEAT && before.saturating_duration_since(seen) < HEARTBEAT {
            outlet.ping();
        }
    }
}
