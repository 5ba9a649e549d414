//! Every task there is, and how each ends. Nobody calls `tokio::spawn` elsewhere.

use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The kinds of tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskKind {
    /// A production's director: finishes the batch it is in, then answers what waits with `closing`.
    Director,
    /// A lane's pass over its outlets: ends at once, what was not offered is in the ring.
    Lane,
    /// Saving an image and trimming: ends by itself, and may be lost.
    Keeper,
    /// The ticker of signals, presence and digests: ends at once.
    Ticker,
    /// An accept loop: ends at once, its connections after it.
    Listener,
    /// A connection: finishes its request, or closes its socket with 1001.
    Connection,
    /// The sweeper of silent connections and revoked tokens: ends at once.
    Sweeper,
    /// A call to a service: dropped when nobody waits for it any more, or the server ends.
    Call,
    /// Waits for an action that a session asked for: ends with its connection, and the action goes on.
    Action,
    /// Tells one backend of one production: ends at once, what was not told is in the log.
    Outbox,
    /// Takes reports of services, or asks them how they are: ends at once.
    Watchdog,
    /// Opens, once, the productions in which something is under way: ends at once.
    Opener,
    /// Supervises a child process: ends when nothing of it is left; told to end, it ends the child first, gracefully.
    Child,
    /// Passes on what adapters see, in order: ends at once, what is seen of a server that stops is no news.
    Reporter,
    /// Sends one export: ends when its reader goes.
    Export,
}

/// Starts tasks and waits for them. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    cancel: CancellationToken,
}

impl Tasks {
    /// No task yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What a task listens to in order to end.
    #[must_use]
    pub fn cancelled(&self) -> CancellationToken {
        self.cancel.clone()
    }

    /// For a library that spawns by itself.
    #[must_use]
    pub fn tracker(&self) -> &TaskTracker {
        &self.tracker
    }

    /// Starts a task.
    pub fn spawn(&self, kind: TaskKind, task: impl Future<Output = ()> + Send + 'static) {
        tracing::trace!(?kind, "task begins");
        drop(self.tracker.spawn(task));
    }

    /// Tells every task to end.
    pub fn cancel(&self) {
        self.cancel.cancel();
        self.tracker.close();
    }

    /// Waits until every task has ended.
    pub async fn ended(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}
