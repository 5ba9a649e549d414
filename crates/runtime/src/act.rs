//! The lifecycle's actions as a caller sees them: asked for, waited for, and what came of them (row L13).

use onair_core::{Act, ActionName, Intent, Phase, Progress, lifecycle::Trouble};
use onair_wire::{Actor, Code, DocumentId, MutationId, Problem, Receipt, Revision};
use serde_json::json;
use tokio::sync::oneshot;

use crate::{director::sent_to, error::Error, handle::Handle};

/// What came of an action.
#[derive(Clone, Debug, PartialEq)]
pub struct Acted {
    /// The sequence that carried it out, or carries it out still; nobody's for a flag.
    pub sequence: Option<DocumentId>,
    /// Where the production is now.
    pub phase: Phase,
    /// Where its log is.
    pub revision: Revision,
    /// Whether it is under way still.
    pub under_way: bool,
    /// Why it did not work.
    pub trouble: Option<Trouble>,
}

impl Acted {
    /// What the caller is told when it did not work.
    #[must_use]
    pub fn problem(&self) -> Option<Problem> {
        let trouble = self.trouble.as_ref()?;
        let code = if trouble.code == "step-timeout" { Code::StepTimeout } else { Code::StepFailed };
        Some(
            Problem::new(code, trouble.message.clone())
                .with("sequence", json!(self.sequence))
                .with("phase", json!(self.phase))
                .with("revision", self.revision.0)
                .with("error", json!(trouble)),
        )
    }
}

/// An action that was asked for. It goes on when this is dropped.
#[derive(Debug)]
pub struct Acting {
    handle: Handle,
    name: ActionName,
    answer: oneshot::Receiver<Result<Receipt, Error>>,
}

impl Handle {
    /// Asks for an action, behind whatever was asked for before.
    ///
    /// # Errors
    /// As [`Handle::submit`].
    pub fn ask(&self, actor: Actor, mutation: Option<MutationId>, act: Act) -> Result<Acting, Error> {
        let (name, (sender, answer)) = (act.name(), oneshot::channel());
        self.submit(actor, mutation, Intent::Act(act), sent_to(sender))?;
        Ok(Acting { handle: self.clone(), name, answer })
    }

    /// [`Handle::ask`], then [`Acting::ended`].
    ///
    /// # Errors
    /// As both.
    ///
    /// # Cancellation
    /// The action goes on.
    pub async fn act(
        &self,
        actor: Actor,
        mutation: Option<MutationId>,
        act: Act,
        wait: bool,
    ) -> Result<Acted, Error> {
        self.ask(actor, mutation, act)?.ended(wait).await
    }
}

impl Acting {
    /// Waits until it and what follows from it by itself has ended; or until it has begun only, when the caller does
    /// not wait (`wait`), or when nobody may have to (row L7).
    ///
    /// # Errors
    /// As [`Handle::execute`].
    ///
    /// # Cancellation
    /// The action goes on.
    pub async fn ended(self, wait: bool) -> Result<Acted, Error> {
        let Self { handle, name, answer } = self;
        let receipt = answer.await.unwrap_or(Err(Error::Closing))?;
        let wait = wait && name != ActionName::EmergencyStop;
        loop {
            // Made before the look: what changes in between wakes it.
            let news = handle.shared().shown.news();
            let state = handle.state();
            let progress = match &receipt.sequence {
                Some(sequence) => state.progress(name, sequence.as_str()),
                None => Progress::Ended(None),
            };
            let acted = |under_way, trouble| Acted {
                sequence: receipt.sequence.clone(),
                phase: state.phase(),
                revision: state.revision(),
                under_way,
                trouble,
            };
            match progress {
                Progress::Ended(trouble) => return Ok(acted(false, trouble)),
                Progress::UnderWay if !wait => return Ok(acted(true, None)),
                Progress::UnderWay => {
                    if let Some(reason) = handle.read_only() {
                        return Err(Error::ReadOnly(reason));
                    }
                }
            }
            tokio::select! {
                biased;
                () = news => {}
                () = handle.ended() => return Err(Error::Closing),
            }
        }
    }
}
