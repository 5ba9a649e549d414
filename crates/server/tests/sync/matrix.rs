//! Every call and every message × every role × a production within and out of reach (rows X1; inputs B18, G21): the
//! calls are read from the server's own OpenAPI document, the messages from the protocol's list, so that none can be
//! added without a line here that says who may.

use std::collections::BTreeMap;

use onair_wire::{agent::AgentMessage, sync::ClientMessage};
use serde_json::{Value, json};

use super::harness::{Stage, put};

/// The least role for each operation; `None` is for everybody, token or not.
fn needed(operation: &str) -> Option<Option<usize>> {
    const VIEWER: Option<usize> = Some(0);
    const AGENT: Option<usize> = Some(1);
    const OPERATOR: Option<usize> = Some(2);
    const ADMIN: Option<usize> = Some(3);
    let (method, path) = operation.split_once(' ').unwrap();
    let within = path.strip_prefix("/v1/productions/{production}");
    Some(match (method, within, path) {
        (
            "GET",
            None,
            "/livez"
            | "/readyz"
            | "/version"
            | "/openapi.json"
            | "/docs"
            | "/docs/problems/{code}"
            | "/"
            | "/monitor/{file}",
        ) => None,
        // The handshake is for everybody, `hello` and `register` are not.
        ("GET", None, "/v1/sync" | "/v1/agents") => None,
        ("PUT" | "DELETE", Some(""), _) | ("POST", Some("/import" | "/backends/{name}/replay"), _) => ADMIN,
        (_, None, "/v1/tokens" | "/v1/tokens/{id}") => ADMIN,
        ("POST", None, "/v1/tickets") => VIEWER,
        ("POST", Some("/signals"), _) => AGENT,
        ("GET", Some(_), _) => VIEWER,
        ("GET", None, "/v1/productions" | "/stream/status" | "/stream/layers") => VIEWER,
        ("PUT" | "PATCH" | "DELETE" | "POST", Some(_), _) => OPERATOR,
        ("POST", None, path) if path.starts_with("/stream/") => OPERATOR,
        _ => return None,
    })
}

const ROLES: [&str; 4] = ["viewer", "agent", "operator", "admin"];

fn concrete(path: &str, production: &str) -> String {
    let named = [
        ("production", production),
        ("collection", "layers"),
        ("document", "logo"),
        ("id", "nobody"),
        ("name", "nobody"),
        ("code", "invalid"),
        ("file", "monitor.js"),
    ];
    named.iter().fold(path.to_owned(), |path, (name, value)| path.replace(&format!("{{{name}}}"), value))
}

async fn operations(stage: &Stage) -> Vec<String> {
    let (_, document) = stage.call("GET", "/openapi.json", None).await;
    let paths = document["paths"].as_object().unwrap();
    let of = |path: &String, methods: &Value| {
        let methods: Vec<String> = methods.as_object().unwrap().keys().cloned().collect();
        methods
            .into_iter()
            .filter(|m| m.len() <= 6)
            .map(|method| format!("{} {path}", method.to_uppercase()))
            .collect::<Vec<_>>()
    };
    paths.iter().flat_map(|(path, methods)| of(path, methods)).collect()
}

#[tokio::test]
async fn x1_every_call_is_authorized_for_every_role_and_production() {
    let stage = Stage::new().await;
    stage.begin("other").await;
    let mut tokens = BTreeMap::new();
    for role in ROLES {
        tokens.insert(role, stage.token(role, Some(&["main"])).await.1);
    }
    let operations = operations(&stage).await;
    assert!(operations.len() > 35, "{} operations", operations.len());
    for operation in &operations {
        let Some(needed) = needed(operation) else { panic!("say who may {operation}") };
        let (method, path) = operation.split_once(' ').unwrap();
        let (status, _) = stage.call_as(None, method, &concrete(path, "main"), None).await;
        assert_eq!(status == 401, needed.is_some(), "{operation} without a token gave {status}");
        for (rank, role) in ROLES.into_iter().enumerate() {
            // Deleting is tried on what is not there, so that the others still find what is.
            let own = if operation == "DELETE /v1/productions/{production}" { "main-x" } else { "main" };
            let (status, answer) =
                stage.call_as(Some(&tokens[role]), method, &concrete(path, own), None).await;
            let reached = own == "main";
            let allowed = needed.is_none_or(|needed| rank >= needed) && reached;
            assert_eq!(status != 403, allowed, "{operation} as {role} gave {status} {answer}");
            if path.contains("{production}") {
                let (status, answer) =
                    stage.call_as(Some(&tokens[role]), method, &concrete(path, "other"), None).await;
                assert_eq!(status, 403, "{operation} as {role} out of reach gave {answer}");
            }
        }
    }
}

fn message(kind: &str, production: &str) -> Value {
    let mutations = json!([put("layers", "logo", json!(1))]);
    match kind {
        "hello" | "ping" => json!({"type": kind}),
        "subscribe" | "unsubscribe" => json!({"type": kind, "production": production}),
        "mutate" => {
            json!({"type": kind, "id": format!("m-{production}"), "production": production, "mutations": mutations})
        }
        "action" => json!({"type": kind, "id": "a", "production": production, "action": "start"}),
        "signal" => json!({"type": kind, "production": production, "stream": {"fps": 1}}),
        other => panic!("say what a `{other}` looks like"),
    }
}

/// The least role for each message, by rank; `None` is for whoever said `hello`.
fn needed_for(kind: &str) -> Option<usize> {
    match kind {
        "hello" | "ping" | "unsubscribe" => None,
        "subscribe" => Some(0),
        "signal" => Some(1),
        "mutate" | "action" => Some(2),
        other => panic!("say who may say `{other}`"),
    }
}

#[tokio::test]
async fn x1_every_message_is_authorized_for_every_role_and_production() {
    let stage = Stage::new().await;
    stage.begin("other").await;
    for (rank, role) in ROLES.into_iter().enumerate() {
        let (_, token) = stage.token(role, Some(&["main"])).await;
        for kind in ClientMessage::TYPES {
            for production in ["main", "other"] {
                let mut client = stage.socket().await;
                client.say(&json!({"type": "hello", "token": token})).await;
                client.wait_for("welcome").await;
                client.say(&message(kind, production)).await;
                client.say(&json!({"type": "ping"})).await;
                let mut forbidden = false;
                loop {
                    let answer = client.hear().await;
                    forbidden |= answer["code"] == "forbidden";
                    if answer["type"] == "pong" {
                        break;
                    }
                }
                let allowed = needed_for(kind).is_none_or(|needed| rank >= needed && production == "main");
                assert_eq!(!forbidden, allowed, "{kind} of {production} as {role}");
            }
        }
    }
}

/// What an agent says, and the least role of whoever may say it; `None` is for whoever has registered.
fn of_agent(kind: &str, production: &str) -> (Value, Option<usize>) {
    match kind {
        "register" => (json!({"type": kind, "production": production, "service": "host"}), Some(1)),
        "done" => (json!({"type": kind, "id": "x"}), None),
        "failed" => (json!({"type": kind, "id": "x", "error": "no"}), None),
        "status" => (json!({"type": kind, "healthy": true}), None),
        "ping" => (json!({"type": kind}), None),
        other => panic!("say what a `{other}` looks like, and who may say it"),
    }
}

#[tokio::test]
async fn x1_every_message_of_an_agent_is_authorized_for_every_role_and_production() {
    let stage = Stage::new().await;
    let services = json!({"services": [{"name": "host", "adapter": {"type": "agent"}}]});
    for production in ["main", "other"] {
        let path = format!("/v1/productions/{production}");
        assert!(stage.call("PUT", &path, Some(services.clone())).await.0 < 300);
    }
    for (rank, role) in ROLES.into_iter().enumerate() {
        let (_, token) = stage.token(role, Some(&["main"])).await;
        for kind in AgentMessage::TYPES {
            for production in ["main", "other"] {
                let mut client = stage.open("/v1/agents").await;
                let (mut message, needed) = of_agent(kind, production);
                if needed.is_some() {
                    message["token"] = json!(token);
                }
                client.say(&message).await;
                let answer = client.hear().await;
                let Some(needed) = needed else {
                    // What belongs to a registration is not heard without one, whoever says it.
                    assert_eq!(answer["code"], "unauthenticated", "{kind}: {answer}");
                    assert_eq!(client.wait_for_close().await, Some(1008), "{kind}");
                    continue;
                };
                let allowed = rank >= needed && production == "main";
                assert_eq!(
                    answer["type"] == "registered",
                    allowed,
                    "{kind} of {production} as {role}: {answer}"
                );
                if !allowed {
                    assert_eq!(answer["code"], "forbidden", "{kind} of {production} as {role}");
                    assert_eq!(client.wait_for_close().await, Some(4403), "{kind} of {production} as {role}");
                }
            }
        }
    }
}
