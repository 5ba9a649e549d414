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

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use onair_core::{Command, Intent, Production};
use onair_wire::{Actor, Receipt};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until},
};

use crate::{error::Error, lookout::Lookout, shared::Shared};

pub use answer::Posted;
pub(crate) use answer::{Answer, sent_to};

use answer::Teller;
use batch::{Answers, Batch};
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
    /// Who waits for the batch under way.
    answers: Answers,
}

impl Director {
    fn new(shared: Arc<Shared>, inbox: mpsc::Receiver<Request>, working: Production, keeper: Keeper) -> Self {
        let lookout = Lookout::new(&shared);
        let (show, answers) = (Show::default(), Answers::new());
        Self { shared, inbox, working, keeper, show, lookout, answers }
    }

    /// Runs until the production is idle, removed, or the server ends. A panic is a mistake of ours: from then on the
    /// production is served as it was last shown, and takes nothing (fault F31); the others do not notice. One that
    /// panics even so is let go, and read from its log when somebody asks for it again.
    pub(crate) async fn run(mut self) {
        if let Err(panic) = AssertUnwindSafe(self.direct()).catch_unwind().await {
            let what = said(panic.as_ref()).to_owned();
            let serve = async {
                self.give_up(&what);
                self.direct().await;
            };
            if AssertUnwindSafe(serve).catch_unwind().await.is_err() {
                tracing::error!(production = %self.shared.id, "a production panicked twice, it is let go");
                self.forsake();
                self.shared.ended.cancel();
            }
        }
        self.show.stand_down();
        self.inbox.close();
        while let Some(request) = self.inbox.recv().await {
            Teller::default().tell(request.answer, Err(Error::Closing));
        }
        self.shared.hub.end();
    }

    async fn direct(&mut self) {
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
    }

    /// Takes nothing from here on: what was being worked on may be half of something. What is in the log beyond what
    /// was shown is shown when the log is opened anew.
    fn give_up(&mut self, what: &str) {
        tracing::error!(production = %self.shared.id, revision = %self.working.revision(), what, "a production panicked, it is read-only");
        self.shared
            .set_read_only("the server made a mistake in it, which is in its log; start the server again");
        self.forsake();
        self.show.stand_down();
        self.lookout.rest();
        self.working = Production::clone(&self.shared.hub.state());
        // Whoever waits for an action to end looks again.
        self.shared.shown.stir();
    }

    /// Tells those who wait for the batch under way that nobody knows what came of it.
    fn forsake(&mut self) {
        let mut teller = Teller::default();
        while let Some((answer, _)) = self.answers.pop_front() {
            teller.tell(answer, Err(Error::Internal));
        }
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
        let mut batch = Batch::new(&self.shared, &mut self.working, &mut self.lookout, &mut self.answers);
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
                let held = self.show.is_held() && (woken || written.commits > 0);
                if written.show || held {
                    self.show.follow(&self.shared, &self.working);
                } else if woken {
                    self.show.postpone(&self.shared.clock);
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
        let mut batch = Batch::new(&self.shared, &mut self.working, &mut self.lookout, &mut self.answers);
        batch.check(None);
        match batch.finish().await {
            Ok(written) => self.keeper.wrote(&self.shared, &self.working, written),
            Err(error) => self.begin_again(&error).await,
        }
    }

    fn refuse(&mut self, first: Option<Request>, reason: &str) {
        let mut teller = Teller::default();
        let waiting = first.into_iter().chain(std::iter::from_fn(|| self.inbox.try_recv().ok()));
        waiting.for_each(|request| teller.tell(request.answer, Err(Error::ReadOnly(reason.to_owned()))));
    }

    /// An append failed: what was decided on is thrown away, and what the log really says is read again.
    async fn begin_again(&mut self, error: &onair_engine::Error) {
        tracing::error!(production = %self.shared.id, %error, "the log could not be written");
        self.working = Production::clone(&self.shared.hub.state());
        match open::catch_up(&self.shared, &mut self.working).await {
            Ok(()) => {}
            // It is another log by now, or none: who asks next is given what there is.
            Err(Error::Engine(onair_engine::Error::Replaced { .. }) | Error::NotFound(_)) => {
                self.shared.ended.cancel();
            }
            Err(error) => self.shared.set_read_only(&error.to_string()),
        }
        // Whoever waits for an action to end looks again.
        self.shared.shown.stir();
        self.show.hold(&self.shared.clock);
    }
}

/// What a panic says.
fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("nothing")
}
