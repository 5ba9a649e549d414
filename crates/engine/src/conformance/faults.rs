//! Promises 6 and 7, for subjects that can be made to fail.

use onair_wire::Revision;

use super::{EVERYTHING, Subject, append, check, epoch, id, open, records, with};
use crate::{Error, Image};

/// Promise 7: unknown outcome, then nothing more is taken while reads go on; opening anew mends it.
pub async fn d7_a_failed_write_closes_the_handle(subject: &dyn Subject) {
    let engine = with(subject, &["a", "b"]).await;
    append(&*engine, "a", 0, 3).await.expect("appended");
    append(&*engine, "b", 0, 1).await.expect("appended");
    if !subject.fail_next_append() {
        return;
    }
    let failed = append(&*engine, "a", 3, 1).await.expect_err("told to fail");
    assert!(matches!(failed, Error::Unavailable { .. }), "{failed}");
    let (a, e1) = (id("a"), epoch("e1"));
    let image = Image { revision: Revision(1), body: "image".into() };
    let refusals = [
        append(&*engine, "b", 1, 1).await.map(drop),
        engine.save(&a, &e1, image).await,
        engine.trim(&a, &e1, Revision(2)).await.map(drop),
        engine.create(&id("c"), &e1).await.map(drop),
        engine.replace(&a, &epoch("e2"), None, records("a", "e2", 0, 1)).await.map(drop),
        engine.remove(&a).await,
    ];
    for refusal in refusals {
        assert!(matches!(refusal, Err(Error::ReadOnly { .. })), "{refusal:?}");
    }
    assert!(engine.figures().read_only.is_some());
    check(&*engine, "a", "e1", 1, 3).await;
    check(&*engine, "b", "e1", 1, 1).await;
    drop(engine);
    let engine = open(subject).await;
    assert_eq!(engine.figures().read_only, None);
    let last = engine.head(&a).await.expect("a head").expect("a log").last;
    assert!(last == Revision(3) || last == Revision(4), "the outcome is one of two, not {last}");
    append(&*engine, "a", last.0, 2).await.expect("appended");
    check(&*engine, "a", "e1", 1, last.0 + 2).await;
}

/// Promise 6: records before the damage are served, it is named, and the neighbours go on.
pub async fn d8_a_damaged_record_is_named_and_others_go_on(subject: &dyn Subject) {
    let engine = with(subject, &["a", "b"]).await;
    append(&*engine, "a", 0, 20).await.expect("appended");
    append(&*engine, "b", 0, 20).await.expect("appended");
    engine.close().await.expect("closed");
    drop(engine);
    if !subject.damage(&id("a"), Revision(8)) {
        return;
    }
    let engine = open(subject).await;
    let (a, e1) = (id("a"), epoch("e1"));
    let before = engine.read(&a, &e1, Revision::ZERO, EVERYTHING).await.expect("readable to there");
    assert_eq!(before, records("a", "e1", 0, 7));
    for after in [7, 6] {
        let read = engine.read(&a, &e1, Revision(after), super::Limit { records: 1, bytes: 1 }).await;
        match read {
            Ok(read) => assert_eq!((after, read), (6, records("a", "e1", 6, 1))),
            Err(Error::Corrupt { production, revision, .. }) => {
                assert_eq!((after, production, revision), (7, a.clone(), Revision(8)));
            }
            Err(other) => panic!("damage is not told as such: {other}"),
        }
    }
    check(&*engine, "b", "e1", 1, 20).await;
    append(&*engine, "b", 20, 1).await.expect("appended");
}
