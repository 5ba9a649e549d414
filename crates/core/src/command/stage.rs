//! The show during one decision: its typed documents, changed in place, and the commit that the changes come to.

use std::collections::BTreeMap;

use onair_wire::{Actor, Cause, CauseKind, Change, Timestamp};
use serde_json::{Value, json};

use super::{Context, Draft, prune};
use crate::{
    backoff, broadcast,
    lifecycle::{BreakGlass, Lifecycle, Phase, Reason, Recovery, Transition, Trouble},
    production::{Production, server},
    refusal::Refusal,
    sequence::{Origin, Sequence, SequenceStatus, Step, StepStatus},
    service::{Service, Status},
    settings::Settings,
};

/// The show during one decision.
pub(super) struct Stage<'a> {
    pub(super) production: &'a Production,
    pub(super) context: &'a Context<'a>,
    pub(super) lifecycle: Lifecycle,
    pub(super) services: BTreeMap<String, Service>,
    pub(super) settings: Settings,
    /// Those that were looked at, as they are now.
    sequences: BTreeMap<String, Sequence>,
    transition: Option<Transition>,
    /// Whether backends are told what is true behind this commit.
    tells: bool,
}

impl<'a> Stage<'a> {
    pub(super) fn new(production: &'a Production, context: &'a Context<'a>) -> Self {
        Self {
            production,
            context,
            lifecycle: production.lifecycle(),
            services: production.services().into_iter().collect(),
            settings: production.settings(),
            sequences: BTreeMap::new(),
            transition: None,
            tells: false,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.context.at
    }

    pub(super) fn origin<'b>(&'b self, actor: &'b Actor) -> Origin<'b> {
        Origin { production: self.production, revision: self.context.revision, at: self.context.at, actor }
    }

    /// The sequence under way.
    pub(super) fn running(&mut self) -> Option<&mut Sequence> {
        let id = self.lifecycle.sequence.clone()?;
        self.sequence(&id)
    }

    pub(super) fn sequence(&mut self, id: &str) -> Option<&mut Sequence> {
        if !self.sequences.contains_key(id) {
            let sequence = self.production.sequence(id)?;
            self.sequences.insert(id.to_owned(), sequence);
        }
        self.sequences.get_mut(id)
    }

    /// Makes `sequence` the one under way.
    pub(super) fn begin(&mut self, sequence: Sequence) {
        self.lifecycle.sequence = Some(sequence.id.clone());
        self.sequences.insert(sequence.id.clone(), sequence);
    }

    /// Ends the sequence under way.
    pub(super) fn end(&mut self, status: SequenceStatus, error: Option<Trouble>) {
        let now = self.now();
        if let Some(sequence) = self.running() {
            sequence.status = status;
            sequence.ended_at = Some(now);
            sequence.error = error;
        }
        self.lifecycle.sequence = None;
    }

    /// A sequence is given up for something more urgent; what it may have turned on is not forgotten.
    pub(super) fn abandon(&mut self, why: &str) {
        let now = self.now();
        let Some(id) = self.lifecycle.sequence.clone() else { return };
        self.abandon_steps(&id, why);
        let trouble = Trouble {
            code: "pre-empted".into(),
            message: why.to_owned(),
            step: None,
            service: None,
            at: now,
            owed: Vec::new(),
        };
        self.end(SequenceStatus::Failed, Some(trouble));
    }

    /// The steps of a sequence that are under way are given up, and their services are as far as anybody knows.
    pub(super) fn abandon_steps(&mut self, id: &str, why: &str) {
        let now = self.now();
        let Some(sequence) = self.sequence(id) else { return };
        let under_way = |step: &Step| step.status == StepStatus::Running;
        let names: Vec<String> =
            sequence.steps.iter().filter(|step| under_way(step)).map(|step| step.name.clone()).collect();
        sequence.abandon(now, why);
        self.follow(id, &names);
    }

    /// The services are as the steps of these names say.
    pub(super) fn follow(&mut self, id: &str, names: &[String]) {
        let Some(sequence) = self.sequence(id) else { return };
        let steps: Vec<Step> =
            sequence.steps.iter().filter(|step| names.contains(&step.name)).cloned().collect();
        for step in steps {
            if let Some(service) = step.service.as_ref().and_then(|name| self.services.get_mut(name)) {
                super::report::follow(service, &step);
            }
        }
    }

    /// Moves the phase. One move a commit: the history has a document for each revision.
    pub(super) fn move_to(&mut self, to: Phase, reason: Reason, actor: &Actor) {
        let from = self.lifecycle.phase;
        assert!(
            from.may_move(to) || reason == Reason::Forced,
            "there is no move from {} to {}",
            from.as_str(),
            to.as_str()
        );
        assert!(self.transition.is_none(), "two moves in one commit");
        let at = self.now();
        self.transition = Some(Transition {
            from,
            to,
            reason,
            actor: actor.clone(),
            at,
            lasted: self.lifecycle.since.until(at),
            sequence: None,
            break_glass: None,
        });
        self.lifecycle.phase = to;
        self.lifecycle.since = at;
        // A start tells by a step of its own, an emergency stop not at all (rows L4, L7).
        self.tells = to != Phase::Starting && reason != Reason::Forced;
        if to != Phase::Live {
            self.lifecycle.paused = false;
        }
        match to {
            Phase::Live => self.lifecycle.live_since = Some(at),
            Phase::Idle | Phase::Initializing | Phase::Ready => {
                self.lifecycle.error = None;
                self.lifecycle.session_id = None;
                self.lifecycle.session_kind = None;
                self.lifecycle.live_since = None;
            }
            Phase::Starting | Phase::Stopping | Phase::Error => {}
        }
    }

    /// The transition belongs to this sequence.
    pub(super) fn by_sequence(&mut self, id: &str) {
        if let Some(transition) = &mut self.transition {
            transition.sequence = Some(id.to_owned());
        }
    }

    /// The transition was made in spite of findings.
    pub(super) fn break_glass(&mut self, glass: BreakGlass) {
        if let Some(transition) = &mut self.transition {
            transition.break_glass = Some(glass);
        }
    }

    /// Backends are told what is true behind this commit (row L4).
    pub(super) fn tell(&mut self) {
        self.tells = true;
    }

    /// What should be off and may be on.
    pub(super) fn owed(&self) -> Vec<String> {
        let on = self.services.iter().filter(|(_, service)| service.is_on());
        on.map(|(name, _)| format!("{name}.stop")).collect()
    }

    /// The phase is `error` from here on, and recovering by itself is due after a while, unless that was tried often
    /// enough (row L8).
    pub(super) fn fall(&mut self, mut trouble: Trouble, reason: Reason, actor: &Actor) {
        trouble.owed = self.owed();
        if self.lifecycle.phase != Phase::Error {
            self.move_to(Phase::Error, reason, actor);
        }
        self.schedule_recovery(&mut trouble);
        self.lifecycle.error = Some(trouble);
    }

    fn schedule_recovery(&mut self, trouble: &mut Trouble) {
        let attempts = self.lifecycle.recovery.take().unwrap_or_default().attempts;
        if !self.settings.auto_recovery {
            return;
        }
        let mut recovery = Recovery { attempts, next_at: None, gave_up: false };
        if attempts >= self.settings.max_retries {
            recovery.gave_up = true;
            trouble.message =
                format!("{}; recovering by itself was given up after {attempts} attempts", trouble.message);
        } else {
            let wait = backoff::delay(&self.settings, attempts + 1, self.production.id().as_str());
            recovery.next_at = Some(self.now().plus(wait));
        }
        self.lifecycle.recovery = Some(recovery);
    }

    /// Whether every service that a show needs is initialized, so that nothing has to be asked on the way to `ready`.
    pub(super) fn is_initialized(&self) -> bool {
        let Some(manifest) = self.production.manifest() else { return false };
        let mut required = manifest.written.services.iter().filter(|service| service.required);
        required.all(|service| {
            self.services.get(&service.name).is_some_and(|known| known.is_initialized() && !known.is_away())
        })
    }

    /// The commit that it comes to.
    pub(super) fn finish(mut self, cause: impl Into<Cause>) -> Result<Draft, Refusal> {
        let mut cause = cause.into();
        let mut changes = Vec::new();
        self.put_services(&mut changes);
        for (id, sequence) in &self.sequences {
            if self.production.sequence(id).as_ref() != Some(sequence) {
                changes.push(self.context.put(server::SEQUENCES, id, json!(sequence)));
            }
        }
        if let Some(transition) = self.transition.take() {
            cause.kind = CauseKind::LifecycleMoved;
            cause = cause
                .with("from", transition.from.as_str())
                .with("to", transition.to.as_str())
                .with("reason", json!(transition.reason));
            let id = self.context.revision.to_string();
            changes.push(self.context.put(server::TRANSITIONS, &id, json!(transition)));
        }
        if self.lifecycle != self.production.lifecycle() {
            changes.push(self.context.put(server::SYSTEM, "lifecycle", json!(self.lifecycle)));
        }
        if let Some(told) = self.told() {
            changes.push(self.context.put(server::SYSTEM, broadcast::ID, told));
        }
        changes.extend(prune::changes(self.production, self.context, &changes)?);
        Ok(Draft::applied(cause, changes))
    }

    fn put_services(&self, changes: &mut Vec<Change>) {
        for (name, service) in &self.services {
            if self.production.service(name).as_ref() != Some(service) {
                changes.push(self.context.put(server::SERVICES, name, json!(service)));
            }
        }
    }

    fn told(&self) -> Option<Value> {
        if !self.tells || !self.settings.backend_sync {
            return None;
        }
        let before = self.production.server_document(server::SYSTEM, broadcast::ID);
        let active =
            |name: &str| self.services.get(name).is_some_and(|service| service.status == Status::Active);
        let before = before.map(|document| Value::clone(document.value()));
        broadcast::told(before.as_ref(), &self.lifecycle, active, self.context.at)
    }
}
