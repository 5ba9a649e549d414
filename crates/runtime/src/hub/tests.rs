//! What a hub promises, seen from outside.

use std::sync::atomic::{AtomicUsize, Ordering};

use onair_wire::{Actor, CauseKind, Change, Collection, DocumentId, Op, Revision, Timestamp};
use serde_json::json;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::*;

/// A hub whose state is a revision, and the means to move it.
struct Stage {
    hub: Hub<Revision>,
    tasks: TaskTracker,
    cancel: CancellationToken,
}

impl Stage {
    fn new() -> Self {
        let (tasks, cancel) = (TaskTracker::new(), CancellationToken::new());
        let (of_hub, stop) = (tasks.clone(), cancel.clone());
        let start = move |pass: Pass| drop(of_hub.spawn(pass.run(stop.clone())));
        let (production, epoch) = (ProductionId::new("main").unwrap(), Epoch::new("k3f9").unwrap());
        Self { hub: Hub::new(production, epoch, Arc::new(Revision::ZERO), start), tasks, cancel }
    }

    fn publish(&self, commits: &[Commit]) {
        let last = commits.last().unwrap().revision;
        let published: Vec<_> = commits
            .iter()
            .map(|commit| Published { commit: Arc::new(commit.clone()), body: commit.encode().into() })
            .collect();
        self.hub.publish(Arc::new(last), &published);
    }

    async fn stop(self) {
        self.cancel.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

fn commit(revision: u64, collections: &[&str]) -> Commit {
    let put = |collection: &&str| Change {
        collection: Collection::new(*collection).unwrap(),
        id: DocumentId::new("one").unwrap(),
        revision: Revision(revision),
        op: Op::Put(Arc::new(json!({ "n": revision }))),
    };
    Commit {
        revision: Revision(revision),
        at: Timestamp::EPOCH,
        actor: Actor::new("test").unwrap(),
        mutation: None,
        fingerprint: None,
        cause: CauseKind::DocumentPut.into(),
        changes: collections.iter().map(put).collect(),
    }
}

fn only(collections: &[&str]) -> Filter {
    Some(Arc::new(collections.iter().map(|name| Collection::new(*name).unwrap()).collect()))
}

fn read(lane: &Lane, cursor: Cursor) -> String {
    let mut text = String::new();
    lane.read(cursor, usize::MAX, |bytes| text.push_str(std::str::from_utf8(bytes).unwrap())).unwrap();
    text
}

/// Keeps what it is offered.
#[derive(Default)]
struct Keeper(Mutex<Vec<(u64, u64, Bytes)>>);

impl Outlet for Keeper {
    fn offer(&self, tail: &Tail<'_>) {
        self.0.lock().unwrap().push((tail.first.0, tail.end.0, tail.bytes.clone()));
    }

    fn flush(&self) {}
}

#[tokio::test]
async fn a_subscriber_hears_exactly_what_its_state_lacks() {
    let stage = Stage::new();
    stage.publish(&[commit(1, &["a"])]);
    let early = stage.hub.subscribe(Format::EventStream, &None).unwrap();
    stage.publish(&[commit(2, &["a"]), commit(3, &["a"])]);
    let late = stage.hub.subscribe(Format::EventStream, &None).unwrap();
    assert!(Arc::ptr_eq(&early.lane, &late.lane));
    stage.publish(&[commit(4, &["a"])]);

    let ids = |found: &Subscription<Revision>| {
        let text = read(&found.lane, found.cursor);
        text.lines().filter_map(|line| line.strip_prefix("id: k3f9:")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!((*early.state, ids(&early)), (Revision(1), "2 3 4".to_owned()));
    assert_eq!((*late.state, ids(&late)), (Revision(3), "4".to_owned()));
    assert_eq!(*stage.hub.state(), Revision(4));
    stage.stop().await;
}

#[tokio::test]
async fn a_batch_is_one_entry_and_a_filter_keeps_the_envelope() {
    let stage = Stage::new();
    let all = stage.hub.subscribe(Format::EventStream, &None).unwrap();
    let some = stage.hub.subscribe(Format::EventStream, &only(&["a"])).unwrap();
    stage.publish(&[commit(1, &["a", "b"]), commit(2, &["b"])]);
    assert_eq!(all.lane.end(), Cursor(1));
    let counts = |lane: &Lane| {
        let text = read(lane, Cursor(0));
        (text.matches("event: commit").count(), text.matches("\"op\":").count())
    };
    assert_eq!(counts(&all.lane), (2, 3));
    assert_eq!(counts(&some.lane), (2, 1));
    stage.stop().await;
}

#[tokio::test]
async fn a_message_goes_to_all_lanes_and_may_differ_by_filter() {
    let stage = Stage::new();
    let all = stage.hub.subscribe(Format::EventStream, &None).unwrap();
    let some = stage.hub.subscribe(Format::EventStream, &only(&["a"])).unwrap();
    let socket = stage.hub.subscribe(Format::Socket, &None).unwrap();
    stage.hub.tell("signal", b"{}");
    let calls = AtomicUsize::new(0);
    stage.hub.tell_each("digest", |filter, state| {
        calls.fetch_add(1, Ordering::Relaxed);
        filter.is_none().then(|| format!("{}", state.0).into_bytes())
    });
    assert_eq!(calls.load(Ordering::Relaxed), 2, "once per filter, not per lane");
    assert_eq!(read(&all.lane, all.cursor), "event: signal\ndata: {}\n\nevent: digest\ndata: 0\n\n");
    assert_eq!(read(&some.lane, some.cursor), "event: signal\ndata: {}\n\n");
    assert_eq!(socket.lane.end(), Cursor(2));
    stage.stop().await;
}

#[tokio::test]
async fn a_digest_of_a_state_that_moved_on_is_not_sent() {
    let stage = Stage::new();
    let all = stage.hub.subscribe(Format::EventStream, &None).unwrap();
    stage.hub.tell_each("digest", |_, _| {
        stage.publish(&[commit(1, &["a"])]);
        Some(b"0".to_vec())
    });
    assert!(!read(&all.lane, all.cursor).contains("digest"));
    stage.stop().await;
}

#[tokio::test]
async fn a_lane_ends_with_its_last_subscriber_and_takes_its_task_along() {
    let stage = Stage::new();
    let found = stage.hub.subscribe(Format::Socket, &None).unwrap();
    let first = found.lane.id();
    drop(found);
    stage.tasks.close();
    stage.tasks.wait().await;
    assert_ne!(stage.hub.subscribe(Format::Socket, &None).unwrap().lane.id(), first);
    stage.stop().await;
}

#[tokio::test]
async fn there_are_so_many_lanes_and_no_more() {
    let stage = Stage::new();
    let subscribe = |name: usize| stage.hub.subscribe(Format::Socket, &only(&[&format!("c{name}")]));
    let mut held: Vec<_> = (0..LANES_MAX).map(|name| subscribe(name).unwrap()).collect();
    assert_eq!(subscribe(LANES_MAX).unwrap_err(), TooManyLanes);
    assert!(subscribe(0).is_ok(), "one that is there");
    held.pop();
    assert!(subscribe(LANES_MAX).is_ok(), "in the place of one that went");
    stage.stop().await;
}

#[tokio::test]
async fn a_snapshot_is_encoded_once_per_revision() {
    let stage = Stage::new();
    let lane = stage.hub.subscribe(Format::Socket, &None).unwrap().lane;
    let made = AtomicUsize::new(0);
    let snapshot = |revision: u64| {
        lane.snapshot(Revision(revision), || {
            made.fetch_add(1, Ordering::Relaxed);
            Bytes::from(revision.to_string())
        })
    };
    assert_eq!((snapshot(1), snapshot(1)), ("1".into(), "1".into()));
    assert_eq!(made.load(Ordering::Relaxed), 1);
    assert_eq!((snapshot(2), snapshot(1)), ("2".into(), "1".into()), "one who is late gets its own");
    assert_eq!((snapshot(2), made.load(Ordering::Relaxed)), ("2".into(), 3));
    stage.stop().await;
}

#[tokio::test]
async fn a_pass_offers_everything_in_order_and_merges_what_waits() {
    let stage = Stage::new();
    let lane = stage.hub.subscribe(Format::EventStream, &None).unwrap().lane;
    let keepers: Vec<_> = (0..300).map(|_| Arc::new(Keeper::default())).collect();
    let attached: Vec<_> = keepers.iter().map(|keeper| lane.attach(Arc::clone(keeper) as _)).collect();
    assert_eq!((lane.attached(), stage.hub.attached()), (300, 300));
    (1..=3).for_each(|revision| stage.publish(&[commit(revision, &["a"])]));
    // Nothing was awaited: all three wait for the first pass, which yields between its turns.
    while keepers[299].0.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let whole = read(&lane, Cursor(0));
    for keeper in &keepers {
        assert_eq!(*keeper.0.lock().unwrap(), [(0, 3, Bytes::from(whole.clone()))]);
    }
    drop(attached);
    let newcomer = Arc::new(Keeper::default());
    let attached = lane.attach(Arc::clone(&newcomer) as _);
    stage.publish(&[commit(4, &["a"])]);
    while newcomer.0.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(keepers.iter().all(|keeper| keeper.0.lock().unwrap().len() == 1), "detached, not offered");
    drop(attached);
    stage.stop().await;
}
