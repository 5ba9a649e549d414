//! One mutation of one document: preconditions, the edit itself, and the merge of a late one (rows D3, K1, K2).

use std::sync::Arc;

use onair_wire::{
    Actor, Change, DocumentId, Edit, Mutation, Op, Outcome, Revision,
    planted::{Bug, planted},
};
use serde_json::{Value, json};

use super::{Context, limits, work::Work};
use crate::{
    conflict::{Conflict, ConflictStatus, Resolved, Side},
    merge::{self, Clash, Resolution},
    production::{Document, Production, Version, server},
    refusal::Refusal,
};

/// What one mutation comes to.
pub(super) struct Decided {
    pub(super) changes: Vec<Change>,
    pub(super) outcome: Outcome,
    pub(super) conflicts: Vec<DocumentId>,
}

pub(super) fn decide(
    work: &Work<'_>,
    context: &Context<'_>,
    mutation: &Mutation,
    conflicts_before: usize,
) -> Result<Decided, Refusal> {
    check_names(work, mutation)?;
    let one = One {
        work,
        context,
        mutation,
        current: work.now().document(&mutation.collection, &mutation.document),
    };
    one.check_existence()?;
    one.check_revision()?;
    if let Edit::Restore(revision) = mutation.edit {
        let value = one.version_to_restore(revision)?;
        return one.applied(Op::Restore(value));
    }
    match mutation.base {
        Some(base) if one.changed_since(base) => one.merged(base, conflicts_before),
        _ => one.applied(match &mutation.edit {
            Edit::Put(value) => Op::Put(Arc::clone(value)),
            Edit::Patch(patch) => Op::Patch(Arc::clone(patch)),
            Edit::Delete => Op::Delete,
            Edit::Restore(_) => unreachable!("handled above"),
        }),
    }
}

/// Whether the version of a document as of `wanted` must be read from the log. Never of one that is refused anyway.
pub(super) fn is_forgotten(production: &Production, mutation: &Mutation, wanted: Revision) -> bool {
    !mutation.collection.is_server() && version_at(production, mutation, wanted) == Version::Forgotten
}

fn version_at(production: &Production, mutation: &Mutation, wanted: Revision) -> Version {
    let Mutation { collection, document, .. } = mutation;
    if wanted >= production.revision() {
        let value = production.document(collection, document).map(|document| Arc::clone(document.value()));
        return Version::Known(value);
    }
    if let Some(document) = production.document(collection, document) {
        return document.version_at(wanted);
    }
    match production.tombstone(collection, document) {
        Some(tombstone) if wanted >= tombstone.revision => Version::Known(None),
        Some(tombstone) => tombstone.last.version_at(wanted),
        None => Version::Forgotten,
    }
}

fn check_names(work: &Work<'_>, mutation: &Mutation) -> Result<(), Refusal> {
    if mutation.collection.is_server() {
        let detail = format!("{} begins with `_`: only the server writes it", mutation.collection);
        return Err(Refusal::invalid("/collection", detail));
    }
    let future = |pointer: &str, revision: Revision| {
        Refusal::invalid(
            pointer,
            format!("revision {revision} is in the future, the production is at {}", work.seen()),
        )
    };
    match (mutation.base, &mutation.edit) {
        (Some(base), _) if base > work.seen() => Err(future("/base", base)),
        (_, Edit::Restore(Some(revision))) if *revision > work.seen() => Err(future("/revision", *revision)),
        _ => match mutation.if_revision {
            Some(revision) if revision > work.seen() => Err(future("/ifRevision", revision)),
            _ => Ok(()),
        },
    }
}

/// One mutation and what it meets.
struct One<'a> {
    work: &'a Work<'a>,
    context: &'a Context<'a>,
    mutation: &'a Mutation,
    current: Option<&'a Arc<Document>>,
}

impl One<'_> {
    /// What cannot be changed because it is not there. An edit that names a base may find it deleted: that is
    /// for the merge to say.
    fn check_existence(&self) -> Result<(), Refusal> {
        let needs_document = matches!(self.mutation.edit, Edit::Patch(_) | Edit::Delete);
        if !needs_document || self.current.is_some() {
            return Ok(());
        }
        let tombstone = self.work.now().tombstone(&self.mutation.collection, &self.mutation.document);
        match (tombstone, self.mutation.base) {
            (Some(tombstone), Some(base)) if base < tombstone.revision => Ok(()),
            (Some(tombstone), _) => Err(self.gone(tombstone.revision)),
            (None, _) => Err(self.not_found()),
        }
    }

    fn not_found(&self) -> Refusal {
        Refusal::NotFound { collection: self.mutation.collection.clone(), id: self.mutation.document.clone() }
    }

    fn gone(&self, revision: Revision) -> Refusal {
        let Mutation { collection, document, .. } = self.mutation;
        Refusal::Gone { collection: collection.clone(), id: document.clone(), revision }
    }

    /// Optimistic locking (row D3).
    fn check_revision(&self) -> Result<(), Refusal> {
        let Some(expected) = self.mutation.if_revision else { return Ok(()) };
        let found = self.current.map_or(Revision::ZERO, |document| document.revision());
        if expected == found || planted(Bug::ConditionIgnored) {
            return Ok(());
        }
        let (collection, id) = (self.mutation.collection.clone(), self.mutation.document.clone());
        if expected == Revision::ZERO {
            return Err(Refusal::AlreadyExists { collection, id, revision: found });
        }
        let current = self.current.map_or(Value::Null, |document| Value::clone(document.value()));
        Err(Refusal::RevisionMismatch { collection, id, expected, found, current })
    }

    fn version_to_restore(&self, revision: Option<Revision>) -> Result<Arc<Value>, Refusal> {
        match (revision, self.current) {
            (Some(revision), _) => self.version(revision)?.ok_or_else(|| self.not_found()),
            (None, Some(_)) => {
                let Mutation { collection, document, .. } = self.mutation;
                let reason = format!(
                    "document {collection}/{document} is not deleted; name the revision to bring back"
                );
                Err(Refusal::not_allowed(reason))
            }
            (None, None) => {
                let tombstone = self.work.now().tombstone(&self.mutation.collection, &self.mutation.document);
                tombstone.map(|tombstone| Arc::clone(tombstone.last.value())).ok_or_else(|| self.not_found())
            }
        }
    }

    /// The document as of `wanted`, from memory or as it was brought along.
    fn version(&self, wanted: Revision) -> Result<Option<Arc<Value>>, Refusal> {
        match version_at(self.work.before, self.mutation, wanted) {
            Version::Known(value) => Ok(value),
            Version::Forgotten => {
                let key = (self.mutation.collection.clone(), self.mutation.document.clone(), wanted);
                let oldest = self.work.before.oldest();
                self.context.versions.get(&key).cloned().ok_or(Refusal::Compacted { wanted, oldest })
            }
        }
    }

    fn changed_since(&self, base: Revision) -> bool {
        let Mutation { collection, document, .. } = self.mutation;
        match (self.current, self.work.now().tombstone(collection, document)) {
            (Some(current), _) => current.revision() > base,
            (None, Some(tombstone)) => tombstone.revision > base,
            (None, None) => false,
        }
    }

    fn applied(&self, op: Op) -> Result<Decided, Refusal> {
        let changes = vec![self.change(op)?];
        Ok(Decided { changes, outcome: Outcome::Applied, conflicts: Vec::new() })
    }

    /// The change, if the document may be what it makes of it (rows D2, D8).
    fn change(&self, op: Op) -> Result<Change, Refusal> {
        let Mutation { collection, document, .. } = self.mutation;
        if let Some(value) = op.applied_to(self.current.map(|current| current.value())) {
            let field = match op {
                Op::Patch(_) => "/patch",
                Op::Put(_) | Op::Restore(_) | Op::Delete => "/value",
            };
            limits::check(&value)?;
            let rules = self.work.before.manifest().and_then(|manifest| manifest.rules(collection));
            if let Some(schema) = rules.and_then(|rules| rules.schema.as_ref()) {
                schema.check(&value).map_err(|error| match error {
                    onair_wire::json::JsonError::Invalid { pointer, detail } => {
                        Refusal::invalid(format!("{field}{pointer}"), detail)
                    }
                    other @ onair_wire::json::JsonError::Syntax { .. } => {
                        Refusal::invalid(field, other.to_string())
                    }
                })?;
            }
        }
        Ok(self.context.change(collection, document, op))
    }

    /// A late edit (row K1): field by field against the version it was made from.
    fn merged(&self, base: Revision, conflicts_before: usize) -> Result<Decided, Refusal> {
        let base = self.version(base)?;
        let local = match &self.mutation.edit {
            Edit::Put(value) => Some(Arc::clone(value)),
            Edit::Patch(patch) => Op::Patch(Arc::clone(patch)).applied_to(base.as_ref()),
            Edit::Delete | Edit::Restore(_) => None,
        };
        let server = self.current.map(|current| current.value());
        let rules =
            self.work.before.manifest().and_then(|manifest| manifest.rules(&self.mutation.collection));
        let none = merge::Strategies::default();
        let strategies = rules.map_or(&none, |rules| &rules.merge);
        let merged =
            merge::merge(base.as_deref(), local.as_deref(), server.map(|value| &**value), strategies);
        let open = merged.clashes.iter().any(|clash| clash.resolution == Resolution::Open);
        let mut decided = Decided {
            changes: Vec::new(),
            outcome: if open { Outcome::Conflict } else { Outcome::Merged },
            conflicts: Vec::new(),
        };
        // A commit has at least one change: an edit that others had made already writes the document as it is.
        if merged.value.as_ref() != server.map(|value| &**value) || merged.clashes.is_empty() {
            decided.changes.extend(self.difference(merged.value, server.is_some())?);
        }
        for clash in merged.clashes {
            let name =
                format!("{}-{}", self.context.revision, conflicts_before + decided.conflicts.len() + 1);
            decided.changes.push(self.context.put(server::CONFLICTS, &name, self.record(&name, &clash)));
            decided.conflicts.push(DocumentId::new(name).expect("digits and a dash"));
        }
        Ok(decided)
    }

    fn difference(&self, value: Option<Value>, exists: bool) -> Result<Option<Change>, Refusal> {
        match value {
            Some(value) => self.change(Op::Put(Arc::new(value))).map(Some),
            None if exists => self.change(Op::Delete).map(Some),
            None => Err(self.not_found()),
        }
    }

    /// The document `_conflicts/{id}` (row K2), open or already decided by a strategy (row K3).
    fn record(&self, name: &str, clash: &Clash) -> Value {
        let Context { actor, at, .. } = self.context;
        let strategy = match clash.resolution {
            Resolution::Auto(strategy) => Some(strategy.to_string()),
            Resolution::Open => None,
        };
        let auto = strategy.is_some();
        let deleted = match (&clash.local, &clash.server) {
            (None, _) => Some(Side::Local),
            (_, None) => Some(Side::Server),
            (Some(_), Some(_)) => None,
        };
        json!(Conflict {
            id: name.to_owned(),
            collection: self.mutation.collection.clone(),
            document: self.mutation.document.clone(),
            path: clash.path.clone(),
            base: clash.base.clone(),
            local: clash.local.clone(),
            server: clash.server.clone(),
            deleted,
            status: if auto { ConflictStatus::Resolved } else { ConflictStatus::Open },
            resolution: auto.then_some(Resolved::Auto),
            strategy,
            local_actor: Actor::clone(actor),
            server_actor: self.current.map(|document| document.updated_by().clone()),
            opened_at: *at,
            resolved_at: auto.then_some(*at),
            resolved_by: auto.then(|| "server:merge".to_owned()),
        })
    }
}
