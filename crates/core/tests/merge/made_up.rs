//! The laws on documents that proptest makes up and, where one breaks a law, makes small.
//!
//! Each side is the base with a few edits, so the sides have most in common, as in life. A case found here
//! becomes a line of a table or a case of a fixture; that is why no file of regressions is kept.

use onair_core::{
    merge::{Strategies, Strategy},
    pointer,
};
use proptest::{
    collection::vec,
    option,
    prelude::{Just, ProptestConfig, Strategy as Generator, any, prop_assert_eq, prop_oneof, proptest},
    sample::select,
};
use serde_json::{Value, json};

use crate::laws::{Question, check};

const NAMES: &[&str] = &["a", "at", "status", "tags", "x/y~", "ü"];

/// Where, and what stands there afterwards; `None` removes it.
type Edit = (String, Option<Value>);

fn leaf() -> impl Generator<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..3).prop_map(Value::from),
        Just(json!(1.0)),
        "[ab]{0,2}".prop_map(Value::from),
        (0..24).prop_map(|hour| json!(format!("2026-11-20T{hour:02}:00:00.000Z"))),
    ]
}

fn value() -> impl Generator<Value = Value> {
    leaf().prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((select(NAMES), inner), 0..4).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

fn path() -> impl Generator<Value = String> {
    vec(select(NAMES), 1..4).prop_map(|names| {
        let mut path = String::new();
        names.iter().for_each(|name| pointer::push(&mut path, name));
        path
    })
}

fn strategies() -> impl Generator<Value = Strategies> {
    vec((path(), select(&Strategy::ALL)), 0..4).prop_map(|pairs| {
        let pairs = pairs.into_iter().map(|(path, strategy)| (path, strategy.as_str()));
        Strategies::parse(pairs).expect("pointers and strategies")
    })
}

/// The base with those of the edits that are possible on it.
fn edited(base: Option<&Value>, edits: Vec<Edit>) -> Value {
    let mut document = base.cloned().unwrap_or_else(|| json!({}));
    for (path, value) in edits {
        let _ = match value {
            Some(value) => pointer::set(&mut document, &path, value),
            None => pointer::remove(&mut document, &path).map(drop),
        };
    }
    document
}

fn question() -> impl Generator<Value = Question> {
    let side = || option::weighted(0.95, vec((path(), option::weighted(0.8, value())), 0..5));
    (option::weighted(0.9, value()), side(), side(), strategies()).prop_map(
        |(base, local, server, strategies)| {
            let [local, server] = [local, server].map(|side| side.map(|edits| edited(base.as_ref(), edits)));
            Question { base, local, server, strategies }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn k1_a_merge_keeps_the_laws(question in question()) {
        check(&question);
    }

    #[test]
    fn what_is_set_is_there(document in value(), path in path(), value in value()) {
        let mut changed = document.clone();
        match pointer::set(&mut changed, &path, value.clone()) {
            Ok(()) => prop_assert_eq!(pointer::get(&changed, &path), Some(&value)),
            Err(_) => prop_assert_eq!(changed, document),
        }
    }
}
