//! The lifecycle's actions (rows L3–L8): what somebody presses.

use onair_wire::{Actor, Cause, CauseKind, DocumentId};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Context, Draft, stage::Stage};
use crate::{
    can::{self, Way},
    lifecycle::{BreakGlass, Phase, Reason},
    production::Production,
    refusal::Refusal,
    sequence::{self, Sequence},
};

/// The longest session id or kind, in characters.
const SESSION_MAX: usize = 128;
/// The longest reason to break the glass, in characters: a sentence that somebody reads after the show.
pub const BREAK_GLASS_MAX: usize = 500;

/// The actions, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub enum ActionName {
    /// Row L3.
    Initialize,
    /// Row L4.
    Start,
    /// Row L6.
    Stop,
    /// Row L2.
    Pause,
    /// Row L2.
    Resume,
    /// Row L7.
    EmergencyStop,
    /// Row L8.
    Recover,
}

impl ActionName {
    /// Every action, in the order of a show.
    pub const ALL: [Self; 7] = [
        Self::Initialize,
        Self::Start,
        Self::Stop,
        Self::Pause,
        Self::Resume,
        Self::EmergencyStop,
        Self::Recover,
    ];

    /// The word of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initialize => "initialize",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::EmergencyStop => "emergency-stop",
            Self::Recover => "recover",
        }
    }
}

/// An action with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Make the services ready.
    Initialize,
    /// Go on air.
    Start {
        /// What the session is called; the server names it otherwise.
        session_id: Option<String>,
        /// Of which kind it is, `analysis` say.
        kind: Option<String>,
        /// Why it goes on in spite of findings that the manifest wants mended first. The history keeps it.
        #[serde(skip_serializing_if = "Option::is_none")]
        break_glass: Option<String>,
    },
    /// Go off air.
    Stop,
    /// Hold.
    Pause,
    /// Go on.
    Resume,
    /// Everything off, at once.
    EmergencyStop,
    /// Turn off what failed, and begin again.
    Recover,
}

impl Act {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> ActionName {
        match self {
            Self::Initialize => ActionName::Initialize,
            Self::Start { .. } => ActionName::Start,
            Self::Stop => ActionName::Stop,
            Self::Pause => ActionName::Pause,
            Self::Resume => ActionName::Resume,
            Self::EmergencyStop => ActionName::EmergencyStop,
            Self::Recover => ActionName::Recover,
        }
    }

    /// That what belongs to it is what it may be, whatever the production is like.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with the place.
    pub fn check(&self) -> Result<(), Refusal> {
        let Self::Start { session_id, kind, break_glass } = self else { return Ok(()) };
        let texts = [
            ("/sessionId", session_id, SESSION_MAX),
            ("/kind", kind, SESSION_MAX),
            ("/breakGlass", break_glass, BREAK_GLASS_MAX),
        ];
        for (pointer, text, max) in texts {
            let Some(text) = text else { continue };
            let length = text.chars().count();
            let blank = pointer == "/breakGlass" && text.trim().is_empty();
            if length == 0 || length > max || blank || text.chars().any(char::is_control) {
                let detail = format!("1 to {max} characters without control characters, not {length}");
                return Err(Refusal::invalid(pointer, detail));
            }
        }
        Ok(())
    }
}

/// What an action comes to.
pub(super) enum Acted {
    Commit(Draft),
    /// Nothing: this sequence is under way already, or it is so already.
    AsIs(Option<DocumentId>),
}

pub(super) fn decide(production: &Production, context: &Context<'_>, act: &Act) -> Result<Acted, Refusal> {
    act.check()?;
    let way = can::way_of(production, act)?;
    let stage = Stage::new(production, context);
    match way {
        Way::AsIs => Ok(Acted::AsIs(None)),
        Way::Join(id) => {
            same_session(production, &id, act)?;
            Ok(Acted::AsIs(document(&id)))
        }
        Way::Cancel(id) => cancel(stage, &id).map(Acted::Commit),
        Way::Begin => begin(stage, act).map(Acted::Commit),
    }
}

fn document(id: &str) -> Option<DocumentId> {
    DocumentId::new(id).ok()
}

/// A start of another session is not the one that is under way (row L13).
fn same_session(production: &Production, running: &str, act: &Act) -> Result<(), Refusal> {
    let Act::Start { session_id: Some(wanted), .. } = act else { return Ok(()) };
    let current = production.lifecycle().session_id;
    if current.as_deref() == Some(wanted) {
        return Ok(());
    }
    let reason = format!("{running} is under way for session {}", current.unwrap_or_default());
    Err(Refusal::NotAllowed { reason, missing: Vec::new(), sequence: Some(running.to_owned()) })
}

fn cause(stage: &Stage<'_>, name: ActionName, sequence: Option<&str>) -> Cause {
    let cause = Cause::from(CauseKind::LifecycleMoved).with("action", name.as_str());
    match sequence.or(stage.lifecycle.sequence.as_deref()) {
        Some(sequence) => cause.with("sequence", sequence),
        None => cause,
    }
}

fn begin(mut stage: Stage<'_>, act: &Act) -> Result<Draft, Refusal> {
    let actor = stage.context.actor.clone();
    match act {
        Act::Initialize => {
            let sequence = sequence::initialize(&stage.origin(&actor));
            enter(&mut stage, Phase::Initializing, Reason::UserAction, sequence, &actor);
            stage.lifecycle.recovery = None;
        }
        Act::Start { session_id, kind, break_glass } => {
            let session = session_id.clone().unwrap_or_else(|| format!("s-{}", stage.context.revision));
            let sequence = sequence::start(&stage.origin(&actor), &session, kind.as_deref());
            enter(&mut stage, Phase::Starting, Reason::UserAction, sequence, &actor);
            stage.lifecycle.session_id = Some(session);
            stage.lifecycle.session_kind = kind.clone();
            if let Some(reason) = break_glass {
                let findings = can::way(stage.production, ActionName::Start).err().map(|no| no.findings);
                let (reason, findings) = (reason.clone(), findings.unwrap_or_default());
                let cause = cause(&stage, act.name(), None).with("breakGlass", reason.as_str());
                stage.break_glass(BreakGlass { reason, findings });
                return stage.finish(cause);
            }
        }
        Act::Stop => begin_stop(&mut stage, &actor),
        Act::Pause | Act::Resume => {
            stage.lifecycle.paused = *act == Act::Pause;
            stage.tell();
            // A flag is set at once, whatever a service that comes back is doing meanwhile: nobody waits for that.
            return stage.finish(Cause::from(CauseKind::LifecycleMoved).with("action", act.name().as_str()));
        }
        Act::EmergencyStop => return emergency_stop(stage, &actor),
        Act::Recover => {
            let sequence = sequence::recover(&stage.origin(&actor));
            stage.lifecycle.recovery = None;
            stage.begin(sequence);
        }
    }
    let cause = cause(&stage, act.name(), None);
    stage.finish(cause)
}

fn enter(stage: &mut Stage<'_>, phase: Phase, reason: Reason, sequence: Sequence, actor: &Actor) {
    stage.move_to(phase, reason, actor);
    stage.by_sequence(&sequence.id);
    stage.begin(sequence);
}

fn begin_stop(stage: &mut Stage<'_>, actor: &Actor) {
    let live = stage.lifecycle.phase == Phase::Live;
    if stage.lifecycle.sequence.is_some() {
        stage.abandon("a stop was asked for");
    }
    let sequence = sequence::stop(&stage.origin(actor), live);
    if live {
        enter(stage, Phase::Stopping, Reason::UserAction, sequence, actor);
    } else {
        // A stop from `error` takes the place of recovering by itself.
        stage.lifecycle.recovery = None;
        stage.begin(sequence);
    }
}

/// The forced move is in the log before anybody is called (row L7).
fn emergency_stop(mut stage: Stage<'_>, actor: &Actor) -> Result<Draft, Refusal> {
    if stage.lifecycle.sequence.is_some() {
        stage.abandon("an emergency stop was asked for");
    }
    let sequence = sequence::emergency_stop(&stage.origin(actor));
    let id = sequence.id.clone();
    if stage.lifecycle.phase == Phase::Idle {
        stage.begin(sequence);
    } else {
        enter(&mut stage, Phase::Idle, Reason::Forced, sequence, actor);
    }
    stage.lifecycle.onward = None;
    stage.lifecycle.recovery = None;
    let cause = cause(&stage, ActionName::EmergencyStop, Some(&id)).with("forced", json!(true));
    stage.finish(cause)
}

/// A stop while a start is under way: the start fails for this reason, and its rollback is what the caller waits for.
fn cancel(mut stage: Stage<'_>, start: &str) -> Result<Draft, Refusal> {
    let actor = stage.context.actor.clone();
    let mut open = false;
    if let Some(sequence) = stage.sequence(start) {
        sequence.cancelled_by = Some(actor.clone());
        open = sequence.is_running();
    }
    if open {
        stage.abandon_steps(start, &format!("cancelled by {actor}"));
    }
    let cause = Cause::from(CauseKind::SequenceStep)
        .with("action", ActionName::Stop.as_str())
        .with("sequence", start)
        .with("cancelled", true);
    stage.finish(cause)
}
