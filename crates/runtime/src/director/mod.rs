//! The director: one task that owns a production. Everything that changes it goes through here.
//!
//! It takes what waits in its inbox, decides each command against a working state, appends all commits in one call,
//! and only then shows the state, sends the commits and answers. While the append is under way more arrives: the
//! slower the disk, the larger the next batch.

mod batch;
mod keep;
mod open;

use std::{sync::Arc, time::Duration};

use onair_core::{Command, Production};
use onair_wire::Receipt;
use tokio::{sync::mpsc, time::timeout};

use crate::{error::Error, shared::Shared};

use batch::Batch;
use keep::Keeper;

pub(crate) use open::open;

/// Commands that may wait for one production. At a flush of 1 ms that is two batches; whoever comes after is told to
/// come back rather than kept waiting.
pub const INBOX: usize = 4_096;
/// Commands in one batch.
pub const BATCH_COMMANDS: usize = 1_024;
/// Bytes of commits in one batch, well below what an engine takes in one append.
pub const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// How long a production stays in memory without a command, a subscriber or a reader.
pub const IDLE: Duration = Duration::from_secs(60);

/// How a caller is answered: called once, after the commit was shown.
pub(crate) type Answer = Box<dyn FnOnce(Result<Receipt, Error>) + Send>;

/// A command on its way, and whoever waits for it.
pub(crate) struct Request {
    pub(crate) command: Command,
    pub(crate) answer: Answer,
}

/// Owns one production.
pub(crate) struct Director {
    shared: Arc<Shared>,
    inbox: mpsc::Receiver<Request>,
    /// The state with everything that is on disk. Equal to what is shown, except during a batch.
    working: Production,
    keeper: Keeper,
}

impl Director {
    /// Runs until the production is idle, removed, or the server ends.
    pub(crate) async fn run(mut self) {
        let ended = self.shared.ended.clone();
        loop {
            let first = tokio::select! {
                biased;
                () = ended.cancelled() => break,
                received = timeout(IDLE, self.inbox.recv()) => match received {
                    Ok(Some(request)) => request,
                    Ok(None) => break,
                    Err(_) if self.shared.retire() => break,
                    Err(_) => continue,
                },
            };
            self.batch(first).await;
        }
        self.inbox.close();
        while let Some(request) = self.inbox.recv().await {
            (request.answer)(Err(Error::Closing));
        }
        self.shared.hub.end();
    }

    async fn batch(&mut self, first: Request) {
        if let Some(reason) = self.shared.damage() {
            let reason = reason.to_owned();
            return self.refuse(first, &reason);
        }
        if let Some(oldest) = self.keeper.trimmed() {
            self.working.forget_before(oldest);
        }
        let mut batch = Batch::new(&self.shared, &mut self.working);
        batch.take(first).await;
        while batch.has_room()
            && let Ok(request) = self.inbox.try_recv()
        {
            batch.take(request).await;
        }
        match batch.finish().await {
            Ok(written) => self.keeper.wrote(&self.shared, &self.working, written),
            Err(error) => self.begin_again(&error).await,
        }
    }

    fn refuse(&mut self, first: Request, reason: &str) {
        (first.answer)(Err(Error::ReadOnly(reason.to_owned())));
        while let Ok(request) = self.inbox.try_recv() {
            (request.answer)(Err(Error::ReadOnly(reason.to_owned())));
        }
    }

    /// An append failed: what was decided on is thrown away, and what the log really says is read again.
    async fn begin_again(&mut self, error: &onair_engine::Error) {
        tracing::error!(production = %self.shared.id, %error, "the log could not be written");
        self.working = Production::clone(&self.shared.hub.state());
        if let Err(error) = open::catch_up(&self.shared, &mut self.working).await {
            self.shared.set_read_only(&error.to_string());
        }
    }
}
