//! Bodies of requests: a document, a merge patch, a manifest, settings, mutations, choices in conflicts. What is taken
//! is decided and applied, and comes to the same state for a client, by a replay and after a restart.

use std::collections::BTreeMap;

use onair_core::{Choice, Command, Decision, Image, Intent, Manifest, Production, Resolve, decide, needs};
use onair_wire::{Actor, Cache, Commit, Epoch, Mutation, ProductionId, Timestamp, canonical, json};
use serde_json::{Value, json as value};

pub(crate) fn check(bytes: &[u8]) {
    let Ok(read) = json::parse(bytes) else { return };
    let _ = Manifest::new(read.clone());
    let mut show = Show::begin();
    show.take(Intent::Configure(value!({})));
    show.take(mutate(
        value!([{ "op": "put", "collection": "scenes", "document": "a", "value": { "b": 1, "c": [1] } }]),
    ));
    for intent in intents(&read) {
        show.take(intent);
    }
    let open = show.state.collection("_conflicts").into_iter().flat_map(|conflicts| conflicts.iter());
    let open: Vec<_> = open.map(|(id, _)| id.clone()).collect();
    for (at, conflict) in open.into_iter().enumerate() {
        let choose = [Choice::Local, Choice::Server, Choice::Merge][at % 3];
        show.take(Intent::Resolve(Resolve { conflict, choose, value: Some(read.clone()) }));
    }
    show.agree();
}

struct Show {
    state: Production,
    states: Vec<Production>,
    cache: Cache,
    commits: Vec<Commit>,
}

impl Show {
    fn begin() -> Self {
        let id = ProductionId::new("main").expect("an id");
        let state = Production::begin(id, Epoch::new("laws").expect("an epoch"));
        Self { states: vec![state.clone()], state, cache: Cache::default(), commits: Vec::new() }
    }

    fn take(&mut self, intent: Intent) {
        let actor = Actor::new("operator:law").expect("an actor");
        let mut command = Command { actor, mutation: None, intent, versions: BTreeMap::default() };
        for key in needs(&self.state, &command) {
            let state = usize::try_from(key.2.0).ok().and_then(|at| self.states.get(at));
            let version = state.and_then(|state| state.document(&key.0, &key.1)).map(|it| it.value().clone());
            command.versions.insert(key, version);
        }
        let Ok(Decision::Commit(commit, _)) = decide(&self.state, &command, Timestamp::EPOCH) else { return };
        let sent = Commit::decode(&commit.encode()).expect("what was encoded");
        assert_eq!(sent, *commit, "a commit survives the wire");
        self.state.apply(&commit).expect("what was decided can be applied");
        self.cache.apply(&sent).expect("revisions are dense");
        assert_eq!(self.state.digest(|_| true), self.cache.digest(), "server and client behind {commit:?}");
        self.states.push(self.state.clone());
        self.commits.push(*commit);
    }

    fn agree(&self) {
        let (image, digest) = (self.state.image().encode(), self.state.digest(|_| true));
        let revived = Image::decode(&image).map(Production::revive).expect("an image").expect("a state");
        assert_eq!(revived.image().encode(), image, "an image of an image");
        assert_eq!(revived.digest(|_| true), digest);
        let mut replayed = self.states[0].clone();
        for commit in &self.commits {
            replayed.apply(commit).expect("it did before");
        }
        assert_eq!(replayed.digest(|_| true), digest, "a replay");
        assert_eq!(canonical(&replayed.image()), canonical(&self.state.image()), "a replay");
    }
}

fn mutate(list: Value) -> Intent {
    Intent::Mutate(json::from_value(list).expect("mutations"))
}

/// Everything that a body could be meant as.
fn intents(read: &Value) -> Vec<Intent> {
    let mut intents = vec![Intent::Configure(read.clone())];
    if let Value::Object(members) = read {
        intents.push(Intent::ChangeSettings(members.clone()));
        if let Some(list) = members.get("mutations")
            && let Ok(mutations) = json::from_value::<Vec<Mutation>>(list.clone())
        {
            let said = serde_json::to_value(&mutations).expect("mutations are JSON");
            assert_eq!(json::from_value::<Vec<Mutation>>(said).expect("they read"), mutations);
            intents.push(Intent::Mutate(mutations.clone()));
            intents.push(Intent::Mutate(mutations));
        }
    }
    for wish in [
        value!({ "op": "put", "collection": "scenes", "document": "a", "value": read }),
        value!({ "op": "patch", "collection": "scenes", "document": "a", "patch": read }),
        value!({ "op": "patch", "collection": "scenes", "document": "a", "patch": { "b": 2 }, "base": 2 }),
        value!({ "op": "put", "collection": "scenes", "document": "a", "value": read, "base": 2 }),
        value!({ "op": "delete", "collection": "scenes", "document": "a", "base": 2 }),
        value!({ "op": "restore", "collection": "scenes", "document": "a" }),
    ] {
        intents.push(mutate(value!([wish])));
    }
    intents
}
