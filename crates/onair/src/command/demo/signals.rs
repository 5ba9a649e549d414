//! What tells the demo to end: Ctrl-C, a supervisor, a terminal that is closed.

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// All of them, heard from here on.
pub(super) struct Signals([Signal; 3]);

impl Signals {
    pub(super) fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen to signals");
        Ok(Self([
            listen(SignalKind::interrupt())?,
            listen(SignalKind::terminate())?,
            listen(SignalKind::hangup())?,
        ]))
    }

    /// The next, whichever it is.
    ///
    /// # Cancellation
    /// None is lost.
    pub(super) async fn recv(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
