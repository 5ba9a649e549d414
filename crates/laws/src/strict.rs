//! Strict JSON: what is taken says the same when it is written and read again, and nothing lenient was taken.

use onair_wire::{canonical, json};
use serde_json::Value;

pub(crate) fn check(bytes: &[u8]) {
    let Ok(read) = json::parse(bytes) else { return };
    let said = serde_json::to_vec(&read).expect("it was JSON");
    assert_eq!(json::parse(&said).expect("strict JSON stays strict JSON"), read);
    let canonical = canonical(&read);
    // Not strictly: a whole number beyond 2^53 that came with an exponent or a fraction is taken, and its canonical form
    // writes it as digits, which are refused.
    let again: Value = serde_json::from_slice(&canonical).expect("the canonical form is JSON");
    assert_eq!(onair_wire::canonical(&again), canonical, "the canonical form of a canonical form");
    let lenient: Value = serde_json::from_slice(bytes).expect("whoever is less strict takes it too");
    assert_eq!(onair_wire::canonical(&lenient), canonical, "and reads the same");
}
