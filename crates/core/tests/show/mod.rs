//! A production for tests: decides, applies, and looks old versions up in the states it has been through.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::sync::Arc;

use onair_core::{Command, Decision, Intent, Production, Refusal, decide, needs, receipt};
use onair_wire::{
    Actor, Cache, Collection, Commit, DocumentId, Epoch, Mutation, MutationId, ProductionId, Receipt,
    Timestamp,
};
use serde_json::{Value, json};

pub(crate) struct Show {
    pub(crate) production: Production,
    pub(crate) commits: Vec<Commit>,
    pub(crate) client: Cache,
    states: Vec<Production>,
    now: i64,
}

pub(crate) fn mutation(value: Value) -> Mutation {
    onair_wire::json::from_value(value).expect("a mutation")
}

impl Show {
    pub(crate) fn begun() -> Self {
        Self::with(&Value::Null)
    }

    pub(crate) fn with(manifest: &Value) -> Self {
        let (id, epoch) = (ProductionId::new("main").expect("a name"), Epoch::new("e1").expect("an epoch"));
        let production = Production::begin(id, epoch);
        let states = vec![production.clone()];
        let mut show = Self { production, commits: Vec::new(), client: Cache::default(), states, now: 1_000 };
        show.execute(Intent::Configure(manifest.clone()), None).expect("a manifest");
        show
    }

    pub(crate) fn execute(&mut self, intent: Intent, id: Option<&str>) -> Result<Receipt, Refusal> {
        self.now += 1;
        self.decide(intent, id, Timestamp::from_millis(self.now))
    }

    /// At a time of the caller's.
    pub(crate) fn execute_at(&mut self, intent: Intent, now: Timestamp) -> Result<Receipt, Refusal> {
        self.decide(intent, None, now)
    }

    fn decide(&mut self, intent: Intent, id: Option<&str>, now: Timestamp) -> Result<Receipt, Refusal> {
        match decide(&self.production, &self.command(intent, id), now)? {
            Decision::Commit(commit, receipt) => {
                self.apply(*commit);
                Ok(receipt)
            }
            Decision::AsIs(receipt) => Ok(receipt),
            Decision::Known(revision) => {
                let known = self.commits.iter().find(|commit| commit.revision == revision);
                Ok(receipt(known.expect("a commit that was made")))
            }
        }
    }

    fn command(&self, intent: Intent, id: Option<&str>) -> Command {
        let actor = Actor::new("operator:kim").expect("an actor");
        let mutation = id.map(|id| MutationId::new(id).expect("an id"));
        let mut command = Command { actor, mutation, intent, versions: Default::default() };
        for key in needs(&self.production, &command) {
            let (collection, document, revision) = &key;
            let state = &self.states[usize::try_from(revision.0).expect("small")];
            let value = state.document(collection, document).map(|document| Arc::clone(document.value()));
            command.versions.insert(key, value);
        }
        command
    }

    pub(crate) fn apply(&mut self, commit: Commit) {
        self.production.apply(&commit).expect("what was decided follows");
        let sent = Commit::decode(&commit.encode()).expect("what was encoded");
        assert_eq!(sent, commit, "a commit survives the wire");
        self.client.apply(&sent).expect("in order");
        self.commits.push(commit);
        self.states.push(self.production.clone());
    }

    pub(crate) fn mutate(&mut self, wish: Value) -> Result<Receipt, Refusal> {
        self.batch(&[wish], None)
    }

    pub(crate) fn batch(&mut self, wishes: &[Value], id: Option<&str>) -> Result<Receipt, Refusal> {
        self.execute(Intent::Mutate(wishes.iter().cloned().map(mutation).collect()), id)
    }

    pub(crate) fn decide_commit(&mut self, wishes: &[Value]) -> (Commit, Receipt) {
        let receipt = self.batch(wishes, None).expect("allowed");
        (self.commits.last().expect("just made").clone(), receipt)
    }

    pub(crate) fn value(&self, collection: &str, id: &str) -> Option<Value> {
        let (collection, id) =
            (Collection::new(collection).expect("a name"), DocumentId::new(id).expect("a name"));
        self.production.document(&collection, &id).map(|document| Value::clone(document.value()))
    }

    /// That the server's fold, its image, a replay and a client agree.
    pub(crate) fn check(&self) {
        let digest = self.production.digest(|_| true);
        assert_eq!(self.client.digest(), digest, "client and server at {}", self.production.revision());
        assert_eq!(json!(self.client.documents), json!(self.production.cache_documents(|_| true)));
        let image = onair_core::Image::decode(&self.production.image().encode()).expect("an image");
        let revived = Production::revive(image).expect("a state");
        assert_eq!((revived.digest(|_| true), revived.revision()), (digest, self.production.revision()));
        assert_eq!(revived.image().encode(), self.production.image().encode(), "an image of an image");
    }
}
