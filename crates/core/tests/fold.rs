//! Any interleaving of mutations, batches, merges, restores and resolutions, folded on server and client, gives the
//! same digest (rows D1, D4, D5, Y6).

mod show;

use onair_core::{Choice, Intent, Resolve};
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};
use show::{Show, mutation};

/// One thing an operator does. Numbers choose among what there is when it happens.
#[derive(Clone, Debug)]
enum Deed {
    Mutate(Vec<Wish>),
    Retry(usize),
    Resolve(usize, u8),
    Manifest(u8),
}

#[derive(Clone, Debug)]
struct Wish {
    op: u8,
    collection: u8,
    document: u8,
    value: Value,
    back: Option<u8>,
    condition: Option<u8>,
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-5_i64..5).prop_map(Value::from),
        Just(json!(1.5)),
        "[a-c\u{e9}\u{1f600}]{0,3}".prop_map(Value::from),
        Just(json!("2026-01-01T00:00:00Z")),
        Just(json!("2027-01-01T00:00:00.000Z")),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-d]|status|\u{ff5e}|\u{1f600}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn wish() -> impl Strategy<Value = Wish> {
    let place = (0_u8..4, 0_u8..3, 0_u8..3);
    (place, value(), proptest::option::of(0_u8..6), proptest::option::weighted(0.2, 0_u8..4)).prop_map(
        |((op, collection, document), value, back, condition)| Wish {
            op,
            collection,
            document,
            value,
            back,
            condition,
        },
    )
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        8 => vec(wish(), 1..2).prop_map(Deed::Mutate),
        3 => vec(wish(), 2..5).prop_map(Deed::Mutate),
        1 => (0_usize..8).prop_map(Deed::Retry),
        2 => (0_usize..8, 0_u8..3).prop_map(|(which, choice)| Deed::Resolve(which, choice)),
        1 => (0_u8..3).prop_map(Deed::Manifest),
    ]
}

fn written(wish: &Wish, show: &Show) -> Value {
    let collection = ["scenes", "layers", "chat"][usize::from(wish.collection)];
    let now = show.production.revision().0;
    let mut mutation = json!({"collection": collection, "document": format!("d{}", wish.document)});
    match wish.op {
        0 => (mutation["op"], mutation["value"]) = (json!("put"), wish.value.clone()),
        1 => (mutation["op"], mutation["patch"]) = (json!("patch"), wish.value.clone()),
        2 => mutation["op"] = json!("delete"),
        _ => mutation["op"] = json!("restore"),
    }
    if let Some(back) = wish.back {
        let name = if wish.op == 3 { "revision" } else { "base" };
        mutation[name] = now.saturating_sub(u64::from(back)).into();
    }
    if let Some(condition) = wish.condition {
        mutation["ifRevision"] = now.saturating_sub(u64::from(condition)).into();
    }
    mutation
}

fn manifest(which: u8) -> Value {
    match which {
        0 => Value::Null,
        1 => {
            json!({"collections": {"chat": {"keep": {"documents": 1}}, "scenes": {"merge": {"/a": "local", "/b": "manual"}}}})
        }
        _ => {
            json!({"services": [{"name": "host"}], "start": ["host"], "requires": [], "settings": {"maxRetries": 7}})
        }
    }
}

fn act(show: &mut Show, deed: &Deed, number: usize) -> bool {
    let done = match deed {
        Deed::Mutate(wishes) => {
            let mutations = wishes.iter().map(|wish| mutation(written(wish, show))).collect();
            show.execute(Intent::Mutate(mutations), Some(&format!("m-{number}")))
        }
        Deed::Retry(which) => {
            let Some(commit) =
                show.commits.iter().rev().filter(|commit| commit.mutation.is_some()).nth(*which)
            else {
                return false;
            };
            let id = commit.mutation.clone().expect("filtered");
            let before = show.production.revision();
            let again = show.execute(
                Intent::Mutate(vec![mutation(
                    json!({"op": "put", "collection": "x", "document": "y", "value": 1}),
                )]),
                Some(id.as_str()),
            );
            assert_eq!(again.expect_err("another wish").code(), onair_wire::Code::MutationIdReused);
            assert_eq!(show.production.revision(), before);
            return false;
        }
        Deed::Resolve(which, choice) => {
            let Some(conflicts) = show.production.collection("_conflicts") else { return false };
            let Some((id, _)) = conflicts.iter().nth(*which) else { return false };
            let choose = [Choice::Local, Choice::Server, Choice::Merge][usize::from(*choice)];
            let resolve = Resolve { conflict: id.clone(), choose, value: Some(json!({"third": number})) };
            show.execute(Intent::Resolve(resolve), None)
        }
        Deed::Manifest(which) => show.execute(Intent::Configure(manifest(*which)), None),
    };
    done.is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn y6_any_interleaving_gives_server_and_client_the_same_digest(deeds in vec(deed(), 1..40)) {
        let mut show = Show::begun();
        let done = deeds.iter().enumerate().filter(|(number, deed)| act(&mut show, deed, *number)).count();
        show.check();
        prop_assert_eq!(show.commits.len(), done + 1, "revisions are dense");
    }
}

#[test]
fn y6_most_deeds_of_the_generator_are_lawful() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let deeds = vec(deed(), 400).new_tree(&mut runner).expect("deeds").current();
    let mut show = Show::begun();
    let done = deeds.iter().enumerate().filter(|(number, deed)| act(&mut show, deed, *number)).count();
    show.check();
    let conflicts = show.production.collection("_conflicts").map_or(0, onair_core::Documents::len);
    let restores = show
        .commits
        .iter()
        .flat_map(|commit| &commit.changes)
        .filter(|change| matches!(change.op, onair_wire::Op::Restore(_)))
        .count();
    assert!(
        done > 120 && conflicts > 10 && restores > 10,
        "{done} done, {conflicts} conflicts, {restores} restores"
    );
}
