//! One batch: decided one after the other, appended at once, answered when it is on disk.

use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering},
};

use bytes::Bytes;
use onair_core::{
    Act, Command, Decision, Intent, Production, Refusal, advance, decide, needs, receipt, rules::Verified,
};
use onair_engine::Record;
use onair_wire::{
    Commit, Outcome as Applied, Receipt, Revision,
    planted::{Bug, planted},
};

use super::{
    Answer, BATCH_BYTES, BATCH_COMMANDS, Request, Teller,
    logged::{self, touches_show},
};
use crate::{archive, check, error::Error, figures, hub::Published, lookout::Lookout, shared::Shared};

/// What was written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Written {
    pub(super) commits: u64,
    pub(super) bytes: u64,
    /// Whether the show was touched.
    pub(super) show: bool,
    /// Whether the phase moved.
    pub(super) moved: bool,
}

/// Commits that may follow from one by themselves. A show takes a dozen; more would be our mistake.
const STEPS_MAX: usize = 1_000;
/// Commits that one check may make: what opens, what clears, and some room for our mistakes.
const CHECK_STEPS_MAX: usize = 8;

pub(super) struct Batch<'a> {
    shared: &'a Arc<Shared>,
    working: &'a mut Production,
    lookout: &'a mut Lookout,
    expected: Revision,
    commits: Vec<Published>,
    bytes: usize,
    /// Whether a commit touched the show, so that calls and times may be others than before.
    show: bool,
    /// Whether the phase moved.
    moved: bool,
    /// What is to be counted of the show once it is on disk.
    tally: Option<Box<figures::Show>>,
    answers: &'a mut Answers,
}

/// Who waits for this batch, in the order in which they came. The director's, so that nobody is forgotten when a batch
/// ends in a panic.
pub(super) type Answers = VecDeque<(Answer, Outcome)>;

/// What a caller is told once the batch is on disk.
pub(super) enum Outcome {
    Done(Receipt),
    Known(Revision),
    No(Error),
    /// It is decided on right now.
    Open,
}

impl<'a> Batch<'a> {
    pub(super) fn new(
        shared: &'a Arc<Shared>,
        working: &'a mut Production,
        lookout: &'a mut Lookout,
        answers: &'a mut Answers,
    ) -> Self {
        let expected = working.revision();
        let (commits, tally) = (Vec::new(), None);
        let (bytes, show, moved) = (0, false, false);
        Self { shared, working, lookout, expected, commits, bytes, show, moved, tally, answers }
    }

    pub(super) fn has_room(&self) -> bool {
        self.answers.len() < BATCH_COMMANDS && self.bytes < BATCH_BYTES
    }

    /// Decides a command against what the batch has made so far.
    pub(super) async fn take(&mut self, request: Request) {
        let Request { command, answer } = request;
        self.answers.push_back((answer, Outcome::Open));
        let decided = self.decide(command).await;
        self.answers.back_mut().expect("pushed above").1 = decided;
    }

    async fn decide(&mut self, mut command: Command) -> Outcome {
        match command.intent {
            Intent::Check(asked) => {
                self.check(asked.verified);
                let (revision, conflicts) = (self.working.revision(), Vec::new());
                return Outcome::Done(Receipt {
                    revision,
                    outcome: Applied::Applied,
                    conflicts,
                    sequence: None,
                });
            }
            // What blocks a start is what stands now.
            Intent::Act(Act::Start { .. }) if self.has_preflight() => self.check(None),
            _ => {}
        }
        let wanted = needs(self.working, &command);
        if !wanted.is_empty() {
            let published = self.shared.hub.state();
            match self.shared.archive.versions(&published, wanted).await {
                Ok(versions) => command.versions = versions,
                Err(error) => return Outcome::No(error),
            }
        }
        match decide(self.working, &command, self.shared.clock.now()) {
            Ok(Decision::Commit(commit, receipt)) => {
                let show = touches_show(&commit);
                self.add(*commit);
                if show {
                    self.go_on();
                }
                Outcome::Done(receipt)
            }
            Ok(Decision::AsIs(receipt)) => Outcome::Done(receipt),
            Ok(Decision::Known(revision)) => Outcome::Known(revision),
            Err(refusal) => {
                self.shared.figures.refused(refusal.code());
                Outcome::No(refusal.into())
            }
        }
    }

    fn has_preflight(&self) -> bool {
        self.working.manifest().is_some_and(|manifest| manifest.written.validation.block_start.is_some())
    }

    /// Has the rules look, and keeps what they find (row A2).
    pub(super) fn check(&mut self, verified: Option<Verified>) {
        let begun = tokio::time::Instant::now();
        let observation = self.lookout.observe(self.shared, self.working, verified);
        let intent = Intent::Check(Box::new(observation.clone()));
        let command = Command { actor: check::actor(), mutation: None, intent, versions: Default::default() };
        for _ in 0..CHECK_STEPS_MAX {
            match decide(self.working, &command, observation.now) {
                Ok(Decision::Commit(commit, _)) => self.add(*commit),
                Ok(Decision::AsIs(_) | Decision::Known(_)) | Err(_) => break,
            }
        }
        self.lookout.looked(self.shared, self.working, observation);
        self.shared.figures.checked(begun.elapsed());
    }

    /// Makes the commits that nobody asks for: what follows from the state, until it rests.
    pub(super) fn go_on(&mut self) {
        for _ in 0..STEPS_MAX {
            match advance(self.working, self.shared.clock.now()) {
                Ok(Some(commit)) => self.add(commit),
                Ok(None) => return,
                Err(refusal) => {
                    tracing::error!(production = %self.shared.id, %refusal, "the show cannot go on");
                    return;
                }
            }
        }
        tracing::error!(production = %self.shared.id, steps = STEPS_MAX, "the show does not come to rest");
    }

    fn add(&mut self, commit: Commit) {
        if touches_show(&commit) {
            self.show = true;
            self.tally.get_or_insert_default().count(self.working, &commit);
        }
        self.moved |= logged::moves(&commit);
        self.working.apply(&commit).expect("what was just decided follows what it was decided on");
        let body = Bytes::from(commit.encode());
        self.bytes += body.len();
        self.commits.push(Published { commit: Arc::new(commit), body });
    }

    /// Appends, shows, answers.
    pub(super) async fn finish(self) -> Result<Written, onair_engine::Error> {
        let Self { shared, working, expected, commits, bytes, show, moved, tally, answers, .. } = self;
        if commits.is_empty() {
            answer(shared, answers).await;
            return Ok(Written::default());
        }
        let record = |published: &Published| Record {
            revision: published.commit.revision,
            body: published.body.clone(),
        };
        let records = commits.iter().map(record).collect();
        let begun = tokio::time::Instant::now();
        if planted(Bug::AckBeforeAppend) {
            answer(shared, answers).await;
        }
        if planted(Bug::PublishBeforeFlush) {
            shared.hub.publish(Arc::new(working.clone()), &commits);
        }
        let appended = shared.engine.append(&shared.id, &shared.epoch, expected, records).await;
        if let Err(error) = appended
            && !planted(Bug::FailureForgotten)
        {
            let mut teller = Teller::default();
            while let Some((answer, _)) = answers.pop_front() {
                teller.tell(answer, Err(error.clone().into()));
            }
            return Err(error);
        }
        let count = commits.len() as u64;
        shared.figures.committed(count, bytes as u64, begun.elapsed());
        shared.counts.appended(begun.elapsed());
        let opened = commits.iter().flat_map(|published| logged::opened(&published.commit));
        opened.for_each(|code| shared.figures.found(code));
        if let Some(tally) = tally {
            shared.figures.showed(&tally);
        }
        if show {
            logged::tell(shared, &shared.hub.state(), working, &commits);
        }
        if !planted(Bug::PublishBeforeFlush) {
            shared.hub.publish(Arc::new(working.clone()), &commits);
        }
        shared.shown.set(working.revision());
        shared.dirty.store(true, Ordering::Relaxed);
        answer(shared, answers).await;
        Ok(Written { commits: count, bytes: bytes as u64, show, moved })
    }
}

async fn answer(shared: &Shared, answers: &mut Answers) {
    let mut teller = Teller::default();
    while let Some((answer, outcome)) = answers.pop_front() {
        let result = match outcome {
            Outcome::Done(receipt) => Ok(receipt),
            Outcome::No(error) => Err(error),
            Outcome::Known(revision) => known(shared, revision).await,
            Outcome::Open => Err(Error::Internal),
        };
        teller.tell(answer, result);
    }
}

/// What was answered when the mutation was done the first time.
async fn known(shared: &Shared, revision: Revision) -> Result<Receipt, Error> {
    let state = shared.hub.state();
    let one = onair_engine::Limit { records: 1, bytes: 0 };
    let records = shared.archive.records(&state, revision.previous(), one).await?;
    let record = records.first().ok_or(Refusal::Compacted { wanted: revision, oldest: state.oldest() })?;
    Ok(receipt(&archive::decode(&state, record)?))
}
