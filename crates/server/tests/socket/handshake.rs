//! The handshake of RFC 6455: what is a request for a socket, and what is not (input B22, B23).

use onair_server::net::Options;

use crate::{Client, Stage, upgrade};

#[tokio::test]
async fn compression_is_offered_and_not_accepted() {
    let mut stage = Stage::new();
    let mut client = Client::new(stage.address).await;
    client
        .say(upgrade("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n").as_bytes())
        .await;
    let head = client.head().await.to_lowercase();
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    assert!(
        head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="),
        "the example of RFC 6455: {head}"
    );
    assert!(!head.contains("extensions"), "{head}");
    drop(stage.connections.recv().await.unwrap());
    assert_eq!(client.frame().await, None);
    stage.stop().await;
}

#[tokio::test]
async fn what_is_no_proper_handshake_is_refused() {
    let stage = Stage::new();
    for (what, with, status) in [
        ("GET", "GET", "101"),
        ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8", "426"),
        ("Upgrade: websocket", "Upgrade: h2c", "426"),
        ("Upgrade: websocket\r\n", "", "426"),
        ("Connection: keep-alive, Upgrade", "Connection: keep-alive", "400"),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", "400"),
        ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZQ==", "400"),
        ("GET / HTTP/1.1", "GET / HTTP/1.0", "400"),
        ("GET", "POST", "405"),
    ] {
        let mut client = Client::new(stage.address).await;
        client.say(upgrade("").replace(what, with).as_bytes()).await;
        let head = client.head().await;
        assert_eq!(&head[9..12], status, "{what:?} as {with:?}: {head}");
        assert_eq!(status == "426", head.to_lowercase().contains("sec-websocket-version: 13"), "{head}");
    }
    stage.stop().await;
}

#[tokio::test]
async fn what_comes_with_the_handshake_is_read() {
    let mut stage = Stage::new();
    let mut client = Client::new(stage.address).await;
    client.say(&[upgrade("").as_bytes(), &crate::masked(0x81, b"early")].concat()).await;
    let mut connection = stage.connections.recv().await.unwrap();
    assert_eq!(crate::heard(&mut connection).await, "early");
    drop(connection);
    stage.stop().await;
}

#[tokio::test]
async fn one_too_many_is_turned_away_until_somebody_leaves() {
    let mut stage = Stage::with(Options { connections_max: 1, ..Options::default() });
    let (_client, connection) = stage.connect().await;
    let mut second = Client::new(stage.address).await;
    assert!(!second.more().await, "closed at once");
    assert_eq!((stage.door.open(), stage.door.refused()), (1, 1));
    drop(connection);
    assert_eq!(stage.door.open(), 0);
    let (_client, _connection) = stage.connect().await;
    stage.stop().await;
}

#[tokio::test]
async fn a_head_too_large_is_refused() {
    let stage = Stage::new();
    let mut client = Client::new(stage.address).await;
    client.say(upgrade(&format!("Cookie: {}\r\n", "x".repeat(20_000))).as_bytes()).await;
    assert!(client.head().await.starts_with("HTTP/1.1 431 "));
    stage.stop().await;
}

#[tokio::test]
async fn stopping_does_not_wait_for_those_who_say_nothing() {
    let stage = Stage::new();
    let mut silent = Client::new(stage.address).await;
    let mut busy = Client::new(stage.address).await;
    busy.say(b"GET /nowhere HTTP/1.1\r\nHost: here\r\n\r\n").await;
    assert!(busy.head().await.starts_with("HTTP/1.1 404 "));
    stage.stop().await;
    assert!(!silent.more().await && !busy.more().await);
}
