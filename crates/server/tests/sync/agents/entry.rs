//! Who may register for what, what a connection that does not begin well is closed with, and how it ends (rows S2, X1).

use onair_adapters::agent::AGENTS_MAX;
use onair_server::serve::Ended;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::{Agent, get, manifest, register, stage};
use crate::harness::{Client, Stage};

/// What is said to the first words of a connection, and the code that it is closed with.
async fn first_words(stage: &Stage, words: Message) -> (Value, Option<u16>) {
    let mut client = stage.open("/v1/agents").await;
    client.send(words).await;
    let mut said = Value::Null;
    loop {
        match client.next().await {
            Ok(message) => said = message,
            Err(code) => return (said, code),
        }
    }
}

fn registering(name: &str, value: Value) -> String {
    let mut message = register("host");
    message[name] = value;
    message.to_string()
}

#[tokio::test]
async fn s2_what_does_not_begin_with_register_is_closed_with_its_code() {
    let stage = stage(json!({})).await;
    let table = [
        ("no JSON", "{".into(), "bad-json", "", 1008),
        ("an array", "[]".into(), "invalid", "", 1008),
        ("no type", "{}".into(), "invalid", "/type", 1008),
        ("a hello", json!({"type": "hello"}).to_string(), "invalid", "/type", 1008),
        ("something else first", json!({"type": "ping"}).to_string(), "unauthenticated", "", 1008),
        ("no service", json!({"type": "register", "production": "main"}).to_string(), "invalid", "", 1008),
        (
            "a production that is none",
            registering("production", json!("a/b")),
            "invalid",
            "/production",
            1008,
        ),
        ("an instance that is none", registering("instance", json!("")), "invalid", "/instance", 1008),
        ("a misspelt field", registering("sevice", json!("host")), "invalid", "/sevice", 1008),
        ("a token of nobody", registering("token", json!("onair_x_y")), "unauthenticated", "", 4401),
        (
            "an unknown production",
            registering("production", json!("nowhere")),
            "not-found",
            "/production",
            1008,
        ),
        ("an unknown service", registering("service", json!("hots")), "not-found", "/service", 1008),
        (
            "a service of another adapter",
            registering("service", json!("livefeed")),
            "invalid",
            "/service",
            1008,
        ),
    ];
    for (name, words, code, pointer, close) in table {
        let (problem, closed) = first_words(&stage, Message::text(words)).await;
        assert_eq!((&problem["code"], closed), (&json!(code), Some(close)), "{name}: {problem}");
        assert_eq!(
            problem["errors"][0]["pointer"].as_str().unwrap_or_default(),
            pointer,
            "{name}: {problem}"
        );
    }
    let words = [
        ("binary", Message::binary(vec![1]), 1003),
        ("too large", Message::text("x".repeat(65 << 10)), 1009),
    ];
    for (name, words, close) in words {
        assert_eq!(first_words(&stage, words).await, (Value::Null, Some(close)), "{name}");
    }
    let (unknown, _) = first_words(&stage, Message::text(registering("service", json!("hots")))).await;
    let detail = unknown["detail"].as_str().unwrap();
    assert!(detail.contains("`host`") && detail.contains("`producer`"), "it says what there is: {detail}");
    assert_eq!(get(&stage, "/clients").await["clients"], json!([]), "nobody has come in");
}

#[tokio::test]
async fn s2_a_socket_that_never_says_register_is_closed() {
    let stage = stage(json!({})).await;
    let mut client = stage.open("/v1/agents").await;
    assert_eq!(client.wait_for_close().await, Some(4408));
}

#[tokio::test]
async fn x1_an_agent_needs_its_role_in_its_production() {
    let stage = stage(json!({})).await;
    stage.call("PUT", "/v1/productions/other", Some(manifest(json!({})))).await;
    let (_, other) = stage.token("agent", Some(&["other"])).await;
    let (_, viewer) = stage.token("viewer", None).await;
    let (id, agent) = stage.token("agent", Some(&["main"])).await;
    let table = [
        ("nobody", Value::Null, 4401, "unauthenticated"),
        ("a viewer", json!(viewer), 4403, "forbidden"),
        ("an agent of another production", json!(other), 4403, "forbidden"),
    ];
    for (name, token, close, code) in table {
        let mut message = register("host");
        message["token"] = token;
        let (problem, closed) = first_words(&stage, Message::text(message.to_string())).await;
        assert_eq!((&problem["code"], closed), (&json!(code), Some(close)), "{name}: {problem}");
    }
    // What is out of reach is not said to be there or not.
    let mut message = json!({"type": "register", "production": "nowhere", "service": "host", "token": agent});
    let (problem, closed) = first_words(&stage, Message::text(message.to_string())).await;
    assert_eq!((&problem["code"], closed), (&json!("forbidden"), Some(4403)), "{problem}");
    message["production"] = "main".into();
    let mut host = Agent::saying(&stage, &message).await;
    let clients = get(&stage, "/clients").await["clients"].clone();
    assert_eq!((&clients[0]["kind"], &clients[0]["actor"]), (&json!("agent"), &json!("agent:agent-token")));
    assert!(!clients.to_string().contains(&agent), "no token is shown");
    stage.call("DELETE", &format!("/v1/tokens/{id}"), None).await;
    assert_eq!(host.client.wait_for_close().await, Some(4401), "a revoked token ends its connections");
}

#[tokio::test]
async fn x1_a_ticket_registers_one_agent_once() {
    let stage = stage(json!({})).await;
    let (_, token) = stage.token("agent", None).await;
    let (_, ticket) = stage.call_as(Some(&token), "POST", "/v1/tickets", None).await;
    let path = format!("/v1/agents?ticket={}", ticket["ticket"].as_str().unwrap());
    let mut open: Vec<Client> = Vec::new();
    for wanted in ["registered", "problem"] {
        let mut client = stage.open(&path).await;
        client.say(&register("host")).await;
        let answer = client.hear().await;
        assert_eq!(answer["type"], wanted, "{answer}");
        open.push(client);
    }
}

#[tokio::test]
async fn s2_one_agent_too_many_is_asked_to_come_back_later() {
    let stage = stage(json!({})).await;
    let mut agents = Vec::new();
    for n in 0..AGENTS_MAX {
        agents.push(Agent::instance(&stage, "host", &format!("i-{n}")).await);
    }
    let (problem, closed) = first_words(&stage, Message::text(register("host").to_string())).await;
    assert_eq!((&problem["code"], closed), (&json!("too-many-requests"), Some(4429)), "{problem}");
    assert_eq!(problem["limit"], AGENTS_MAX);
    agents.push(Agent::instance(&stage, "host", "i-3").await);
    agents.push(Agent::new(&stage, "producer").await);
    assert!(agents.last().unwrap().is_active(), "each service has room of its own");
}

/// Connections that had not said who they were held a server up that was to stop: it waited the ten seconds that they
/// have for that, told them that they were late, and was cut off by the grace that was over by then.
#[tokio::test]
async fn s2_a_server_that_stops_says_so_to_everybody() {
    let stage = stage(json!({})).await;
    let mut host = Agent::new(&stage, "host").await;
    let (mut agent, mut client) = (stage.open("/v1/agents").await, stage.open("/v1/sync").await);
    let closed = async {
        let host = host.client.wait_for_close().await;
        [host, agent.wait_for_close().await, client.wait_for_close().await]
    };
    let (ended, closed) = tokio::join!(stage.server.stop(), closed);
    assert_eq!((ended, closed), (Ended::Gracefully, [Some(1001); 3]));
}
