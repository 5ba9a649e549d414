//! What the memory engine can be told to do for the tests of others: hold, fail, be away.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
};

use onair_engine::{BoxFuture, Engine, Error, Record, memory::Memory};
use onair_wire::{Epoch, ProductionId, Revision};

fn append(engine: &Arc<Memory>, after: u64) -> BoxFuture<'static, Revision> {
    let engine = engine.clone();
    let (production, epoch) = names();
    let records = vec![Record { revision: Revision(after + 1), body: "{}".into() }];
    Box::pin(async move { engine.append(&production, &epoch, Revision(after), records).await })
}

fn names() -> (ProductionId, Epoch) {
    (ProductionId::new("a").unwrap(), Epoch::new("e1").unwrap())
}

async fn last(engine: &Memory) -> u64 {
    engine.head(&names().0).await.unwrap().unwrap().last.0
}

async fn engine() -> Arc<Memory> {
    let engine = Arc::new(Memory::new());
    engine.create(&names().0, &names().1).await.unwrap();
    engine
}

#[tokio::test]
async fn d7_a_held_append_shows_nowhere_but_in_the_pending_head() {
    let engine = engine().await;
    engine.hold();
    let mut winner = append(&engine, 0);
    let mut context = Context::from_waker(Waker::noop());
    assert!(winner.as_mut().poll(&mut context).is_pending());
    assert_eq!(last(&engine).await, 0);
    assert_eq!(append(&engine, 0).await, Err(Error::Moved { expected: Revision(0), last: Revision(1) }));
    engine.release();
    assert_eq!(winner.as_mut().poll(&mut context), Poll::Ready(Ok(Revision(1))));
    assert_eq!(last(&engine).await, 1);
}

#[tokio::test]
async fn d7_what_was_held_at_a_crash_is_gone() {
    let engine = engine().await;
    append(&engine, 0).await.unwrap();
    engine.hold();
    assert!(append(&engine, 1).as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let again = Arc::new(Memory::open(&engine.storage()));
    assert_eq!(last(&again).await, 1);
    assert_eq!(append(&again, 1).await, Ok(Revision(2)));
}

#[tokio::test]
async fn d7_the_outcome_of_a_failed_append_is_either() {
    for (lost, then) in [(false, 1), (true, 2)] {
        let engine = engine().await;
        append(&engine, 0).await.unwrap();
        if lost {
            engine.lose_next_answer()
        } else {
            engine.fail_next_append()
        }
        assert!(matches!(append(&engine, 1).await, Err(Error::Unavailable { .. })));
        assert!(matches!(append(&engine, then).await, Err(Error::ReadOnly { .. })));
        assert_eq!(last(&Memory::open(&engine.storage())).await, then);
    }
}

#[tokio::test]
async fn o5_an_engine_that_was_away_comes_back() {
    let engine = engine().await;
    engine.set_unavailable(true);
    assert!(append(&engine, 0).await.unwrap_err().retryable());
    assert_eq!(last(&engine).await, 0);
    engine.set_unavailable(false);
    assert_eq!(append(&engine, 0).await, Ok(Revision(1)));
}
