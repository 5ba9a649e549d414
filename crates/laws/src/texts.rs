//! Short texts with a meaning: names, positions, revisions, epochs, times, digests, pointers, tokens of a cursor. What
//! is taken prints as something that reads as the same.

use std::{
    fmt::{Debug, Display},
    str::FromStr,
};

use onair_wire::{
    Actor, After, Collection, Digest, DocumentId, Epoch, Fingerprint, Instance, MutationId, Position,
    ProductionId, Revision, Timestamp, json, pointer,
};
use serde_json::{Value, json};

pub(crate) fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    same::<Revision>(text, true);
    same::<ProductionId>(text, true);
    same::<Collection>(text, true);
    same::<DocumentId>(text, true);
    same::<MutationId>(text, true);
    same::<Instance>(text, true);
    same::<Actor>(text, true);
    same::<Digest>(text, true);
    same::<Timestamp>(text, false);
    if let Ok(epoch) = Epoch::new(text) {
        assert_eq!(epoch.as_str(), text);
    }
    position(text);
    pointers(text);
    let _ = serde_json::from_value::<Fingerprint>(json!(text));
}

/// Read, printed, read again; `exact`: printed as it was written, but for zeros in front.
fn same<T: FromStr + Display + PartialEq + Debug>(text: &str, exact: bool)
where
    T::Err: Debug + Display,
{
    match text.parse::<T>() {
        Ok(read) => {
            let printed = read.to_string();
            assert_eq!(printed.parse::<T>().expect("what was printed reads"), read, "{text:?}");
            assert!(!exact || text.trim_start_matches('0') == printed.trim_start_matches('0'), "{text:?}");
        }
        Err(error) => assert!(!error.to_string().is_empty(), "a refusal without a reason"),
    }
}

fn position(text: &str) {
    let Ok(after) = text.parse::<After>() else { return };
    let typed: After = json::from_value(json!(text)).expect("the same in a body");
    assert_eq!(typed, after);
    if let Some(epoch) = after.epoch.clone() {
        let position = Position { epoch, revision: after.revision };
        assert_eq!(position.to_string().parse::<After>().expect("a position"), after);
    }
}

/// What is set at a pointer is found there, and is gone when it is taken away.
fn pointers(text: &str) {
    let _ = pointer::unescape(text);
    if pointer::check(text).is_err() {
        return;
    }
    let mut document = json!({ "a": { "b": [1, 2] }, "": 3 });
    let before = document.clone();
    if pointer::set(&mut document, text, json!("set")).is_err() {
        assert_eq!(document, before, "what is refused changes nothing");
        return;
    }
    assert_eq!(pointer::get(&document, text), Some(&json!("set")), "{text:?}");
    if let Ok(Some(taken)) = pointer::remove(&mut document, text) {
        assert_eq!(taken, json!("set"));
        let index = text.rsplit('/').next().is_some_and(|last| last.parse::<usize>().is_ok());
        assert!(index || !matches!(pointer::get(&document, text), Some(Value::String(_))), "{text:?}");
    }
}
