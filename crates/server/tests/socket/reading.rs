//! What a client may send: fragments, pings, sizes, text that is none (input B22).

use futures_util::{SinkExt, StreamExt};
use onair_server::socket::{Fault, Incoming, MESSAGE_BYTES_MAX, WRITE_BUFFER_BYTES};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::{Message, protocol::CloseFrame};

use crate::{Stage, heard, masked, text};

#[tokio::test]
async fn fragments_make_one_message_with_a_ping_between_them() {
    let mut stage = Stage::new();
    let (mut client, mut connection) = stage.connect().await;
    // The second fragment begins in the middle of a character.
    let (one, two) = "naïve".as_bytes().split_at(3);
    client.say(&[masked(0x01, one), masked(0x89, b"there?"), masked(0x80, two)].concat()).await;
    assert_eq!(heard(&mut connection).await, "naïve");
    assert_eq!(client.frame().await, Some((0x8a, b"there?".to_vec())));
    stage.stop().await;
}

#[tokio::test]
async fn what_arrived_together_is_taken_together() {
    let mut stage = Stage::new();
    let (mut client, mut connection) = stage.connect().await;
    client.say(&["1", "2", "3"].map(|message| masked(0x81, message.as_bytes())).concat()).await;
    assert_eq!(heard(&mut connection).await, "1");
    let rest: Vec<_> = std::iter::from_fn(|| connection.try_next()).collect();
    assert!(
        matches!(&rest[..], [Incoming::Text(two), Incoming::Text(three)] if *two == "2" && *three == "3")
    );
    client.say(&masked(0x81, b"4")).await;
    assert_eq!(heard(&mut connection).await, "4", "still woken");
    stage.stop().await;
}

#[tokio::test]
async fn who_breaks_the_rules_is_told_which() {
    let large = vec![b'x'; MESSAGE_BYTES_MAX + 1];
    let half = vec![b'x'; MESSAGE_BYTES_MAX / 2 + 1];
    let cases = [
        ("unmasked", vec![0x81, 2, b'h', b'i'], Fault::Protocol),
        ("reserved bit: compressed", masked(0xc1, b"hi"), Fault::Protocol),
        ("fragment of nothing", masked(0x80, b"hi"), Fault::Protocol),
        ("ping in fragments", masked(0x09, b"hi"), Fault::Protocol),
        ("unknown opcode", masked(0x83, b"hi"), Fault::Protocol),
        ("no UTF-8", masked(0x81, &[0xff, 0xfe]), Fault::NotUtf8),
        ("large frame", masked(0x81, &large), Fault::TooLarge),
        ("large message", [masked(0x01, &half), masked(0x80, &half)].concat(), Fault::TooLarge),
    ];
    for (case, bytes, fault) in cases {
        let mut stage = Stage::new();
        let (mut client, mut connection) = stage.connect().await;
        client.say(&bytes).await;
        match connection.next().await {
            Incoming::Fault(found) => assert_eq!(found, fault, "{case}"),
            other => panic!("{case}: {other:?}"),
        }
        let close = async {
            assert_eq!(client.close_code().await, fault.close_code(), "{case}");
            drop(client);
        };
        tokio::join!(connection.close(fault.close_code(), "see RFC 6455"), close);
        stage.stop().await;
    }
}

#[tokio::test]
async fn the_largest_message_and_a_binary_one() {
    let mut stage = Stage::new();
    let (mut client, mut connection) = stage.connect().await;
    let (sent, received) = tokio::join!(
        async { client.say(&masked(0x81, &vec![b'x'; MESSAGE_BYTES_MAX])).await },
        heard(&mut connection)
    );
    assert_eq!((sent, received.len()), ((), MESSAGE_BYTES_MAX));
    client.say(&masked(0x82, b"hi")).await;
    assert!(matches!(connection.next().await, Incoming::Binary));
    stage.stop().await;
}

#[tokio::test]
async fn a_client_that_closes_is_answered_and_one_that_vanishes_is_noticed() {
    let mut stage = Stage::new();
    let (mut client, mut connection) = stage.connect().await;
    client.say(&masked(0x88, &4000_u16.to_be_bytes())).await;
    assert!(matches!(connection.next().await, Incoming::Closed(Some(4000))));
    assert!(matches!(connection.next().await, Incoming::Closed(None)), "and nothing follows");
    connection.close(1000, "").await;
    assert_eq!(client.close_code().await, 4000);
    assert_eq!(client.frame().await, None);

    let (mut client, mut connection) = stage.connect().await;
    client.stream.shutdown().await.unwrap();
    assert!(matches!(connection.next().await, Incoming::Closed(None)));
    connection.send(text("still listening?"), None);
    assert_eq!(client.text().await, "still listening?", "half a connection is one");
    drop(connection);
    assert_eq!(client.frame().await, None);
    stage.stop().await;
}

#[tokio::test]
async fn pings_are_answered_in_order_and_a_flood_of_them_stops_being_read() {
    let mut stage = Stage::new();
    let (client, mut connection) = stage.connect().await;
    let outlet = connection.outlet().upgrade().unwrap();
    let driven = stage.tasks.spawn(async move {
        loop {
            match connection.next().await {
                Incoming::Drained => {}
                other => return other,
            }
        }
    });
    let (reading, mut writing) = client.stream.into_split();
    let mut reading = tokio::io::BufReader::new(reading);
    const PINGS: usize = 500;
    // As long as bytes are taken: until both sockets and the queue behind them are full.
    let ping = masked(0x89, &[7; 125]).repeat(PINGS);
    let mut part = 0;
    let mut pings = 0;
    let mut idle = 0;
    while idle < 1_000 {
        match writing.try_write(&ping[part..]) {
            Ok(written) => {
                (part, idle) = (part + written, 0);
                if part == ping.len() {
                    (part, pings) = (0, pings + PINGS);
                }
            }
            Err(_) => {
                idle += 1;
                tokio::task::yield_now().await;
            }
        }
        assert!(outlet.owed() < WRITE_BUFFER_BYTES + 4096, "{} owed", outlet.owed());
    }
    assert!(outlet.owed() > WRITE_BUFFER_BYTES, "{} owed, {pings} pings", outlet.owed());
    // Now it reads, and all of them are answered.
    let rest = writing.write_all(&ping[part..]);
    let answers = async {
        // Those that were under way count.
        let mut pongs = 0;
        let mut pong = [0; 127];
        while pongs < pings + PINGS {
            tokio::io::AsyncReadExt::read_exact(&mut reading, &mut pong).await.unwrap();
            assert_eq!(pong[..3], [0x8a, 125, 7]);
            pongs += 1;
        }
    };
    let (written, ()) = tokio::join!(rest, answers);
    written.unwrap();
    drop((reading, writing));
    assert!(matches!(driven.await.unwrap(), Incoming::Closed(None)));
    stage.stop().await;
}

#[tokio::test]
async fn somebody_elses_client_is_served_and_closed_with_a_reason() {
    let mut stage = Stage::new();
    let url = format!("ws://{}/", stage.address);
    let (mut client, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    let mut connection = stage.connections.recv().await.unwrap();
    client.send(Message::text("hello")).await.unwrap();
    assert_eq!(heard(&mut connection).await, "hello");
    connection.send(text("welcome"), None);
    assert_eq!(client.next().await.unwrap().unwrap(), Message::text("welcome"));
    connection.outlet().upgrade().unwrap().ping();
    let reason = "é".repeat(100);
    let listen = async {
        assert_eq!(client.next().await.unwrap().unwrap(), Message::Ping(Default::default()));
        let close = client.next().await.unwrap().unwrap();
        let cut = "é".repeat(61);
        assert_eq!(close, Message::Close(Some(CloseFrame { code: 1008.into(), reason: cut.into() })));
        assert!(client.next().await.is_none());
    };
    let outlet = connection.outlet();
    tokio::join!(connection.close(1008, &reason), listen);
    assert!(outlet.upgrade().is_none());
    stage.stop().await;
}
