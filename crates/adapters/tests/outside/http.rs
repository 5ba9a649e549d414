//! The adapter `http` (rows S2, S3, E1).

use onair_adapters::Http;
use onair_runtime::adapter::{Adapter, Call, CallError, Class};
use onair_wire::{Millis, ProductionId, TaskAction};
use serde_json::{Value, json};

use crate::{
    SECRET, clock,
    double::{Double, Say},
    hmac, now, outbound,
};

/// How long calls of these tests may take, unless they are to be cut.
const PATIENT: Millis = Millis(20_000);

pub(crate) fn call(url: &str, deadline: Millis) -> Call {
    Call {
        production: ProductionId::new("main").expect("a name"),
        service: "host".into(),
        adapter: json!({ "type": "http", "url": url, "secret": "env:SECRET" }).into(),
        action: TaskAction::Start,
        key: "main:k3f9:41/host.start".into(),
        attempt: 2,
        deadline: now().plus(deadline),
        params: json!({ "camera": 1 }).into(),
    }
}

async fn asked(double: &Double, deadline: Millis) -> Result<Value, CallError> {
    let adapter = Http::new(outbound(&[&double.address.to_string()]), clock());
    adapter.call(call(&double.url(), deadline)).await
}

#[tokio::test]
async fn s2_a_call_says_everything_and_is_signed() {
    let double = Double::answering(200, r#"{"scene":"intro"}"#).await;
    assert_eq!(asked(&double, PATIENT).await, Ok(json!({ "scene": "intro" })));
    let [heard] = double.heard().try_into().expect("one request");
    let body = json!({
        "production": "main", "service": "host", "action": "start", "key": "main:k3f9:41/host.start", "attempt": 2,
        "deadline": "2026-11-20T18:00:20.250Z", "params": { "camera": 1 },
    });
    assert_eq!(heard.json(), body);
    let expected = [
        ("content-type", "application/json"),
        ("user-agent", concat!("onair/", env!("CARGO_PKG_VERSION"))),
        ("onair-timestamp", "2026-11-20T18:00:00.250Z"),
        ("onair-deadline", "2026-11-20T18:00:20.250Z"),
        ("onair-key", "main:k3f9:41/host.start"),
        ("idempotency-key", "main:k3f9:41/host.start"),
    ];
    for (name, value) in expected {
        assert_eq!(heard.header(name), value, "{name}");
    }
    let mut text = b"2026-11-20T18:00:00.250Z.main:k3f9:41/host.start.2026-11-20T18:00:20.250Z.".to_vec();
    text.extend_from_slice(&heard.body);
    let code: String = hmac(SECRET.as_bytes(), &text).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(heard.header("onair-signature"), format!("v1={code}"));
}

#[tokio::test]
async fn s3_an_answer_is_judged_by_its_status() {
    let done = Ok(json!({}));
    let failed = |class, retryable, unknown| Err((class, retryable, unknown));
    let table: [(u16, &str, Result<Value, (Class, bool, bool)>); 17] = [
        (200, "", done.clone()),
        (204, "", done.clone()),
        (200, " {} ", done),
        (200, "[]", failed(Class::Validation, false, true)),
        (200, "ok", failed(Class::Validation, false, true)),
        (400, "", failed(Class::Validation, false, false)),
        (401, "", failed(Class::Permission, false, false)),
        (403, "", failed(Class::Permission, false, false)),
        (404, "", failed(Class::Validation, false, false)),
        (408, "", failed(Class::Timeout, true, true)),
        (409, "", failed(Class::Conflict, false, false)),
        (410, "", failed(Class::Validation, false, false)),
        (422, "", failed(Class::Validation, false, false)),
        (429, "", failed(Class::Server, true, false)),
        (500, "", failed(Class::Server, true, true)),
        (503, "", failed(Class::Server, true, false)),
        (504, "", failed(Class::Timeout, true, true)),
    ];
    for (status, body, expected) in table {
        let double = Double::answering(status, body).await;
        let answer = asked(&double, PATIENT).await;
        assert_eq!(
            answer.map_err(|error| (error.class, error.retryable, error.unknown)),
            expected,
            "{status} {body}"
        );
    }
    let double = Double::answering(409, r#"{"detail":"the camera is in use","n":1}"#).await;
    let error = asked(&double, PATIENT).await.expect_err("a conflict");
    assert_eq!(error.message, "answered 409: the camera is in use");
}

#[tokio::test]
async fn s3_what_may_have_happened_is_said() {
    let closed = Double::answering(200, "").await.url();
    let table = [
        (Double::saying(Say::Nothing).await.into_url(), Millis(150), Class::Timeout, true, true),
        (Double::saying(Say::Beginning).await.into_url(), Millis(150), Class::Timeout, true, true),
        (Double::saying(Say::Much(64 * 1_024 + 1)).await.into_url(), PATIENT, Class::Validation, false, true),
        (Double::hanging_up().await.into_url(), PATIENT, Class::Network, true, true),
        ((None, closed.clone()), PATIENT, Class::Network, true, false),
        ((None, closed), Millis(0), Class::Timeout, true, false),
    ];
    for ((double, url), deadline, class, retryable, unknown) in table {
        let adapter = Http::new(outbound(&["127.0.0.1"]), clock());
        let error = adapter.call(call(&url, deadline)).await.expect_err("no answer");
        let found = (error.class, error.retryable, error.unknown);
        assert_eq!(found, (class, retryable, unknown), "{error}");
        drop(double);
    }
    let whole = Double::saying(Say::Much(64 * 1_024)).await;
    assert_eq!(asked(&whole, PATIENT).await, Ok(json!({})));
}

#[tokio::test]
async fn s2_a_secret_that_is_sent_back_is_not_shown() {
    let double = Double::answering(400, &format!("the secret is {SECRET}, is it?")).await;
    let error = asked(&double, PATIENT).await.expect_err("refused");
    assert_eq!(error.message, "answered 400: the secret is …, is it?");
}

#[test]
fn s2_an_adapter_is_checked_before_it_is_taken() {
    let adapter = Http::new(outbound(&["127.0.0.1:8000"]), clock());
    let table = [
        (json!({ "type": "http", "url": "https://a.example/x", "secret": "env:SECRET" }), "", ""),
        (json!({ "type": "http", "url": "http://127.0.0.1:8000", "secret": "env:SECRET" }), "", ""),
        (json!({ "type": "http", "secret": "env:SECRET" }), "/url", "says the `url`"),
        (json!({ "type": "http", "url": "https://a.example" }), "/secret", "calls are signed"),
        (json!({ "type": "http", "url": "ftp://a", "secret": "env:SECRET" }), "/url", "not with ftp:"),
        (
            json!({ "type": "http", "url": "https://a:b@c.example", "secret": "env:SECRET" }),
            "/url",
            "no password",
        ),
        (json!({ "type": "http", "url": "https://127.0.0.1", "secret": "env:SECRET" }), "/url", "is private"),
        (
            json!({ "type": "http", "url": "http://a.example", "secret": "env:SECRET" }),
            "/url",
            "https:// is needed",
        ),
        (
            json!({ "type": "http", "url": "https://a.example", "secret": "env:NONE" }),
            "/secret",
            "variable NONE is not",
        ),
        (json!({ "type": "http", "url": "https://a.example", "secret": "hunter2" }), "/secret", "`env:NAME`"),
        (json!({ "type": "http", "url": "https://a.example", "secret": 5 }), "/secret", "calls are signed"),
        (
            json!({ "type": "http", "url": "https://a.example", "secret": "env:SECRET", "a/b": 1 }),
            "/a~1b",
            "has a `type`",
        ),
    ];
    for (written, pointer, detail) in table {
        match adapter.check(&written) {
            Ok(()) => assert_eq!(pointer, "", "{written}"),
            Err(misfit) => {
                assert_eq!(misfit.pointer, pointer, "{written}");
                assert!(misfit.detail.contains(detail) && !misfit.detail.contains("hunter2"), "{misfit:?}");
            }
        }
    }
    assert!(adapter.polled());
    assert!(adapter.seen(&ProductionId::new("main").expect("a name"), "host", true).is_none());
}

impl Double {
    /// Its URL, and the double itself to be kept for as long.
    fn into_url(self) -> (Option<Self>, String) {
        let url = self.url();
        (Some(self), url)
    }
}
