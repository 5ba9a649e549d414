//! Webhooks (row B2).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use onair_adapters::backend::Connectors;
use onair_core::manifest::{self, BackendKind};
use onair_runtime::{
    adapter::Class,
    backend::{Backends, Delivery, Undelivered},
};
use onair_wire::{Epoch, ProductionId, Revision};
use serde_json::json;

use crate::{
    WEBHOOK_SECRET, clock,
    double::{Double, Say},
    hmac, now, outbound,
};

pub(crate) fn delivery(revision: u64) -> Delivery {
    let production = ProductionId::new("main").expect("a name");
    let epoch = Epoch::new("k3f9").expect("an epoch");
    let broadcast = json!({
        "sessionId": "s-1", "broadcastState": "live", "hostActive": true, "producerActive": true, "liveFeedActive": true,
        "startTime": "2026-11-20T17:59:00.000Z", "duration": 60_000,
    });
    Delivery {
        id: Delivery::id(&production, &epoch, Revision(revision)),
        production,
        epoch,
        revision: Revision(revision),
        at: now(),
        kind: "lifecycle.moved".into(),
        data: json!({ "from": "starting", "to": "live", "broadcast": broadcast }),
    }
}

fn webhook(url: &str, secret: Option<&str>) -> manifest::Backend {
    manifest::Backend {
        name: "hook".into(),
        kind: BackendKind::Webhook,
        url: url.into(),
        secret: secret.map(Into::into),
        key: None,
        function: None,
    }
}

fn connectors() -> Connectors {
    Connectors::new(outbound(&["127.0.0.1"]), clock())
}

async fn told(url: &str) -> Result<(), Undelivered> {
    connectors().deliver(&webhook(url, Some("env:HOOK")), delivery(42)).await
}

#[tokio::test]
async fn b2_a_webhook_is_signed_as_the_standard_says() {
    let double = Double::answering(204, "").await;
    for secret in ["env:HOOK", "env:PLAIN_HOOK"] {
        let backend = webhook(&format!("{}/hooks/1?a=b", double.url()), Some(secret));
        assert_eq!(connectors().deliver(&backend, delivery(42)).await, Ok(()));
    }
    let heard = double.heard();
    assert_eq!(heard.len(), 2);
    for heard in heard {
        assert_eq!(heard.path, "/hooks/1");
        assert_eq!(heard.header("webhook-id"), "main:k3f9:42");
        assert_eq!(heard.header("webhook-timestamp"), "1795197600");
        let body = heard.json();
        assert_eq!(body["type"], "lifecycle.moved");
        assert_eq!(body["timestamp"], "2026-11-20T18:00:00.250Z");
        assert_eq!(body["data"], delivery(42).data);
        let key = STANDARD.decode(WEBHOOK_SECRET.trim_start_matches("whsec_")).expect("base64");
        let text = [b"main:k3f9:42.1795197600.", heard.body.as_slice()].concat();
        let signature = format!("v1,{}", STANDARD.encode(hmac(&key, &text)));
        assert_eq!(heard.header("webhook-signature"), signature);
    }
}

#[tokio::test]
async fn b2_only_what_may_work_again_is_retried() {
    let table = [
        (200, None),
        (204, None),
        (302, Some((Class::Validation, false))),
        (400, Some((Class::Validation, false))),
        (403, Some((Class::Permission, false))),
        (404, Some((Class::Validation, false))),
        (408, Some((Class::Timeout, true))),
        (409, Some((Class::Conflict, false))),
        (410, Some((Class::Validation, false))),
        (429, Some((Class::Server, true))),
        (500, Some((Class::Server, true))),
        (503, Some((Class::Server, true))),
    ];
    for (status, expected) in table {
        let double = Double::answering(status, "").await;
        let outcome = told(&double.url()).await;
        assert_eq!(outcome.err().map(|error| (error.class, error.retryable)), expected, "{status}");
    }
    let lost = told(&Double::hanging_up().await.url()).await.expect_err("nobody is there");
    assert_eq!((lost.class, lost.retryable), (Class::Network, true), "{lost}");
    let double = Double::saying(Say::Elsewhere("http://127.0.0.1:1/".into())).await;
    assert!(!told(&double.url()).await.expect_err("a redirection").retryable);
}

#[test]
fn b2_a_webhook_is_checked_before_it_is_taken() {
    let at = |url, secret| webhook(url, secret);
    let with_key =
        manifest::Backend { key: Some("env:HOOK".into()), ..at("https://a.example", Some("env:HOOK")) };
    let table = [
        (at("https://a.example/hook?x=1", Some("env:HOOK")), "", ""),
        (at("https://a.example", None), "/secret", "webhooks are signed"),
        (at("https://a.example", Some("env:NONE")), "/secret", "the variable NONE is not set"),
        (at("https://a.example", Some("env:BROKEN")), "/secret", "the variable BROKEN holds no secret"),
        (at("https://10.0.0.1", Some("env:HOOK")), "/url", "is private"),
        (at("http://a.example", Some("env:HOOK")), "", ""),
        (with_key, "/key", "has no `key`"),
    ];
    for (backend, pointer, detail) in table {
        match connectors().check(&backend) {
            Ok(()) => assert_eq!(pointer, "", "{backend:?}"),
            Err(misfit) => {
                assert_eq!(misfit.pointer, pointer, "{backend:?}");
                assert!(
                    misfit.detail.contains(detail) && !misfit.detail.contains("base64 nor"),
                    "{misfit:?}"
                );
            }
        }
    }
}
