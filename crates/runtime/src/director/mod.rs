//! The director: one task that owns a production. Everything that changes it goes through here.
//!
//! It takes what waits in its inbox, decides each command against a working state, appends all commits in one call,
//! and only then shows the state, sends the commits and answers. While the append is under way more arrives: the
//! slower the disk, the larger the next batch.

mod answer;
mod batch;
mod crew;
mod keep;
mod logged;
mod open;
mod show;

use std::{sync::Arc, time::Duration};

use onair_core::{Command, Intent, Production};
use onair_wire::{Actor, Receipt};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until},
};

use crate::{error::Error, lookout::Lookout, shared::Shared};

pub use answer::Posted;
pub(crate) use answer::{Answer, sent_to};

use answer::Answers;
use batch::Batch;
use keep::Keeper;

use show::Show;

pub(crate) use open::{is_at_rest, open};

/// Commands that may wait for one production. At a flush of 1 ms that is two batches; whoever comes after is told to
/// come back rather than kept waiting.
pub const INBOX: usize = 4_096;
/// Commands in one batch.
pub const BATCH_COMMANDS: usize = 1_024;
/// Bytes of commits in one batch, well below what an engine takes in one append.
pub const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// How long a production stays in memory without a command, a subscriber or a reader.
pub const IDLE: Duration = Duration::from_secs(60);

/// A command on its way, and whoever waits for it.
pub(crate) struct Request {
    pub(crate) command: Command,
    pub(crate) answer: Answer,
}

impl Request {
    /// Nobody waits for what comes of it.
    pub(crate) fn unanswered(actor: Actor, intent: Intent) -> Self {
        let command = Command { actor, mutation: None, intent, versions: Default::default() };
        Self { command, answer: Box::new(|_| None) }
    }

    /// Whoever sends it waits for what comes of it.
    pub(crate) fn answered(
        actor: Actor,
        intent: Intent,
    ) -> (Self, oneshot::Receiver<Result<Receipt, Error>>) {
        let (sender, receiver) = oneshot::channel();
        let request = Self::unanswered(actor, intent);
        (Self { answer: sent_to(sender), ..request }, receiver)
    }
}

/// Owns one production.
pub(crate) struct Director {
    shared: Arc<Shared>,
    inbox: mpsc::Receiver<Request>,
    /// The state with everything that is on disk. Equal to what is shown, except during a batch.
    working: Production,
    keeper: Keeper,
    show: Show,
    lookout: Lookout,
}

impl Director {
    fn new(shared: Arc<Shared>, inbox: mpsc::Receiver<Request>, working: Production, keeper: Keeper) -> Self {
        let lookout = Lookout::new(&shared);
        Self { shared, inbox, working, keeper, show: Show::default(), lookout }
    }

    /// Runs until the production is idle, removed, or the server ends.
    pub(crate) async fn run(mut self) {
        let ended = self.shared.ended.clone();
        self.resume().await;
        let mut idle_at = Instant::now() + IDLE;
        loop {
            let first = tokio::select! {
                biased;
                () = ended.cancelled() => break,
                // First, or nobody would look at those who have most to do.
                () = self.lookout.due() => {
                    self.look().await;
                    continue;
                }
                received = self.inbox.recv() => match received {
                    Some(request) => Some(request),
                    None => break,
                },
                () = self.show.due(&self.shared.clock) => None,
                () = self.shared.counts.stirred(), if self.lookout.is_idle() => {
                    self.lookout.stir();
                    continue;
                }
                () = sleep_until(idle_at) => {
                    if self.working.rests() && self.shared.retire() {
                        break;
                    }
                    idle_at = Instant::now() + IDLE;
                    continue;
                }
            };
            idle_at = Instant::now() + IDLE;
            self.batch(first).await;
        }
        self.show.stand_down();
        self.inbox.close();
        while let Some(request) = self.inbox.recv().await {
            Answers::default().give(request.answer, Err(Error::Closing));
        }
        self.shared.hub.end();
    }

    /// Goes on with what another server left open (row L12).
    async fn resume(&mut self) {
        if self.shared.damage().is_some() {
            return;
        }
        if let Some(request) = show::resumption(&self.shared, &self.working) {
            self.batch(Some(request)).await;
        }
        self.show.follow(&self.shared, &self.working);
    }

    /// `first` and what waits behind it; without one, what happens by itself because time has passed.
    async fn batch(&mut self, first: Option<Request>) {
        if let Some(reason) = self.shared.damage() {
            let reason = reason.to_owned();
            self.show.stand_down();
            return self.refuse(first, &reason);
        }
        if let Some(oldest) = self.keeper.trimmed() {
            self.working.forget_before(oldest);
        }
        let woken = first.is_none();
        let mut batch = Batch::new(&self.shared, &mut self.working, &mut self.lookout);
        match first {
            Some(first) => batch.take(first).await,
            None => batch.go_on(),
        }
        while batch.has_room()
            && let Ok(request) = self.inbox.try_recv()
        {
            batch.take(request).await;
        }
        match batch.finish().await {
            Ok(written) => {
                self.keeper.wrote(&self.shared, &self.working, written);
                if woken && !written.show {
                    self.show.postpone(&self.shared.clock);
                } else if written.show {
                    self.show.follow(&self.shared, &self.working);
                }
                if written.moved {
                    self.look().await;
                } else if written.commits > 0 {
                    self.lookout.stir();
                }
            }
            Err(error) => self.begin_again(&error).await,
        }
    }

    /// Has the rules look: behind each move, and while something happens (row A2).
    async fn look(&mut self) {
        if self.shared.read_only().is_some() {
            return self.lookout.rest();
        }
        let mut batch = Batch::new(&self.shared, &mut self.working, &mut self.lookout);
        batch.check(None);
        match batch.finish().await {
            Ok(written) => self.keeper.wrote(&self.shared, &self.working, written),
            Err(error) => self.begin_again(&error).await,
        }
    }

    fn refuse(&mut self, first: Option<Request>, reason: &str) {
        let mut answers = Answers::default();
        let waiting = first.into_iter().chain(std::iter::from_fn(|| self.inbox.try_recv().ok()));
        waiting.for_each(|request| answers.give(request.answer, Err(Error::ReadOnly(reason.to_owned()))));
    }

    /// An append failed: what was decided on is thrown away, and what the log really says is read again.
    async fn begin_again(&mut self, error: &onair_engine::Error) {
        tracing::error!(production = %self.shared.id, %error, "the log could not be written");
        self.working = Production::clone(&self.shared.hub.state());
        if let Err(error) = open::catch_up(&self.shared, &mut self.working).await {
            self.shared.set_read_only(&error.to_string());
        }
        self.show.follow(&self.shared, &self.working);
    }
}
