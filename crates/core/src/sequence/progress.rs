//! How a sequence goes on: which steps begin, which time out, when it has ended. One table for all kinds.

use onair_wire::{TaskAction, Timestamp};

use super::{Kind, Sequence, Step, StepStatus};
use crate::{backoff, settings::Settings};

/// What a sequence has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Somebody is asked, or will be.
    Going,
    /// Every step ended as it should.
    Done,
    /// It will not be done any more; the step at this place is why.
    Failed(usize),
}

/// Why an attempt of a step did not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) retryable: bool,
    pub(crate) unknown: bool,
}

impl Kind {
    /// Whether one failed step ends it. What turns things off goes on with the others.
    fn ends_with_a_failure(self, sequence: &Sequence) -> bool {
        match self {
            Self::Initialize | Self::Start => true,
            Self::Stop | Self::EmergencyStop | Self::Rollback => false,
            Self::Recover => sequence.service.is_some(),
        }
    }
}

impl Sequence {
    /// Steps that can begin now: `pending`, and everything before them has ended.
    pub(crate) fn begin_steps(&mut self, now: Timestamp) -> bool {
        let failing = self.kind.ends_with_a_failure(self);
        if failing && self.first_failed().is_some() {
            return false;
        }
        let (deadline, ended) = (self.deadline, self.ended_names());
        let mut begun = false;
        for step in &mut self.steps {
            if step.status == StepStatus::Pending && step.after.iter().all(|name| ended.contains(name)) {
                step.begin(now, deadline);
                begun = true;
            }
        }
        begun
    }

    /// Attempts whose time has come again.
    pub(crate) fn retry_steps(&mut self, now: Timestamp) -> bool {
        let deadline = self.deadline;
        let mut begun = false;
        for step in self.steps.iter_mut().filter(|step| step.retry_at.is_some_and(|at| at <= now)) {
            step.begin(now, deadline);
            begun = true;
        }
        begun
    }

    /// Steps whose time is over.
    pub(crate) fn time_out_steps(&mut self, settings: &Settings, now: Timestamp) -> Vec<usize> {
        let over =
            |step: &Step| step.status == StepStatus::Running && step.deadline.is_some_and(|at| at <= now);
        let places: Vec<usize> =
            self.steps.iter().enumerate().filter(|(_, step)| over(step)).map(|(place, _)| place).collect();
        for place in &places {
            let step = &mut self.steps[*place];
            let waits = step.retry_at.is_some();
            let message = match &step.error {
                // What was wrong with the attempt before is not what is wrong with this one.
                Some(error) if !step.is_timed_per_attempt() => {
                    format!("not done within {}: {error}", step.timeout)
                }
                Some(_) | None => format!("no answer within {}", step.timeout),
            };
            let unknown = step.unknown || !waits;
            step.fail(settings, now, Failure { message, retryable: true, unknown });
        }
        places
    }

    /// What it has come to.
    pub(crate) fn verdict(&self) -> Verdict {
        let running = self.steps.iter().any(|step| step.status == StepStatus::Running);
        let pending = self.steps.iter().any(|step| step.status == StepStatus::Pending);
        match self.first_failed() {
            _ if running => Verdict::Going,
            Some(place) if !pending || self.kind.ends_with_a_failure(self) => Verdict::Failed(place),
            _ if pending => Verdict::Going,
            Some(place) => Verdict::Failed(place),
            None => Verdict::Done,
        }
    }

    /// Steps that nobody was asked for will not be done, and those under way are given up.
    pub(crate) fn abandon(&mut self, now: Timestamp, why: &str) {
        for step in &mut self.steps {
            match step.status {
                StepStatus::Pending => step.status = StepStatus::Skipped,
                StepStatus::Running => {
                    // An attempt that failed and waits for the next one is known not to have happened.
                    step.unknown = step.unknown || step.retry_at.is_none();
                    step.end(StepStatus::Failed, now);
                    step.error = Some(why.to_owned());
                }
                StepStatus::Done | StepStatus::Failed | StepStatus::Undone | StepStatus::Skipped => {}
            }
        }
    }

    fn first_failed(&self) -> Option<usize> {
        let counts = |step: &Step| step.status == StepStatus::Failed && !step.optional;
        self.steps.iter().position(counts)
    }

    fn ended_names(&self) -> Vec<String> {
        self.steps.iter().filter(|step| step.has_ended()).map(|step| step.name.clone()).collect()
    }
}

impl Step {
    fn begin(&mut self, now: Timestamp, all: Option<Timestamp>) {
        self.status = StepStatus::Running;
        self.attempts += 1;
        self.retry_at = None;
        self.started_at.get_or_insert(now);
        let own = now.plus(self.timeout);
        if self.deadline.is_none() || self.is_timed_per_attempt() {
            self.deadline = Some(all.map_or(own, |all| own.min(all)));
        }
    }

    /// Row L3: the timeout of `initialize` holds for an attempt, and running past it is worth another one.
    fn is_timed_per_attempt(&self) -> bool {
        self.action == Some(TaskAction::Initialize)
    }

    /// An attempt did not work: another one later, or none.
    pub(crate) fn fail(&mut self, settings: &Settings, now: Timestamp, failure: Failure) {
        let Failure { message, retryable, unknown } = failure;
        self.error = Some(message);
        // What an earlier attempt may have done, a later one that failed has not undone.
        self.unknown |= unknown;
        let at = now.plus(backoff::delay(settings, self.attempts, &self.key));
        let in_time = self.is_timed_per_attempt() || self.deadline.is_none_or(|deadline| at < deadline);
        if retryable && self.attempts <= settings.max_retries && in_time {
            self.retry_at = Some(at);
            if self.is_timed_per_attempt() {
                self.deadline = None;
            }
        } else {
            self.end(StepStatus::Failed, now);
        }
    }

    /// It was done.
    pub(crate) fn done(&mut self, now: Timestamp) {
        self.unknown = false;
        self.error = None;
        self.end(StepStatus::Done, now);
    }

    fn end(&mut self, status: StepStatus, now: Timestamp) {
        self.status = status;
        self.retry_at = None;
        self.ended_at = Some(now);
    }

    /// Asked for again by a server that does not know what came of it: the same key, a new attempt.
    pub(crate) fn ask_again(&mut self, now: Timestamp, all: Option<Timestamp>, more_time: bool) {
        // That nobody was reached this time says nothing of the time before.
        self.unknown = true;
        if more_time {
            self.deadline = None;
        }
        self.begin(now, all);
    }
}
