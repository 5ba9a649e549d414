//! A program that calls over HTTP: it reads, counts by compare and set, edits, presses buttons, and asks again under
//! the same key when it does not hear what came of it.

use std::sync::Arc;

use onair_client::Problem;
use onair_wire::{DocumentId, Edit, Epoch, Mutation, MutationId, Revision};
use serde_json::{Value, json};

use crate::{
    chance::Dice,
    fault::Fault,
    ledger::Key,
    scene::{Do, Request, Response, Scene, Who, note},
    wish,
};

/// How long an answer is waited for.
const PATIENCE_MS: u64 = 4_000;
/// How often the same is asked before somebody gives up. What came of it stays unknown.
const TRIES: u32 = 6;

/// What an answer is for.
#[derive(Clone, Debug)]
enum Goal {
    Read { key: Key, floor: (Option<Epoch>, Revision), count: bool },
    Write,
    Press,
}

/// What is under way.
#[derive(Clone, Debug)]
struct Flight {
    goal: Goal,
    id: Option<MutationId>,
    request: Request,
    tries: u32,
}

/// A caller.
pub(crate) struct Caller {
    who: Who,
    pace_ms: u64,
    acts: bool,
    steady: bool,
    losing: bool,
    dice: Dice,
    numbers: u64,
    flight: Option<Flight>,
}

impl Caller {
    pub(crate) fn new(who: Who, manner: (u64, bool, bool), losing: bool, dice: Dice) -> Self {
        let (pace_ms, acts, steady) = manner;
        Self { who, pace_ms, acts, steady, losing, dice, numbers: 0, flight: None }
    }

    pub(crate) fn begin(&mut self) -> Vec<Do> {
        vec![self.later()]
    }

    /// Whether nothing is under way.
    pub(crate) fn rests(&self) -> Result<(), String> {
        match &self.flight {
            Some(flight) => Err(format!("caller {} waits for {:?}", self.who, flight.request)),
            None => Ok(()),
        }
    }

    fn later(&mut self) -> Do {
        Do::Wake(0, self.dice.between(self.pace_ms / 4 + 1, self.pace_ms))
    }

    /// Time passes: word 0 is for something new, others for a request that nothing was heard of.
    pub(crate) fn wake(&mut self, word: u64, scene: &Scene) -> Vec<Do> {
        if word > 0 {
            let waits = self.flight.as_ref().is_some_and(|flight| flight.request.number == word);
            return if waits { self.again(scene) } else { Vec::new() };
        }
        if self.flight.is_some() || !scene.busy {
            return vec![self.later()];
        }
        let flight = self.next(scene);
        self.fly(flight, scene)
    }

    fn next(&mut self, scene: &Scene) -> Flight {
        if self.acts && self.dice.percent(40) {
            let action = wish::button(&mut self.dice, self.steady);
            let id = self.name();
            note(scene, &id, &[]);
            let request = self.request("POST", &format!("/{action}"), "", Some(&id));
            return Flight { goal: Goal::Press, id: Some(id), request, tries: 0 };
        }
        if self.dice.percent(50) {
            let key = (wish::collection("counters"), DocumentId::new("n").expect("a name"));
            return self.read(key, true, scene);
        }
        let key = (
            wish::collection(wish::COLLECTIONS[self.dice.place(3)]),
            DocumentId::new(format!("d{}", self.dice.below(4))).expect("a name"),
        );
        if self.dice.percent(40) {
            return self.read(key, false, scene);
        }
        let value = Arc::new(json!({ "by": self.who * 1_000_000 + self.numbers * 10 }));
        let edit = |edit, key: &Key| {
            let (collection, document) = key.clone();
            Mutation { collection, document, edit, base: None, if_revision: None }
        };
        let mut mutations = vec![edit(Edit::Put(Arc::clone(&value)), &key)];
        if self.dice.percent(50) {
            let other =
                (wish::collection("extra"), DocumentId::new(format!("e{}", self.who)).expect("a name"));
            mutations.push(edit(Edit::Put(value), &other));
        }
        self.batch(&mutations, scene)
    }

    fn batch(&mut self, mutations: &[Mutation], scene: &Scene) -> Flight {
        let id = self.name();
        note(scene, &id, mutations);
        let body = json!({ "mutations": mutations }).to_string();
        let request = self.request("POST", "/mutations", &body, Some(&id));
        Flight { goal: Goal::Write, id: Some(id), request, tries: 0 }
    }

    fn read(&mut self, key: Key, count: bool, scene: &Scene) -> Flight {
        let floor = scene.books.lock().floor();
        let request = self.request("GET", &format!("/documents/{}/{}", key.0, key.1), "", None);
        Flight { goal: Goal::Read { key, floor, count }, id: None, request, tries: 0 }
    }

    fn request(&mut self, method: &'static str, path: &str, body: &str, id: Option<&MutationId>) -> Request {
        self.numbers += 1;
        let mut headers = vec![("host", "127.0.0.1:4200".to_owned())];
        if !body.is_empty() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        headers.extend(id.map(|id| ("idempotency-key", id.to_string())));
        let path = format!("/v1/productions/main{path}");
        Request { number: self.numbers, method, path, headers, body: body.to_owned() }
    }

    fn name(&mut self) -> MutationId {
        MutationId::new(format!("c{}-{}", self.who, self.numbers + 1)).expect("a name")
    }

    fn fly(&mut self, mut flight: Flight, scene: &Scene) -> Vec<Do> {
        flight.tries += 1;
        let request = flight.request.clone();
        let mut wants = vec![Do::Wake(request.number, PATIENCE_MS)];
        if scene.busy && self.losing && self.dice.percent(4) {
            scene.books.fired(Fault::RequestLost);
        } else {
            // The same request may arrive twice: a proxy that lost patience, say.
            if scene.busy && flight.id.is_some() && self.losing && self.dice.percent(6) {
                scene.books.fired(Fault::Repeated);
                wants.push(Do::Ask(Box::new(request.clone())));
            }
            wants.push(Do::Ask(Box::new(request)));
        }
        self.flight = Some(flight);
        wants
    }

    /// Nothing was heard, or that it may go well later: the same once more.
    fn again(&mut self, scene: &Scene) -> Vec<Do> {
        let Some(mut flight) = self.flight.take() else { return Vec::new() };
        if flight.tries >= TRIES || (!scene.busy && matches!(flight.goal, Goal::Press)) {
            return vec![self.later()];
        }
        if flight.id.is_some() {
            scene.books.fired(Fault::Repeated);
        }
        self.numbers += 1;
        flight.request.number = self.numbers;
        if let Goal::Read { floor, .. } = &mut flight.goal {
            *floor = scene.books.lock().floor();
        }
        self.fly(flight, scene)
    }

    pub(crate) fn answered(&mut self, response: &Response, scene: &Scene) -> Vec<Do> {
        let waits = self.flight.as_ref().is_some_and(|flight| flight.request.number == response.number);
        if !waits {
            return Vec::new();
        }
        if scene.busy && self.losing && self.dice.percent(4) {
            scene.books.fired(Fault::AnswerLost);
            return Vec::new();
        }
        let Some(flight) = self.flight.take() else { return Vec::new() };
        let problem = Problem::of_answer(response.status, &response.body);
        if response.status >= 400 && problem.is_retryable() {
            let number = flight.request.number;
            self.flight = Some(flight);
            return vec![Do::Wake(number, self.dice.between(200, 900))];
        }
        match self.judge(&flight, response, &problem, scene) {
            Ok(Some(next)) => return self.fly(next, scene),
            Ok(None) => {}
            Err(what) => scene.books.wrong(format!("caller {}: {:?}: {what}", self.who, flight.request)),
        }
        vec![self.later()]
    }

    fn judge(
        &mut self,
        flight: &Flight,
        response: &Response,
        problem: &Problem,
        scene: &Scene,
    ) -> Result<Option<Flight>, String> {
        let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        match (&flight.goal, &flight.id) {
            (Goal::Press, _) => {
                let mut books = scene.books.lock();
                if response.status < 300 {
                    books.counts.done += 1
                } else {
                    books.counts.refused += 1
                }
                if response.status == 500 { Err(format!("{body}")) } else { Ok(None) }
            }
            (Goal::Write, Some(id)) if response.status < 300 => {
                let revision = body["revision"].as_u64().ok_or("no revision in the answer")?;
                scene.books.lock().acked(id, Revision(revision), response.durable);
                Ok(None)
            }
            (Goal::Write, Some(id)) => {
                scene.books.lock().refused(id, &problem.code);
                Ok(None)
            }
            (Goal::Write, None) => unreachable!("what is written has a name"),
            (Goal::Read { key, floor, count }, _) => {
                let found = (response.status == 200).then(|| body["value"].clone());
                if found.is_none() && !matches!(response.status, 404 | 410) {
                    return Err(format!("{} {body}", response.status));
                }
                let tag = response.etag.as_deref().and_then(|tag| tag.trim_matches('"').parse().ok());
                compare(key, floor, found.as_ref(), tag, response.durable, scene)?;
                if !count {
                    return Ok(None);
                }
                let next = found.as_ref().and_then(|value| value["n"].as_u64()).unwrap_or(0) + 1;
                let (collection, document) = key.clone();
                let if_revision = Some(if found.is_some() { tag.ok_or("no ETag")? } else { Revision::ZERO });
                let edit = Edit::Put(Arc::new(json!({ "n": next, "by": self.who })));
                let mutation = Mutation { collection, document, edit, base: None, if_revision };
                Ok(Some(self.batch(&[mutation], scene)))
            }
        }
    }
}

/// What was read is a version that was on the disk then, and none older than what others had been told of before.
fn compare(
    key: &Key,
    floor: &(Option<Epoch>, Revision),
    found: Option<&Value>,
    tag: Option<Revision>,
    durable: u64,
    scene: &Scene,
) -> Result<(), String> {
    let mut books = scene.books.lock();
    books.counts.reads += 1;
    // Over a change of logs nobody knows which of them was read.
    let Some(epoch) = floor.0.clone().filter(|epoch| books.now.as_ref() == Some(epoch)) else {
        return Ok(());
    };
    let Some(log) = books.logs.get(&epoch) else { return Ok(()) };
    let floor = floor.1;
    let Some(value) = found else {
        let versions = log.history.get(key).map(Vec::as_slice).unwrap_or_default();
        let then = log.version(key, floor).is_none_or(|(_, value)| value.is_none());
        let later = versions.iter().any(|(at, value)| *at > floor && value.is_none());
        return if then || later { Ok(()) } else { Err(format!("it is not there, and was at {floor}")) };
    };
    let tag = tag.ok_or("a document without an ETag")?;
    books.shown(&epoch, tag, durable)?;
    let least = log.version(key, floor).map_or(Revision::ZERO, |(at, _)| *at);
    if tag < least {
        return Err(format!("revision {tag}, and {least} was told of before"));
    }
    match log.version(key, tag) {
        Some((at, Some(known))) if *at == tag && **known == *value => Ok(()),
        known => Err(format!("{value} at {tag}, and the log has {known:?}")),
    }
}
