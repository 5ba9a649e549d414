//! What people want: edits of a few documents that many want to edit, and buttons that anybody may press at any time.

use std::{collections::BTreeSet, sync::Arc};

use onair_wire::{Collection, DocumentId, Edit, Mutation, Revision};
use serde_json::{Value, json};

use crate::{chance::Dice, ledger::Key};

/// The collections that are edited.
pub(crate) const COLLECTIONS: [&str; 3] = ["layers", "scenes", "feed"];
const DOCUMENTS: u64 = 4;
const FIELDS: [&str; 4] = ["a", "b", "c", "d"];

const BUTTONS: [&str; 16] = [
    "start",
    "start",
    "start",
    "start",
    "start",
    "initialize",
    "initialize",
    "initialize",
    "initialize",
    "stop",
    "stop",
    "pause",
    "resume",
    "emergency-stop",
    "recover",
    "recover",
];

/// Those that bring a show on air come first.
const TO_AIR: usize = 9;

/// A button of the lifecycle; `steady`: one that brings a show on air, and leaves it there.
pub(crate) fn button(dice: &mut Dice, steady: bool) -> &'static str {
    BUTTONS[dice.place(if steady { TO_AIR } else { BUTTONS.len() })]
}

pub(crate) fn collection(name: &str) -> Collection {
    Collection::new(name).expect("a name")
}

fn key(dice: &mut Dice, view: Option<&BTreeSet<Collection>>) -> Key {
    let names: Vec<Collection> = COLLECTIONS.map(collection).into();
    let seen: Vec<Collection> =
        names.into_iter().filter(|name| view.is_none_or(|view| view.contains(name))).collect();
    let id = DocumentId::new(format!("d{}", dice.below(DOCUMENTS))).expect("a name");
    (dice.pick(&seen).clone(), id)
}

/// A document of which every field is a number that nobody else writes.
fn document(dice: &mut Dice, mark: u64) -> Value {
    let mut value = json!({});
    for (place, field) in FIELDS.iter().enumerate() {
        if dice.percent(75) {
            value[*field] = (mark + place as u64).into();
        }
    }
    value
}

fn patch(dice: &mut Dice, mark: u64) -> Value {
    let mut patch = json!({});
    let first = dice.place(FIELDS.len());
    patch[FIELDS[first]] = if dice.percent(10) { Value::Null } else { (mark + 5).into() };
    if dice.percent(25) {
        patch[FIELDS[(first + 1) % FIELDS.len()]] = (mark + 6).into();
    }
    patch
}

/// One edit, or several at once. `shown` says what its author sees, and at which revision unless an edit is pending.
pub(crate) fn edits(
    dice: &mut Dice,
    mark: u64,
    view: Option<&BTreeSet<Collection>>,
    late: Option<Revision>,
    shown: impl Fn(&Key) -> Option<Option<Revision>>,
) -> Vec<Mutation> {
    let many = if dice.percent(12) { dice.between(2, 4) } else { 1 };
    let keys: BTreeSet<Key> = (0..many).map(|_| key(dice, view)).collect();
    keys.into_iter().map(|key| edit(dice, mark, key.clone(), late, shown(&key))).collect()
}

fn edit(
    dice: &mut Dice,
    mark: u64,
    (collection, document_id): Key,
    late: Option<Revision>,
    shown: Option<Option<Revision>>,
) -> Mutation {
    let put = |dice: &mut Dice| Edit::Put(Arc::new(document(dice, mark)));
    let (edit, revision) = match shown {
        None if dice.percent(30) => (Edit::Restore(None), None),
        None => (put(dice), Some(Revision::ZERO)),
        Some(revision) => {
            let edit = match dice.below(100) {
                0..70 => Edit::Patch(Arc::new(patch(dice, mark))),
                70..85 => put(dice),
                85..93 => Edit::Delete,
                _ => Edit::Restore(revision),
            };
            (edit, revision)
        }
    };
    let restores = matches!(edit, Edit::Restore(_));
    let if_revision = revision.filter(|_| dice.percent(15));
    let base = late.filter(|_| if_revision.is_none() && !restores);
    Mutation { collection, document: document_id, edit, base, if_revision }
}
