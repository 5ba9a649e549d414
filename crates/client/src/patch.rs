//! JSON Merge Patches (RFC 7396) put together, taken apart, and made from what an edit changed.

use onair_wire::merge::equal::equal;
use serde_json::{Map, Value};

/// The one patch that does what `first` and then `second` do; `None` when no patch can.
pub(crate) fn composed(first: &Value, second: &Value) -> Option<Value> {
    let Value::Object(after) = second else { return Some(second.clone()) };
    // What was replaced whole and then changed within would be merged with what stood there before.
    let Value::Object(before) = first else { return None };
    let mut members = before.clone();
    for (name, value) in after {
        let both = match before.get(name) {
            Some(earlier) => composed(earlier, value)?,
            None => value.clone(),
        };
        members.insert(name.clone(), both);
    }
    Some(members.into())
}

/// The part of `patch` that touches what `other` touches, and the rest.
pub(crate) fn divided(patch: &Value, other: &Value) -> (Option<Value>, Option<Value>) {
    let (Value::Object(members), Value::Object(others)) = (patch, other) else {
        return (Some(patch.clone()), None);
    };
    if members.is_empty() {
        return (Some(patch.clone()), None);
    }
    let (mut both, mut only) = (Map::new(), Map::new());
    for (name, value) in members {
        let (met, rest) = match others.get(name) {
            Some(other) => divided(value, other),
            None => (None, Some(value.clone())),
        };
        both.extend(met.map(|value| (name.clone(), value)));
        only.extend(rest.map(|value| (name.clone(), value)));
    }
    let some = |members: Map<String, Value>| (!members.is_empty()).then(|| members.into());
    (some(both), some(only))
}

/// The patch that makes `after` of `before`; `None` when no patch can, because `after` holds a null.
pub(crate) fn difference(before: &Map<String, Value>, after: &Map<String, Value>) -> Option<Value> {
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    let mut members: Map<String, Value> = gone.map(|name| (name.clone(), Value::Null)).collect();
    for (name, value) in after {
        let old = before.get(name);
        if old.is_some_and(|old| equal(old, value)) {
            continue;
        }
        if holds_null(value) {
            return None;
        }
        let inner = match (old, value) {
            (Some(Value::Object(old)), Value::Object(value)) => difference(old, value)?,
            _ => value.clone(),
        };
        members.insert(name.clone(), inner);
    }
    Some(members.into())
}

/// Whether a patch could not say this value: null means removal there. Arrays are replaced whole.
fn holds_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(members) => members.values().any(holds_null),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use onair_wire::merge_patch;
    use serde_json::json;

    use super::*;
    use crate::backoff::Chance;

    fn made_up(chance: &mut Chance, depth: u32, nulls: bool) -> Value {
        match chance.draw() % if depth == 0 { 3 } else { 5 } {
            0 if nulls => Value::Null,
            0 | 1 => json!(chance.draw() % 3),
            2 => json!(["a"]),
            _ => {
                let names = ["a", "b", "c"].into_iter().filter(|_| chance.draw().is_multiple_of(2));
                let names: Vec<_> = names.collect();
                let members = names.into_iter().map(|it| (it.to_owned(), made_up(chance, depth - 1, nulls)));
                Value::Object(members.collect())
            }
        }
    }

    fn patched(value: &Value, patch: &Value) -> Value {
        let mut value = value.clone();
        merge_patch(&mut value, patch);
        value
    }

    #[test]
    fn y3_patches_put_together_taken_apart_and_found_again() {
        for seed in 0..20_000 {
            let chance = &mut Chance::new(seed);
            let value = made_up(chance, 2, false);
            let (first, second) = (made_up(chance, 2, true), made_up(chance, 2, true));
            if let Some(both) = composed(&first, &second) {
                let expected = patched(&patched(&value, &first), &second);
                assert_eq!(patched(&value, &both), expected, "seed {seed}: {value} {first} {second}");
            }
            if first.is_object() && value.is_object() {
                let (both, only) = divided(&first, &second);
                let apart = [only, both].iter().flatten().fold(value.clone(), |it, part| patched(&it, part));
                assert_eq!(apart, patched(&value, &first), "seed {seed}: {value} {first} {second}");
            }
            let after = made_up(chance, 2, false);
            if let (Value::Object(before), Value::Object(members)) = (&value, &after)
                && let Some(patch) = difference(before, members)
            {
                assert_eq!(patched(&value, &patch), after, "seed {seed}: {value} {after}");
            }
        }
    }
}
