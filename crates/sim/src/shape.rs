//! What a run is made of, drawn anew for each seed: who is there, what they do, what can go wrong.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    agent::Agent,
    caller::Caller,
    chance::Dice,
    disk::Manners,
    fault::Fault,
    ledger::View,
    scene::Who,
    user::{Profile, User},
    wish::collection,
};

/// Actors are numbered by what they are, and what happens at one moment happens in this order.
pub(crate) const USERS: Who = 1;
pub(crate) const CALLERS: Who = 50;
pub(crate) const AGENTS: Who = 70;
pub(crate) const WORLD: Who = 99;
pub(crate) const LINES: Who = 100;

/// Everything about a run that is drawn before it begins.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// Milliseconds of work and faults.
    pub(crate) busy_ms: u64,
    pub(crate) views: Vec<View>,
    users: Vec<Profile>,
    /// Pace, whether they press buttons, and whether only such as bring a show on air.
    callers: Vec<(u64, bool, bool)>,
    services: Vec<String>,
    backend: bool,
    unreliable: bool,
    losing: bool,
    pub(crate) manners: Manners,
    /// What happens when.
    pub(crate) plan: Vec<(u64, Fault)>,
    /// Messages come in pieces.
    pub(crate) splits: bool,
    pub(crate) partial: bool,
    /// Milliseconds on the way, at most.
    pub(crate) latency_ms: u64,
    /// Bytes that a connection holds.
    pub(crate) room: (u64, u64),
    settings: Value,
}

/// The faults that are planned; the others befall what happens anyhow.
const PLANNED: [Fault; 15] = [
    Fault::Cut,
    Fault::HalfOpen,
    Fault::Stall,
    Fault::SlowReader,
    Fault::Unreachable,
    Fault::ClientKilled,
    Fault::Crash,
    Fault::CrashUnderWrite,
    Fault::CrashBehindWrite,
    Fault::Restart,
    Fault::ClockBack,
    Fault::Replaced,
    Fault::Trimmed,
    Fault::AgentDied,
    Fault::Cut,
];

impl Shape {
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        let busy_ms = dice.between(4_000, 14_000);
        let some = |dice: &mut Dice| -> View {
            let all = ["layers", "scenes", "feed", "counters", "_services"];
            let wanted =
                all.into_iter().filter(|_| dice.percent(50)).chain(["layers", "_conflicts", "_system"]);
            Some(wanted.map(collection).collect::<BTreeSet<_>>())
        };
        let views = vec![None, some(dice), some(dice)];
        let show = dice.percent(70);
        let steady = dice.percent(30);
        let users = (0..dice.between(2, 5)).map(|_| Self::profile(dice, &views, show, steady)).collect();
        let callers = (0..dice.below(4))
            .map(|_| (dice.between(150, 1_000), show && dice.percent(55), steady))
            .collect();
        let services = if show { dice.between(1, 4) } else { 0 };
        let faulty = dice.percent(90);
        let mask: Vec<Fault> = PLANNED.into_iter().filter(|_| faulty && dice.percent(45)).collect();
        let count = if mask.is_empty() { 0 } else { dice.between(1, 8) };
        let mut plan: Vec<(u64, Fault)> =
            (0..count).map(|_| (dice.between(300, busy_ms), *dice.pick(&mask))).collect();
        if faulty && show && steady {
            // A show that is on air and stays there is where it matters that another instance came.
            plan.extend((0..2).map(|_| (dice.between(busy_ms / 2, busy_ms), Fault::AgentDied)));
        }
        plan.sort_unstable();
        let small = dice.percent(35);
        Self {
            busy_ms,
            views,
            users,
            callers,
            services: (0..services).map(|number| format!("s{number}")).collect(),
            backend: dice.percent(50),
            unreliable: faulty && dice.percent(60),
            losing: faulty && dice.percent(70),
            manners: Manners {
                flush_ms: dice.between(0, 6),
                slow: faulty && dice.percent(50),
                failing: if faulty && dice.percent(35) { 90 } else { 0 },
            },
            plan,
            splits: dice.percent(50),
            partial: dice.percent(60),
            latency_ms: *dice.pick(&[2, 5, 20, 60]),
            room: if small { (600, 4_000) } else { (16_000, 200_000) },
            settings: json!({
                "initializationTimeout": dice.between(1_000, 3_000),
                "startupTimeout": dice.between(2_000, 5_000),
                "shutdownTimeout": dice.between(1_000, 3_000),
                "healthTimeout": dice.between(1_000, 4_000),
                "retryDelay": dice.between(50, 400),
                "maxRetries": dice.below(4),
                "autoRecovery": dice.percent(70),
            }),
        }
    }

    fn profile(dice: &mut Dice, views: &[View], show: bool, steady: bool) -> Profile {
        let view = if dice.percent(55) { 0 } else { dice.place(views.len()) };
        Profile {
            pace_ms: dice.percent(75).then(|| dice.between(80, 1_500)),
            acts: show && dice.percent(40),
            steady,
            late: dice.percent(50),
            view: (view, views[view].clone()),
        }
    }

    pub(crate) fn users(&self, dice: &mut Dice) -> Vec<User> {
        let user =
            |(number, profile): (Who, &Profile)| User::new(USERS + number, profile.clone(), dice.fork());
        (0..).zip(&self.users).map(user).collect()
    }

    pub(crate) fn callers(&self, dice: &mut Dice) -> Vec<Caller> {
        let caller = |(number, manner): (Who, &(u64, bool, bool))| {
            Caller::new(CALLERS + number, *manner, self.losing, dice.fork())
        };
        (0..).zip(&self.callers).map(caller).collect()
    }

    pub(crate) fn agents(&self, dice: &mut Dice) -> Vec<Agent> {
        let agent = |(number, service): (Who, &String)| {
            Agent::new(AGENTS + number, service, self.unreliable, dice.fork())
        };
        (0..).zip(&self.services).map(agent).collect()
    }

    /// The production's manifest: services one after the other, and a backend.
    pub(crate) fn manifest(&self) -> Value {
        let service = |(place, name): (usize, &String)| {
            let after: Vec<&String> =
                self.services[..place].last().into_iter().filter(|_| place % 2 == 1).collect();
            json!({ "name": name, "adapter": { "type": "agent" }, "after": after })
        };
        let services: Vec<Value> = self.services.iter().enumerate().map(service).collect();
        let backend = json!({ "name": "hook", "type": "webhook", "url": "https://hook.example/onair" });
        json!({
            "services": services,
            "start": self.services,
            "requires": [],
            "backends": if self.backend { vec![backend] } else { vec![] },
            "settings": self.settings,
        })
    }
}
