//! A show in which everything outside can go wrong: services with a truth of their own, a clock, crashes.

use std::collections::{BTreeMap, BTreeSet};

use onair_core::{
    Act, Command, Decision, Due, Intent, Phase, Production, Refusal, Report, StepError, advance, decide,
};
use onair_wire::{Actor, Commit, Epoch, Millis, ProductionId, TaskAction, Timestamp};
use serde_json::{Value, json};

/// What befalls the n-th call, or the moment before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// It fails, and did not happen.
    Fails,
    /// It fails this once, and did not happen.
    FailsOnce,
    /// It is lost on the way there.
    LostBefore,
    /// It is lost on the way back.
    LostAfter,
    /// Nothing is heard of it, and it did not happen.
    HangsBefore,
    /// Nothing is heard of it, and it did happen.
    HangsAfter,
    /// It happens, and the answer comes when nobody waits any more.
    Late,
    /// It is answered twice.
    Twice,
    /// The service does not answer any more, this call or another, until the operator comes.
    Dead,
    /// Somebody presses this first.
    Press(usize),
    /// The service is gone and comes back as another instance.
    Restarts,
    /// It happens, and the server dies before it hears of it.
    Killed,
}

pub(crate) const PRESSED: [Act; 5] = [
    Act::Stop,
    Act::EmergencyStop,
    Act::Start { session_id: None, kind: None, break_glass: None },
    Act::Recover,
    Act::Initialize,
];

pub(crate) const FAULTS: [Fault; 16] = [
    Fault::Fails,
    Fault::FailsOnce,
    Fault::LostBefore,
    Fault::LostAfter,
    Fault::HangsBefore,
    Fault::HangsAfter,
    Fault::Late,
    Fault::Twice,
    Fault::Dead,
    Fault::Press(0),
    Fault::Press(1),
    Fault::Press(2),
    Fault::Press(3),
    Fault::Press(4),
    Fault::Restarts,
    Fault::Killed,
];

/// What happens in one run: faults by the number of the call, crashes by the number of the commit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) faults: BTreeMap<usize, Fault>,
    pub(crate) crash: Option<usize>,
}

pub(crate) struct World {
    pub(crate) production: Production,
    pub(crate) commits: Vec<Commit>,
    pub(crate) calls: usize,
    plan: Plan,
    now: Timestamp,
    /// What is really on.
    on: BTreeSet<String>,
    dead: BTreeSet<String>,
    /// What was done under each key: an effect happens once for a key.
    keys: BTreeMap<String, u32>,
    /// Calls that nothing is heard of, in the memory of this server.
    hanging: BTreeSet<(String, u32)>,
    late: Vec<Report>,
    instances: u32,
}

impl World {
    pub(crate) fn new(manifest: &Value, plan: Plan) -> Self {
        let (id, epoch) = (ProductionId::new("main").expect("a name"), Epoch::new("e").expect("an epoch"));
        let mut world = Self {
            production: Production::begin(id, epoch),
            commits: Vec::new(),
            calls: 0,
            plan,
            now: Timestamp::from_millis(1_000_000),
            on: BTreeSet::new(),
            dead: BTreeSet::new(),
            keys: BTreeMap::new(),
            hanging: BTreeSet::new(),
            late: Vec::new(),
            instances: 0,
        };
        world.command(Intent::Configure(manifest.clone())).expect("a manifest");
        world
    }

    pub(crate) fn act(&mut self, act: Act) -> Result<(), Refusal> {
        self.command(Intent::Act(act))
    }

    /// Carries out a script of an operator who waits for each action to end, whatever comes of it.
    pub(crate) fn play(&mut self, script: &[Act]) {
        for act in script {
            // What is refused is refused: the operator reads it and goes on.
            let _ = self.act(act.clone());
            self.settle();
        }
    }

    /// The operator sees to whatever does not answer, and recovers.
    pub(crate) fn mend(&mut self) {
        self.dead.clear();
        self.plan = Plan::default();
        if self.production.phase() == Phase::Error {
            self.act(Act::Recover).expect("recover is allowed in error");
            self.settle();
        }
    }

    /// Until nothing happens by itself any more.
    fn settle(&mut self) {
        for _ in 0..2_000 {
            let due = self.production.due();
            let asked = due.into_iter().find(|due| !self.hanging.contains(&(due.key.clone(), due.attempt)));
            if let Some(due) = asked {
                self.call(&due);
            } else if let Some(at) = self.production.wake_at() {
                self.now = self.now.max(at).plus(Millis(1));
                self.go_on();
                for report in std::mem::take(&mut self.late) {
                    self.command(Intent::Report(report)).expect("a report is never refused");
                }
            } else {
                return;
            }
        }
        panic!("the show does not come to rest: {:?}, {:?}", self.plan, self.production.lifecycle());
    }

    fn call(&mut self, due: &Due) {
        let number = self.calls;
        self.calls += 1;
        self.now = self.now.plus(Millis(1));
        let fault = self.plan.faults.get(&number).copied();
        match fault {
            Some(Fault::Press(which)) => {
                let _ = self.act(PRESSED[which].clone());
                if self.production.due().contains(due) {
                    self.answered(due);
                }
            }
            Some(Fault::Dead) => {
                self.dead.insert(due.service.clone());
                self.hang(due);
            }
            Some(Fault::Restarts) => {
                self.restart(&due.service);
                if self.production.due().contains(due) {
                    self.answered(due);
                }
            }
            Some(Fault::Killed) => {
                self.happen(due);
                self.crash();
            }
            _ if self.dead.contains(&due.service) => self.hang(due),
            None => self.answered(due),
            Some(Fault::Twice) => {
                self.answered(due);
                self.report(due, Ok(()));
            }
            Some(Fault::Fails) => self.failed(due, false, false),
            Some(Fault::FailsOnce) => self.failed(due, true, false),
            Some(Fault::LostBefore) => self.failed(due, true, true),
            Some(Fault::LostAfter) => {
                self.happen(due);
                self.failed(due, true, true);
            }
            Some(Fault::HangsBefore) => self.hang(due),
            Some(Fault::HangsAfter) => {
                self.happen(due);
                self.hang(due);
            }
            Some(Fault::Late) => {
                self.happen(due);
                self.hang(due);
                self.late.push(report(due, Ok(())));
            }
        }
    }

    /// The thing itself: off behind a restart, and another one than before.
    fn restart(&mut self, service: &str) {
        use onair_core::{Observe, service::Seen};
        self.on.remove(service);
        let observe = |seen| Intent::Observe(Observe { service: service.to_owned(), seen });
        self.instances += 1;
        let instance = Some(format!("i{}", self.instances));
        self.command(observe(Seen::Away { reason: "it crashed".into() })).expect("taken");
        self.command(observe(Seen::Here { instance, healthy: true, details: None })).expect("taken");
    }

    fn answered(&mut self, due: &Due) {
        self.happen(due);
        self.report(due, Ok(()));
    }

    fn happen(&mut self, due: &Due) {
        let times = self.keys.entry(due.key.clone()).or_default();
        *times += 1;
        if *times > 1 {
            return;
        }
        match due.action {
            TaskAction::Start => drop(self.on.insert(due.service.clone())),
            TaskAction::Stop => drop(self.on.remove(&due.service)),
            TaskAction::Initialize | TaskAction::Health => {}
        }
    }

    fn hang(&mut self, due: &Due) {
        self.hanging.insert((due.key.clone(), due.attempt));
    }

    fn failed(&mut self, due: &Due, retryable: bool, unknown: bool) {
        self.report(due, Err(StepError { message: "it broke".into(), retryable, unknown }));
    }

    fn report(&mut self, due: &Due, result: Result<(), StepError>) {
        self.command(Intent::Report(report(due, result))).expect("a report is never refused");
    }

    fn command(&mut self, intent: Intent) -> Result<(), Refusal> {
        let actor = Actor::new("operator:kim").expect("an actor");
        let command = Command { actor, mutation: None, intent, versions: Default::default() };
        if let Decision::Commit(commit, _) = decide(&self.production, &command, self.now)? {
            self.append(&commit);
            self.go_on();
        }
        Ok(())
    }

    fn go_on(&mut self) {
        while let Some(commit) =
            advance(&self.production, self.now).expect("what happens by itself is allowed")
        {
            self.append(&commit);
        }
    }

    fn append(&mut self, commit: &Commit) {
        self.production.apply(commit).expect("what was decided follows");
        self.commits.push(commit.clone());
        if self.plan.crash == Some(self.commits.len()) {
            self.plan.crash = None;
            self.crash();
        }
    }

    /// The server dies behind this commit; another one reads the log and goes on.
    fn crash(&mut self) {
        let state = &self.production;
        let mut read = Production::begin(state.id().clone(), state.epoch().clone());
        for commit in &self.commits {
            read.apply(&Commit::decode(&commit.encode()).expect("a commit")).expect("the log follows");
        }
        self.production = read;
        self.hanging.clear();
        self.now = self.now.plus(Millis(50));
        if !self.production.rests() {
            self.command(Intent::Resume(BTreeMap::new())).expect("taken");
        }
    }

    /// Row L5 and its like: on as a whole, or off as a whole, or it is written down what is not.
    pub(crate) fn check(&self) {
        let lifecycle = self.production.lifecycle();
        let told = json!({ "plan": format!("{:?}", self.plan), "lifecycle": lifecycle, "services": self.production.services(), "on": self.on });
        assert_eq!(lifecycle.sequence, None, "a sequence is left open: {told}");
        let owed = lifecycle.error.as_ref().map(|error| error.owed.clone()).unwrap_or_default();
        match lifecycle.phase {
            Phase::Live => {
                let all = self.production.services().len();
                assert_eq!(self.on.len(), all, "live with something off: {told}");
            }
            Phase::Error => {
                for service in &self.on {
                    assert!(
                        owed.contains(&format!("{service}.stop")),
                        "{service} is on and not owed: {told}"
                    );
                }
            }
            Phase::Idle | Phase::Ready => {
                assert_eq!(self.on, BTreeSet::new(), "something was left on: {told}");
                assert_eq!(self.production.owed(), Vec::<String>::new(), "something is owed: {told}");
            }
            phase => panic!("the show rests in {}: {told}", phase.as_str()),
        }
        self.check_history();
    }

    /// Every move is one of the table, or was forced; the steps of a sequence had one key each.
    fn check_history(&self) {
        let mut phase = Phase::Idle;
        for commit in &self.commits {
            for change in commit.changes.iter().filter(|change| change.collection.as_str() == "_transitions")
            {
                let onair_wire::Op::Put(value) = &change.op else { continue };
                let transition: onair_core::lifecycle::Transition =
                    serde_json::from_value(Value::clone(value)).expect("a transition");
                assert_eq!(transition.from, phase, "the history has a hole");
                let forced = transition.reason == onair_core::lifecycle::Reason::Forced;
                assert!(forced || phase.may_move(transition.to), "{transition:?}");
                phase = transition.to;
            }
        }
        assert_eq!(phase, self.production.phase());
    }
}

fn report(due: &Due, result: Result<(), StepError>) -> Report {
    let Due { sequence, step, key, attempt, .. } = due.clone();
    Report { sequence, step, key, attempt, result }
}
