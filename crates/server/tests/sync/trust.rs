//! Tokens on sockets: who may say what, and for how long (rows X1, X3).

use serde_json::json;

use super::harness::{Stage, put};

#[tokio::test]
async fn x1_with_a_token_configured_nobody_gets_in_without_one() {
    let stage = Stage::new().await;
    let mut before = stage.client().await;
    let (_, token) = stage.token("operator", None).await;
    assert_eq!(
        before.wait_for_close().await,
        Some(4401),
        "who came in without one is asked to come back with one"
    );
    let mut nobody = stage.socket().await;
    nobody.say(&json!({"type": "hello"})).await;
    assert_eq!(nobody.wait_for_close().await, Some(4401));
    let mut somebody = stage.socket().await;
    somebody.say(&json!({"type": "hello", "token": token})).await;
    let welcome = somebody.wait_for("welcome").await;
    assert_eq!(welcome["role"], "operator");
    assert!(welcome["positions"]["main"].as_str().unwrap().ends_with(":1"));
    somebody.mutate("main", "m-1", json!([put("layers", "logo", json!(1))])).await;
    let (_, changes) = stage.call("GET", "/v1/productions/main/changes?after=1", None).await;
    assert_eq!(changes["commits"][0]["actor"], "operator:operator-token", "every commit has its actor");
    assert!(!changes.to_string().contains(&token), "and no token");
}

#[tokio::test]
async fn x1_a_revoked_token_ends_its_connections() {
    let stage = Stage::new().await;
    let (id, token) = stage.token("viewer", None).await;
    let mut client = stage.socket().await;
    client.say(&json!({"type": "hello", "token": token})).await;
    client.wait_for("welcome").await;
    client.subscribe("main", None, None).await;
    assert_eq!(stage.call("DELETE", &format!("/v1/tokens/{id}"), None).await.0, 204);
    assert_eq!(client.wait_for_close().await, Some(4401));
}

#[tokio::test]
async fn x1_a_ticket_opens_one_socket_once() {
    let stage = Stage::new().await;
    let (_, token) = stage.token("viewer", None).await;
    let (status, ticket) = stage.call_as(Some(&token), "POST", "/v1/tickets", None).await;
    assert!(status < 300, "{ticket}");
    let url = format!("ws://{}/v1/sync?ticket={}", stage.server.api(), ticket["ticket"].as_str().unwrap());
    for wanted in ["welcome", "problem"] {
        let (mut socket, _) = tokio_tungstenite::connect_async(&url).await.unwrap();
        use futures_util::{SinkExt, StreamExt};
        socket.send(tokio_tungstenite::tungstenite::Message::text(r#"{"type":"hello"}"#)).await.unwrap();
        let answer = socket.next().await.unwrap().unwrap().into_text().unwrap();
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["type"], wanted, "{answer}");
    }
}
