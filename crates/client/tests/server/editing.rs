//! Two people edit the same show.

use onair_client::{ChangeKind, Changed, EditOptions, Told, connection::State};
use onair_wire::{Edit, Mutation, Outcome};
use serde_json::json;

use super::stage::{Stage, follow, hear, id, layers, patient, until_equal, until_state};

#[tokio::test]
async fn y2_what_one_edits_the_other_sees() {
    let stage = Stage::new().await;
    let (one, other) = (stage.client(), stage.client());
    let (mine, theirs) = (follow(&one).await, follow(&other).await);
    let mut told = theirs.watch();
    let receipt = mine.put(layers(), id("logo"), json!({ "x": 1 })).await.unwrap();
    assert_eq!(receipt.outcome, Outcome::Applied);
    let change = hear(&mut told, |told| match told {
        Told::Changed(changed) => changed.iter().find(|it| it.collection == layers()).cloned(),
        _ => None,
    });
    let Changed { kind, value, local, .. } = change.await;
    assert_eq!((kind, value.as_deref(), local), (ChangeKind::Created, Some(&json!({ "x": 1 })), false));
    assert_eq!(theirs.get(&layers(), &id("logo")).unwrap().revision, receipt.revision);

    theirs.delete(layers(), id("logo")).await.unwrap();
    mine.restore(layers(), id("logo"), None).await.unwrap();
    hear(&mut told, |told| match told {
        Told::Changed(changed) => changed.iter().find(|it| it.kind == ChangeKind::Restored).cloned(),
        _ => None,
    })
    .await;
    assert_eq!(*theirs.documents(&layers())[0].value, json!({ "x": 1 }));
    until_equal(&stage, &[&mine, &theirs]).await;
}

#[tokio::test]
async fn y3_an_edit_is_shown_at_once_and_taken_back_when_it_is_refused() {
    let stage = Stage::new().await;
    let client = stage.client();
    let production = follow(&client).await;
    production.put(layers(), id("logo"), json!({ "x": 1 })).await.unwrap();
    let mut told = production.watch();

    let late = EditOptions { if_revision: Some(onair_wire::Revision(1)), merge: false };
    let edit = Edit::Put(json!({ "x": 2 }).into());
    let mutation =
        Mutation { collection: layers(), document: id("logo"), edit, base: None, if_revision: None };
    let outcome = production.mutate(vec![mutation], late);
    let shown = production.get(&layers(), &id("logo")).unwrap();
    assert_eq!((&*shown.value, shown.pending), (&json!({ "x": 2 }), true));
    assert_eq!(patient("the refusal", outcome).await.unwrap_err().code, "revision-mismatch");
    let shown = production.get(&layers(), &id("logo")).unwrap();
    assert_eq!((&*shown.value, shown.pending), (&json!({ "x": 1 }), false));
    let seen = |wanted: serde_json::Value| {
        move |told: &Told| match told {
            Told::Changed(all) => all.iter().any(|it| it.value.as_deref() == Some(&wanted)).then_some(()),
            _ => None,
        }
    };
    hear(&mut told, seen(json!({ "x": 2 }))).await;
    hear(&mut told, seen(json!({ "x": 1 }))).await;
}

#[tokio::test]
async fn k3_edits_that_did_not_know_of_each_other_are_merged_or_become_a_conflict() {
    let mut stage = Stage::lasting().await;
    let (one, other) = (stage.client(), stage.client());
    let (mine, theirs) = (follow(&one).await, follow(&other).await);
    mine.put(layers(), id("logo"), json!({ "x": 1, "y": 1, "z": 1 })).await.unwrap();
    until_equal(&stage, &[&mine, &theirs]).await;
    stage.stop().await;
    until_state(&one, State::Offline).await;
    until_state(&other, State::Offline).await;
    let outcomes = [
        mine.patch(layers(), id("logo"), json!({ "x": "mine" })),
        theirs.patch(layers(), id("logo"), json!({ "x": "theirs" })),
        mine.patch(layers(), id("logo"), json!({ "y": "mine" })),
        theirs.patch(layers(), id("logo"), json!({ "z": "theirs" })),
    ];
    stage.start().await;
    let mut conflicts = 0;
    for outcome in outcomes {
        let receipt = patient("an outcome", outcome).await.unwrap();
        assert_eq!(receipt.outcome == Outcome::Conflict, !receipt.conflicts.is_empty(), "{receipt:?}");
        conflicts += receipt.conflicts.len();
    }
    assert!(conflicts > 0, "both changed x");
    until_equal(&stage, &[&mine, &theirs]).await;
    let shown = mine.get(&layers(), &id("logo")).unwrap().value;
    assert_eq!((&shown["y"], &shown["z"]), (&json!("mine"), &json!("theirs")));
}

#[tokio::test]
async fn l4_actions_are_answered() {
    let stage = Stage::new().await;
    let client = stage.client();
    let production = follow(&client).await;
    let plan = production.act("start", Some(json!({ "dryRun": true }))).await.unwrap();
    assert!(matches!(&plan, onair_client::Acted::Planned(plan) if plan["steps"].is_array()), "{plan:?}");
    let moved = patient("the show", production.act("start", None)).await;
    assert!(moved.is_ok() || moved.as_ref().is_err_and(|it| it.code == "not-allowed"), "{moved:?}");
    let refused = patient("a refusal", production.act("fly", None)).await.unwrap_err();
    assert_eq!(refused.code, "invalid");
}
