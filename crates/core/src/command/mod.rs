//! Commands: the one way in. Each kind has a file; this one dispatches.
//!
//! [`decide`] turns a command into the commit it would make, or into a refusal. It looks at nothing but its
//! arguments, so what it needs and the production does not have at hand (an old version of a document) is asked
//! for by [`needs`] and brought along in [`Command::versions`].

mod act;
mod backend;
mod by_itself;
mod check;
mod configure;
mod document;
mod limits;
mod mutate;
mod observe;
mod prune;
mod report;
mod resolve;
mod resume;
mod sample;
mod settings;
mod stage;
mod work;

use std::{collections::BTreeMap, sync::Arc};

use onair_wire::{
    Actor, Cause, CauseKind, Change, Collection, Commit, DocumentId, Fingerprint, Mutation, MutationId, Op,
    Outcome, Receipt, Revision, Timestamp,
    planted::{Bug, planted},
    sync::StreamFigures,
};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{production::Production, refusal::Refusal, rules::Observation, service::Seen};

pub use act::{Act, ActionName, BREAK_GLASS_MAX};
pub use backend::{Backend, Delivered, Delivery, Replay};
pub(crate) use by_itself::BY_ITSELF;
pub use by_itself::advance;
pub use check::FINDINGS_CLEARED_MAX;
pub use limits::{
    BATCH_MAX, COMMIT_BYTES_MAX, CONFLICTS_OPEN_MAX, CONFLICTS_RESOLVED_MAX, DOCUMENT_BYTES_MAX,
    SEQUENCES_MAX, TRANSITIONS_MAX,
};
pub use observe::Observe;
pub use report::{Report, StepError};
pub use resolve::{Choice, Resolve};

/// What somebody wants.
#[derive(Clone, Debug)]
pub struct Command {
    /// Who.
    pub actor: Actor,
    /// Under which id it is remembered, so that a retry is harmless (row D6).
    pub mutation: Option<MutationId>,
    /// What.
    pub intent: Intent,
    /// The versions that [`needs`] asked for.
    pub versions: Versions,
}

/// The kinds of commands.
#[derive(Clone, Debug, Serialize)]
pub enum Intent {
    /// To begin the production, or to replace its manifest.
    Configure(Value),
    /// To change documents, all or none (row D6).
    Mutate(Vec<Mutation>),
    /// To change settings (row L11).
    ChangeSettings(Map<String, Value>),
    /// To choose in a conflict (row K2).
    Resolve(Resolve),
    /// To move the lifecycle (rows L2–L8).
    Act(Act),
    /// To say what came of a call (row L12).
    Report(Report),
    /// To say what was seen of a service (row S3).
    Observe(Observe),
    /// To go on with what another server left open, and what is seen of its services now (row L12).
    Resume(BTreeMap<String, Seen>),
    /// To say how far a backend has been told (row B3).
    Delivered(Delivered),
    /// To tell a backend again (row B3).
    Replay(Replay),
    /// To keep a sample of the stream's figures (row T1).
    Sample(StreamFigures),
    /// To keep what the rules find, given what was observed (row A2). Asked again until there is nothing to say.
    Check(Box<Observation>),
}

/// A document as of a revision of its production.
pub type VersionKey = (Collection, DocumentId, Revision);

/// Old versions, brought along; `None`: there was no such document then.
pub type Versions = BTreeMap<VersionKey, Option<Arc<Value>>>;

/// What a command comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// This commit, which is to be appended first, and what the caller is told then.
    Commit(Box<Commit>, Receipt),
    /// Nothing: it was done before, under the same mutation id, by the commit of this revision.
    Known(Revision),
    /// Nothing: it is so already, or the sequence that the receipt names is under way for it (row L13).
    AsIs(Receipt),
}

/// What `command` means for `production` at `now`. Pure: the same arguments, the same answer.
///
/// # Errors
/// The first refusal that applies, in the order of [`Refusal`]'s variants.
pub fn decide(production: &Production, command: &Command, now: Timestamp) -> Result<Decision, Refusal> {
    let fingerprint = command.mutation.as_ref().map(|_| fingerprint(&command.intent));
    if let (Some(id), Some(fingerprint)) = (&command.mutation, fingerprint)
        && let Some(known) = production.mutations().get(id)
    {
        if known.fingerprint == fingerprint {
            return Ok(Decision::Known(known.revision));
        }
        return Err(Refusal::MutationIdReused { id: id.clone(), revision: known.revision });
    }
    let context = Context {
        actor: &command.actor,
        versions: &command.versions,
        revision: production.revision().next(),
        at: if planted(Bug::TimeGoesBack) { now } else { now.max(production.at()) },
    };
    let as_is = |sequence| {
        let (revision, outcome) = (production.revision(), Outcome::Applied);
        Ok(Decision::AsIs(Receipt { revision, outcome, conflicts: Vec::new(), sequence }))
    };
    let draft = match &command.intent {
        Intent::Configure(manifest) => Some(configure::decide(production, &context, manifest)?),
        Intent::Mutate(mutations) => Some(mutate::decide(production, &context, mutations)?),
        Intent::ChangeSettings(patch) => Some(settings::decide(production, &context, patch)?),
        Intent::Resolve(resolve) => Some(resolve::decide(production, &context, resolve)?),
        Intent::Act(act) => match act::decide(production, &context, act)? {
            act::Acted::Commit(draft) => Some(draft),
            act::Acted::AsIs(sequence) => return as_is(sequence),
        },
        Intent::Report(report) => report::decide(production, &context, report)?,
        Intent::Observe(observe) => observe::decide(production, &context, observe)?,
        Intent::Resume(seen) => resume::decide(production, &context, seen)?,
        Intent::Delivered(delivered) => backend::delivered(production, &context, delivered),
        Intent::Replay(replay) => Some(backend::replay(production, &context, replay)?),
        Intent::Sample(figures) => sample::decide(production, &context, figures),
        Intent::Check(observation) => check::decide(production, &context, observation),
    };
    let Some(draft) = draft else { return as_is(None) };
    let (outcome, conflicts) = (draft.outcome, draft.conflicts.clone());
    let commit = commit(&context, command.mutation.clone().zip(fingerprint), draft);
    let receipt = Receipt { revision: context.revision, outcome, conflicts, sequence: sequence(&commit) };
    Ok(Decision::Commit(Box::new(commit), receipt))
}

fn commit(context: &Context<'_>, mutation: Option<(MutationId, Fingerprint)>, draft: Draft) -> Commit {
    let (mutation, fingerprint) = mutation.unzip();
    let Draft { cause, changes, .. } = draft;
    let (revision, at, actor) = (context.revision, context.at, context.actor.clone());
    Commit { revision, at, actor, mutation, fingerprint, cause, changes }
}

/// The sequence that an action began.
fn sequence(commit: &Commit) -> Option<DocumentId> {
    commit.cause.details.get("action")?;
    let id = commit.cause.details.get("sequence")?.as_str()?;
    DocumentId::new(id).ok()
}

/// The versions that [`decide`] needs and the production does not have at hand. A retry needs none: it is answered by
/// what was done, also when what it was made from is forgotten by now.
#[must_use]
pub fn needs(production: &Production, command: &Command) -> Vec<VersionKey> {
    let known = |id: &MutationId| production.mutations().get(id).is_some();
    match &command.intent {
        _ if command.mutation.as_ref().is_some_and(known) => Vec::new(),
        Intent::Mutate(mutations) => mutate::needs(production, mutations),
        _ => Vec::new(),
    }
}

/// What was answered when `commit` was made: a retry of its mutation is told the same.
#[must_use]
pub fn receipt(commit: &Commit) -> Receipt {
    let own = format!("{}-", commit.revision);
    let conflicts = commit.changes.iter().filter(|change| {
        change.collection.as_str() == crate::production::server::CONFLICTS
            && matches!(change.op, Op::Put(_))
            && change.id.as_str().starts_with(&own)
    });
    let merged = commit.cause.details.get("outcome").is_some_and(|outcome| outcome == "merged");
    let outcome = match commit.cause.kind {
        CauseKind::ConflictOpened => Outcome::Conflict,
        _ if merged => Outcome::Merged,
        _ => Outcome::Applied,
    };
    Receipt {
        revision: commit.revision,
        outcome,
        conflicts: conflicts.map(|change| change.id.clone()).collect(),
        sequence: sequence(commit),
    }
}

/// What every kind of decision has: who, when, and at which revision it would be.
struct Context<'a> {
    actor: &'a Actor,
    versions: &'a Versions,
    revision: Revision,
    at: Timestamp,
}

impl Context<'_> {
    fn change(&self, collection: &Collection, id: &DocumentId, op: Op) -> Change {
        Change { collection: collection.clone(), id: id.clone(), revision: self.revision, op }
    }

    fn put(&self, collection: &str, id: &str, value: Value) -> Change {
        let collection = Collection::new(collection).expect("the server's collections have valid names");
        let id = DocumentId::new(id).expect("the server's documents have valid names");
        self.change(&collection, &id, Op::Put(Arc::new(value)))
    }
}

/// A commit to be.
struct Draft {
    cause: Cause,
    changes: Vec<Change>,
    outcome: Outcome,
    conflicts: Vec<DocumentId>,
}

impl Draft {
    fn applied(cause: impl Into<Cause>, changes: Vec<Change>) -> Self {
        Self { cause: cause.into(), changes, outcome: Outcome::Applied, conflicts: Vec::new() }
    }
}

/// 64 bits of what a command asks: the same for the same wish, whatever the order of keys it came in.
fn fingerprint(intent: &Intent) -> Fingerprint {
    struct Hasher(xxhash_rust::xxh3::Xxh3Default);
    impl std::io::Write for Hasher {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut hasher = Hasher(xxhash_rust::xxh3::Xxh3Default::new());
    serde_json::to_writer(&mut hasher, intent).expect("an intent has string keys and finite numbers only");
    Fingerprint(hasher.0.digest())
}
