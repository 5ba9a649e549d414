//! Earlier states, resuming, retention, export and import (rows D5, D6, O6; faults F11, F23; input B31).

mod stage;

use bytes::Bytes;
use onair_core::Intent;
use onair_engine::{Engine, Image, Limit};
use onair_runtime::{Error, Handle, Keep, Resume, hub::Format, transfer::Import};
use onair_wire::{After, Cache, Code, Collection, Commit, DocumentId, Epoch, Millis, Revision};
use serde_json::{Value, json};
use stage::{Stage, execute, execute_as, id, intent, put, value};

const ALL: Limit = Limit { records: 10_000, bytes: usize::MAX };

/// A production with some of everything in its log.
async fn played() -> (Stage, Handle) {
    let (stage, handle) = Stage::begun().await;
    for n in 0..10 {
        stage.clock.advance(Millis(1_000));
        execute(&handle, put("logo", json!({"n": n}))).await.expect("put");
        execute_as(
            &handle,
            &format!("m-{n}"),
            intent(json!({"op": "patch", "collection": "layers", "document": "logo", "patch": {"x": n}})),
        )
        .await
        .expect("patched");
    }
    execute(&handle, intent(json!({"op": "delete", "collection": "layers", "document": "logo"})))
        .await
        .expect("deleted");
    (stage, handle)
}

async fn commits(handle: &Handle, after: u64) -> Vec<Commit> {
    let (bodies, _) = handle.commits(Revision(after), ALL).await.expect("kept");
    bodies.iter().map(|body| Commit::decode(body).expect("a commit")).collect()
}

#[tokio::test]
async fn d5_any_earlier_revision_is_the_fold_of_the_commits_up_to_it() {
    let (_stage, handle) = played().await;
    let mut cache = Cache::default();
    for commit in commits(&handle, 0).await {
        cache.apply(&commit).expect("in order");
        let state = handle.state_at(commit.revision).await.expect("kept");
        assert_eq!(state.digest(|_| true), cache.digest(), "revision {}", commit.revision);
    }
    assert_eq!(handle.state_at(Revision(99)).await.expect_err("the future").problem().code, Code::Invalid);
}

#[tokio::test]
async fn d5_resume_from_every_position_comes_to_the_same_state() {
    let (_stage, handle) = played().await;
    let state = handle.state();
    for after in 0..=state.revision().0 {
        let subscription = handle.subscribe(Format::Socket, &None).expect("a place");
        let wanted = After { epoch: Some(handle.epoch().clone()), revision: Revision(after) };
        assert_eq!(handle.resume(Some(&wanted), &state), Resume::After(Revision(after)));
        let mut last = Revision(after);
        while let Some((_, to)) =
            handle.catch_up(&subscription, last, Limit { records: 3, bytes: 1 << 20 }).await.expect("kept")
        {
            assert!(to > last);
            last = to;
        }
        assert_eq!(last, state.revision());
    }
    let foreign = After { epoch: Some(Epoch::new("other").expect("an epoch")), revision: Revision(3) };
    let future = After { epoch: None, revision: Revision(99) };
    for wanted in [None, Some(&foreign), Some(&future)] {
        assert_eq!(handle.resume(wanted, &state), Resume::Snapshot, "{wanted:?}");
    }
}

#[tokio::test]
async fn d2_the_history_of_a_document_has_every_version() {
    let (_stage, handle) = played().await;
    let (collection, document) =
        (Collection::new("layers").expect("a name"), DocumentId::new("logo").expect("a name"));
    let all = handle.history(&collection, &document, 100).await.expect("read");
    assert_eq!((all.len(), all[0].value.is_none(), all[0].revision), (21, true, Revision(22)));
    for version in &all {
        let state = handle.state_at(version.revision).await.expect("kept");
        let then = state.document(&collection, &document).map(|d| Value::clone(d.value()));
        assert_eq!(version.value.as_deref(), then.as_ref(), "revision {}", version.revision);
    }
    let few = handle.history(&collection, &document, 3).await.expect("read");
    assert_eq!(few.iter().map(|v| v.revision.0).collect::<Vec<_>>(), [22, 21, 20]);
    assert_eq!(few[1].value.as_deref(), Some(&json!({"n": 9, "x": 9})));
}

#[tokio::test]
async fn d2_a_version_older_than_memory_is_restored_and_merged_against() {
    let (_stage, handle) = played().await;
    let restore = intent(json!({"op": "restore", "collection": "layers", "document": "logo", "revision": 3}));
    execute(&handle, restore).await.expect("brought back");
    assert_eq!(value(&handle, "logo"), Some(json!({"n": 0, "x": 0})));
    let late = json!({"op": "patch", "collection": "layers", "document": "logo", "patch": {"note": "late"}, "base": 3});
    execute(&handle, intent(late)).await.expect("merged against revision 3");
    assert_eq!(value(&handle, "logo"), Some(json!({"n": 0, "x": 0, "note": "late"})));
}

/// Saves an image as the keeper does, and trims.
async fn forget(stage: &Stage, handle: &Handle, image_at: u64) -> Revision {
    let state = handle.state_at(Revision(image_at)).await.expect("kept");
    let image = Image { revision: Revision(image_at), body: state.image().encode().into() };
    stage.engine.save(handle.id(), handle.epoch(), image).await.expect("saved");
    let head = stage.engine.trim(handle.id(), handle.epoch(), Revision(image_at + 1)).await.expect("trimmed");
    head.oldest
}

#[tokio::test]
async fn d5_beyond_what_is_kept_is_compacted_and_says_what_is() {
    let (stage, handle) = played().await;
    assert_eq!(forget(&stage, &handle, 10).await, Revision(11));
    let again = Stage::over(&stage.engine.storage(), Keep::default());
    let handle = again.productions.open(&id("main")).await.expect("opens from the image");
    assert_eq!((handle.state().oldest(), handle.state().revision()), (Revision(11), Revision(22)));
    for error in [
        handle.commits(Revision(9), ALL).await.map(drop).expect_err("gone"),
        handle.state_at(Revision(9)).await.map(drop).expect_err("gone"),
        execute(
            &handle,
            intent(json!({"op": "restore", "collection": "layers", "document": "logo", "revision": 9})),
        )
        .await
        .map(drop)
        .expect_err("gone"),
    ] {
        let problem = error.problem();
        assert_eq!((problem.code, &problem.more["oldest"]), (Code::Compacted, &json!(11)), "{problem:?}");
    }
    assert_eq!(handle.state_at(Revision(10)).await.expect("the image itself").revision(), Revision(10));
    let after = After { epoch: None, revision: Revision(9) };
    assert_eq!(handle.resume(Some(&after), &handle.state()), Resume::Snapshot);
    assert_eq!(
        execute_as(&handle, "m-9", put("x", json!(1))).await.expect_err("kept").problem().code,
        Code::MutationIdReused
    );
    execute_as(&handle, "m-1", put("x", json!(1))).await.expect("forgotten with its commit");
}

async fn export(handle: &Handle) -> Vec<u8> {
    let mut pieces = handle.export();
    let mut file = Vec::new();
    while let Some(piece) = pieces.recv().await {
        file.extend_from_slice(&piece.expect("no failure"));
    }
    file
}

#[tokio::test]
async fn o6_an_export_is_imported_whole_under_a_new_epoch() {
    for trimmed in [false, true] {
        let (stage, handle) = played().await;
        let handle = if trimmed {
            forget(&stage, &handle, 10).await;
            Stage::over(&stage.engine.storage(), Keep::default())
                .productions
                .open(&id("main"))
                .await
                .expect("opens")
        } else {
            handle
        };
        let file = Bytes::from(export(&handle).await);
        let other = Stage::new();
        let before = other.begin("main").await;
        execute(&before, put("old", json!(1))).await.expect("something to be replaced");
        let import = Import::read(&file).expect("an export");
        let imported = other.productions.import(&id("main"), import).await.expect("imported");
        assert_ne!(imported.epoch(), handle.epoch());
        assert_eq!(imported.state().digest(|_| true), handle.state().digest(|_| true), "trimmed: {trimmed}");
        assert_eq!(imported.state().oldest(), handle.state().oldest());
        execute(&imported, put("new", json!(1))).await.expect("goes on");
        assert!(before.has_ended(), "whoever watched the old one is told");
        assert_eq!(
            execute_as(&imported, "m-9", put("x", json!(1))).await.expect_err("still known").problem().code,
            Code::MutationIdReused
        );
    }
}

#[tokio::test]
async fn b31_a_file_that_is_no_whole_export_is_refused_by_line() {
    let (_stage, handle) = played().await;
    let file = String::from_utf8(export(&handle).await).expect("text");
    let lines: Vec<&str> = file.lines().collect();
    let joined = |lines: &[&str]| format!("{}\n", lines.join("\n"));
    let without = |n: usize| joined(&[&lines[..n], &lines[n + 1..]].concat());
    let table = [
        ("empty", String::new(), 1),
        ("no export", "{}\n".to_owned(), 1),
        ("newer", file.replacen("\"version\":1", "\"version\":2", 1), 1),
        ("cut in a line", file[..file.len() / 2].to_owned(), 0),
        ("no last line", without(lines.len() - 1), 0),
        ("a commit is missing", without(5), 0),
        ("a commit stands twice", joined(&[&lines[..6], &lines[5..]].concat()), 0),
        ("a changed value", file.replacen("\"n\":3", "\"n\":4", 1), 0),
        ("something behind", format!("{file}{{}}\n"), 0),
        ("a duplicate key", file.replacen("\"n\":3", "\"n\":3,\"n\":3", 1), 0),
    ];
    for (name, text, line) in table {
        let error = Import::read(&Bytes::from(text)).expect_err(name);
        let Error::Import { line: found, .. } = &error else { panic!("{name}: {error}") };
        assert!(line == 0 || *found == line, "{name}: {error}");
    }
}

#[tokio::test]
async fn l11_settings_survive_a_restart() {
    let (stage, handle) = Stage::begun().await;
    let patch = json!({"startupTimeout": 20_000});
    execute(&handle, Intent::ChangeSettings(patch.as_object().expect("an object").clone()))
        .await
        .expect("changed");
    let again = Stage::over(&stage.engine.storage(), Keep::default());
    let handle = again.productions.open(&id("main")).await.expect("opens");
    assert_eq!(handle.state().settings().startup_timeout, Millis(20_000));
}

#[tokio::test]
async fn d8_a_log_that_does_not_follow_is_served_up_to_there_and_read_only_and_others_go_on() {
    let (stage, handle) = Stage::begun().await;
    execute(&handle, put("logo", json!(1))).await.expect("done");
    let records = [b"{\"not\":\"a commit\"}".to_vec(), b"garbage".to_vec()];
    for (n, body) in records.into_iter().enumerate() {
        let name = format!("bad-{n}");
        let bad = stage.begin(&name).await;
        execute(&bad, put("logo", json!(1))).await.expect("done");
        let record = onair_engine::Record { revision: Revision(3), body: body.into() };
        stage
            .engine
            .append(bad.id(), bad.epoch(), Revision(2), vec![record])
            .await
            .expect("behind the server's back");
    }
    let again = Stage::over(&stage.engine.storage(), Keep::default());
    for name in ["bad-0", "bad-1"] {
        let bad = again.productions.open(&id(name)).await.expect("opens");
        assert_eq!((bad.state().revision(), value(&bad, "logo")), (Revision(2), Some(json!(1))));
        let problem = execute(&bad, put("logo", json!(2))).await.expect_err("read-only").problem();
        assert!(problem.code == Code::ReadOnly && problem.detail.contains("revision 3"), "{problem:?}");
    }
    let good = again.productions.open(&id("main")).await.expect("opens");
    execute(&good, put("logo", json!(2))).await.expect("others go on");
}

#[tokio::test]
async fn d5_the_keeper_saves_images_and_trims_to_what_is_kept() {
    let storage = onair_engine::memory::Storage::default();
    let keep = Keep { commits: 20, ..Keep::default() };
    let stage = Stage::over(&storage, keep);
    let handle = stage.begin("main").await;
    let text = "x".repeat(200_000);
    let mut n = 0;
    while handle.state().oldest() == Revision(1) {
        n += 1;
        assert!(n < 500, "nothing was forgotten after {n} commits");
        execute_as(&handle, &format!("m-{n}"), put("logo", json!({"n": n, "text": text})))
            .await
            .expect("put");
    }
    let (oldest, last) = (handle.state().oldest(), handle.state().revision());
    assert!(last.0 - oldest.0 >= 19 && handle.state().mutations().len() <= n, "{oldest} to {last}");
    assert!(stage.productions.figures().counted().images >= 1);
    let again = Stage::over(&storage, keep);
    let reopened = again.productions.open(&id("main")).await.expect("opens from the image");
    assert_eq!(reopened.state().digest(|_| true), handle.state().digest(|_| true));
    let known = execute_as(&reopened, &format!("m-{n}"), put("logo", json!({"n": n, "text": text})))
        .await
        .expect("known");
    assert_eq!(known.revision, last, "mutation ids that are kept survive the image");
}

#[tokio::test]
async fn d5_an_image_that_is_due_is_saved_when_the_log_is_opened() {
    let stage = Stage::new();
    let handle = stage.begin("main").await;
    let text = "x".repeat(200_000);
    for n in 0..45 {
        execute(&handle, put("logo", json!({"n": n, "text": text}))).await.expect("put");
    }
    // The same log as a server leaves it that died before it saved an image.
    let storage = onair_engine::memory::Storage::default();
    let engine = onair_engine::memory::Memory::open(&storage);
    engine.create(handle.id(), handle.epoch()).await.expect("made");
    let (mut at, last) = (Revision::ZERO, handle.state().revision());
    while at < last {
        let records = stage.engine.read(handle.id(), handle.epoch(), at, ALL).await.expect("kept");
        let read = records.last().expect("dense").revision;
        engine.append(handle.id(), handle.epoch(), at, records).await.expect("appended");
        at = read;
    }
    drop(engine);
    let again = Stage::over(&storage, Keep::default());
    let reopened = again.productions.open(&id("main")).await.expect("opens");
    assert_eq!(reopened.state().digest(|_| true), handle.state().digest(|_| true));
    let image = async || again.engine.load(reopened.id(), reopened.epoch(), last).await.expect("it reads");
    for _ in 0..10_000 {
        if image().await.is_some() {
            break;
        }
        tokio::task::yield_now().await;
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    assert_eq!(image().await.expect("without a write").revision, last);
}

#[tokio::test]
async fn d5_the_keeper_forgets_by_age_too() {
    let storage = onair_engine::memory::Storage::default();
    let keep = Keep { age: Millis(10_000), ..Keep::default() };
    let stage = Stage::over(&storage, keep);
    let handle = stage.begin("main").await;
    let text = "x".repeat(200_000);
    let mut n = 0;
    while handle.state().oldest() == Revision(1) {
        n += 1;
        assert!(n < 500, "nothing was forgotten after {n} commits");
        stage.clock.advance(Millis(1_000));
        execute(&handle, put("logo", json!({"n": n, "text": text}))).await.expect("put");
    }
    let first = handle.commits(handle.state().oldest().previous(), ALL).await.expect("kept").0;
    let first = Commit::decode(&first[0]).expect("a commit");
    assert!(first.at.until(handle.state().at()) >= Millis(9_000), "what is younger is kept");
}
