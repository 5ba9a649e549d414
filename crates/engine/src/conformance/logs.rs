//! Promise 8 and the life of a log: created, replaced, removed, listed, closed.

use onair_wire::Revision;

use super::{EVERYTHING, Subject, append, body, check, epoch, id, open, records, with};
use crate::{Error, Head, Image};

/// Promise 8: after a replacement the old epoch is refused by every call, and nothing changed.
pub async fn o6_an_old_epoch_is_told_so_and_does_nothing(subject: &dyn Subject) {
    let engine = with(subject, &["a"]).await;
    append(&*engine, "a", 0, 3).await.expect("appended");
    engine.replace(&id("a"), &epoch("e2"), None, records("a", "e2", 0, 3)).await.expect("replaced");
    let (a, old) = (id("a"), epoch("e1"));
    let replaced = Error::Replaced { production: a.clone() };
    let image = Image { revision: Revision(1), body: "image".into() };
    assert_eq!(append(&*engine, "a", 3, 1).await, Err(replaced.clone()));
    assert_eq!(engine.read(&a, &old, Revision::ZERO, EVERYTHING).await, Err(replaced.clone()));
    assert_eq!(engine.save(&a, &old, image).await, Err(replaced.clone()));
    assert_eq!(engine.load(&a, &old, Revision(9)).await, Err(replaced.clone()));
    assert_eq!(engine.trim(&a, &old, Revision(9)).await, Err(replaced));
    check(&*engine, "a", "e2", 1, 3).await;
}

/// Import: an image and the records behind it, in the place of a log or of none.
pub async fn o6_replace_puts_a_whole_log_in_place(subject: &dyn Subject) {
    let engine = with(subject, &["a"]).await;
    append(&*engine, "a", 0, 30).await.expect("appended");
    let image = Image { revision: Revision(40), body: body("a", "e2", 40) };
    for name in ["a", "new"] {
        let records = records(name, "e2", 40, 5);
        let head = engine.replace(&id(name), &epoch("e2"), Some(image.clone()), records).await;
        assert_eq!(head, Ok(Head { epoch: epoch("e2"), oldest: Revision(41), last: Revision(45) }));
        check(&*engine, name, "e2", 41, 45).await;
        assert_eq!(engine.load(&id(name), &epoch("e2"), Revision(45)).await, Ok(Some(image.clone())));
        let more = super::records(name, "e2", 45, 1);
        assert_eq!(engine.append(&id(name), &epoch("e2"), Revision(45), more).await, Ok(Revision(46)));
    }
}

/// Promise 3 for `replace`, and that nothing of the former log shows.
pub async fn o6_replace_is_there_after_reopening(subject: &dyn Subject) {
    let engine = with(subject, &["a", "b"]).await;
    append(&*engine, "a", 0, 30).await.expect("appended");
    append(&*engine, "b", 0, 3).await.expect("appended");
    engine.replace(&id("a"), &epoch("e2"), None, records("a", "e2", 0, 4)).await.expect("replaced");
    engine.replace(&id("b"), &epoch("e2"), None, Vec::new()).await.expect("replaced");
    drop(engine);
    let engine = open(subject).await;
    check(&*engine, "a", "e2", 1, 4).await;
    check(&*engine, "b", "e2", 1, 0).await;
    let more = records("a", "e2", 4, 2);
    assert_eq!(engine.append(&id("a"), &epoch("e2"), Revision(4), more).await, Ok(Revision(6)));
    check(&*engine, "a", "e2", 1, 6).await;
}

/// A second creation is refused and leaves the log alone; an unknown production is said to be unknown.
pub async fn a_production_is_created_once(subject: &dyn Subject) {
    let engine = open(subject).await;
    assert_eq!(engine.head(&id("a")).await, Ok(None));
    let empty = Head { epoch: epoch("e1"), oldest: Revision(1), last: Revision::ZERO };
    assert_eq!(engine.create(&id("a"), &epoch("e1")).await, Ok(empty.clone()));
    assert_eq!(engine.create(&id("a"), &epoch("e2")).await, Err(Error::Exists { production: id("a") }));
    assert_eq!(engine.head(&id("a")).await, Ok(Some(empty)));
    assert_eq!(append(&*engine, "z", 0, 1).await, Err(Error::NotFound { production: id("z") }));
    drop(engine);
    check(&*open(subject).await, "a", "e1", 1, 0).await;
}

/// Removed is removed, also after opening again; one of the same name begins empty.
pub async fn a_removed_production_is_gone_for_good(subject: &dyn Subject) {
    let engine = with(subject, &["a", "b"]).await;
    append(&*engine, "a", 0, 20).await.expect("appended");
    append(&*engine, "b", 0, 2).await.expect("appended");
    engine.remove(&id("a")).await.expect("removed");
    let gone = Error::NotFound { production: id("a") };
    assert_eq!(engine.remove(&id("a")).await, Err(gone.clone()));
    assert_eq!(append(&*engine, "a", 20, 1).await, Err(gone.clone()));
    assert_eq!(engine.read(&id("a"), &epoch("e1"), Revision::ZERO, EVERYTHING).await, Err(gone));
    drop(engine);
    let engine = open(subject).await;
    assert_eq!(engine.head(&id("a")).await, Ok(None));
    engine.create(&id("a"), &epoch("e9")).await.expect("created anew");
    check(&*engine, "a", "e9", 1, 0).await;
    assert_eq!(engine.load(&id("a"), &epoch("e9"), Revision(99)).await, Ok(None));
    check(&*engine, "b", "e1", 1, 2).await;
}

/// Pages of every size, in the order of names, with the head of each.
pub async fn listing_pages_in_the_order_of_names(subject: &dyn Subject) {
    let names = ["10", "9", "A", "Z", "a", "a-b", "b", "main", "main2", "~"];
    let mut shuffled = names;
    shuffled.reverse();
    shuffled.swap(1, 7);
    let engine = with(subject, &shuffled).await;
    append(&*engine, "main", 0, 3).await.expect("appended");
    for size in [1, 3, 10, 100] {
        let mut listed = Vec::new();
        loop {
            let page = engine.list(listed.last(), size).await.expect("listed");
            assert!(page.len() <= size);
            if page.is_empty() {
                break;
            }
            for (name, head) in page {
                assert_eq!(head.last.0, if name.as_str() == "main" { 3 } else { 0 });
                listed.push(name);
            }
        }
        assert_eq!(listed, names.map(id), "in pages of {size}");
    }
    assert_eq!(engine.list(Some(&id("nothing-of-the-sort")), 1).await.expect("listed")[0].0, id("~"));
}

/// After closing everything is refused, and closing again changes nothing.
pub async fn closing_twice_is_harmless(subject: &dyn Subject) {
    let engine = with(subject, &["a"]).await;
    append(&*engine, "a", 0, 1).await.expect("appended");
    engine.close().await.expect("closed");
    engine.close().await.expect("closed again");
    let (a, e1) = (id("a"), epoch("e1"));
    assert_eq!(append(&*engine, "a", 1, 1).await, Err(Error::Closed));
    assert_eq!(engine.create(&id("b"), &e1).await, Err(Error::Closed));
    assert_eq!(engine.head(&a).await, Err(Error::Closed));
    assert_eq!(engine.read(&a, &e1, Revision::ZERO, EVERYTHING).await, Err(Error::Closed));
    assert_eq!(engine.load(&a, &e1, Revision(1)).await, Err(Error::Closed));
    assert_eq!(engine.remove(&a).await, Err(Error::Closed));
    assert_eq!(engine.list(None, 1).await, Err(Error::Closed));
    let again = open(subject).await;
    check(&*again, "a", "e1", 1, 1).await;
}
