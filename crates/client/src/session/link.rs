//! The link to the server: made, lost, made again; what ends it for good; and what is heard over it.

use onair_wire::{Collection, Millis, ProductionId};

use super::{
    HEALS_MAX, OPEN, Session,
    effect::{Effect, Link, Report, Timer, Token, Told},
    message::{ServerMessage, Welcome},
    production::Production,
    say::Say,
    stream::Verdict,
};
use crate::{
    connection::{State, VERSION, speaks_alike},
    pending::Pending,
    problem::{Problem, code},
};

/// Until a `ping` is answered.
const PONG: Millis = Millis(5_000);
/// Silence after which the other side is asked, at most: what a proxy or a person bears.
const SILENCE_MAX: Millis = Millis(30_000);
/// How long a server that says `too many` is left alone, when it does not say itself. Seconds.
const TOO_MANY_S: u64 = 5;

/// The link in use.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) id: Link,
    pub(super) welcomed: bool,
    /// Whether it brought what only a server that lets this client in can have said.
    proved: bool,
    heartbeat: Millis,
}

impl Session {
    pub(super) fn connect(&mut self) {
        if !self.running {
            return;
        }
        self.links += 1;
        let id = Link(self.links);
        self.line = Some(Line { id, welcomed: false, proved: false, heartbeat: SILENCE_MAX });
        for production in self.productions.values_mut() {
            production.stream.reset();
        }
        let again = self.connection.last_update.is_some();
        let state = if again { State::Reconnecting } else { State::Connecting };
        self.is(crate::Connection { state, retry_in: None, ..self.connection.clone() });
        self.cancel(Timer::Retry);
        self.effects.push(Effect::Open(id));
        self.expect_all();
    }

    /// Something is asked for that is to come within a time.
    fn expect_all(&mut self) {
        self.opening = true;
        self.set(Timer::Open, OPEN);
    }

    pub(super) fn stop(&mut self) {
        self.running = false;
        self.hang_up();
        self.give_up_actions(&Problem::local(code::CLOSED, "this client was closed"));
        let reason = Some(code::CLOSED.to_owned());
        self.is(crate::Connection {
            state: State::Offline,
            reason,
            retry_in: None,
            ..self.connection.clone()
        });
    }

    pub(super) fn reconnect(&mut self, token: Option<Token>) {
        self.token = token.or(self.token.take());
        self.failures = 0;
        for production in self.productions.values_mut() {
            production.refused = None;
        }
        self.hang_up();
        self.connect();
    }

    pub(super) fn opened(&mut self, link: Link) {
        if self.line.as_ref().is_some_and(|line| line.id == link) {
            let token = self.token.clone();
            let hello = Say::hello(token.as_ref().map(Token::reveal), &self.name).text();
            self.send(vec![hello]);
        }
    }

    pub(super) fn alive(&mut self, link: Link) {
        let Some(line) = self.line.as_mut().filter(|line| line.id == link) else { return };
        let heartbeat = line.heartbeat;
        let last_update = Some(self.now);
        self.is(crate::Connection { last_update, ..self.connection.clone() });
        self.cancel(Timer::Pong);
        self.set(Timer::Silence, heartbeat);
    }

    pub(super) fn closed(&mut self, link: Link, close: Option<u16>, why: Option<&Problem>) {
        let Some(line) = self.line.clone().filter(|line| line.id == link) else { return };
        self.hang_up();
        let status = why.map_or(0, |why| why.status);
        let said = |usual: &str| why.map_or_else(|| usual.to_owned(), |why| why.code.clone());
        let code =
            |usual: &str| why.filter(|why| why.status > 0).map_or(usual.to_owned(), |why| why.code.clone());
        if close == Some(4403) || status == 403 {
            return self.hopeless(State::Failed, code("forbidden"));
        }
        if close == Some(4401) || status == 401 {
            return self.hopeless(State::NeedsAuth, code("unauthenticated"));
        }
        let worst = self.productions.values().map(|production| production.heals).max().unwrap_or(0);
        // A link that brought nothing but what had to be put right is no success.
        if line.proved && worst <= HEALS_MAX {
            self.failures = 0;
        }
        for production in self.productions.values_mut() {
            production.heals = 0;
        }
        let too_many = close == Some(4429) || why.is_some_and(|why| why.code == "too-many-requests");
        let asked = why.and_then(Problem::retry_after).or(too_many.then_some(TOO_MANY_S));
        let usual = close.map_or_else(|| "no connection".to_owned(), |code| format!("closed {code}"));
        self.wait(said(&usual), line.proved, Millis(asked.unwrap_or(0).saturating_mul(1_000)));
    }

    /// Waits for the next try.
    fn wait(&mut self, reason: String, proved: bool, least: Millis) {
        let wait = self.backoff.delay(self.failures, self.chance.draw()).max(least);
        self.failures = self.failures.saturating_add(1);
        let state = if proved { State::Reconnecting } else { State::Offline };
        if state == State::Offline {
            self.give_up_actions(&Problem::local(code::OFFLINE, "there is no connection to the server"));
        }
        let (reason, retry_in) = (Some(reason), Some(wait));
        self.is(crate::Connection { state, reason, retry_in, ..self.connection.clone() });
        self.set(Timer::Retry, wait);
    }

    fn hopeless(&mut self, state: State, reason: String) {
        let (code, status) = match state {
            State::NeedsAuth => ("unauthenticated", 401),
            _ => ("forbidden", 403),
        };
        self.give_up_actions(&Problem { status, ..Problem::local(code, reason.clone()) });
        let reason = Some(reason);
        self.is(crate::Connection { state, reason, retry_in: None, ..self.connection.clone() });
    }

    fn hang_up(&mut self) {
        for timer in Timer::ALL {
            self.cancel(timer);
        }
        if let Some(line) = self.line.take() {
            self.effects.push(Effect::Close(line.id));
        }
        for production in self.productions.values_mut() {
            production.held = false;
            production.queue.lost();
        }
    }

    /// Ends the link from this side.
    pub(super) fn fail(&mut self, reason: &str) {
        if let Some(line) = &self.line {
            let why = Problem::local(reason, "the connection is made anew");
            self.closed(line.id, None, Some(&why));
        }
    }

    pub(super) fn timer(&mut self, timer: Timer) {
        match timer {
            Timer::Retry => self.connect(),
            Timer::Open => self.fail("timeout"),
            Timer::Silence => {
                self.send(vec![Say::Ping.text()]);
                self.set(Timer::Pong, PONG);
            }
            Timer::Pong => self.fail("silent"),
            Timer::Answer => self.unanswered(),
            Timer::Again => {
                for production in self.productions.values_mut() {
                    production.held = false;
                }
                self.subscribe_again();
            }
        }
    }

    // ---- what is heard

    pub(super) fn text(&mut self, link: Link, text: &str) {
        if self.line.as_ref().is_none_or(|line| line.id != link) {
            return;
        }
        let message = match ServerMessage::parse(text) {
            Ok(message) => message,
            Err(detail) => {
                self.effects.push(Effect::Report(Report::Garbled(detail)));
                return self.fail("garbled");
            }
        };
        self.alive(link);
        match message {
            ServerMessage::Welcome(welcome) => self.welcomed(welcome),
            ServerMessage::Result(answer) => self.answered(answer),
            ServerMessage::Problem { id, production, problem } => self.refused(id, production, problem),
            ServerMessage::Signal { production, stream } => self.tell(production, Told::Signal(stream)),
            ServerMessage::Presence { production, clients } => self.tell(production, Told::Presence(clients)),
            ServerMessage::Pong | ServerMessage::Unknown => {}
            message => self.streamed(message),
        }
    }

    fn tell(&mut self, production: ProductionId, told: Told) {
        if self.productions.contains_key(&production) {
            self.effects.push(Effect::Told(production, told));
        }
    }

    fn welcomed(&mut self, welcome: Welcome) {
        let Welcome { heartbeat, role, server, limits } = welcome;
        let Some(line) = &mut self.line else { return };
        (line.welcomed, line.proved) = (true, true);
        line.heartbeat = Millis(heartbeat).clamp(Millis(1), SILENCE_MAX);
        self.limits = limits;
        if self.connection.server.as_ref() != Some(&server) && !speaks_alike(&server, VERSION) {
            self.effects.push(Effect::Report(Report::Version { server: server.clone(), client: VERSION }));
        }
        let (server, role) = (Some(server), Some(role));
        self.is(crate::Connection { server, role, ..self.connection.clone() });
        let mut texts = Vec::new();
        for production in self.productions.values_mut() {
            // What was refused for good is not asked for again; what was not there may be by now.
            if production.refused.as_ref().is_none_or(|why| why.status != 403) {
                production.refused = None;
                let anew = production.stream.is_anew();
                texts.push(production.stream.subscribe(&production.replica, anew));
            }
        }
        self.send(texts);
    }

    pub(super) fn subscribe(
        &mut self,
        id: ProductionId,
        collections: Option<Vec<Collection>>,
        queue: Vec<Pending>,
    ) {
        if self.productions.contains_key(&id) {
            return;
        }
        let mut production = Production::new(id.clone(), collections);
        self.effects.extend(production.load_queue(queue));
        if self.line.as_ref().is_some_and(|line| line.welcomed) {
            let text = production.stream.subscribe(&production.replica, false);
            self.send(vec![text]);
            self.expect_all();
        }
        self.productions.insert(id, production);
    }

    pub(super) fn unsubscribe(&mut self, id: &ProductionId) {
        if self.productions.remove(id).is_some() && self.line.as_ref().is_some_and(|line| line.welcomed) {
            self.send(vec![Say::Unsubscribe { production: id }.text()]);
        }
    }

    /// A production that the server could not serve for a while is asked for again.
    fn subscribe_again(&mut self) {
        let mut texts = Vec::new();
        for production in self.productions.values_mut() {
            if production.refused.as_ref().is_some_and(Problem::is_retryable) {
                production.refused = None;
                texts.push(production.stream.subscribe(&production.replica, false));
            }
        }
        self.send(texts);
    }

    pub(super) fn subscription_refused(&mut self, id: &ProductionId, why: Problem) {
        let Some(production) = self.productions.get_mut(id) else { return };
        production.stream.reset();
        production.refused = Some(why.clone());
        production.told = false;
        if why.is_retryable() {
            self.hold(&why);
        }
        self.effects.push(Effect::Told(id.clone(), Told::Refused(why)));
    }

    fn streamed(&mut self, message: ServerMessage) {
        let (ServerMessage::Subscribed { production: id, .. }
        | ServerMessage::Snapshot { production: id, .. }
        | ServerMessage::Commit { production: id, .. }
        | ServerMessage::Digest { production: id, .. }) = &message
        else {
            return;
        };
        let id = id.clone();
        let Some(production) = self.productions.get_mut(&id) else { return };
        match production.stream.hear(&production.replica, &message) {
            Verdict::Quiet => {}
            Verdict::Proved => production.heals = 0,
            Verdict::Follows => self.follows(&id, message),
            Verdict::Astray { report, anew } => self.heal(&id, report, anew),
            Verdict::Distrusted(report) => {
                production.heals += 1;
                self.effects.push(Effect::Told(id, Told::Report(report.clone())));
                self.fail(report.what());
            }
        }
    }

    fn follows(&mut self, id: &ProductionId, message: ServerMessage) {
        let Some(production) = self.productions.get_mut(id) else { return };
        match message {
            ServerMessage::Snapshot { position, documents, .. } => {
                let before = production.replica.epoch().cloned();
                let now = position.epoch.clone();
                self.effects.extend(production.snapshot(position, documents));
                if before.as_ref().is_some_and(|before| *before != now) {
                    let report = Report::Epoch { before, now: Some(now) };
                    self.effects.push(Effect::Told(id.clone(), Told::Report(report)));
                }
            }
            ServerMessage::Commit { commit, .. } => {
                production.heals = 0;
                let effects = production.commit(*commit);
                let progress = effects.iter().any(|effect| matches!(effect, Effect::Settled(..)));
                self.effects.extend(effects);
                if progress {
                    self.progressed();
                }
            }
            _ => {}
        }
        // A long way is no silence: all that is under way may take its time, piece by piece.
        if self.connection.state != State::Connected {
            self.expect_all();
        }
    }

    /// Asks for what is missing, or for everything; until that is here, nobody is told that this is the truth.
    fn heal(&mut self, id: &ProductionId, report: Report, anew: bool) {
        let Some(production) = self.productions.get_mut(id) else { return };
        production.heals += 1;
        production.told = false;
        let (what, too_often) = (report.what(), production.heals > HEALS_MAX);
        let mut texts = Vec::new();
        // With its digest the server counts the divergence, which only it can tell (row Y6).
        if anew && matches!(report, Report::Diverged { .. }) {
            texts.push(production.stream.subscribe(&production.replica, false));
        }
        texts.push(production.stream.subscribe(&production.replica, anew));
        self.effects.push(Effect::Told(id.clone(), Told::Report(report)));
        if too_often {
            return self.fail(what);
        }
        let (state, reason) = (State::Reconnecting, Some(what.to_owned()));
        self.is(crate::Connection { state, reason, ..self.connection.clone() });
        self.send(texts);
        self.expect_all();
    }
}
