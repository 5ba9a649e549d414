//! `http`: a service behind a URL, called by signed requests (rows S2, S3). `docs/http-services.md` is for who answers them.

use std::{collections::BTreeMap, time::Duration};

use onair_core::service::Seen;
use onair_runtime::{
    Clock,
    adapter::{Adapter, BoxFuture, Call, CallError, Class, Misfit},
};
use onair_wire::ProductionId;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};

use crate::{
    outbound::{Outbound, Secret, Target, Trouble},
    sign::{hex, hmac_sha256},
    status::{judged, sentence},
};

/// What an adapter of this type has: each is required.
const MEMBERS: [&str; 3] = ["type", "url", "secret"];

/// The adapter. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Http {
    outbound: Outbound,
    clock: Clock,
}

/// How one service is reached.
struct Reached {
    target: Target,
    secret: Secret,
}

impl Http {
    /// An adapter that calls by `outbound`.
    #[must_use]
    pub fn new(outbound: Outbound, clock: Clock) -> Self {
        Self { outbound, clock }
    }

    fn reached(&self, adapter: &Value) -> Result<Reached, Misfit> {
        let misfit = |member: &str, detail: String| Misfit {
            pointer: format!("/{}", onair_wire::json::escape(member)),
            detail,
        };
        let foreign =
            adapter.as_object().and_then(|all| all.keys().find(|name| !MEMBERS.contains(&name.as_str())));
        if let Some(name) = foreign {
            return Err(misfit(name, "an http adapter has a `type`, a `url` and a `secret`".into()));
        }
        let text = |member: &str| adapter.get(member).and_then(Value::as_str);
        let url =
            text("url").ok_or_else(|| misfit("url", "an http adapter says the `url` to call".into()))?;
        let target = self.outbound.target(url).map_err(|detail| misfit("url", detail))?;
        let reference = text("secret").ok_or_else(|| {
            misfit(
                "secret",
                "calls are signed: name a variable of the server that holds the secret, `env:NAME`".into(),
            )
        })?;
        let secret = self.outbound.secret(reference).map_err(|error| misfit("secret", error.to_string()))?;
        Ok(Reached { target, secret })
    }

    async fn carry_out(self, call: Call) -> Result<Value, CallError> {
        let Reached { target, secret } = self.reached(&call.adapter).map_err(|misfit| CallError {
            class: Class::Validation,
            message: format!("`{}` of the adapter: {}", &misfit.pointer[1..], misfit.detail),
            retryable: false,
            unknown: false,
        })?;
        let now = self.clock.now();
        let patience = Duration::from_millis(now.until(call.deadline).0);
        if patience.is_zero() {
            let message = "the deadline had passed before it was called".into();
            return Err(CallError { class: Class::Timeout, message, retryable: true, unknown: false });
        }
        let body = body(&call);
        let headers = headers(&call, &now.to_string(), &body, &secret).ok_or_else(|| CallError {
            class: Class::Validation,
            message: "the key of the call is not printable ASCII".into(),
            retryable: false,
            unknown: false,
        })?;
        match self.outbound.post(&target, headers, body, patience).await {
            Ok(answer) => answered(answer.status, &answer.body, &secret),
            Err(trouble) => Err(failed(&trouble)),
        }
    }
}

impl Adapter for Http {
    fn check(&self, adapter: &Value) -> Result<(), Misfit> {
        self.reached(adapter).map(|_| ())
    }

    fn call(&self, call: Call) -> BoxFuture<'static, Result<Value, CallError>> {
        Box::pin(self.clone().carry_out(call))
    }

    fn seen(&self, _: &ProductionId, _: &str, _: bool) -> Option<Seen> {
        None
    }

    fn polled(&self) -> bool {
        true
    }
}

fn body(call: &Call) -> Vec<u8> {
    let body = json!({
        "production": call.production,
        "service": call.service,
        "action": call.action.as_str(),
        "key": call.key,
        "attempt": call.attempt,
        "deadline": call.deadline,
        "params": call.params,
    });
    body.to_string().into_bytes()
}

/// What is signed is `timestamp.key.deadline.body`. `None` when the key does not go into a header.
fn headers(call: &Call, timestamp: &str, body: &[u8], secret: &Secret) -> Option<HeaderMap> {
    let deadline = call.deadline.to_string();
    let parts = [timestamp.as_bytes(), call.key.as_bytes(), deadline.as_bytes(), body];
    let signature = format!("v1={}", hex(&hmac_sha256(secret.reveal().as_bytes(), &parts)));
    let texts = BTreeMap::from([
        ("onair-timestamp", timestamp),
        ("onair-key", &call.key),
        ("idempotency-key", &call.key),
        ("onair-deadline", &deadline),
        ("onair-signature", &signature),
    ]);
    let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    for (name, text) in texts {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_str(text).ok()?);
    }
    Some(headers)
}

fn answered(status: u16, body: &[u8], secret: &Secret) -> Result<Value, CallError> {
    if !(200..300).contains(&status) {
        let (class, retryable) = judged(status);
        // A failure that the service did not say itself, or that it met on its way, may have come after the deed.
        let unknown = matches!(status, 408 | 500 | 502 | 504);
        return Err(CallError { class, message: sentence(status, body, Some(secret)), retryable, unknown });
    }
    if body.trim_ascii().is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(answer @ Value::Object(_)) => Ok(answer),
        // Asked again it would say the same.
        Ok(_) | Err(_) => Err(CallError {
            class: Class::Validation,
            message: format!("answered {status} with a body that is no JSON object"),
            retryable: false,
            unknown: true,
        }),
    }
}

fn failed(trouble: &Trouble) -> CallError {
    CallError {
        class: trouble.class(),
        message: trouble.to_string(),
        retryable: trouble.retryable(),
        unknown: trouble.unknown(),
    }
}
