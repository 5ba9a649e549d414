//! What was asked and is to be answered: mutations, which wait in their queue, and actions, which do not (rows E2, L4).

use onair_wire::{Millis, MutationId, ProductionId};

use super::{
    ANSWER, Session,
    effect::{Act, Acted, Effect, Link, Mutate, Report, Timer},
    message::Answer,
    production::AGAIN,
    say::Say,
};
use crate::{
    connection::State,
    problem::{Problem, code},
    queue::{Moved, Queue},
};

/// An action under way; it is asked again over the next link, under the same id, and so done once.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    text: String,
    /// Over which link it was said last.
    link: Option<Link>,
}

impl Session {
    pub(super) fn mutate(&mut self, asked: Mutate) {
        let now = self.now;
        match self.productions.get_mut(&asked.production) {
            Some(production) => self.effects.extend(production.mutate(asked, now)),
            None => {
                let why = Problem::local("not-found", format!("{} is not followed", asked.production));
                self.effects.push(Effect::Settled(asked.id, Err(why)));
            }
        }
    }

    pub(super) fn shift(&mut self, production: &ProductionId, how: impl FnOnce(&mut Queue) -> Moved) {
        if let Some(production) = self.productions.get_mut(production) {
            let moved = how(&mut production.queue);
            self.effects.extend(production.shift(moved));
        }
    }

    pub(super) fn act(&mut self, act: Act) {
        let Act { production, id, action, params } = act;
        if self.connection.state != State::Connected {
            let why = Problem::local(code::OFFLINE, "there is no connection to the server");
            return self.effects.push(Effect::Acted(id, Err(why)));
        }
        let said = Say::Action { id: &id, production: &production, action: &action, params: params.as_ref() };
        let text = said.text();
        self.asked.insert(id, Asked { text, link: None });
    }

    /// Actions are for now: what could not be said in time is not said later.
    pub(super) fn give_up_actions(&mut self, why: &Problem) {
        for (id, _) in std::mem::take(&mut self.asked) {
            self.effects.push(Effect::Acted(id, Err(why.clone())));
        }
    }

    /// Says what can be said now.
    pub(super) fn say(&mut self) {
        let Some(link) = self.line.as_ref().filter(|line| line.welcomed).map(|line| line.id) else { return };
        let mut texts = Vec::new();
        for production in self.productions.values_mut() {
            let (effects, said) = production.say(&self.limits);
            self.effects.extend(effects);
            texts.extend(said);
        }
        let mutates = !texts.is_empty();
        if self.connection.state == State::Connected {
            for asked in self.asked.values_mut().filter(|asked| asked.link != Some(link)) {
                asked.link = Some(link);
                texts.push(asked.text.clone());
            }
        }
        self.send(texts);
        if mutates {
            self.set(Timer::Answer, ANSWER);
        }
    }

    /// Something was answered: the clock of what is under way begins anew.
    pub(super) fn progressed(&mut self) {
        self.refusals = 0;
        match self.productions.values().any(|production| production.queue.under_way() > 0) {
            true => self.set(Timer::Answer, ANSWER),
            false => self.cancel(Timer::Answer),
        }
    }

    pub(super) fn answered(&mut self, answer: Answer) {
        if self.asked.remove(&answer.id).is_some() {
            let Answer { id, revision, sequence, phase, plan, .. } = answer;
            let moved = || Acted::Moved { revision, sequence, phase: phase.unwrap_or_default() };
            return self.effects.push(Effect::Acted(id, Ok(plan.map_or_else(moved, Acted::Planned))));
        }
        let Some(production) = self.of(&answer.id) else { return };
        let (id, receipt) = (answer.id.clone(), answer.receipt());
        let Some(production) = self.productions.get_mut(&production) else { return };
        let reached = production.replica.revision() >= receipt.revision;
        let moved = production.queue.answered(&id, &receipt, reached);
        self.effects.extend(production.shift(moved));
        self.progressed();
    }

    pub(super) fn refused(&mut self, id: Option<String>, production: Option<ProductionId>, why: Problem) {
        let Some(id) = id.and_then(|id| MutationId::new(id).ok()) else {
            return match production {
                Some(production) => self.subscription_refused(&production, why),
                // Before `welcome` the close code says what it means.
                None if self.line.as_ref().is_some_and(|line| line.welcomed) => {
                    self.effects.push(Effect::Report(Report::Problem(why)));
                }
                None => {}
            };
        };
        if self.asked.remove(&id).is_some() {
            return self.effects.push(Effect::Acted(id, Err(why)));
        }
        let Some(production) = self.of(&id) else { return };
        self.shift(&production, |queue| queue.refused(&id, &why));
        let Some(production) = self.productions.get_mut(&production) else { return };
        if production.queue.get(&id).is_none() {
            return self.progressed();
        }
        // It may go well later: not at once, and not for ever without a pause.
        production.held = true;
        match (why.code.as_str(), self.line.as_ref().map(|line| line.id)) {
            ("unauthenticated", Some(link)) => self.closed(link, Some(4401), Some(&why)),
            _ => self.hold(&why),
        }
    }

    /// Waits with what was refused for now.
    pub(super) fn hold(&mut self, why: &Problem) {
        let asked = Millis(why.retry_after().unwrap_or(0).saturating_mul(1_000));
        let wait = self.backoff.delay(self.refusals, self.chance.draw());
        self.refusals = self.refusals.saturating_add(1);
        self.set(Timer::Again, wait.max(asked).max(AGAIN));
        self.cancel(Timer::Answer);
    }

    /// The server said nothing to the oldest one for too long.
    pub(super) fn unanswered(&mut self) {
        let oldest = self.productions.values().filter_map(|production| {
            let id = production.queue.oldest_under_way()?.clone();
            Some((production.id.clone(), id))
        });
        for (production, id) in oldest.collect::<Vec<_>>() {
            self.shift(&production, |queue| queue.unanswered(&id));
        }
        self.fail("unanswered");
    }

    /// The production that waits for the answer to this one.
    fn of(&self, id: &MutationId) -> Option<ProductionId> {
        let waits = |queue: &Queue| queue.get(id).is_some();
        self.productions.values().find(|production| waits(&production.queue)).map(|it| it.id.clone())
    }
}
