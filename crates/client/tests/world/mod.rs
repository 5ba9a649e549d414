//! A server in a few lines, and the world around a session: a clock, links, a storage. Nothing here is asynchronous.

use std::collections::{BTreeMap, VecDeque};

use onair_client::{
    Backoff, Replica, Told,
    connection::State,
    session::{Effect, Input, Link, Mutate, Options, Session, Timer},
};
use onair_wire::{
    Cache, Collection, Commit, DocumentId, Edit, Mutation, MutationId, ProductionId, Revision, Timestamp,
    canonical, sync::ClientMessage,
};
use serde_json::{Value, json};

pub(crate) fn main() -> ProductionId {
    ProductionId::new("main").unwrap()
}

pub(crate) fn layers() -> Collection {
    Collection::new("layers").unwrap()
}

pub(crate) fn id(name: &str) -> DocumentId {
    DocumentId::new(name).unwrap()
}

/// What is true: a log, its state, the mutations that it has seen.
pub(crate) struct Server {
    pub(crate) epoch: String,
    commits: Vec<Commit>,
    state: Cache,
    known: BTreeMap<MutationId, Revision>,
    /// The documents at each revision.
    pub(crate) truths: BTreeMap<u64, String>,
}

impl Server {
    pub(crate) fn new(epoch: &str) -> Self {
        let state = Cache::default();
        let truths = BTreeMap::from([(0, String::from_utf8(canonical(&state.documents)).unwrap())]);
        Self { epoch: epoch.into(), commits: Vec::new(), state, known: BTreeMap::new(), truths }
    }

    pub(crate) fn revision(&self) -> u64 {
        self.state.revision.0
    }

    pub(crate) fn mutations(&self) -> Vec<String> {
        self.commits.iter().filter_map(|commit| commit.mutation.as_ref().map(ToString::to_string)).collect()
    }

    /// Somebody else edits.
    pub(crate) fn edit(&mut self, document: &str, value: &Value) {
        self.append(None, document, value);
    }

    fn append(&mut self, mutation: Option<&MutationId>, document: &str, value: &Value) {
        let revision = self.revision() + 1;
        let mut commit = json!({ "revision": revision, "at": "2026-11-20T18:00:00.000Z", "actor": "operator:m",
            "cause": { "kind": "document.put" },
            "changes": [{ "op": "put", "collection": "layers", "id": document, "revision": revision, "value": value }] });
        if let Some(mutation) = mutation {
            commit["mutation"] = json!(mutation);
        }
        let commit: Commit = serde_json::from_value(commit).unwrap();
        self.state.apply(&commit).unwrap();
        self.truths.insert(revision, String::from_utf8(canonical(&self.state.documents)).unwrap());
        self.commits.push(commit);
    }

    fn mutate(&mut self, id: &MutationId, mutations: &[Mutation]) -> Value {
        if let Some(revision) = self.known.get(id) {
            return json!({ "type": "result", "id": id, "revision": revision, "outcome": "applied" });
        }
        let Mutation { document, edit, .. } = &mutations[0];
        let before = self.state.documents.get(&layers()).and_then(|all| all.get(document));
        let value = match edit {
            Edit::Put(value) => Value::clone(value),
            Edit::Patch(patch) => {
                let Some(before) = before else {
                    return json!({ "type": "problem", "id": id, "code": "not-found", "status": 404 });
                };
                let mut value = Value::clone(&before.value);
                onair_wire::merge_patch(&mut value, patch);
                value
            }
            other => panic!("{other:?} is not asked for here"),
        };
        self.append(Some(id), document.as_str(), &value);
        self.known.insert(id.clone(), Revision(self.revision()));
        json!({ "type": "result", "id": id, "revision": self.revision(), "outcome": "applied" })
    }

    fn commit(&self, index: usize) -> String {
        let mut message = serde_json::to_value(&self.commits[index]).unwrap();
        for (name, value) in [("type", "commit"), ("production", "main"), ("epoch", &self.epoch)] {
            message[name] = value.into();
        }
        message.to_string()
    }
}

pub(crate) type Mischief = Box<dyn FnMut(&Server, String) -> Vec<String>>;

/// A session in its world.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) session: Session,
    pub(crate) mischief: Option<Mischief>,
    /// The server says nothing.
    pub(crate) mute: bool,
    /// The server does not take mutations in, and says nothing to them.
    pub(crate) deaf: bool,
    pub(crate) reachable: bool,
    pub(crate) opened: u32,
    /// What the client said.
    pub(crate) said: Vec<Value>,
    pub(crate) reports: Vec<&'static str>,
    /// The sentence of the last.
    pub(crate) report: String,
    pub(crate) settled: BTreeMap<String, String>,
    /// What is in the storage.
    pub(crate) stored: BTreeMap<MutationId, onair_client::Pending>,
    now: i64,
    timers: BTreeMap<Timer, i64>,
    link: Option<Link>,
    inputs: VecDeque<Input>,
    busy: bool,
    /// How far the client was sent commits; `None` when it is not subscribed.
    sent: Option<usize>,
}

impl World {
    pub(crate) fn new(server: Server, seed: u64) -> Self {
        let options = Options { name: "test".into(), token: None, backoff: Backoff::default(), seed };
        Self {
            server,
            session: Session::new(options),
            mischief: None,
            mute: false,
            deaf: false,
            reachable: true,
            opened: 0,
            said: Vec::new(),
            reports: Vec::new(),
            report: String::new(),
            settled: BTreeMap::new(),
            stored: BTreeMap::new(),
            now: 1_000_000,
            timers: BTreeMap::new(),
            link: None,
            inputs: VecDeque::new(),
            busy: false,
            sent: None,
        }
    }

    pub(crate) fn start(&mut self) {
        self.input(Input::Subscribe { production: main(), collections: None, queue: Vec::new() });
        self.input(Input::Start);
    }

    pub(crate) fn state(&self) -> State {
        self.session.connection().state
    }

    pub(crate) fn replica(&self) -> &Replica {
        self.session.replica(&main()).unwrap()
    }

    pub(crate) fn retry(&mut self) {
        self.input(Input::Retry(main(), None));
    }

    /// Patches what is there, or puts what is not.
    pub(crate) fn mutate(&mut self, name: &str, document: &str, field: &str, value: u64) {
        let patch = json!({ field: value });
        let edit = match self.replica().get(&layers(), &id(document)) {
            Some(_) => Edit::Patch(patch.into()),
            None => Edit::Put(patch.into()),
        };
        self.edit(name, document, edit);
    }

    pub(crate) fn put(&mut self, name: &str, document: &str, value: &Value) {
        self.edit(name, document, Edit::Put(value.clone().into()));
    }

    fn edit(&mut self, name: &str, document: &str, edit: Edit) {
        // What is joined to another is told under its own id all the same.
        self.now += 300;
        let mutation =
            Mutation { collection: layers(), document: id(document), edit, base: None, if_revision: None };
        let (id, mutations) = (name.parse().unwrap(), vec![mutation]);
        self.input(Input::Mutate(Mutate { production: main(), id, mutations, merge: true }));
    }

    /// Sends the commits that were made meanwhile.
    pub(crate) fn flush(&mut self) {
        while let Some(sent) = self.sent.filter(|sent| *sent < self.server.commits.len()) {
            self.sent = Some(sent + 1);
            self.say(self.server.commit(sent));
        }
    }

    pub(crate) fn digest(&mut self) {
        self.flush();
        if self.sent.is_some() {
            let Cache { revision, .. } = self.server.state;
            let digest = self.server.state.digest();
            let message =
                json!({ "type": "digest", "production": "main", "revision": revision, "digest": digest });
            self.say(message.to_string());
        }
    }

    /// The link breaks.
    pub(crate) fn cut(&mut self, code: Option<u16>) {
        if let Some(link) = self.link.take() {
            self.sent = None;
            self.input(Input::Closed { link, code, problem: None });
        }
    }

    /// Time passes; timers run in their order.
    pub(crate) fn pass(&mut self, ms: u64) {
        let end = self.now + i64::try_from(ms).unwrap();
        loop {
            self.flush();
            let due = self.timers.iter().min_by_key(|(_, at)| **at).map(|(timer, at)| (*timer, *at));
            let Some((timer, at)) = due.filter(|(_, at)| *at <= end) else { break };
            self.timers.remove(&timer);
            self.now = self.now.max(at);
            self.input(Input::Timer(timer));
        }
        self.now = end;
    }

    /// The server says this, as it is.
    pub(crate) fn hear(&mut self, text: String) {
        if let Some(link) = self.link {
            self.input(Input::Text(link, text));
        }
    }

    fn say(&mut self, text: String) {
        if self.mute {
            return;
        }
        let mut mischief = self.mischief.take();
        let texts = match &mut mischief {
            Some(mischief) => mischief(&self.server, text),
            None => vec![text],
        };
        self.mischief = mischief;
        texts.into_iter().for_each(|text| self.hear(text));
    }

    /// One input after the other: what an effect brings about comes when all effects before it are done.
    pub(crate) fn input(&mut self, input: Input) {
        self.inputs.push_back(input);
        if std::mem::replace(&mut self.busy, true) {
            return;
        }
        while let Some(input) = self.inputs.pop_front() {
            for effect in self.session.handle(input, Timestamp::from_millis(self.now)) {
                self.run(effect);
            }
        }
        self.busy = false;
    }

    fn run(&mut self, effect: Effect) {
        match effect {
            Effect::Open(link) => {
                self.opened += 1;
                if self.reachable {
                    (self.link, self.sent) = (Some(link), None);
                    self.input(Input::Opened(link));
                } else {
                    self.input(Input::Closed { link, code: None, problem: None });
                }
            }
            Effect::Close(link) => {
                self.link.take_if(|known| *known == link);
                self.sent = self.sent.filter(|_| self.link.is_some());
            }
            Effect::Send(link, texts) => {
                if self.link == Some(link) {
                    texts.iter().for_each(|text| self.take(text));
                }
            }
            Effect::Timer(timer, after) => {
                self.timers.insert(timer, self.now + i64::try_from(after.0).unwrap());
            }
            Effect::Cancel(timer) => drop(self.timers.remove(&timer)),
            Effect::Store(_, put, drop) => {
                self.stored.extend(put.into_iter().map(|pending| (pending.id.clone(), pending)));
                self.stored.retain(|id, _| !drop.contains(id));
            }
            Effect::Settled(id, result) => {
                let told = match result {
                    Ok(receipt) => json!(receipt.outcome).as_str().unwrap().to_owned(),
                    Err(problem) => problem.code,
                };
                let twice = self.settled.insert(id.to_string(), told);
                assert_eq!(twice, None, "{id} came out twice");
            }
            Effect::Told(_, Told::Report(report)) | Effect::Report(report) => {
                self.reports.push(report.what());
                self.report = report.to_string();
            }
            Effect::Connection(_) | Effect::Acted(..) | Effect::Told(..) => {}
        }
    }

    /// The server takes a message; it must be one of the protocol.
    fn take(&mut self, text: &str) {
        self.said.push(serde_json::from_str(text).unwrap());
        let message = ClientMessage::parse(text.as_bytes()).unwrap_or_else(|why| panic!("{text}: {why:?}"));
        match message {
            ClientMessage::Hello(_) => {
                let welcome = json!({ "type": "welcome", "session": "s", "heartbeat": 30_000, "role": "operator",
                    "server": onair_client::connection::VERSION, "positions": {},
                    "limits": { "messageBytes": 65_536, "subscriptions": 128, "pendingMutations": 64, "batch": 1_000 } });
                self.say(welcome.to_string());
            }
            ClientMessage::Subscribe(asked) => {
                let (epoch, revision) = (self.server.epoch.clone(), self.server.state.revision);
                let head = |kind: &str| json!({ "type": kind, "production": "main", "epoch": epoch, "revision": revision });
                let own = |epoch: &onair_wire::Epoch| epoch.as_str() == self.server.epoch;
                let after = asked.after.filter(|after| after.epoch.as_ref().is_some_and(own));
                let after = after.filter(|after| after.revision <= revision);
                let astray = after.as_ref().is_some_and(|after| {
                    after.revision == revision
                        && asked.digest.is_some_and(|it| it != self.server.state.digest())
                });
                self.sent = Some(self.server.commits.len());
                self.say(head("subscribed").to_string());
                match after.filter(|_| !astray) {
                    Some(after) => {
                        for index in usize::try_from(after.revision.0).unwrap()..self.server.commits.len() {
                            self.say(self.server.commit(index));
                        }
                    }
                    None => {
                        let mut snapshot = head("snapshot");
                        snapshot["documents"] = json!(self.server.state.documents);
                        self.say(snapshot.to_string());
                    }
                }
            }
            ClientMessage::Mutate(asked) if !self.deaf => {
                let answer = self.server.mutate(&asked.id, &asked.mutations);
                self.flush();
                self.say(answer.to_string());
            }
            ClientMessage::Ping => self.say(json!({ "type": "pong" }).to_string()),
            ClientMessage::Mutate(_)
            | ClientMessage::Unsubscribe(_)
            | ClientMessage::Action(_)
            | ClientMessage::Signal(_) => {}
        }
    }
}
