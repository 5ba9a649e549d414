//! What a commit must delete so that collections stay within what they keep.
//!
//! Forgetting is a change like any other: subscribers see it, the log has it, the fold needs no rule for it.

use std::collections::{BTreeMap, BTreeSet};

use onair_wire::{Change, Collection, DocumentId, Op};
use serde_json::Value;

use super::{CONFLICTS_OPEN_MAX, CONFLICTS_RESOLVED_MAX, Context, SEQUENCES_MAX, TRANSITIONS_MAX};
use crate::{
    production::{Document, Production, server},
    refusal::Refusal,
};

/// The deletions that `changes` call for.
pub(super) fn changes(
    production: &Production,
    context: &Context<'_>,
    changes: &[Change],
) -> Result<Vec<Change>, Refusal> {
    let mut touched: BTreeMap<&Collection, BTreeSet<&DocumentId>> = BTreeMap::new();
    for change in changes {
        touched.entry(&change.collection).or_default().insert(&change.id);
    }
    let mut pruned = Vec::new();
    for (collection, ids) in touched {
        if collection.as_str() == server::CONFLICTS {
            pruned.extend(conflicts(production, context, collection, &ids)?);
        } else if let Some(keep) = kept_documents(production, collection) {
            pruned.extend(oldest(production, context, collection, (changes, &ids), keep));
        }
    }
    Ok(pruned)
}

fn kept_documents(production: &Production, collection: &Collection) -> Option<usize> {
    match collection.as_str() {
        server::SEQUENCES => return Some(SEQUENCES_MAX),
        server::TRANSITIONS => return Some(TRANSITIONS_MAX),
        _ => {}
    }
    let keep = production.manifest()?.rules(collection)?.keep.documents?;
    Some(usize::try_from(keep).unwrap_or(usize::MAX))
}

fn oldest(
    production: &Production,
    context: &Context<'_>,
    collection: &Collection,
    (changes, touched): (&[Change], &BTreeSet<&DocumentId>),
    keep: usize,
) -> Vec<Change> {
    let documents = production.collection(collection.as_str());
    let untouched = documents.map_or(0, |documents| {
        documents.len() - touched.iter().filter(|id| documents.live(id.as_str()).is_some()).count()
    });
    let left = touched.iter().filter(|id| is_left(changes, collection, id)).count();
    let surplus = (untouched + left).saturating_sub(keep);
    let by_age = documents.into_iter().flat_map(crate::production::Documents::by_age);
    let old = by_age.map(|(id, _)| id).filter(|id| !touched.contains(id)).take(surplus);
    old.map(|id| context.change(collection, id, Op::Delete)).collect()
}

/// Whether the document is live behind the changes.
fn is_left(changes: &[Change], collection: &Collection, id: &DocumentId) -> bool {
    let last = changes.iter().rev().find(|change| change.collection == *collection && change.id == *id);
    last.is_some_and(|change| change.op != Op::Delete)
}

fn conflicts(
    production: &Production,
    context: &Context<'_>,
    collection: &Collection,
    touched: &BTreeSet<&DocumentId>,
) -> Result<Vec<Change>, Refusal> {
    let Some(documents) = production.collection(server::CONFLICTS) else { return Ok(Vec::new()) };
    if documents.len() + touched.len() <= CONFLICTS_RESOLVED_MAX {
        return Ok(Vec::new());
    }
    let is_open =
        |document: &Document| document.value().get("status").and_then(Value::as_str) == Some("open");
    let (open, resolved): (Vec<_>, Vec<_>) = documents.by_age().partition(|(_, document)| is_open(document));
    if open.len() + touched.len() > CONFLICTS_OPEN_MAX {
        let reason = format!("{} conflicts are open; resolve some before making more", open.len());
        return Err(Refusal::not_allowed(reason));
    }
    let surplus = (resolved.len() + touched.len()).saturating_sub(CONFLICTS_RESOLVED_MAX);
    let old = resolved.into_iter().filter(|(id, _)| !touched.contains(id)).take(surplus);
    Ok(old.map(|(id, _)| context.change(collection, id, Op::Delete)).collect())
}
