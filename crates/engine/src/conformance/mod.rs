//! The promises of [`Engine`], each as a test that any engine can run: a factory and one macro.
//!
//! ```text
//! onair_engine::conformance!(MySubject::new());
//! ```
//!
//! The functions take no runtime: what is concurrent here is polled by hand, so that the order of events is the
//! same in every run. The macro brings `#[tokio::test]`, so the crate that uses it needs tokio for its tests.

pub mod append;
pub mod faults;
pub mod images;
pub mod logs;
pub mod reading;

use std::{future::poll_fn, pin::Pin, sync::Arc, task::Poll};

use bytes::Bytes;
use onair_wire::{Epoch, ProductionId, Revision};

use crate::{BoxFuture, Engine, Error, Limit, Record};

/// An engine to be put to the test: a storage that can be opened again and again.
pub trait Subject: Send + Sync {
    /// Opens the storage. Called again it opens the same one; the engine opened before was closed or dropped.
    fn open(&self) -> BoxFuture<'_, Arc<dyn Engine>>;

    /// Makes the next append of the engine opened last fail with unknown outcome; `false` when that cannot be done.
    fn fail_next_append(&self) -> bool {
        false
    }

    /// Changes a byte of a stored record while nothing is open; `false` when that cannot be done.
    fn damage(&self, _production: &ProductionId, _revision: Revision) -> bool {
        false
    }
}

/// Emits one `#[tokio::test]` per promise for the [`Subject`] that the expression makes anew each time.
#[macro_export]
macro_rules! conformance {
    ($subject:expr) => {
        $crate::conformance!(@each $subject;
            append d7_of_two_that_name_one_revision_one_moves,
            append d7_losers_are_answered_and_winners_are_dense,
            append d7_a_pipeline_behind_the_pending_head_is_taken_in_order,
            append d7_a_loser_leaves_nothing_behind,
            append d7_one_flush_serves_many,
            append p_an_append_over_the_limit_is_refused_whole,
            append d7_many_records_in_one_append_are_one_step,
            reading d7_what_was_answered_is_there_after_reopening,
            reading d5_reading_pages_without_gap_or_repeat,
            reading d5_limits_answer_at_least_one_record,
            reading d5_reading_before_the_oldest_begins_there,
            logs o6_an_old_epoch_is_told_so_and_does_nothing,
            logs o6_replace_puts_a_whole_log_in_place,
            logs o6_replace_is_there_after_reopening,
            logs a_production_is_created_once,
            logs a_removed_production_is_gone_for_good,
            logs listing_pages_in_the_order_of_names,
            logs closing_twice_is_harmless,
            images d8_the_newest_image_at_or_before_is_loaded,
            images d8_images_survive_reopening,
            images d8_large_images_come_back_whole,
            images d5_trim_keeps_what_no_image_covers,
            images d5_trim_without_an_image_does_nothing,
            images d5_a_trimmed_log_goes_on_after_reopening,
            images d5_a_log_trimmed_to_its_end_keeps_its_head,
            faults d7_a_failed_write_closes_the_handle,
            faults d8_a_damaged_record_is_named_and_others_go_on,
        );
    };
    (@each $subject:expr; $($module:ident $name:ident,)*) => {
        $(
            #[::tokio::test]
            async fn $name() {
                $crate::conformance::$module::$name(&$subject).await;
            }
        )*
    };
}

/// More than any test here writes.
const EVERYTHING: Limit = Limit { records: usize::MAX, bytes: usize::MAX };

fn id(name: &str) -> ProductionId {
    ProductionId::new(name).expect("a test's production id")
}

fn epoch(name: &str) -> Epoch {
    Epoch::new(name).expect("a test's epoch")
}

/// `count` records behind `after`; the body tells production, epoch and revision, so that a mixed-up one shows.
fn records(name: &str, epoch: &str, after: u64, count: u64) -> Vec<Record> {
    (after + 1..=after + count)
        .map(|revision| Record { revision: Revision(revision), body: body(name, epoch, revision) })
        .collect()
}

fn body(name: &str, epoch: &str, revision: u64) -> Bytes {
    format!("{name}/{epoch}/{revision}/{}", "x".repeat(usize::try_from(revision % 97).expect("small"))).into()
}

async fn open(subject: &dyn Subject) -> Arc<dyn Engine> {
    subject.open().await.expect("the subject opens")
}

/// An open engine with the named productions, all with epoch `e1`.
async fn with(subject: &dyn Subject, names: &[&str]) -> Arc<dyn Engine> {
    let engine = open(subject).await;
    for name in names {
        engine.create(&id(name), &epoch("e1")).await.expect("created");
    }
    engine
}

async fn append(engine: &dyn Engine, name: &str, after: u64, count: u64) -> Result<Revision, Error> {
    let records = records(name, "e1", after, count);
    engine.append(&id(name), &epoch("e1"), Revision(after), records).await
}

/// Everything there is, and that it is dense and what was written.
async fn check(engine: &dyn Engine, name: &str, of: &str, oldest: u64, last: u64) {
    let head = engine.head(&id(name)).await.expect("a head").expect("a log");
    assert_eq!((head.epoch.as_str(), head.oldest.0, head.last.0), (of, oldest, last), "the head of {name}");
    let read = engine.read(&id(name), &epoch(of), Revision::ZERO, EVERYTHING).await.expect("readable");
    let wanted = records(name, of, oldest - 1, last + 1 - oldest);
    assert_eq!(read, wanted, "the records of {name}");
}

/// Polls all futures in their order until all are done.
async fn join_all<T>(futures: Vec<BoxFuture<'_, T>>) -> Vec<Result<T, Error>> {
    enum Slot<'a, T> {
        Open(BoxFuture<'a, T>),
        Done(Result<T, Error>),
    }
    let mut slots: Vec<Slot<'_, T>> = futures.into_iter().map(Slot::Open).collect();
    poll_fn(|context| {
        let mut open = 0;
        for slot in &mut slots {
            if let Slot::Open(future) = slot {
                match Pin::new(future).poll(context) {
                    Poll::Ready(result) => *slot = Slot::Done(result),
                    Poll::Pending => open += 1,
                }
            }
        }
        if open == 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    let done = |slot| match slot {
        Slot::Done(result) => result,
        Slot::Open(_) => unreachable!("the loop above ends when none is open"),
    };
    slots.into_iter().map(done).collect()
}
