//! A client on the sync protocol: the real session rules, a link that fails, and somebody who does things.

use std::collections::{BTreeMap, BTreeSet};

use onair_client::{
    Pending,
    connection::State,
    session::{Act, Effect, Input, Link, Mutate, Options, Report, ServerMessage, Session, Timer, Told},
};
use onair_wire::{MutationId, Revision, sync::ClientMessage};

use crate::{
    chance::Dice,
    ledger::View,
    scene::{Do, Scene, Who, note},
    watch::Watch,
    wish,
};

/// Words to be woken with: a timer's place, the next step, and a number that makes older ones void.
const STEP: u64 = 7;

/// How somebody is.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    /// Milliseconds between two things done; nothing is done without.
    pub(crate) pace_ms: Option<u64>,
    /// Presses buttons too.
    pub(crate) acts: bool,
    /// Wants the show on air, and nothing else of it.
    pub(crate) steady: bool,
    /// Edits from what was seen long ago.
    pub(crate) late: bool,
    /// What is followed, and its place among the views.
    pub(crate) view: (usize, View),
}

/// A client.
pub(crate) struct User {
    pub(crate) who: Who,
    profile: Profile,
    dice: Dice,
    session: Session,
    /// The links there were before this program was begun.
    links: u64,
    watch: Watch,
    timers: BTreeMap<Timer, u64>,
    woken: u64,
    /// What survives the program.
    stored: BTreeMap<MutationId, Pending>,
    names: u64,
    acting: BTreeSet<MutationId>,
    settled: BTreeSet<MutationId>,
}

impl User {
    pub(crate) fn new(who: Who, profile: Profile, mut dice: Dice) -> Self {
        let session = session(who, &mut dice);
        Self {
            who,
            profile,
            dice,
            session,
            links: 0,
            watch: Watch::default(),
            timers: BTreeMap::new(),
            woken: 0,
            stored: BTreeMap::new(),
            names: 0,
            acting: BTreeSet::new(),
            settled: BTreeSet::new(),
        }
    }

    /// The program begins, with what an earlier one stored.
    pub(crate) fn begin(&mut self, scene: &Scene) -> Vec<Do> {
        let mut queue: Vec<Pending> = self.stored.values().cloned().collect();
        queue.sort_by_key(|pending| pending.order);
        let collections = self.profile.view.1.clone().map(|view| view.into_iter().collect());
        let production = scene.production.clone();
        let mut wants = self.input(Input::Subscribe { production, collections, queue }, scene);
        wants.extend(self.input(Input::Start, scene));
        wants.extend(self.later());
        wants
    }

    /// The program is killed and begun again.
    pub(crate) fn kill(&mut self, scene: &Scene) -> Vec<Do> {
        self.links += 1_000;
        self.session = session(self.who, &mut self.dice);
        self.timers.clear();
        self.acting.clear();
        self.begin(scene)
    }

    /// Whether everything is here and nothing waits.
    pub(crate) fn rests(
        &self,
        scene: &Scene,
        position: (&onair_wire::Epoch, Revision),
    ) -> Result<(), String> {
        let connection = self.session.connection();
        if connection.state != State::Connected || connection.pending > 0 {
            return Err(format!("client {} is {:?}", self.who, connection));
        }
        let replica = self.session.replica(&scene.production).ok_or("it follows nothing")?;
        if (replica.epoch(), replica.revision()) != (Some(position.0), position.1) {
            return Err(format!("client {} is at {:?}", self.who, replica.position()));
        }
        let digest = replica.confirmed().map(onair_wire::Cache::digest);
        let books = scene.books.lock();
        let wanted = books.log().and_then(|log| log.digest(self.profile.view.0, position.1));
        if digest != wanted {
            return Err(format!("client {} shows something else than the log comes to", self.who));
        }
        Ok(())
    }

    /// What had stopped is asked for again.
    pub(crate) fn retry(&mut self, scene: &Scene) -> Vec<Do> {
        self.input(Input::Retry(scene.production.clone(), None), scene)
    }

    pub(crate) fn opened(&mut self, link: u64, scene: &Scene) -> Vec<Do> {
        self.watch = Watch::default();
        self.of_link(link, Input::Opened, scene)
    }

    pub(crate) fn alive(&mut self, link: u64, scene: &Scene) -> Vec<Do> {
        self.of_link(link, Input::Alive, scene)
    }

    pub(crate) fn closed(&mut self, link: u64, code: Option<u16>, scene: &Scene) -> Vec<Do> {
        self.of_link(link, |link| Input::Closed { link, code, problem: None }, scene)
    }

    pub(crate) fn heard(&mut self, link: u64, text: &str, durable: u64, scene: &Scene) -> Vec<Do> {
        if link <= self.links {
            return Vec::new();
        }
        if let Err(what) = self.look(text, durable, scene) {
            scene.books.wrong(format!("client {}: {what}", self.who));
        }
        let text = text.to_owned();
        self.of_link(link, |link| Input::Text(link, text), scene)
    }

    pub(crate) fn wake(&mut self, word: u64, scene: &Scene) -> Vec<Do> {
        let (kind, number) = (word & 15, word >> 4);
        if kind == STEP {
            return if number == self.links { self.step(scene) } else { Vec::new() };
        }
        let Some(&timer) = usize::try_from(kind).ok().and_then(|place| Timer::ALL.get(place)) else {
            return Vec::new();
        };
        if self.timers.get(&timer) != Some(&number) {
            return Vec::new();
        }
        self.timers.remove(&timer);
        self.input(Input::Timer(timer), scene)
    }

    /// Does something, and will again.
    fn step(&mut self, scene: &Scene) -> Vec<Do> {
        let mut wants = Vec::new();
        if scene.busy {
            wants =
                if self.profile.acts && self.dice.percent(30) { self.act(scene) } else { self.edit(scene) };
        }
        wants.extend(self.later());
        wants
    }

    fn later(&mut self) -> Option<Do> {
        let pace = self.profile.pace_ms?;
        Some(Do::Wake(STEP | self.links << 4, self.dice.between(pace / 4 + 1, pace)))
    }

    fn act(&mut self, scene: &Scene) -> Vec<Do> {
        let id = self.name("a");
        let action = wish::button(&mut self.dice, self.profile.steady).to_owned();
        self.acting.insert(id.clone());
        let production = scene.production.clone();
        self.input(Input::Act(Act { production, id, action, params: None }), scene)
    }

    fn edit(&mut self, scene: &Scene) -> Vec<Do> {
        let Some(replica) = self.session.replica(&scene.production) else { return Vec::new() };
        let shown = |key: &crate::ledger::Key| {
            let document = replica.get(&key.0, &key.1)?;
            Some((!document.pending).then_some(document.revision))
        };
        let late = (self.profile.late && self.dice.percent(25)).then(|| {
            let back = self.dice.between(1, 12);
            Revision(replica.revision().0.saturating_sub(back).max(1))
        });
        let mark = self.who * 1_000_000 + self.names * 10;
        let view = self.profile.view.1.as_ref();
        let mutations = wish::edits(&mut self.dice, mark, view, late, shown);
        let merge = self.dice.percent(85);
        let (production, id) = (scene.production.clone(), self.name("m"));
        self.input(Input::Mutate(Mutate { production, id, mutations, merge }), scene)
    }

    fn name(&mut self, kind: &str) -> MutationId {
        self.names += 1;
        MutationId::new(format!("{kind}{}-{}", self.who, self.names)).expect("a name")
    }

    /// The books hear first what a client hears.
    fn look(&mut self, text: &str, durable: u64, scene: &Scene) -> Result<(), String> {
        let message = ServerMessage::parse(text)?;
        self.watch.heard(&message, self.profile.view.0, &scene.books, durable)?;
        match message {
            ServerMessage::Result(answer) if self.acting.contains(&answer.id) => {
                let mut books = scene.books.lock();
                books.counts.done += 1;
            }
            ServerMessage::Result(answer) => {
                self.watch.answered(&answer.id, answer.revision)?;
                scene.books.lock().acked(&answer.id, answer.revision, durable);
            }
            ServerMessage::Problem { id: Some(id), problem, .. } if !problem.is_retryable() => {
                let Ok(id) = MutationId::new(id) else { return Err("a problem of nobody's".into()) };
                if self.acting.contains(&id) {
                    scene.books.lock().counts.refused += 1;
                } else {
                    scene.books.lock().refused(&id, &problem.code);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn of_link(&mut self, link: u64, input: impl FnOnce(Link) -> Input, scene: &Scene) -> Vec<Do> {
        match link.checked_sub(self.links) {
            Some(own) if own < 1_000 => self.input(input(Link(own)), scene),
            _ => Vec::new(),
        }
    }

    fn input(&mut self, input: Input, scene: &Scene) -> Vec<Do> {
        let effects = self.session.handle(input, scene.at());
        effects.into_iter().flat_map(|effect| self.effect(effect, scene)).collect()
    }

    fn effect(&mut self, effect: Effect, scene: &Scene) -> Vec<Do> {
        match effect {
            Effect::Open(link) => vec![Do::Connect(self.links + link.0)],
            Effect::Close(link) => vec![Do::Close(self.links + link.0)],
            Effect::Send(link, texts) => {
                texts.iter().for_each(|text| self.says(text, scene));
                texts.into_iter().map(|text| Do::Send(self.links + link.0, text)).collect()
            }
            Effect::Timer(timer, after) => {
                self.woken += 1;
                self.timers.insert(timer, self.woken);
                vec![Do::Wake(timer as u64 | self.woken << 4, after.0)]
            }
            Effect::Cancel(timer) => {
                self.timers.remove(&timer);
                Vec::new()
            }
            Effect::Store(_, put, gone) => {
                self.stored.extend(put.into_iter().map(|pending| (pending.id.clone(), pending)));
                gone.iter().for_each(|id| drop(self.stored.remove(id)));
                Vec::new()
            }
            Effect::Settled(id, _) => {
                // A program that died between telling and forgetting tells it again.
                if !self.settled.insert(id.clone()) && self.links == 0 {
                    scene.books.wrong(format!("client {}: {id} came out twice", self.who));
                }
                Vec::new()
            }
            Effect::Told(_, Told::Report(report)) | Effect::Report(report) => {
                self.noticed(&report, scene);
                Vec::new()
            }
            Effect::Told(_, Told::Refused(problem)) if !problem.is_retryable() => {
                scene.books.wrong(format!("client {}: refused to follow: {problem}", self.who));
                Vec::new()
            }
            Effect::Connection(_) | Effect::Acted(..) | Effect::Told(..) => Vec::new(),
        }
    }

    fn says(&mut self, text: &str, scene: &Scene) {
        self.watch.said(text);
        match ClientMessage::parse(text.as_bytes()) {
            Ok(ClientMessage::Mutate(mutate)) => note(scene, &mutate.id, &mutate.mutations),
            Ok(ClientMessage::Action(action)) => note(scene, &action.id, &[]),
            _ => {}
        }
    }

    /// Whatever a client has to put right on a connection that loses nothing is the server's fault.
    fn noticed(&self, report: &Report, scene: &Scene) {
        let harmless = match report {
            Report::Epoch { .. } => true,
            Report::Problem(problem) => problem.is_retryable(),
            _ => false,
        };
        if !harmless {
            scene.books.wrong(format!("client {} noticed: {report}", self.who));
        }
    }
}

fn session(who: Who, dice: &mut Dice) -> Session {
    let backoff = onair_client::Backoff::default();
    Session::new(Options { name: format!("client {who}"), token: None, backoff, seed: dice.draw() })
}
