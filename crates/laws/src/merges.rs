//! Merge patches (RFC 7396) and merges of late edits: base, local and server in a line each, strategies in a fourth.

use onair_wire::{
    canonical, json,
    merge::{Strategies, merge},
    merge_patch,
};
use serde_json::Value;

pub(crate) fn check(bytes: &[u8]) {
    let lines: Vec<&[u8]> = bytes.splitn(4, |byte| *byte == b'\n').collect();
    let [base, local, server] = [0, 1, 2].map(|at| lines.get(at).and_then(|line| json::parse(line).ok()));
    let strategies = lines.get(3).and_then(|line| json::parse_as::<Vec<(String, String)>>(line).ok());
    let strategies = Strategies::parse(strategies.unwrap_or_default()).unwrap_or_default();
    if let (Some(base), Some(local)) = (&base, &local) {
        patch(base, local);
    }
    late(&base, &local, &server, &strategies);
}

/// A patch that was made is made again without effect, and what it names is as it says.
fn patch(target: &Value, patch: &Value) {
    let mut once = target.clone();
    merge_patch(&mut once, patch);
    let mut twice = once.clone();
    merge_patch(&mut twice, patch);
    assert_eq!(twice, once, "a patch made twice");
    match (patch, &once) {
        (Value::Object(said), Value::Object(made)) => {
            for (name, value) in said {
                assert_eq!(value.is_null(), !made.contains_key(name), "{name:?}");
            }
            let untouched =
                target.as_object().into_iter().flatten().filter(|(name, _)| !said.contains_key(*name));
            for (name, value) in untouched {
                assert_eq!(made.get(name), Some(value), "{name:?} was not named");
            }
        }
        (patch, made) => assert_eq!(patch, made, "what is no object takes the place"),
    }
}

fn late(base: &Option<Value>, local: &Option<Value>, server: &Option<Value>, strategies: &Strategies) {
    let [b, l, s] = [base, local, server].map(Option::as_ref);
    let merged = merge(b, l, s, strategies);
    assert_eq!(merge(b, l, s, strategies), merged, "the same question, the same answer");
    let v = merged.value.as_ref();
    for (sides, value) in [([b, v, v], v), ([s, v, s], v), ([l, l, v], v), ([b, l, b], l), ([b, b, s], s)] {
        let settled = merge(sides[0], sides[1], sides[2], strategies);
        assert_eq!(canonical(&settled.value), canonical(&value), "{sides:?}");
        assert_eq!(settled.clashes, [], "{sides:?}");
    }
}
