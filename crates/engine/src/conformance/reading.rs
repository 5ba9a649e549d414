//! Promises 3 and 4: what was answered stays, and reading pages through it without a gap.

use onair_wire::Revision;

use super::{EVERYTHING, Subject, append, check, epoch, id, open, records, with};
use crate::{Engine, Error, Limit, Record};

/// Promise 3, by closing and by dropping.
pub async fn d7_what_was_answered_is_there_after_reopening(subject: &dyn Subject) {
    let mut engine = with(subject, &["a", "b"]).await;
    for round in 0..4 {
        append(&*engine, "a", round * 5, 5).await.expect("appended");
        append(&*engine, "b", round, 1).await.expect("appended");
        if round % 2 == 0 {
            engine.close().await.expect("closed");
        }
        drop(engine);
        engine = open(subject).await;
        check(&*engine, "a", "e1", 1, (round + 1) * 5).await;
        check(&*engine, "b", "e1", 1, round + 1).await;
    }
}

async fn page(engine: &dyn Engine, after: u64, limit: Limit) -> Vec<Record> {
    engine.read(&id("a"), &epoch("e1"), Revision(after), limit).await.expect("readable")
}

/// Every page size gives the same log.
pub async fn d5_reading_pages_without_gap_or_repeat(subject: &dyn Subject) {
    let engine = with(subject, &["a"]).await;
    append(&*engine, "a", 0, 100).await.expect("appended");
    for size in [1, 7, 99, 100, 101] {
        let mut all = Vec::new();
        loop {
            let after = all.last().map_or(0, |record: &Record| record.revision.0);
            let read = page(&*engine, after, Limit { records: size, bytes: usize::MAX }).await;
            assert!(read.len() <= size);
            if read.is_empty() {
                break;
            }
            all.extend(read);
        }
        assert_eq!(all, records("a", "e1", 0, 100), "in pages of {size}");
    }
    assert!(page(&*engine, 100, EVERYTHING).await.is_empty());
    assert!(page(&*engine, 1000, EVERYTHING).await.is_empty());
}

/// The limit in bytes counts bodies; a limit too small for one record still answers one.
pub async fn d5_limits_answer_at_least_one_record(subject: &dyn Subject) {
    let engine = with(subject, &["a"]).await;
    append(&*engine, "a", 0, 10).await.expect("appended");
    let written = records("a", "e1", 0, 10);
    assert_eq!(page(&*engine, 3, Limit { records: 5, bytes: 1 }).await, written[3..4]);
    assert_eq!(page(&*engine, 3, Limit { records: 1, bytes: usize::MAX }).await, written[3..4]);
    let three: usize = written[2..5].iter().map(|record| record.body.len()).sum();
    assert_eq!(page(&*engine, 2, Limit { records: 100, bytes: three }).await, written[2..5]);
    assert_eq!(page(&*engine, 2, Limit { records: 100, bytes: three - 1 }).await, written[2..4]);
    let unknown = engine.read(&id("z"), &epoch("e1"), Revision::ZERO, EVERYTHING).await;
    assert_eq!(unknown, Err(Error::NotFound { production: id("z") }));
}

/// A position that was trimmed away is not an error: the caller compares.
pub async fn d5_reading_before_the_oldest_begins_there(subject: &dyn Subject) {
    let engine = with(subject, &["a"]).await;
    append(&*engine, "a", 0, 10).await.expect("appended");
    super::images::save(&*engine, 6).await;
    engine.trim(&id("a"), &epoch("e1"), Revision(7)).await.expect("trimmed");
    for after in [0, 3, 6] {
        assert_eq!(page(&*engine, after, EVERYTHING).await, records("a", "e1", 6, 4), "after {after}");
    }
}
