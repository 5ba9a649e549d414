//! Promise 9: images help, and never cost a record.

use bytes::Bytes;
use onair_wire::Revision;

use super::{Subject, append, body, check, epoch, id, open, with};
use crate::{Engine, Image};

fn image(revision: u64) -> Image {
    Image { revision: Revision(revision), body: body("image", "e1", revision) }
}

pub(super) async fn save(engine: &dyn Engine, revision: u64) {
    engine.save(&id("a"), &epoch("e1"), image(revision)).await.expect("saved");
}

async fn load(engine: &dyn Engine, at: u64) -> Option<u64> {
    let loaded = engine.load(&id("a"), &epoch("e1"), Revision(at)).await.expect("loaded")?;
    assert_eq!(loaded, image(loaded.revision.0), "the image that was saved");
    Some(loaded.revision.0)
}

/// `load` takes the newest that is not behind the wanted revision.
pub async fn d8_the_newest_image_at_or_before_is_loaded(subject: &dyn Subject) {
    let engine = with(subject, &["a", "b"]).await;
    append(&*engine, "a", 0, 20).await.expect("appended");
    assert_eq!(load(&*engine, 20).await, None);
    for revision in [5, 12, 20] {
        save(&*engine, revision).await;
    }
    for (at, wanted) in
        [(4, None), (5, Some(5)), (11, Some(5)), (12, Some(12)), (19, Some(12)), (99, Some(20))]
    {
        assert_eq!(load(&*engine, at).await, wanted, "at {at}");
    }
    assert_eq!(engine.load(&id("b"), &epoch("e1"), Revision(99)).await, Ok(None));
}

/// Promise 3 for `save`; an image saved twice is there once.
pub async fn d8_images_survive_reopening(subject: &dyn Subject) {
    let engine = with(subject, &["a"]).await;
    append(&*engine, "a", 0, 9).await.expect("appended");
    save(&*engine, 9).await;
    save(&*engine, 9).await;
    drop(engine);
    let engine = open(subject).await;
    assert_eq!(load(&*engine, 9).await, Some(9));
    assert_eq!(load(&*engine, 8).await, None);
}

/// Bodies of an empty, a small and a several-megabyte image come back as they were.
pub async fn d8_large_images_come_back_whole(subject: &dyn Subject) {
    let engine = with(subject, &["a"]).await;
    append(&*engine, "a", 0, 3).await.expect("appended");
    let body = |size: usize| -> Bytes { (0..=250u8).cycle().take(size).collect::<Vec<u8>>().into() };
    for (revision, size) in [(1, 0), (2, 1), (3, 5 * 1024 * 1024 + 17)] {
        let image = Image { revision: Revision(revision), body: body(size) };
        engine.save(&id("a"), &epoch("e1"), image).await.expect("saved");
    }
    drop(engine);
    let engine = open(subject).await;
    for (revision, size) in [(1, 0), (2, 1), (3, 5 * 1024 * 1024 + 17)] {
        let loaded = engine.load(&id("a"), &epoch("e1"), Revision(revision)).await.expect("loaded");
        assert!(loaded == Some(Image { revision: Revision(revision), body: body(size) }), "{size} bytes");
    }
}

/// Promise 9: records go only up to the image that stays.
pub async fn d5_trim_keeps_what_no_image_covers(subject: &dyn Subject) {
    let engine = with(subject, &["a"]).await;
    append(&*engine, "a", 0, 20).await.expect("appended");
    save(&*engine, 5).await;
    save(&*engine, 12).await;
    // (keep_from, oldest then, the oldest image then)
    for (keep_from, oldest, kept) in
        [(5, 1, 5), (6, 6, 5), (12, 6, 5), (13, 13, 12), (99, 13, 12), (1, 13, 12)]
    {
        let head = engine.trim(&id("a"), &epoch("e1"), Revision(keep_from)).await.expect("trimmed");
        assert_eq!((head.oldest.0, head.last.0), (oldest, 20), "keeping from {keep_from}");
        check(&*engine, "a", "e1", oldest, 20).await;
        assert_eq!(load(&*engine, kept).await, Some(kept));
        assert_eq!(load(&*engine, kept - 1).await, None);
    }
}

/// Promise 9: without an image before `keep_from` nothing may go.
pub async fn d5_trim_without_an_image_does_nothing(subject: &dyn Subject) {
    let engine = with(subject, &["a"]).await;
    append(&*engine, "a", 0, 8).await.expect("appended");
    save(&*engine, 8).await;
    let head = engine.trim(&id("a"), &epoch("e1"), Revision(8)).await.expect("trimmed");
    assert_eq!((head.oldest.0, head.last.0), (1, 8));
    check(&*engine, "a", "e1", 1, 8).await;
}

/// Promise 3 for `trim`, and that the log goes on behind it.
pub async fn d5_a_trimmed_log_goes_on_after_reopening(subject: &dyn Subject) {
    let engine = with(subject, &["a"]).await;
    append(&*engine, "a", 0, 3000).await.expect("appended");
    save(&*engine, 2500).await;
    engine.trim(&id("a"), &epoch("e1"), Revision(2600)).await.expect("trimmed");
    drop(engine);
    let engine = open(subject).await;
    check(&*engine, "a", "e1", 2501, 3000).await;
    append(&*engine, "a", 3000, 5).await.expect("appended");
    check(&*engine, "a", "e1", 2501, 3005).await;
    assert_eq!(load(&*engine, 3005).await, Some(2500));
}

/// A log without a record left still knows where it is: no revision is used twice (promise 4).
pub async fn d5_a_log_trimmed_to_its_end_keeps_its_head(subject: &dyn Subject) {
    let engine = with(subject, &["a"]).await;
    append(&*engine, "a", 0, 7).await.expect("appended");
    save(&*engine, 7).await;
    engine.trim(&id("a"), &epoch("e1"), Revision(8)).await.expect("trimmed");
    check(&*engine, "a", "e1", 8, 7).await;
    drop(engine);
    let engine = open(subject).await;
    check(&*engine, "a", "e1", 8, 7).await;
    append(&*engine, "a", 7, 1).await.expect("appended");
    check(&*engine, "a", "e1", 8, 8).await;
}
