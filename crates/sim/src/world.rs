//! The world of a run: time, a queue of what happens when, the network, and everybody in it.
//!
//! The server runs in a runtime whose clock is paused: when nothing can be done any more, time goes on to the next
//! timer, the server's or the world's. What happens at one moment happens in the order of who it happens to, so that
//! the order in which tasks were woken shows nowhere.

use std::{
    collections::BTreeMap,
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex},
    task::Poll,
    time::Duration,
};

use onair_server::inside::Protocol;
use onair_wire::{ProductionId, Timestamp};
use tokio::time::{Instant, sleep_until};

use crate::{
    agent::Agent,
    backend::Backend,
    caller::Caller,
    chance::Dice,
    disk::{Disk, Torn},
    fault::Fault,
    ledger::Books,
    line::{Bell, LineId},
    network::Wire,
    scene::{BEGINNING, Do, Request, Response, Scene, Who},
    server::Server,
    shape::{AGENTS, CALLERS, LINES, Shape, WORLD},
    trace::Trace,
    user::User,
};

/// How long all may take to come to rest when faults have ended.
pub(crate) const LIVENESS_MS: u64 = 30_000;
/// Events of one run: more is a run that does not end.
const EVENTS_MAX: u64 = 400_000;

/// Something that happens.
#[derive(Debug)]
pub(crate) enum Event {
    /// A connection reaches the server, or does not.
    Connect { who: Who, link: u64 },
    /// Bytes of a client reach it.
    Arrive { line: LineId, bytes: Vec<u8> },
    /// The client says no more.
    Finish { line: LineId },
    /// What the server wrote reaches the client.
    Carry { line: LineId },
    /// The client learns that the connection is gone.
    Dropped { line: LineId },
    /// Somebody wanted to be woken.
    Wake { who: Who, word: u64 },
    /// A request reaches the server.
    Ask { who: Who, request: Box<Request> },
    /// An answer reaches who asked.
    Answer { who: Who, response: Box<Response> },
    /// A fault.
    Fault(Fault),
    /// The power goes as soon as something is being written.
    Armed { torn: Torn, patience: u32 },
    /// A server begins.
    Boot,
    /// Faults end.
    Calm,
    /// Whether all is at rest.
    Look { tries: u64 },
}

/// How an incarnation of the machine ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The power went; nobody was told, or everybody.
    Crashed { torn: Torn, silent: bool },
    /// The server stopped.
    Stopped,
    /// The run is over.
    Over,
}

/// Requests that were answered, until the world carries them.
type Answers = Arc<Mutex<Vec<(Who, Response)>>>;
type Stopping = Pin<Box<dyn Future<Output = ()>>>;

/// Everything.
pub(crate) struct World {
    pub(crate) shape: Shape,
    pub(crate) dice: Dice,
    pub(crate) books: Books,
    pub(crate) disk: Disk,
    pub(crate) backend: Backend,
    pub(crate) users: Vec<User>,
    pub(crate) callers: Vec<Caller>,
    pub(crate) agents: Vec<Agent>,
    pub(crate) production: ProductionId,
    pub(crate) wires: BTreeMap<LineId, Wire>,
    pub(crate) bell: Arc<Bell>,
    events: BTreeMap<(u64, Who, u64), Event>,
    numbers: u64,
    answers: Answers,
    pub(crate) server: Option<Server>,
    stopping: Option<Stopping>,
    base_ms: u64,
    started: Option<Instant>,
    /// By how much the machine's clock is behind.
    pub(crate) behind_ms: i64,
    pub(crate) unreachable_until: u64,
    pub(crate) busy: bool,
    pub(crate) configured: bool,
    /// How an incarnation is to end, as soon as this event is over.
    pub(crate) end: Option<Ended>,
    /// Looks in a row at which all was at rest.
    pub(crate) rested: u64,
    pub(crate) boots: u64,
}

impl World {
    pub(crate) fn new(seed: u64, told: bool) -> Self {
        let mut dice = Dice::new(seed);
        crate::chance::seed_server(dice.draw());
        let shape = Shape::draw(&mut dice);
        let production = ProductionId::new("main").expect("a name");
        let books = Books::new(shape.views.clone(), Trace::new(told));
        let disk = Disk::new(shape.manners, dice.fork(), books.clone());
        let backend = Backend::new(dice.fork(), books.clone());
        let (users, callers, agents) =
            (shape.users(&mut dice), shape.callers(&mut dice), shape.agents(&mut dice));
        let mut world = Self {
            dice,
            books,
            disk,
            backend,
            users,
            callers,
            agents,
            production,
            wires: BTreeMap::new(),
            bell: Arc::default(),
            events: BTreeMap::new(),
            numbers: 0,
            answers: Answers::default(),
            server: None,
            stopping: None,
            base_ms: 0,
            started: None,
            behind_ms: 0,
            unreachable_until: 0,
            busy: true,
            configured: false,
            end: None,
            rested: 0,
            boots: 0,
            shape,
        };
        world.begin();
        world
    }

    fn begin(&mut self) {
        self.at(0, WORLD, Event::Boot);
        self.at(250, WORLD, Event::Look { tries: 0 });
        for (at, fault) in self.shape.plan.clone() {
            self.at(at, WORLD, Event::Fault(fault));
        }
        self.at(self.shape.busy_ms, WORLD, Event::Calm);
        let scene = self.scene();
        for place in 0..self.users.len() {
            let (who, wants) = (self.users[place].who, self.users[place].begin(&scene));
            self.carry_out(who, wants);
        }
        for place in 0..self.callers.len() {
            let wants = self.callers[place].begin();
            self.carry_out(CALLERS + place as u64, wants);
        }
        for place in 0..self.agents.len() {
            let wants = self.agents[place].begin();
            self.carry_out(AGENTS + place as u64, wants);
        }
    }

    pub(crate) fn now(&self) -> u64 {
        let since = self.started.map_or(Duration::ZERO, |started| started.elapsed());
        self.base_ms + u64::try_from(since.as_millis()).expect("a short run")
    }

    pub(crate) fn scene(&self) -> Scene {
        Scene {
            now: self.now(),
            production: self.production.clone(),
            books: self.books.clone(),
            busy: self.busy,
        }
    }

    /// What the machine's clock says.
    pub(crate) fn machine_time(&self) -> Timestamp {
        Timestamp::from_millis(BEGINNING + i64::try_from(self.now()).expect("a short run") - self.behind_ms)
    }

    pub(crate) fn at(&mut self, at: u64, who: Who, event: Event) {
        self.numbers += 1;
        self.events.insert((at, who, self.numbers), event);
    }

    pub(crate) fn after(&mut self, ms: u64, who: Who, event: Event) {
        self.at(self.now() + ms, who, event);
    }

    pub(crate) fn note(&self, what: &str, who: u64, bytes: &[u8]) {
        self.books.lock().trace.note(self.now(), what, who, bytes);
    }

    /// One life of the machine, from power on to power off.
    pub(crate) async fn live(&mut self) -> Ended {
        self.started = Some(Instant::now());
        let ended = self.go_on().await;
        self.base_ms = self.now();
        self.started = None;
        ended
    }

    async fn go_on(&mut self) -> Ended {
        loop {
            while let Some((who, event)) = self.due() {
                self.happen(who, event).await;
                if let Some(ended) = self.end.take() {
                    return ended;
                }
                if !self.books.lock().findings().is_empty() {
                    return Ended::Over;
                }
            }
            self.collect();
            if self.numbers > EVENTS_MAX {
                self.books.wrong("the run does not end");
                return Ended::Over;
            }
            let Some((next, ..)) = self.events.keys().next().copied() else { return Ended::Over };
            if next <= self.now() {
                continue;
            }
            if self.wait(next).await {
                self.stopping = None;
                return Ended::Stopped;
            }
        }
    }

    fn due(&mut self) -> Option<(Who, Event)> {
        let now = self.now();
        let first = self.events.first_entry().filter(|first| first.key().0 <= now)?;
        let who = first.key().1;
        Some((who, first.remove()))
    }

    /// Until something happens; says whether the server has stopped.
    async fn wait(&mut self, next: u64) -> bool {
        let started = self.started.expect("the machine is on");
        let sleep = sleep_until(started + Duration::from_millis(next - self.base_ms));
        let (bell, stopping) = (Arc::clone(&self.bell), &mut self.stopping);
        let rung = bell.notify.notified();
        tokio::pin!(sleep, rung);
        poll_fn(|context| {
            if let Some(stopping) = stopping
                && stopping.as_mut().poll(context).is_ready()
            {
                return Poll::Ready(true);
            }
            if rung.as_mut().poll(context).is_ready() || sleep.as_mut().poll(context).is_ready() {
                return Poll::Ready(false);
            }
            Poll::Pending
        })
        .await
    }

    /// What the server did since: bytes to carry, requests that were answered.
    fn collect(&mut self) {
        for line in self.bell.take() {
            self.begin_to_carry(line);
        }
        let answers = std::mem::take(&mut *self.answers.lock().expect("a list"));
        for (who, response) in answers {
            let ms = self.latency(who);
            self.after(ms, who, Event::Answer { who, response: Box::new(response) });
        }
    }

    /// On the way; from the dice of nobody, since the order of what is collected is nobody's.
    fn latency(&self, who: Who) -> u64 {
        1 + Dice::new(self.now() ^ (who << 32)).below(self.shape.latency_ms)
    }

    async fn happen(&mut self, who: Who, event: Event) {
        match event {
            Event::Connect { who, link } => self.connect(who, link),
            Event::Arrive { line, bytes } => self.arrive(line, &bytes),
            Event::Finish { line } => self.finish(line),
            Event::Carry { line } => self.carry(line),
            Event::Dropped { line } => self.dropped(line),
            Event::Wake { who, word } => self.wake(who, word),
            Event::Ask { who, request } => self.ask(who, &request),
            Event::Answer { who, response } => self.answered(who, &response),
            Event::Fault(fault) => self.befall(fault),
            Event::Armed { torn, patience } => self.armed(torn, patience),
            Event::Boot => self.boot().await,
            Event::Calm => self.calm(),
            Event::Look { tries } => self.look(tries).await,
        }
        let _ = who;
    }

    fn wake(&mut self, who: Who, word: u64) {
        let scene = self.scene();
        let wants = match self.role(who) {
            Role::User(place) => self.users[place].wake(word, &scene),
            Role::Caller(place) => self.callers[place].wake(word, &scene),
            Role::Agent(place) => self.agents[place].wake(word, &scene),
        };
        self.carry_out(who, wants);
    }

    fn ask(&mut self, who: Who, request: &Request) {
        self.note("ask", who, format!("{} {} {}", request.method, request.path, request.body).as_bytes());
        let (answers, bell) = (Arc::clone(&self.answers), Arc::clone(&self.bell));
        let Some(server) = self.server.as_ref().filter(|_| self.stopping.is_none()) else { return };
        server.answer(request, &self.books, move |response| {
            answers.lock().expect("a list").push((who, response));
            bell.notify.notify_one();
        });
    }

    fn answered(&mut self, who: Who, response: &Response) {
        self.note("answer", who, &response.body);
        let scene = self.scene();
        if let Role::Caller(place) = self.role(who) {
            let wants = self.callers[place].answered(response, &scene);
            self.carry_out(who, wants);
        }
    }

    /// Does what an actor wants.
    pub(crate) fn carry_out(&mut self, who: Who, wants: Vec<Do>) {
        for want in wants {
            match want {
                Do::Connect(link) => {
                    let ms = self.latency(who);
                    self.after(ms, who, Event::Connect { who, link });
                }
                Do::Send(link, text) => self.send(who, link, &text),
                Do::Close(link) => self.close(who, link),
                Do::Wake(word, ms) => self.after(ms.max(1), who, Event::Wake { who, word }),
                Do::Ask(request) => {
                    let ms = 1 + self.dice.below(self.shape.latency_ms);
                    self.after(ms, who, Event::Ask { who, request });
                }
            }
        }
    }

    /// Tells the server to stop; it takes its time.
    pub(crate) fn stop(&mut self) {
        if let (Some(server), None) = (&self.server, &self.stopping) {
            let stop = Server::stop(server.app.clone(), server.engine());
            self.stopping = Some(Box::pin(stop));
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.is_some()
    }

    /// The machine is off: what was in the server's memory is gone with its runtime.
    pub(crate) fn power_off(&mut self) {
        self.server = None;
        self.stopping = None;
        self.answers.lock().expect("a list").clear();
    }

    pub(crate) fn role(&self, who: Who) -> Role {
        let place = |first: Who| usize::try_from(who - first).expect("a place");
        match who {
            AGENTS.. => Role::Agent(place(AGENTS)),
            CALLERS.. => Role::Caller(place(CALLERS)),
            _ => Role::User(place(crate::shape::USERS)),
        }
    }

    pub(crate) fn protocol(&self, who: Who) -> Protocol {
        if who >= AGENTS { Protocol::Agents } else { Protocol::Sync }
    }

    pub(crate) fn next_line(&mut self) -> LineId {
        self.numbers += 1;
        LINES + self.numbers
    }
}

/// Who somebody is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Role {
    User(usize),
    Caller(usize),
    Agent(usize),
}
