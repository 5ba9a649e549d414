//! A session: from inputs to effects, without a clock, a socket or chance of its own (rows Y2 to Y6, E1).
//!
//! One connection for any number of productions. What comes is looked at ([`ServerMessage`]), judged by the [`Stream`]
//! of its production, and made true only when it follows; what is wanted waits in a queue until it is confirmed.

mod desk;
mod effect;
mod link;
mod message;
mod production;
mod say;
mod stream;

use std::collections::BTreeMap;

use onair_wire::{Millis, MutationId, ProductionId, Timestamp};

pub use effect::{Act, Acted, Effect, Input, Link, Mutate, Report, Timer, Token, Told};
pub use message::{Answer, Limits, ServerMessage, Welcome};
pub use stream::{Stream, Verdict};

use crate::{
    backoff::{Backoff, Chance},
    connection::{Connection, State},
    problem::Problem,
    queue::Queue,
    replica::Replica,
};
use desk::Asked;
use link::Line;
use production::Production;
use say::Say;

/// Until a mutation is answered, over a link that lives (row E1).
const ANSWER: Millis = Millis(10_000);
/// Until the first thing is heard over a link, and until all is here.
const OPEN: Millis = Millis(10_000);
/// How often the same link is asked to put things right before it is made anew.
const HEALS_MAX: u32 = 3;

/// What a session is told once.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the program calls itself, shown among the clients.
    pub name: String,
    /// Who it is; nothing on the server's own machine.
    pub token: Option<Token>,
    /// How tries are spaced.
    pub backoff: Backoff,
    /// What its chance comes from.
    pub seed: u64,
}

/// A session.
#[derive(Debug)]
pub struct Session {
    name: String,
    token: Option<Token>,
    backoff: Backoff,
    chance: Chance,
    connection: Connection,
    limits: Limits,
    productions: BTreeMap<ProductionId, Production>,
    /// Actions under way.
    asked: BTreeMap<MutationId, Asked>,
    effects: Vec<Effect>,
    now: Timestamp,
    links: u64,
    /// The link in use.
    line: Option<Line>,
    running: bool,
    /// Something was asked for, and is not here.
    opening: bool,
    /// Tries that failed, one after the other.
    failures: u32,
    /// Refusals that may pass, one after the other.
    refusals: u32,
}

impl Session {
    /// One that has not started.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let Options { name, token, backoff, seed } = options;
        Self {
            name,
            token,
            backoff,
            chance: Chance::new(seed),
            connection: Connection::default(),
            limits: Limits::default(),
            productions: BTreeMap::new(),
            asked: BTreeMap::new(),
            effects: Vec::new(),
            now: Timestamp::EPOCH,
            links: 0,
            line: None,
            running: false,
            opening: false,
            failures: 0,
            refusals: 0,
        }
    }

    /// How it stands with the server.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// How it stands with a production: all is here, or it does not come; `None` while it may.
    #[must_use]
    pub fn stands(&self, production: &ProductionId) -> Option<Result<(), Problem>> {
        let reason = || self.connection.reason.clone().unwrap_or_default();
        let Some(production) = self.productions.get(production) else {
            return Some(Err(Problem::local("not-found", "it is not followed")));
        };
        match (&production.refused, self.connection.state) {
            (Some(why), _) if !why.is_retryable() => Some(Err(why.clone())),
            (_, State::NeedsAuth | State::Failed) => {
                Some(Err(Problem::local(&reason(), "the server does not let this client in")))
            }
            _ => production.caught_up().then_some(Ok(())),
        }
    }

    /// What is shown of a production, while it is followed.
    #[must_use]
    pub fn replica(&self, production: &ProductionId) -> Option<&Replica> {
        self.productions.get(production).map(|production| &production.replica)
    }

    /// What waits for a production, while it is followed.
    #[must_use]
    pub fn queue(&self, production: &ProductionId) -> Option<&Queue> {
        self.productions.get(production).map(|production| &production.queue)
    }

    /// Takes one input in at `now`, and says what is to be done.
    pub fn handle(&mut self, input: Input, now: Timestamp) -> Vec<Effect> {
        self.now = now;
        self.take(input);
        self.look();
        std::mem::take(&mut self.effects)
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Start => {
                self.running = true;
                self.connect();
            }
            Input::Stop => self.stop(),
            Input::Opened(link) => self.opened(link),
            Input::Text(link, text) => self.text(link, &text),
            Input::Alive(link) => self.alive(link),
            Input::Closed { link, code, problem } => self.closed(link, code, problem.as_ref()),
            Input::Timer(timer) => self.timer(timer),
            Input::Reconnect { token } => self.reconnect(token),
            Input::Subscribe { production, collections, queue } => {
                self.subscribe(production, collections, queue);
            }
            Input::Unsubscribe(production) => self.unsubscribe(&production),
            Input::Mutate(mutate) => self.mutate(mutate),
            Input::Retry(production, id) => self.shift(&production, |queue| queue.retry(id.as_ref())),
            Input::Clear(production, id) => self.shift(&production, |queue| queue.clear(id.as_ref())),
            Input::Act(act) => self.act(act),
            Input::Signal(production, stream) => {
                // Figures of the past are of no use later.
                if self.connection.state == State::Connected {
                    self.send(vec![Say::Signal { production: &production, stream: &stream }.text()]);
                }
            }
        }
    }

    /// What is seen from all productions together.
    fn look(&mut self) {
        let welcomed = self.line.as_ref().is_some_and(|line| line.welcomed);
        let connected = self.connection.state == State::Connected;
        let followed = || self.productions.values().filter(|production| production.refused.is_none());
        let lag = followed().map(|production| production.stream.lag(&production.replica)).max().unwrap_or(0);
        let all = welcomed && followed().all(Production::caught_up);
        // Who asks for one more production is no less connected while that comes.
        let here = all || (welcomed && connected && followed().all(|it| it.caught_up() || !it.ever));
        if all && std::mem::take(&mut self.opening) {
            self.cancel(Timer::Open);
        }
        let mut now = Connection { lag, ..self.connection.clone() };
        match (here, now.state) {
            (true, _) => (now.state, now.reason, now.retry_in) = (State::Connected, None, None),
            (false, State::Connected) => now.state = State::Reconnecting,
            (false, _) => {}
        }
        self.is(now);
        let fresh = self.productions.values_mut().filter(|it| it.refused.is_none() && it.caught_up());
        for production in fresh.filter(|production| !production.told) {
            (production.told, production.ever) = (true, true);
            self.effects.push(Effect::Told(production.id.clone(), Told::CaughtUp));
        }
        self.say();
        let pending = self.productions.values().map(|production| production.queue.pending()).sum();
        self.is(Connection { pending, ..self.connection.clone() });
    }

    fn is(&mut self, connection: Connection) {
        if connection == self.connection {
            return;
        }
        self.connection = connection;
        // A row of changes within one input is one value for whoever looks.
        self.effects.retain(|effect| !matches!(effect, Effect::Connection(_)));
        self.effects.push(Effect::Connection(self.connection.clone()));
    }

    fn send(&mut self, texts: Vec<String>) {
        if let Some(line) = self.line.as_ref().filter(|_| !texts.is_empty()) {
            self.effects.push(Effect::Send(line.id, texts));
        }
    }

    fn set(&mut self, timer: Timer, after: Millis) {
        self.effects.push(Effect::Timer(timer, after));
    }

    fn cancel(&mut self, timer: Timer) {
        self.effects.push(Effect::Cancel(timer));
    }
}
