//! What happens in one life: commands of every kind, most of them lawful, services that answer or do not, and time.

use std::{collections::BTreeMap, sync::Arc};

use onair_core::{
    Act, Backend, Choice, Command, Decision, Delivered, Delivery, Intent, Observe, Production, Replay,
    Report, Resolve, StepError, advance, decide, needs, rules::Observation, service::Seen,
};
use onair_wire::{
    Actor, Cache, Cause, CauseKind, Collection, Commit, DocumentId, Edit, Epoch, Millis, Mutation,
    MutationId, Op, Outcome, ProductionId, Revision, Timestamp, sync::StreamFigures,
};
use serde_json::{Value, json};

use crate::{chance::Chance, epoch::Tally};

const COLLECTIONS: [&str; 3] = ["scenes", "layers", "chat"];
const SERVICES: [&str; 3] = ["host", "audio", "lights"];
const DOCUMENTS: usize = 4;
/// Values of one life.
const VALUES: usize = 48;
/// How far back a base or an old version lies at most.
const BACK: u64 = 12;
/// Mutations that may be said again.
const SAID: usize = 8;

type Versions = Vec<(Revision, Option<Arc<Value>>)>;

pub(crate) struct World {
    pub(crate) production: Production,
    pub(crate) commits: Vec<Commit>,
    pub(crate) client: Cache,
    pub(crate) tally: Tally,
    now: Timestamp,
    actor: Actor,
    places: Vec<(Collection, DocumentId)>,
    values: Vec<Arc<Value>>,
    history: BTreeMap<(Collection, DocumentId), Versions>,
    said: Vec<(MutationId, Intent)>,
    ids: u64,
}

impl World {
    pub(crate) fn begin(chance: &mut Chance) -> Self {
        let (id, epoch) = (ProductionId::new("main").expect("a name"), Epoch::from_random(chance.next()));
        let place = |collection: &&str| {
            let collection = Collection::new(*collection).expect("a name");
            (0..DOCUMENTS)
                .map(move |at| (collection.clone(), DocumentId::new(format!("d{at}")).expect("a name")))
        };
        let mut world = Self {
            production: Production::begin(id, epoch),
            commits: Vec::new(),
            client: Cache::default(),
            tally: Tally::default(),
            now: Timestamp::from_millis(1_000_000),
            actor: Actor::new("operator:kim").expect("an actor"),
            places: COLLECTIONS.iter().flat_map(place).collect(),
            values: chance.values(VALUES),
            history: BTreeMap::new(),
            said: Vec::new(),
            ids: 0,
        };
        world.execute(Intent::Configure(manifest(chance)), None);
        world
    }

    /// One command, and what follows of it.
    pub(crate) fn command(&mut self, chance: &mut Chance) {
        self.now =
            self.now.plus(Millis(if chance.once_in(50) { chance.below(20_000) } else { chance.below(20) }));
        if chance.once_in(30) && !self.said.is_empty() {
            let (id, mut intent) = chance.of(&self.said).clone();
            if chance.once_in(4) {
                intent = Intent::Mutate(vec![self.mutation(chance)]);
            }
            return self.execute(intent, Some(id));
        }
        let intent = match chance.below(100) {
            0..=59 => Intent::Mutate(vec![self.mutation(chance)]),
            60..=71 => Intent::Mutate((0..2 + chance.below(4)).map(|_| self.mutation(chance)).collect()),
            72..=76 => self.resolve(chance),
            77..=87 => self.show(chance),
            88..=90 => self.observe(chance),
            91 => Intent::ChangeSettings(settings(chance)),
            92 => Intent::Configure(manifest(chance)),
            93..=94 => self.delivered(chance),
            95 => Intent::Replay(Replay {
                backend: "hook".into(),
                from: chance.once_in(2).then(|| self.back(chance)),
            }),
            96..=97 => sample(chance),
            98 => Intent::Check(Box::new(self.observation(chance))),
            _ => Intent::Resume(SERVICES.iter().map(|name| ((*name).to_owned(), seen(chance))).collect()),
        };
        let id = chance.once_in(3).then(|| {
            self.ids += 1;
            MutationId::new(format!("m-{}", self.ids)).expect("an id")
        });
        if let (Some(id), true) = (&id, matches!(intent, Intent::Mutate(_))) {
            if self.said.len() == SAID {
                self.said.remove(0);
            }
            self.said.push((id.clone(), intent.clone()));
        }
        self.execute(intent, id);
    }

    fn execute(&mut self, intent: Intent, mutation: Option<MutationId>) {
        let mut command = Command { actor: self.actor.clone(), mutation, intent, versions: BTreeMap::new() };
        for key in needs(&self.production, &command) {
            let versions = self.history.get(&(key.0.clone(), key.1.clone()));
            let version = versions.and_then(|all| all.iter().rfind(|(revision, _)| *revision <= key.2));
            command.versions.insert(key, version.and_then(|(_, value)| value.clone()));
        }
        self.tally.commands += 1;
        match decide(&self.production, &command, self.now) {
            Ok(Decision::Commit(commit, receipt)) => {
                self.tally.merged += u64::from(receipt.outcome == Outcome::Merged);
                self.tally.conflicts += u64::from(receipt.outcome == Outcome::Conflict);
                self.tally.resolved += u64::from(matches!(command.intent, Intent::Resolve(_)));
                let show = commit.changes.iter().any(|change| change.collection.is_server());
                self.apply(*commit);
                if show {
                    self.go_on();
                }
            }
            Ok(Decision::Known(_)) => self.tally.known += 1,
            Ok(Decision::AsIs(_)) => self.tally.as_is += 1,
            Err(_) => self.tally.refused += 1,
        }
    }

    /// What nobody asks for, as the director has it after each batch.
    fn go_on(&mut self) {
        while let Some(commit) =
            advance(&self.production, self.now).expect("what goes on by itself is not refused")
        {
            self.tally.by_itself += 1;
            self.apply(commit);
        }
    }

    fn apply(&mut self, commit: Commit) {
        self.production.apply(&commit).expect("what was decided follows");
        self.client.apply(&commit).expect("the next");
        for change in commit.changes.iter().filter(|change| !change.collection.is_server()) {
            self.tally.restored += u64::from(matches!(change.op, Op::Restore(_)));
            let document = self.production.document(&change.collection, &change.id);
            let version = (commit.revision, document.map(|document| Arc::clone(document.value())));
            let versions = self.history.entry((change.collection.clone(), change.id.clone())).or_default();
            versions.push(version);
        }
        self.tally.moved += u64::from(is_move(&commit.cause));
        self.tally.commits += 1;
        self.commits.push(commit);
    }

    fn back(&self, chance: &mut Chance) -> Revision {
        Revision(self.production.revision().0.saturating_sub(chance.below(BACK)))
    }

    fn mutation(&self, chance: &mut Chance) -> Mutation {
        let (collection, document) = chance.of(&self.places).clone();
        let mut base = chance.once_in(3).then(|| self.back(chance));
        let edit = match chance.below(12) {
            0..=3 => Edit::Put(Arc::clone(chance.of(&self.values))),
            4..=8 => Edit::Patch(Arc::clone(chance.of(&self.values))),
            9 => Edit::Delete,
            _ => {
                base = None;
                Edit::Restore(chance.once_in(2).then(|| self.back(chance)))
            }
        };
        let if_revision = chance.once_in(20).then(|| {
            let there = self.production.document(&collection, &document);
            there.map_or(Revision::ZERO, |there| there.revision())
        });
        Mutation { collection, document, edit, base, if_revision }
    }

    fn resolve(&self, chance: &mut Chance) -> Intent {
        let conflicts =
            self.production.collection("_conflicts").into_iter().flat_map(|all| all.by_age().rev());
        let known: Vec<DocumentId> = conflicts.take(8).map(|(id, _)| id.clone()).collect();
        let conflict = if known.is_empty() {
            DocumentId::new("1-0").expect("a name")
        } else {
            chance.of(&known).clone()
        };
        let choose = *chance.of(&[Choice::Local, Choice::Server, Choice::Merge]);
        let value = (choose == Choice::Merge).then(|| {
            let value: &Arc<Value> = chance.of(&self.values);
            Value::clone(value)
        });
        Intent::Resolve(Resolve { conflict, choose, value })
    }

    /// An action, or mostly an answer to what is asked of a service.
    fn show(&mut self, chance: &mut Chance) -> Intent {
        const START: Act = Act::Start { session_id: None, kind: None, break_glass: None };
        const ACTS: [Act; 9] = [
            Act::Initialize,
            START,
            START,
            START,
            Act::Stop,
            Act::Pause,
            Act::Resume,
            Act::EmergencyStop,
            Act::Recover,
        ];
        self.go_on();
        let due = self.production.due();
        if due.is_empty() || chance.once_in(8) {
            return Intent::Act(chance.of(&ACTS).clone());
        }
        let due = chance.of(&due);
        let failed =
            StepError { message: "no".into(), retryable: chance.once_in(2), unknown: chance.once_in(4) };
        Intent::Report(Report {
            sequence: due.sequence.clone(),
            step: due.step.clone(),
            key: due.key.clone(),
            attempt: if chance.once_in(10) { due.attempt + 1 } else { due.attempt },
            result: if chance.once_in(6) { Err(failed) } else { Ok(()) },
        })
    }

    fn observe(&self, chance: &mut Chance) -> Intent {
        Intent::Observe(Observe { service: (*chance.of(&SERVICES)).to_owned(), seen: seen(chance) })
    }

    fn delivered(&self, chance: &mut Chance) -> Intent {
        let state = Backend {
            status: *chance.of(&[Delivery::Ok, Delivery::Retrying, Delivery::Parked]),
            delivered: self.back(chance),
            failures: u32::try_from(chance.below(4)).expect("small"),
            ..Backend::default()
        };
        Intent::Delivered(Delivered { backend: "hook".into(), state })
    }

    fn observation(&self, chance: &mut Chance) -> Observation {
        Observation {
            now: self.now,
            diverged: chance.below(2),
            fell_back: chance.below(2),
            waiting: usize::try_from(chance.below(8)).expect("small"),
            room: 8,
            ..Observation::default()
        }
    }
}

fn is_move(cause: &Cause) -> bool {
    matches!(cause.kind, CauseKind::LifecycleMoved | CauseKind::SequenceStep)
}

fn seen(chance: &mut Chance) -> Seen {
    match chance.below(4) {
        0 => Seen::Away { reason: "gone".into() },
        number => {
            let instance = Some(format!("i{}", chance.below(2)));
            Seen::Here { instance, healthy: number > 1, details: None }
        }
    }
}

fn sample(chance: &mut Chance) -> Intent {
    let frames = chance.below(1_000);
    Intent::Sample(StreamFigures { fps: Some(50.0), frame_count: Some(frames), ..StreamFigures::default() })
}

fn settings(chance: &mut Chance) -> serde_json::Map<String, Value> {
    let patch = match chance.below(4) {
        0 => json!({ "maxRetries": chance.below(4) }),
        1 => json!({ "autoRecovery": chance.once_in(2), "retryDelay": chance.below(2_000) }),
        2 => json!({ "backoffMultiplier": 1.5, "stateValidation": chance.once_in(2) }),
        _ => json!({ "maxRetries": "many" }),
    };
    patch.as_object().cloned().unwrap_or_default()
}

fn manifest(chance: &mut Chance) -> Value {
    let services = json!([
        { "name": "host" },
        { "name": "audio", "after": ["host"] },
        { "name": "lights", "required": false },
    ]);
    let mut manifest = json!({
        "services": services,
        "start": ["host", "audio", "lights"],
        "requires": [],
        "collections": {
            "chat": { "keep": { "documents": 1 + chance.below(3) } },
            "scenes": { "merge": { "/a": "local", "/b": "manual" } },
        },
        "backends": [{ "name": "hook", "type": "webhook", "url": "https://example.org/hook" }],
    });
    if chance.once_in(4) {
        manifest["settings"] = json!({ "maxRetries": chance.below(3) });
    }
    if chance.once_in(8) {
        manifest["services"] = json!([{ "name": "host" }]);
        manifest["start"] = json!(["host"]);
    }
    manifest
}
