//! What an edit must come to, by an opinion of its own: a few lines that read like the contract, section 2, and share
//! nothing with the server's.

use std::{collections::BTreeSet, sync::Arc};

use onair_wire::{Commit, Edit, Epoch, Mutation, Op, Revision, merge_patch};
use serde_json::{Map, Value};

use crate::ledger::{Asked, Key, Log};

/// Whether a commit does what was asked under its name, all of it.
pub(crate) fn as_asked(log: &Log, asked: &Asked, epoch: &Epoch, commit: &Commit) -> Result<(), String> {
    // Two edits of one document in one mutation come one after the other; that is left to others to judge.
    let of = |mutation: &Mutation| (mutation.collection.clone(), mutation.document.clone());
    let alone = |one: &&Mutation| asked.mutations.iter().filter(|other| of(other) == of(one)).count() == 1;
    asked.mutations.iter().filter(alone).try_for_each(|mutation| {
        let foreign = asked.epoch.as_ref() != Some(epoch);
        one(log, mutation, commit, foreign).map_err(|what| {
            let Mutation { collection, document, edit, base, .. } = mutation;
            format!("{collection}/{document} should be {edit:?} from {base:?}: {what}")
        })
    })
}

fn one(log: &Log, mutation: &Mutation, commit: &Commit, foreign: bool) -> Result<(), String> {
    let key: Key = (mutation.collection.clone(), mutation.document.clone());
    let before = log.version(&key, log.last());
    let (changed_at, was) = before.map_or((Revision::ZERO, None), |(at, value)| (*at, value.as_ref()));
    let change = commit.changes.iter().find(|change| change.collection == key.0 && change.id == key.1);
    let is = change.map_or(was.cloned(), |change| change.op.applied_to(was));
    if let Some(expected) = mutation.if_revision {
        let found = if was.is_some() { changed_at } else { Revision::ZERO };
        if found != expected {
            return Err(format!("it was at {found}, not at {expected}: an update is lost"));
        }
    }
    // Bases count the revisions of one log; what they mean in another nobody knows.
    if foreign && mutation.base.is_some() {
        return Ok(());
    }
    let base = mutation.base.filter(|base| changed_at > *base);
    let Some(base) = base else {
        let wanted = match &mutation.edit {
            Edit::Put(value) => Some(Value::clone(value)),
            Edit::Patch(patch) => Op::Patch(Arc::clone(patch)).applied_to(was).map(Arc::unwrap_or_clone),
            Edit::Delete => None,
            Edit::Restore(at) => restored(log, &key, *at),
        };
        return equal(is.as_deref(), wanted.as_ref());
    };
    let then = log.version(&key, base).and_then(|(_, value)| value.as_deref());
    let local = match &mutation.edit {
        Edit::Put(value) => Some(Value::clone(value)),
        Edit::Patch(patch) => then.map(|then| {
            let mut value = then.clone();
            merge_patch(&mut value, patch);
            value
        }),
        Edit::Delete | Edit::Restore(_) => return Ok(()),
    };
    let (Some(Value::Object(then)), Some(Value::Object(local)), Some(Value::Object(was)), Some(is)) =
        (then, &local, was.map(|value| &**value), is.as_deref())
    else {
        return Ok(());
    };
    merged(then, local, was, is)
}

/// Each field that one side alone changed is as that side left it.
fn merged(
    base: &Map<String, Value>,
    local: &Map<String, Value>,
    server: &Map<String, Value>,
    is: &Value,
) -> Result<(), String> {
    let fields: BTreeSet<&String> = base.keys().chain(local.keys()).chain(server.keys()).collect();
    for field in fields {
        let (b, l, s) = (base.get(field), local.get(field), server.get(field));
        let wanted = if l == b || l == s {
            s
        } else if s == b {
            l
        } else {
            continue;
        };
        if is.get(field) != wanted {
            return Err(format!("{field} is {:?}, and should be {wanted:?}: {is}", is.get(field)));
        }
    }
    Ok(())
}

fn restored(log: &Log, key: &Key, at: Option<Revision>) -> Option<Value> {
    let version = match at {
        Some(at) => log.version(key, at).and_then(|(_, value)| value.as_deref()),
        None => log.history.get(key)?.iter().rev().find_map(|(_, value)| value.as_deref()),
    };
    version.cloned()
}

fn equal(is: Option<&Value>, wanted: Option<&Value>) -> Result<(), String> {
    if is == wanted { Ok(()) } else { Err(format!("it is {is:?}, and should be {wanted:?}")) }
}
