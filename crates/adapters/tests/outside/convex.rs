//! Convex (row B1): a double that follows its HTTP API. `cargo xtask test --only convex` runs the mutation itself.

use onair_adapters::backend::Connectors;
use onair_core::manifest::{self, BackendKind};
use onair_runtime::{
    adapter::Class,
    backend::{Backends, Delivery, Undelivered},
};
use serde_json::json;

use crate::{
    clock,
    double::{Double, Heard, Say},
    outbound,
    webhook::delivery,
};

fn convex(url: &str, key: Option<&str>) -> manifest::Backend {
    manifest::Backend {
        name: "convex".into(),
        kind: BackendKind::Convex,
        url: url.into(),
        secret: None,
        key: key.map(Into::into),
        function: None,
    }
}

fn connectors() -> Connectors {
    Connectors::new(outbound(&["127.0.0.1"]), clock())
}

async fn told(backend: &manifest::Backend, delivery: Delivery) -> Result<(), Undelivered> {
    connectors().deliver(backend, delivery).await
}

/// What a deployment in production answers: it tells no more of a failure than its data.
fn deployment(heard: &Heard) -> Say {
    let failed = |data: serde_json::Value| {
        json!({ "status": "error", "errorMessage": "[Request ID: 1f2e] Server Error", "errorData": data })
            .to_string()
    };
    if heard.path != "/api/mutation" {
        return Say::Status(404, json!({ "code": "NotFound", "message": "no such place" }).to_string());
    }
    if !["Convex prod:otter|deploy-key", "Bearer user.token"].contains(&heard.header("authorization")) {
        return Say::Status(403, json!({ "code": "BadDeployKey", "message": "not that key" }).to_string());
    }
    let asked = heard.json();
    assert_eq!((heard.header("content-type"), &asked["format"]), ("application/json", &json!("json")));
    match asked["args"]["revision"].as_u64().expect("a revision") {
        0..42 => Say::Status(200, failed(json!({ "kind": "stale", "have": 42 }))),
        42 => {
            Say::Status(200, json!({ "status": "success", "value": null, "logLines": ["said"] }).to_string())
        }
        43 => Say::Status(560, failed(json!({ "kind": "no-session" }))),
        44 => Say::Status(200, failed(serde_json::Value::Null)),
        45 => Say::Status(503, json!({ "code": "Overloaded", "message": "later" }).to_string()),
        _ => Say::Status(560, failed(json!({ "kind": "stale", "have": 90 }))),
    }
}

#[tokio::test]
async fn b1_convex_is_told_by_its_mutation() {
    let double = Double::hearing(deployment).await;
    assert_eq!(told(&convex(&double.url(), Some("env:DEPLOY_KEY")), delivery(42)).await, Ok(()));
    let [heard] = double.heard().try_into().expect("one request");
    let expected = json!({
        "path": "users/sessions:updateBroadcastState",
        "args": {
            "sessionId": "s-1", "broadcastState": "live", "hostActive": true, "producerActive": true,
            "liveFeedActive": true, "startTime": "2026-11-20T17:59:00.000Z", "duration": 60_000,
            "operationId": "main:k3f9:42", "revision": 42, "production": "main",
        },
        "format": "json",
    });
    assert_eq!(heard.json(), expected);
    assert_eq!(heard.header("authorization"), "Convex prod:otter|deploy-key");
    assert_eq!(heard.header("convex-client"), concat!("onair-", env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn b1_what_the_function_says_decides_and_not_the_status() {
    let double = Double::hearing(deployment).await;
    let backend = convex(&double.url(), Some("env:DEPLOY_KEY"));
    let table = [
        (41, None),
        (42, None),
        (43, Some((Class::Validation, false))),
        (44, Some((Class::Server, true))),
        (45, Some((Class::Server, true))),
        (46, None),
    ];
    for (revision, expected) in table {
        let outcome = told(&backend, delivery(revision)).await;
        assert_eq!(outcome.err().map(|error| (error.class, error.retryable)), expected, "{revision}");
    }
    let error = told(&backend, delivery(43)).await.expect_err("refused by the function");
    assert!(error.message.contains(r#"{"kind":"no-session"}"#), "{error}");
}

#[tokio::test]
async fn b1_keys_paths_and_functions_are_those_of_the_manifest() {
    let double = Double::hearing(deployment).await;
    let user = manifest::Backend {
        function: Some("shows:told".into()),
        ..convex(&format!("{}/", double.url()), Some("env:USER_KEY"))
    };
    assert_eq!(told(&user, delivery(42)).await, Ok(()));
    assert_eq!(double.heard()[0].header("authorization"), "Bearer user.token");
    assert_eq!(double.heard()[0].json()["path"], "shows:told");
    let refused = told(&convex(&double.url(), None), delivery(42)).await.expect_err("no key");
    assert_eq!((refused.class, refused.retryable), (Class::Permission, false));
    assert_eq!(refused.message, "answered 403: not that key");
    assert_eq!(double.heard()[1].header("authorization"), "");
    let elsewhere = convex(&format!("{}/behind", double.url()), Some("env:DEPLOY_KEY"));
    assert!(!told(&elsewhere, delivery(42)).await.expect_err("404").retryable);
    assert_eq!(double.heard()[2].path, "/behind/api/mutation");
}

#[tokio::test]
async fn b1_what_has_no_broadcast_is_not_for_convex() {
    let double = Double::hearing(deployment).await;
    let mut nothing = delivery(42);
    nothing.data = json!({ "to": "live" });
    let error =
        told(&convex(&double.url(), Some("env:DEPLOY_KEY")), nothing).await.expect_err("nothing to tell");
    assert_eq!((error.class, error.retryable, double.heard().len()), (Class::Validation, false, 0));
}

#[test]
fn b1_a_deployment_is_checked_before_it_is_taken() {
    let at = |url, key| convex(url, key);
    let with_secret = manifest::Backend {
        secret: Some("env:HOOK".into()),
        ..at("https://a.example", Some("env:DEPLOY_KEY"))
    };
    let table = [
        (at("https://otter.convex.cloud", Some("env:DEPLOY_KEY")), ""),
        (at("https://otter.convex.cloud", None), ""),
        (at("https://otter.convex.cloud?a", Some("env:DEPLOY_KEY")), "/url"),
        (at("https://192.168.0.1", Some("env:DEPLOY_KEY")), "/url"),
        (at("https://otter.convex.cloud", Some("env:NONE")), "/key"),
        (at("https://otter.convex.cloud", Some("env:BROKEN")), "/key"),
        (with_secret, "/secret"),
    ];
    for (backend, pointer) in table {
        let misfit = connectors().check(&backend).err();
        assert_eq!(misfit.as_ref().map_or("", |misfit| misfit.pointer.as_str()), pointer, "{backend:?}");
        assert!(!format!("{misfit:?}").contains("nor"), "{misfit:?}");
    }
}
