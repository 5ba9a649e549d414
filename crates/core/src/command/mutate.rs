//! Changing documents: a batch of mutations, all or none (rows D2, D3, D6).

use onair_wire::{
    Cause, CauseKind, Edit, Mutation, Outcome,
    planted::{Bug, planted},
};

use super::{BATCH_MAX, Context, Draft, VersionKey, document, limits, prune, work::Work};
use crate::{production::Production, refusal::Refusal};

pub(super) fn decide(
    production: &Production,
    context: &Context<'_>,
    mutations: &[Mutation],
) -> Result<Draft, Refusal> {
    if mutations.is_empty() {
        return Err(Refusal::invalid("/mutations", "there is no mutation"));
    }
    if mutations.len() > BATCH_MAX {
        return Err(Refusal::TooLarge {
            what: "mutations in one batch",
            found: mutations.len(),
            limit: BATCH_MAX,
        });
    }
    let mut draft = Draft::applied(cause(mutations), Vec::new());
    let mut work = Work::new(production);
    for (place, mutation) in mutations.iter().enumerate() {
        if place > 0 && planted(Bug::BatchInPart) {
            break;
        }
        let decided = document::decide(&work, context, mutation, draft.conflicts.len())
            .map_err(|refusal| refusal.within(&format!("/mutations/{place}")))?;
        if mutations.len() > 1 {
            work.advance(context, &decided.changes);
        }
        draft.outcome = draft.outcome.max(decided.outcome);
        draft.changes.extend(decided.changes);
        draft.conflicts.extend(decided.conflicts);
    }
    draft.changes.extend(prune::changes(production, context, &draft.changes)?);
    if mutations.len() > 1 || !draft.conflicts.is_empty() {
        limits::check_commit(&draft.changes)?;
    }
    match draft.outcome {
        Outcome::Applied => {}
        Outcome::Merged => draft.cause = draft.cause.with("outcome", "merged"),
        Outcome::Conflict => draft.cause = Cause::from(CauseKind::ConflictOpened),
    }
    Ok(draft)
}

/// The old versions that mutations are measured against and that must be read from the log.
pub(super) fn needs(production: &Production, mutations: &[Mutation]) -> Vec<VersionKey> {
    let needs = |(place, mutation)| need(production, mutation, &mutations[..place]);
    mutations.iter().enumerate().filter_map(needs).collect()
}

fn need(production: &Production, mutation: &Mutation, before: &[Mutation]) -> Option<VersionKey> {
    let wanted = match (&mutation.edit, mutation.base) {
        (Edit::Restore(Some(revision)), _) => *revision,
        (_, Some(_)) if is_new(production, mutation, before) => return None,
        (_, Some(base)) => base,
        (_, None) => return None,
    };
    if wanted > production.revision() || wanted < production.oldest().previous() {
        return None;
    }
    document::is_forgotten(production, mutation, wanted)
        .then(|| (mutation.collection.clone(), mutation.document.clone(), wanted))
}

/// Whether nothing is known of the document, and nothing before in the batch makes it: then there is nothing to merge
/// with, whatever the base.
fn is_new(production: &Production, mutation: &Mutation, before: &[Mutation]) -> bool {
    let Mutation { collection, document, .. } = mutation;
    production.document(collection, document).is_none()
        && production.tombstone(collection, document).is_none()
        && !before.iter().any(|other| (&other.document, &other.collection) == (document, collection))
}

fn cause(mutations: &[Mutation]) -> Cause {
    let kind = match mutations {
        [Mutation { edit, .. }] => match edit {
            Edit::Put(_) => CauseKind::DocumentPut,
            Edit::Patch(_) => CauseKind::DocumentPatched,
            Edit::Delete => CauseKind::DocumentDeleted,
            Edit::Restore(_) => CauseKind::DocumentRestored,
        },
        _ => CauseKind::Batch,
    };
    kind.into()
}
