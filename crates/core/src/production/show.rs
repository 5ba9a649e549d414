//! The show as the server's own documents tell it: services, sequences, what is owed.

use onair_wire::{TaskAction, Timestamp};
use serde_json::{Value, json};

use super::{Production, read, server};
use crate::{
    command::{ActionName, BY_ITSELF},
    lifecycle::{Phase, Trouble},
    sequence::{Kind, Sequence, SequenceStatus, Step, StepStatus},
    service::{Service, Status},
};

/// A call that should be under way, read off the record of the running sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct Due {
    /// Of which sequence.
    pub sequence: String,
    /// Which step.
    pub step: String,
    /// Whom to ask.
    pub service: String,
    /// For what.
    pub action: TaskAction,
    /// The step's key.
    pub key: String,
    /// Which attempt.
    pub attempt: u32,
    /// When nobody waits any more.
    pub deadline: Timestamp,
    /// With what.
    pub params: Value,
}

impl Production {
    /// A service that is declared.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<Service> {
        self.server_document(server::SERVICES, name).map(|document| read(document))
    }

    /// The services that are declared, by name.
    #[must_use]
    pub fn services(&self) -> Vec<(String, Service)> {
        let documents = self.collection(server::SERVICES).into_iter().flat_map(super::Documents::iter);
        documents.map(|(id, document)| (id.to_string(), read(document))).collect()
    }

    /// A sequence that is kept.
    #[must_use]
    pub fn sequence(&self, id: &str) -> Option<Sequence> {
        self.server_document(server::SEQUENCES, id).map(|document| read(document))
    }

    /// The sequences that are kept, newest first.
    #[must_use]
    pub fn sequences(&self) -> Vec<Sequence> {
        let documents = self.collection(server::SEQUENCES).into_iter().flat_map(super::Documents::by_age);
        documents.rev().map(|(_, document)| read(document)).collect()
    }

    /// The sequence under way.
    #[must_use]
    pub fn running(&self) -> Option<Sequence> {
        self.sequence(self.lifecycle().sequence.as_deref()?)
    }

    /// The calls that should be under way: what a step that is `running` asks. A server that has just opened the log
    /// finds here what the one before had asked and had no answer to (row L12).
    #[must_use]
    pub fn due(&self) -> Vec<Due> {
        let Some(sequence) = self.running() else { return Vec::new() };
        let call = |step: &Step| {
            let (service, action) = (step.service.clone()?, step.action?);
            let mut params = if sequence.params.is_null() { json!({}) } else { sequence.params.clone() };
            if step.force {
                params["force"] = true.into();
            }
            Some(Due {
                sequence: sequence.id.clone(),
                step: step.name.clone(),
                service,
                action,
                key: step.key.clone(),
                attempt: step.attempts,
                deadline: step.deadline.unwrap_or(self.at),
                params,
            })
        };
        let asked = |step: &&Step| step.status == StepStatus::Running && step.retry_at.is_none();
        sequence.steps.iter().filter(asked).filter_map(call).collect()
    }

    /// When something happens by itself, if nothing else does before: [`crate::advance`] is to be asked then.
    #[must_use]
    pub fn wake_at(&self) -> Option<Timestamp> {
        let lifecycle = self.lifecycle();
        let mut times: Vec<Timestamp> = Vec::new();
        if let Some(sequence) = self.running() {
            times.extend(sequence.deadline);
            for step in sequence.steps.iter().filter(|step| step.status == StepStatus::Running) {
                times.extend(step.deadline);
                times.extend(step.retry_at);
            }
        } else if lifecycle.phase == Phase::Error && self.settings().auto_recovery {
            times.extend(lifecycle.recovery.and_then(|recovery| recovery.next_at));
        }
        if matches!(lifecycle.phase, Phase::Live | Phase::Ready) {
            let patience = self.settings().health_timeout;
            let live = lifecycle.phase == Phase::Live;
            let counts = |service: &Service| service.status != Status::Down && (service.required || !live);
            let away = self.services().into_iter().filter(|(_, service)| counts(service));
            times.extend(away.filter_map(|(_, service)| Some(service.away_since?.plus(patience))));
        }
        times.into_iter().min()
    }

    /// What should be off and may be on, by the steps that would turn it off.
    #[must_use]
    pub fn owed(&self) -> Vec<String> {
        let on = self.services().into_iter().filter(|(_, service)| service.is_on());
        on.map(|(name, _)| format!("{name}.stop")).collect()
    }

    /// Whether nothing is under way and nothing is waited for, so that nobody misses it when it leaves memory.
    #[must_use]
    pub fn rests(&self) -> bool {
        let watched = |service: &Service| service.status != Status::Down && service.adapter != "builtin";
        self.lifecycle().sequence.is_none()
            && self.wake_at().is_none()
            && !self.services().iter().any(|(_, service)| watched(service))
    }
}

/// How far an action has come, for whoever waits for it.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// It is under way, or what follows from it by itself is.
    UnderWay,
    /// It has ended: as it should, or with this.
    Ended(Option<Trouble>),
}

impl Production {
    /// How far `action` has come that is carried out by `sequence`. What follows by itself belongs to it: the rollback
    /// of a start, the way to `ready` behind a stop or a recovery (rows L5, L6, L8).
    #[must_use]
    pub fn progress(&self, action: ActionName, sequence: &str) -> Progress {
        let lifecycle = self.lifecycle();
        let Some(ended) = self.sequence(sequence).filter(|sequence| !sequence.is_running()) else {
            return if lifecycle.sequence.is_some() { Progress::UnderWay } else { Progress::Ended(None) };
        };
        let follows = self.running().is_some_and(|running| {
            running.of.as_deref() == Some(sequence)
                || (running.kind == Kind::Initialize && running.started_by.as_str() == BY_ITSELF)
        });
        if follows || lifecycle.onward.is_some() {
            return Progress::UnderWay;
        }
        let done = match action {
            // Whoever stops a start wants it undone, and it was.
            ActionName::Stop => !matches!(lifecycle.phase, Phase::Error | Phase::Starting),
            ActionName::Recover => lifecycle.phase != Phase::Error,
            _ => ended.status == SequenceStatus::Done,
        };
        Progress::Ended(if done { None } else { ended.error.or(lifecycle.error) })
    }
}
