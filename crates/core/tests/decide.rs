//! Decisions as tables: what a command comes to, refusals as well as successes (rows D2, D3, D6, K1, K2, L11).

#![allow(clippy::needless_pass_by_value, reason = "wishes are written where they are made")]

mod show;

use onair_core::{Choice, Intent, Resolve};
use onair_wire::{Code, DocumentId, Outcome};
use serde_json::{Value, json};
use show::{Show, mutation};

fn put(document: &str, value: Value) -> Value {
    json!({"op": "put", "collection": "scenes", "document": document, "value": value})
}

fn patch(document: &str, value: Value) -> Value {
    json!({"op": "patch", "collection": "scenes", "document": document, "patch": value})
}

fn with(mut wish: Value, name: &str, value: impl Into<Value>) -> Value {
    wish[name] = value.into();
    wish
}

#[test]
fn d2_documents_are_created_replaced_patched_deleted_restored() {
    let mut show = Show::begun();
    show.mutate(put("intro", json!({"title": "a", "at": 1}))).expect("created");
    show.mutate(patch("intro", json!({"title": "b", "at": null}))).expect("patched");
    assert_eq!(show.value("scenes", "intro"), Some(json!({"title": "b"})));
    show.mutate(json!({"op": "delete", "collection": "scenes", "document": "intro"})).expect("deleted");
    assert_eq!(show.value("scenes", "intro"), None);
    show.mutate(json!({"op": "restore", "collection": "scenes", "document": "intro"})).expect("undeleted");
    assert_eq!(show.value("scenes", "intro"), Some(json!({"title": "b"})));
    show.mutate(json!({"op": "restore", "collection": "scenes", "document": "intro", "revision": 2}))
        .expect("brought back");
    assert_eq!(show.value("scenes", "intro"), Some(json!({"title": "a", "at": 1})));
}

#[test]
fn d3_what_is_refused_and_with_which_code() {
    let mut show = Show::begun();
    show.mutate(put("there", json!({"a": 1}))).expect("created");
    show.mutate(put("gone", json!({"a": 1}))).expect("created");
    show.mutate(json!({"op": "delete", "collection": "scenes", "document": "gone"})).expect("deleted");
    let server = json!({"op": "put", "collection": "_system", "document": "lifecycle", "value": {}});
    let restore = |document: &str| json!({"op": "restore", "collection": "scenes", "document": document});
    let delete = |document: &str| json!({"op": "delete", "collection": "scenes", "document": document});
    let big = json!({"text": "x".repeat(onair_core::DOCUMENT_BYTES_MAX)});
    let table = [
        ("server's collection", server, Code::Invalid),
        ("late revision", with(put("there", json!(1)), "ifRevision", 1), Code::RevisionMismatch),
        ("revision of nothing", with(put("nowhere", json!(1)), "ifRevision", 2), Code::RevisionMismatch),
        ("revision from the future", with(put("there", json!(1)), "ifRevision", 99), Code::Invalid),
        ("base from the future", with(put("there", json!(1)), "base", 99), Code::Invalid),
        ("create what is there", with(put("there", json!(1)), "ifRevision", 0), Code::AlreadyExists),
        ("patch nothing", patch("nowhere", json!({"a": 2})), Code::NotFound),
        ("patch what is gone", patch("gone", json!({"a": 2})), Code::Gone),
        ("delete nothing", delete("nowhere"), Code::NotFound),
        ("delete what is gone", delete("gone"), Code::Gone),
        ("restore what is live", restore("there"), Code::NotAllowed),
        ("restore nothing", restore("nowhere"), Code::NotFound),
        ("restore the future", with(restore("gone"), "revision", 99), Code::Invalid),
        ("restore before it was", with(restore("gone"), "revision", 1), Code::NotFound),
        ("too large", put("there", big), Code::TooLarge),
    ];
    for (name, wish, code) in table {
        let before = show.production.revision();
        let refusal = show.mutate(wish).expect_err(name);
        assert_eq!(refusal.code(), code, "{name}: {refusal}");
        assert_eq!(show.production.revision(), before, "{name} changed something");
    }
}

#[test]
fn d3_a_late_writer_is_given_the_current_document() {
    let mut show = Show::begun();
    show.mutate(put("intro", json!({"a": 1}))).expect("created");
    show.mutate(put("intro", json!({"a": 2}))).expect("replaced");
    let problem =
        show.mutate(with(put("intro", json!({"a": 3})), "ifRevision", 2)).expect_err("late").problem();
    assert_eq!(problem.more["current"], json!({"revision": 3, "value": {"a": 2}}));
}

#[test]
fn d6_a_batch_is_all_or_nothing_and_the_place_is_named() {
    let mut show = Show::begun();
    let bad = show.batch(&[put("a", json!(1)), put("b", json!(2)), patch("nowhere", json!({}))], None);
    assert_eq!(bad.expect_err("the third").code(), Code::NotFound);
    assert_eq!((show.value("scenes", "a"), show.production.revision().0), (None, 1));
    let refusal =
        show.batch(&[put("a", json!(1)), with(put("b", json!(2)), "base", 77)], None).expect_err("future");
    assert_eq!(refusal.problem().errors[0].pointer, "/mutations/1/base");
    show.batch(&[put("a", json!({"n": 1})), patch("a", json!({"m": 2})), put("b", json!(2))], None)
        .expect("all");
    assert_eq!(show.value("scenes", "a"), Some(json!({"n": 1, "m": 2})));
    let many = vec![put("a", json!(1)); onair_core::BATCH_MAX + 1];
    assert_eq!(show.batch(&many, None).expect_err("too many").code(), Code::TooLarge);
    assert_eq!(show.batch(&[], None).expect_err("none").code(), Code::Invalid);
}

#[test]
fn d6_a_commit_has_a_weight_limit_whatever_it_is_made_of() {
    let mut show = Show::begun();
    let text = "x".repeat(onair_core::DOCUMENT_BYTES_MAX - 100);
    for n in 0..20 {
        show.mutate(put(&format!("d{n}"), json!({"text": text}))).expect("each by itself");
        show.mutate(json!({"op": "delete", "collection": "scenes", "document": format!("d{n}")}))
            .expect("deleted");
    }
    let restore = |n| json!({"op": "restore", "collection": "scenes", "document": format!("d{n}")});
    let all: Vec<Value> = (0..20).map(restore).collect();
    assert_eq!(show.batch(&all, None).expect_err("5 MiB in one commit").code(), Code::TooLarge);
    show.batch(&all[..10], None).expect("half of them");
}

#[test]
fn d6_a_mutation_id_makes_a_retry_harmless_and_other_content_is_refused() {
    let mut show = Show::begun();
    let first = show.batch(&[put("a", json!({"x": 1, "y": 2}))], Some("m-1")).expect("done");
    let again = show.batch(&[put("a", json!({"y": 2, "x": 1}))], Some("m-1")).expect("known");
    assert_eq!((first.revision, show.production.revision()), (again.revision, first.revision));
    assert_eq!(
        show.batch(&[put("a", json!(2))], Some("m-1")).expect_err("other").code(),
        Code::MutationIdReused
    );
    show.production.forget_before(first.revision.next());
    show.batch(&[put("a", json!(2))], Some("m-1")).expect("forgotten with its commit");
}

#[test]
fn k1_a_late_edit_of_other_fields_merges() {
    let mut show = Show::begun();
    show.mutate(put("intro", json!({"title": "a", "note": "x"}))).expect("created");
    show.mutate(patch("intro", json!({"title": "b"}))).expect("the other operator");
    let receipt = show.mutate(with(patch("intro", json!({"note": "y"})), "base", 2)).expect("merged");
    assert_eq!((receipt.outcome, receipt.conflicts.len()), (Outcome::Merged, 0));
    assert_eq!(show.value("scenes", "intro"), Some(json!({"title": "b", "note": "y"})));
}

#[test]
fn k1_a_base_that_is_current_is_no_merge() {
    let mut show = Show::begun();
    show.mutate(put("intro", json!({"title": "a"}))).expect("created");
    show.mutate(put("other", json!(1))).expect("another document");
    let receipt = show.mutate(with(patch("intro", json!({"title": "b"})), "base", 2)).expect("applied");
    assert_eq!(receipt.outcome, Outcome::Applied);
}

/// Nine hundred documents made with a base took half a minute: for each the log was read for a version that cannot be.
#[test]
fn k1_a_document_that_is_new_needs_no_version_from_the_log() {
    let mut show = Show::begun();
    show.mutate(put("old", json!({"a": 1}))).expect("created");
    let needs = |wishes: Vec<Value>| {
        let mutations = wishes.into_iter().map(mutation).collect();
        let actor = onair_wire::Actor::new("operator:kim").expect("an actor");
        let intent = Intent::Mutate(mutations);
        let command = onair_core::Command { actor, mutation: None, intent, versions: Default::default() };
        onair_core::needs(&show.production, &command).len()
    };
    let new = || with(put("new", json!({})), "base", 1);
    assert_eq!(needs(vec![new()]), 0);
    assert_eq!(needs(vec![put("new", json!({})), new()]), 1, "made before in the same batch");
    assert_eq!(needs(vec![with(put("old", json!({})), "base", 1)]), 1, "it was not there, or is forgotten");
}

/// A retry read the log for the version that its first try was made from. While the log was being trimmed that version
/// could be gone, and who asked again was refused (`compacted`) what was done.
#[test]
fn d6_a_retry_needs_no_version_from_the_log() {
    let mut show = Show::begun();
    show.mutate(put("old", json!({"a": 1}))).expect("created");
    let wishes = [with(put("old", json!({})), "base", 1)];
    let needs = |show: &Show| {
        let mutations = wishes.iter().cloned().map(mutation).collect();
        let (actor, id) = ("operator:kim".parse().expect("an actor"), "m-1".parse().expect("an id"));
        let intent = Intent::Mutate(mutations);
        let command = onair_core::Command { actor, mutation: Some(id), intent, versions: Default::default() };
        onair_core::needs(&show.production, &command).len()
    };
    assert_eq!(needs(&show), 1, "the first try");
    show.batch(&wishes, Some("m-1")).expect("done");
    assert_eq!(needs(&show), 0, "the retry");
}

#[test]
fn k2_what_cannot_be_merged_becomes_a_conflict_and_is_chosen() {
    let table = [
        (Choice::Local, None, "local"),
        (Choice::Server, None, "server"),
        (Choice::Merge, Some("third"), "third"),
    ];
    for (choose, value, stands) in table {
        let mut show = Show::begun();
        show.mutate(put("intro", json!({"title": "base"}))).expect("created");
        show.mutate(patch("intro", json!({"title": "server"}))).expect("the other operator");
        let receipt =
            show.mutate(with(patch("intro", json!({"title": "local"})), "base", 2)).expect("a conflict");
        assert_eq!((receipt.outcome, receipt.conflicts.len()), (Outcome::Conflict, 1));
        let id = receipt.conflicts[0].clone();
        let record = show.value("_conflicts", id.as_str()).expect("a record");
        assert_eq!(
            show.value("scenes", "intro"),
            Some(json!({"title": "server"})),
            "the server's value stands"
        );
        for (name, wanted) in [
            ("path", "/title"),
            ("base", "base"),
            ("local", "local"),
            ("server", "server"),
            ("status", "open"),
        ] {
            assert_eq!(record[name], wanted, "{name}");
        }
        let resolve =
            || Intent::Resolve(Resolve { conflict: id.clone(), choose, value: value.map(Value::from) });
        show.execute(resolve(), None).expect("resolved");
        assert_eq!(show.value("scenes", "intro"), Some(json!({"title": stands})));
        let record = show.value("_conflicts", id.as_str()).expect("the audit trail");
        assert_eq!((&record["status"], &record["resolution"]), (&json!("resolved"), &json!(choose)));
        assert_eq!(show.execute(resolve(), None).expect_err("once").code(), Code::NotAllowed);
    }
}

#[test]
fn k2_an_edit_of_a_deleted_document_and_a_delete_of_an_edited_one_are_conflicts() {
    let mut show = Show::begun();
    show.mutate(put("a", json!({"t": 1}))).expect("created");
    show.mutate(json!({"op": "delete", "collection": "scenes", "document": "a"})).expect("deleted");
    let edit = show.mutate(with(patch("a", json!({"t": 2})), "base", 2)).expect("a conflict");
    assert_eq!((edit.outcome, show.value("scenes", "a")), (Outcome::Conflict, None));
    show.mutate(put("b", json!({"t": 1}))).expect("created");
    show.mutate(patch("b", json!({"t": 2}))).expect("edited");
    let at = show.production.revision().0 - 1;
    let delete = json!({"op": "delete", "collection": "scenes", "document": "b", "base": at});
    let delete = show.mutate(delete).expect("a conflict");
    assert_eq!((delete.outcome, show.value("scenes", "b")), (Outcome::Conflict, Some(json!({"t": 2}))));
    let choose = Resolve { conflict: delete.conflicts[0].clone(), choose: Choice::Local, value: None };
    show.execute(Intent::Resolve(choose), None).expect("the delete is chosen");
    assert_eq!(show.value("scenes", "b"), None);
}

#[test]
fn k2_a_delete_is_chosen_of_a_document_that_is_gone_already() {
    let mut show = Show::begun();
    show.mutate(put("b", json!({"t": 1}))).expect("created");
    show.mutate(patch("b", json!({"t": 2}))).expect("edited");
    let delete = json!({"op": "delete", "collection": "scenes", "document": "b"});
    let late = show.mutate(with(delete.clone(), "base", 2)).expect("a conflict");
    show.mutate(delete).expect("deleted meanwhile");
    let choose = Resolve { conflict: late.conflicts[0].clone(), choose: Choice::Local, value: None };
    show.execute(Intent::Resolve(choose), None).expect("nothing is left to do");
    assert_eq!(show.value("scenes", "b"), None);
    let record = show.value("_conflicts", late.conflicts[0].as_str()).expect("the audit trail");
    assert_eq!((&record["status"], &record["resolution"]), (&json!("resolved"), &json!("local")));
}

#[test]
fn k3_what_a_strategy_decides_is_in_the_audit_trail() {
    let mut show = Show::begun();
    show.mutate(put("a", json!({"status": "x"}))).expect("created");
    show.mutate(patch("a", json!({"status": "y"}))).expect("edited");
    let receipt = show.mutate(with(patch("a", json!({"status": "z"})), "base", 2)).expect("merged");
    assert_eq!((receipt.outcome, show.value("scenes", "a")), (Outcome::Merged, Some(json!({"status": "z"}))));
    let record = show.value("_conflicts", receipt.conflicts[0].as_str()).expect("a record");
    assert_eq!((&record["status"], &record["resolution"]), (&json!("resolved"), &json!("auto")));
}

#[test]
fn k3_a_retry_is_told_the_same_as_the_first_time() {
    let mut show = Show::begun();
    show.mutate(put("a", json!({"t": "x"}))).expect("created");
    show.mutate(patch("a", json!({"t": "y"}))).expect("edited");
    let (commit, receipt) = show.decide_commit(&[with(patch("a", json!({"t": "z"})), "base", 2)]);
    assert_eq!(onair_core::receipt(&commit), receipt);
}

#[test]
fn l11_settings_are_changed_and_named_when_wrong() {
    let mut show = Show::begun();
    let change = |patch: Value| Intent::ChangeSettings(patch.as_object().expect("an object").clone());
    show.execute(change(json!({"maxRetries": 5})), None).expect("changed");
    assert_eq!(show.production.settings().max_retries, 5);
    let refusal = show.execute(change(json!({"maxRetries": "5"})), None).expect_err("a text");
    assert_eq!(refusal.problem().errors[0].pointer, "/maxRetries");
}

#[test]
fn d2_schemas_and_limits_of_a_manifest_hold() {
    let manifest = json!({"collections": {
        "scenes": {"schema": {"type": "object", "required": ["title"]}},
        "chat": {"keep": {"documents": 2}}
    }});
    let mut show = Show::with(&manifest);
    let refusal = show.mutate(put("a", json!({"t": 1}))).expect_err("no title");
    assert_eq!(refusal.problem().errors[0].pointer, "/mutations/0/value");
    for n in 0..4 {
        let wish = json!({"op": "put", "collection": "chat", "document": format!("m{n}"), "value": {"n": n}});
        show.execute(Intent::Mutate(vec![mutation(wish)]), None).expect("said");
    }
    let chat = show.production.collection("chat").expect("there");
    let left: Vec<&DocumentId> = chat.iter().map(|(id, _)| id).collect();
    assert_eq!(left.iter().map(|id| id.as_str()).collect::<Vec<_>>(), ["m2", "m3"], "the oldest go");
}

#[test]
fn d8_a_schema_that_documents_break_is_refused_and_a_manifest_names_its_place() {
    let mut show = Show::begun();
    show.mutate(put("a", json!({"t": 1}))).expect("free");
    let table = [
        (
            json!({"collections": {"scenes": {"schema": {"required": ["title"]}}}}),
            "/collections/scenes/schema",
        ),
        (json!({"collections": {"_x": {}}}), "/collections/_x"),
        (json!({"collections": {"scenes": {"merge": {"status": "newest"}}}}), "/collections/scenes/merge"),
        (json!({"services": [{"name": "a"}, {"name": "a"}]}), "/services/1/name"),
        (json!({"services": [{"name": "a", "adapter": {"type": "magic"}}]}), "/services/0/adapter/type"),
        (json!({"start": ["nobody"]}), "/start/0"),
        (json!({"settings": {"maxRetries": -1}}), "/settings/maxRetries"),
        (
            json!({"backends": [{"name": "b", "type": "webhook", "url": "https://x", "secret": "hunter2"}]}),
            "/backends/0/secret",
        ),
        (
            json!({"backends": [{"name": "b", "type": "webhook", "url": "https://x", "function": "a:b"}]}),
            "/backends/0/function",
        ),
        (
            json!({"backends": [{"name": "b", "type": "convex", "url": "https://x", "function": "a/../b:c"}]}),
            "/backends/0/function",
        ),
        (json!({"colections": {}}), "/colections"),
    ];
    for (manifest, place) in table {
        let refusal = show.execute(Intent::Configure(manifest.clone()), None).expect_err(place);
        assert_eq!(refusal.problem().errors[0].pointer, place, "{manifest}: {refusal}");
        assert!(!refusal.to_string().contains("hunter2"), "a secret was repeated");
    }
}
