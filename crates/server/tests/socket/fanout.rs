//! Many subscribers: order, lag, answers behind their commits, nothing behind what was dropped (rows D4, Y1; fault F21).

use onair_runtime::hub::{Cursor, RING_BYTES};
use onair_server::socket::{Connection, Incoming, OVERRUN_BYTES, SubscriptionId};

use crate::{Client, Stage, revision, text};

const ID: SubscriptionId = SubscriptionId(7);

fn subscribe(stage: &Stage, connection: &mut Connection) -> Cursor {
    let found = stage.subscribe();
    connection.subscribe(ID, &[text("subscribed")], &found.lane, found.cursor);
    found.cursor
}

#[tokio::test]
async fn everybody_hears_every_commit_once_and_in_order() {
    let mut stage = Stage::new();
    let mut all = Vec::new();
    for _ in 0..50 {
        let (mut client, mut connection) = stage.connect().await;
        subscribe(&stage, &mut connection);
        assert_eq!(client.text().await, "subscribed");
        all.push((client, connection, stage.hub.state().0));
        stage.publish(10);
    }
    for _ in 0..50 {
        stage.publish(10);
        stage.publish(70_000);
        tokio::task::yield_now().await;
    }
    for (mut client, mut connection, first) in all {
        let driven = stage
            .tasks
            .spawn(async move { while !matches!(connection.next().await, Incoming::Closed(_)) {} });
        for wanted in first + 1..=150 {
            assert_eq!(client.revision().await, wanted);
        }
        drop(client);
        driven.await.unwrap();
    }
    stage.stop().await;
}

/// The same with real parallelism: publisher, passes, readers and answers on four threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_repeated_or_reordered_in_parallel() {
    const COMMITS: u64 = 3_000;
    let mut stage = Stage::new();
    let mut readers = Vec::new();
    let mut outlets = Vec::new();
    for _ in 0..20 {
        let (mut client, mut connection) = stage.connect().await;
        subscribe(&stage, &mut connection);
        outlets.push(connection.outlet());
        stage.tasks.spawn(async move { while !matches!(connection.next().await, Incoming::Closed(_)) {} });
        readers.push(stage.tasks.spawn(async move {
            assert_eq!(client.text().await, "subscribed");
            let (mut heard, mut answers) = (0, 0);
            while heard < COMMITS || answers < COMMITS / 10 {
                let message = client.text().await;
                match revision(&message) {
                    Some(next) => assert_eq!(next, heard + 1),
                    None => {
                        answers += 1;
                        let asked: u64 = message.parse().unwrap();
                        assert!(asked == answers * 10 && heard >= asked, "{asked} answered at {heard}");
                        continue;
                    }
                }
                heard += 1;
            }
        }));
    }
    for wanted in 1..=COMMITS {
        let published = stage.publish(usize::try_from(wanted % 7).unwrap() * 100);
        if wanted % 10 == 0 {
            let answer = text(&published.to_string());
            outlets.iter().for_each(|outlet| outlet.upgrade().unwrap().send(answer.clone(), Some(ID)));
        }
        if wanted % 100 == 0 {
            tokio::task::yield_now().await;
        }
    }
    for reader in readers {
        reader.await.unwrap();
    }
    stage.stop().await;
}

#[tokio::test]
async fn an_answer_comes_after_the_commit_it_speaks_of() {
    let mut stage = Stage::new();
    let (mut client, mut connection) = stage.connect().await;
    subscribe(&stage, &mut connection);
    // Nothing is awaited between publication and answer, so the pass comes last.
    for wanted in 1..=3 {
        stage.publish(10);
        connection.send(text("result"), Some(ID));
        assert_eq!(wanted, stage.hub.state().0);
    }
    assert_eq!(client.text().await, "subscribed");
    for wanted in 1..=3 {
        assert_eq!(client.revision().await, wanted);
        assert_eq!(client.text().await, "result");
    }
    stage.publish(10);
    assert_eq!(client.revision().await, 4, "and the passes that came late repeat nothing");
    stage.stop().await;
}

#[tokio::test]
async fn nothing_is_heard_after_unsubscribing() {
    let mut stage = Stage::new();
    let (mut client, mut connection) = stage.connect().await;
    let cursor = subscribe(&stage, &mut connection);
    stage.publish(10);
    assert_eq!((client.text().await, client.revision().await), ("subscribed".into(), 1));
    connection.unsubscribe(ID);
    stage.publish(10);
    tokio::task::yield_now().await;
    connection.send(text("unsubscribed"), None);
    assert_eq!(client.text().await, "unsubscribed");
    assert_eq!(stage.hub.attached(), 0);
    let found = stage.subscribe();
    assert!(found.cursor <= cursor, "a new lane, for the old one had nobody left");
    stage.stop().await;
}

/// Fills the sockets and the ring while `client` does not read; says which revision was the last.
async fn overwhelm(stage: &Stage) -> u64 {
    let mut published = 0;
    // What two sockets hold on loopback, and the ring, and as much again.
    while published < 4 * RING_BYTES {
        published += 64 << 10;
        stage.publish(64 << 10);
        tokio::task::yield_now().await;
    }
    stage.hub.state().0
}

#[tokio::test]
async fn who_lags_hears_no_gap_but_a_snapshot() {
    let mut stage = Stage::new();
    let (mut client, mut connection) = stage.connect().await;
    subscribe(&stage, &mut connection);
    let last = overwhelm(&stage).await;
    connection.send(text("result"), Some(ID));

    let serve = async {
        assert!(matches!(connection.next().await, Incoming::Lagged(ID)));
        // Whatever is published now is not for this client.
        stage.publish(10);
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        let found = stage.subscribe();
        let snapshot = text(&format!("snapshot {}", found.state));
        connection.subscribe(ID, &[snapshot], &found.lane, found.cursor);
        stage.publish(10);
        while !matches!(connection.next().await, Incoming::Closed(_)) {}
    };
    let hear = async {
        assert_eq!(client.text().await, "subscribed");
        let mut heard = 0;
        let snapshot = loop {
            let message = client.text().await;
            match revision(&message) {
                Some(next) => assert_eq!(next, heard + 1),
                None => break message,
            }
            heard += 1;
        };
        assert!(heard < last, "it heard {heard} of {last} and should have lagged");
        assert_eq!(snapshot, format!("snapshot {}", last + 1));
        assert_eq!(client.text().await, "result", "held back until the snapshot");
        assert_eq!(client.revision().await, last + 2);
        drop(client);
    };
    tokio::join!(serve, hear);
    drop(connection);
    stage.stop().await;
}

#[tokio::test]
async fn a_slow_reader_that_stays_within_the_ring_hears_everything() {
    let mut stage = Stage::new();
    let (mut client, mut connection) = stage.connect().await;
    subscribe(&stage, &mut connection);
    let count = 7 * RING_BYTES / 8 / 65_000;
    for _ in 0..count {
        stage.publish(64 << 10);
        tokio::task::yield_now().await;
    }
    let hear = async |client: &mut Client| {
        assert_eq!(client.text().await, "subscribed");
        for wanted in 1..=count {
            assert_eq!(client.revision().await, wanted as u64);
        }
    };
    tokio::select! {
        () = hear(&mut client) => {}
        () = async { while matches!(connection.next().await, Incoming::Drained) {} } => panic!("not only drained"),
    }
    stage.stop().await;
}

#[tokio::test]
async fn a_slow_reader_costs_the_others_nothing() {
    let mut stage = Stage::new();
    let (_slow, mut slow) = stage.connect().await;
    let (mut client, mut connection) = stage.connect().await;
    subscribe(&stage, &mut slow);
    subscribe(&stage, &mut connection);
    assert_eq!(client.text().await, "subscribed");
    for _ in 0..4 * RING_BYTES / (64 << 10) {
        let published = stage.publish(64 << 10);
        let driven = async { while matches!(connection.next().await, Incoming::Drained) {} };
        tokio::select! {
            heard = client.revision() => assert_eq!(heard, published.0),
            () = driven => panic!("closed"),
        }
    }
    stage.stop().await;
}

/// A client that asks on and on and reads none of the answers: what waits for it has a limit.
#[tokio::test]
async fn y1_who_asks_and_never_reads_is_given_up() {
    const ANSWER_BYTES: usize = 60_000;
    let mut stage = Stage::new();
    let (_client, mut connection) = stage.connect().await;
    let answer = text(&"x".repeat(ANSWER_BYTES));
    // What two sockets hold on loopback goes through; so much more than may wait.
    for _ in 0..8 * OVERRUN_BYTES / ANSWER_BYTES {
        connection.send(answer.clone(), None);
    }
    let told = connection.try_next();
    assert!(matches!(told, Some(Incoming::Overrun)), "{told:?}");
    stage.stop().await;
}

#[tokio::test]
async fn a_lagging_client_can_be_closed() {
    let mut stage = Stage::new();
    let (mut client, mut connection) = stage.connect().await;
    subscribe(&stage, &mut connection);
    overwhelm(&stage).await;
    let hear = async {
        loop {
            let (head, payload) = client.frame().await.expect("a close frame before the end");
            if head == 0x88 {
                drop(client);
                return u16::from_be_bytes([payload[0], payload[1]]);
            }
        }
    };
    let serve = async {
        assert!(matches!(connection.next().await, Incoming::Lagged(ID)));
        connection.close(1008, "too slow").await;
    };
    let (code, ()) = tokio::join!(hear, serve);
    assert_eq!(code, 1008);
    stage.stop().await;
}
