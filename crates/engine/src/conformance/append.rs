//! Promises 1, 2, 4 and 5: appending.

use bytes::Bytes;
use onair_wire::Revision;

use super::{Subject, append, check, epoch, id, join_all, open, records, with};
use crate::{APPEND_BYTES_MAX, BoxFuture, Error, Record};

/// Promise 1: compare and set, told with where the log is.
pub async fn d7_of_two_that_name_one_revision_one_moves(subject: &dyn Subject) {
    let engine = with(subject, &["a"]).await;
    assert_eq!(append(&*engine, "a", 0, 3).await, Ok(Revision(3)));
    for (expected, count) in [(0, 1), (2, 5), (4, 1)] {
        assert_eq!(
            append(&*engine, "a", expected, count).await,
            Err(Error::Moved { expected: Revision(expected), last: Revision(3) })
        );
    }
    check(&*engine, "a", "e1", 1, 3).await;
}

/// Promises 1 and 4: of many at once exactly one wins each revision, and every loser learns a head it can go on from.
pub async fn d7_losers_are_answered_and_winners_are_dense(subject: &dyn Subject) {
    const WRITERS: usize = 32;
    let engine = with(subject, &["a"]).await;
    let (mut expected, mut moved) = (0, 0);
    for _ in 0..8 {
        let tries: Vec<BoxFuture<'_, Revision>> = (0..WRITERS)
            .map(|_| -> BoxFuture<'_, Revision> { Box::pin(append(&*engine, "a", expected, 1)) })
            .collect();
        let mut won = 0;
        for answer in join_all(tries).await {
            match answer {
                Ok(revision) => {
                    won += 1;
                    assert_eq!(revision, Revision(expected + 1));
                }
                Err(Error::Moved { last, .. }) => {
                    moved += 1;
                    assert_eq!(last, Revision(expected + 1), "a loser is told the pending head");
                }
                Err(other) => panic!("neither won nor moved: {other}"),
            }
        }
        assert_eq!(won, 1, "winners of revision {}", expected + 1);
        expected += 1;
    }
    assert_eq!(moved, 8 * (WRITERS - 1));
    check(&*engine, "a", "e1", 1, expected).await;
}

/// Promise 1: the head that counts is the pending one, so a writer may go on without waiting for the flush.
pub async fn d7_a_pipeline_behind_the_pending_head_is_taken_in_order(subject: &dyn Subject) {
    let engine = with(subject, &["a"]).await;
    let line: Vec<BoxFuture<'_, Revision>> =
        (0..50).map(|i| -> BoxFuture<'_, Revision> { Box::pin(append(&*engine, "a", 2 * i, 2)) }).collect();
    let answers = join_all(line).await;
    let wanted: Vec<Result<Revision, Error>> = (1..=50).map(|i| Ok(Revision(2 * i))).collect();
    assert_eq!(answers, wanted);
    check(&*engine, "a", "e1", 1, 100).await;
}

/// Promise 2: what was refused is nowhere, neither now nor after opening again.
pub async fn d7_a_loser_leaves_nothing_behind(subject: &dyn Subject) {
    let engine = with(subject, &["a"]).await;
    append(&*engine, "a", 0, 2).await.expect("appended");
    append(&*engine, "a", 1, 3).await.expect_err("moved");
    engine.close().await.expect("closed");
    drop(engine);
    let engine = open(subject).await;
    check(&*engine, "a", "e1", 1, 2).await;
}

/// Promise 5: appends to many productions that wait at the same time share flushes.
pub async fn d7_one_flush_serves_many(subject: &dyn Subject) {
    const PRODUCTIONS: usize = 64;
    const ROUNDS: u64 = 4;
    let names: Vec<String> = (0..PRODUCTIONS).map(|i| format!("p{i}")).collect();
    let engine = with(subject, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let before = engine.figures();
    for round in 0..ROUNDS {
        let wave: Vec<BoxFuture<'_, Revision>> = names
            .iter()
            .map(|name| -> BoxFuture<'_, Revision> { Box::pin(append(&*engine, name, round, 1)) })
            .collect();
        for answer in join_all(wave).await {
            assert_eq!(answer, Ok(Revision(round + 1)));
        }
    }
    let after = engine.figures();
    let appends = PRODUCTIONS as u64 * ROUNDS;
    assert_eq!(after.records - before.records, appends);
    let flushes = after.flushes - before.flushes;
    assert!(flushes < appends / 2, "{flushes} flushes for {appends} appends");
    for name in &names {
        check(&*engine, name, "e1", 1, ROUNDS).await;
    }
}

/// A batch over [`APPEND_BYTES_MAX`] is refused, not split; one that just fits is taken.
pub async fn p_an_append_over_the_limit_is_refused_whole(subject: &dyn Subject) {
    let engine = with(subject, &["a"]).await;
    let half = Bytes::from(vec![7; APPEND_BYTES_MAX / 2]);
    let two = |second: Bytes| {
        vec![
            Record { revision: Revision(1), body: half.clone() },
            Record { revision: Revision(2), body: second },
        ]
    };
    let over = Bytes::from(vec![7; APPEND_BYTES_MAX / 2 + 1]);
    assert_eq!(
        engine.append(&id("a"), &epoch("e1"), Revision::ZERO, two(over)).await,
        Err(Error::TooLarge { bytes: APPEND_BYTES_MAX + 1, limit: APPEND_BYTES_MAX })
    );
    let answer = engine.append(&id("a"), &epoch("e1"), Revision::ZERO, two(half.clone())).await;
    assert_eq!(answer, Ok(Revision(2)));
    let read =
        engine.read(&id("a"), &epoch("e1"), Revision::ZERO, super::EVERYTHING).await.expect("readable");
    assert_eq!(read, two(half.clone()));
}

/// Promise 2: one append, one step, however many records.
pub async fn d7_many_records_in_one_append_are_one_step(subject: &dyn Subject) {
    let engine = with(subject, &["a", "b"]).await;
    let before = engine.figures();
    assert_eq!(append(&*engine, "a", 0, 2000).await, Ok(Revision(2000)));
    let figures = engine.figures();
    assert!(figures.flushes - before.flushes <= 1, "one append is one flush");
    assert_eq!(figures.records - before.records, 2000);
    let bytes: usize = records("a", "e1", 0, 2000).iter().map(|record| record.body.len()).sum();
    assert_eq!(figures.bytes - before.bytes, bytes as u64);
    drop(engine);
    let engine = open(subject).await;
    check(&*engine, "a", "e1", 1, 2000).await;
    check(&*engine, "b", "e1", 1, 0).await;
}
