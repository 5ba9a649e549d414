//! Convex, by its HTTP API (row B1): a mutation of the deployment is called, `users/sessions:updateBroadcastState` unless
//! the manifest says another. A mutation over HTTP carries no key of idempotency, so each call names the operation and its
//! revision, and the mutation that we ship (`examples/convex`) takes nothing twice and nothing older than what it has.
//!
//! A failure of the function is answered with 200, or 560: the status alone says nothing.

use std::fmt;

use onair_core::manifest::{self, FUNCTION};
use onair_runtime::{
    adapter::{Class, Misfit},
    backend::{Delivery, Undelivered},
};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::{PATIENCE, misfit, secret, undelivered};
use crate::{
    outbound::{AGENT_DASHED, Outbound, Secret, Target},
    status::{excerpt, judged, printable, sentence},
};

/// The status of a failed function, beside 200.
const FUNCTION_FAILED: u16 = 560;
/// What the mutation's error says when the backend knows something newer.
const STALE: &str = "stale";
/// What keys of users begin with; others are keys of deployments.
const BEARER: &str = "Bearer ";

/// A deployment of Convex.
#[derive(Clone)]
pub struct Convex {
    target: Target,
    function: String,
    key: Option<Key>,
}

#[derive(Clone)]
struct Key {
    secret: Secret,
    header: HeaderValue,
}

impl Convex {
    pub(super) fn new(backend: &manifest::Backend, outbound: &Outbound) -> Result<Self, Misfit> {
        if backend.secret.is_some() {
            return Err(misfit("secret", "Convex is opened by its `key` and has no `secret`"));
        }
        let base = outbound.target(&backend.url).map_err(|detail| misfit("url", detail))?;
        if base.has_query() {
            return Err(misfit("url", "is the URL of a deployment, with nothing behind `?`"));
        }
        let key = backend.key.as_deref().map(|reference| key(reference, outbound)).transpose()?;
        let function = backend.function.clone().unwrap_or_else(|| FUNCTION.into());
        Ok(Self { target: base.below(&["api", "mutation"]), function, key })
    }

    pub(super) async fn deliver(&self, outbound: &Outbound, delivery: &Delivery) -> Result<(), Undelivered> {
        let args = arguments(delivery).ok_or_else(|| Undelivered {
            class: Class::Validation,
            message: "the delivery has no object `broadcast`, which is what Convex is told".into(),
            retryable: false,
        })?;
        let body = json!({ "path": self.function, "args": args, "format": "json" });
        let mut headers = HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (HeaderName::from_static("convex-client"), HeaderValue::from_static(AGENT_DASHED)),
        ]);
        if let Some(key) = &self.key {
            headers.insert(AUTHORIZATION, key.header.clone());
        }
        let answer = outbound.post(&self.target, headers, body.to_string().into_bytes(), PATIENCE).await;
        let answer = answer.map_err(|trouble| undelivered(&trouble))?;
        judge(answer.status, &answer.body, self.key.as_ref().map(|key| &key.secret))
    }
}

fn key(reference: &str, outbound: &Outbound) -> Result<Key, Misfit> {
    let secret = secret("key", reference, outbound)?;
    let text = match secret.reveal() {
        user if user.starts_with(BEARER) => user.to_owned(),
        deployment => format!("Convex {deployment}"),
    };
    let name = reference.strip_prefix("env:").unwrap_or_default();
    let mut header = HeaderValue::from_str(&text)
        .map_err(|_| misfit("key", format!("the variable {name} has characters that no key has")))?;
    header.set_sensitive(true);
    Ok(Key { secret, header })
}

/// What the mutation is given: the state of the broadcast, and which commit made it.
fn arguments(delivery: &Delivery) -> Option<Value> {
    let mut args = delivery.data.get("broadcast")?.as_object()?.clone();
    args.insert("operationId".into(), json!(delivery.id));
    args.insert("revision".into(), json!(delivery.revision));
    args.insert("production".into(), json!(delivery.production));
    Some(Value::Object(args))
}

fn judge(status: u16, body: &[u8], secret: Option<&Secret>) -> Result<(), Undelivered> {
    if status != 200 && status != FUNCTION_FAILED {
        // What is in conflict or too early for Convex is so for a moment.
        let (class, retryable) = match status {
            409 => (Class::Conflict, true),
            status => judged(status),
        };
        return Err(Undelivered { class, message: sentence(status, body, secret), retryable });
    }
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    match answer.get("status").and_then(Value::as_str) {
        Some("success") => Ok(()),
        Some("error") => function_failed(&answer, secret),
        Some(_) | None => {
            let said = excerpt(body, secret);
            let message =
                format!("answered {status} as Convex does not; is the URL that of the deployment? {said}");
            Err(Undelivered { class: Class::Validation, message, retryable: status == FUNCTION_FAILED })
        }
    }
}

fn function_failed(answer: &Value, secret: Option<&Secret>) -> Result<(), Undelivered> {
    let data = answer.get("errorData").filter(|data| !data.is_null());
    if data.and_then(|data| data.get("kind")) == Some(&json!(STALE)) {
        return Ok(());
    }
    let said = answer.get("errorMessage").and_then(Value::as_str).unwrap_or_default();
    let said = data.map_or_else(|| said.to_owned(), |data| format!("{data} ({said})"));
    let said = printable(&secret.map_or_else(|| said.clone(), |secret| secret.hidden_in(&said)));
    let message = format!("the mutation failed: {said}");
    // In production the text says no more than `Server Error`; whoever refuses for good throws a ConvexError with data.
    // A development deployment says that there is no such function, or that its arguments are others.
    let lasting = data.is_some()
        || ["Could not find", "ArgumentValidationError"].iter().any(|text| said.contains(text));
    let class = if lasting { Class::Validation } else { Class::Server };
    Err(Undelivered { class, message, retryable: !lasting })
}

impl fmt::Debug for Convex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, function, key: _ } = self;
        f.debug_struct("Convex").field("target", target).field("function", function).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b1_answers_are_judged_by_what_they_say() {
        let error = |message: &str, data: Value| {
            json!({ "status": "error", "errorMessage": message, "errorData": data }).to_string()
        };
        let redacted = "[Request ID: 1f] Server Error";
        let good = Ok(());
        let table: [(u16, String, Result<(), (Class, bool)>); 18] = [
            (200, json!({ "status": "success", "value": null }).to_string(), good),
            (200, error(redacted, json!({ "kind": "stale", "have": 7 })), good),
            (560, error(redacted, json!({ "kind": "stale", "have": 7 })), good),
            (200, error(redacted, json!({ "kind": "unknown-session" })), Err((Class::Validation, false))),
            (560, error(redacted, json!("no")), Err((Class::Validation, false))),
            (200, error(redacted, Value::Null), Err((Class::Server, true))),
            (
                560,
                json!({ "status": "error", "errorMessage": redacted }).to_string(),
                Err((Class::Server, true)),
            ),
            (
                200,
                error("Could not find public function for 'a:b'", Value::Null),
                Err((Class::Validation, false)),
            ),
            (200, "<html>".into(), Err((Class::Validation, false))),
            (
                400,
                json!({ "code": "BadJsonBody", "message": "m" }).to_string(),
                Err((Class::Validation, false)),
            ),
            (401, String::new(), Err((Class::Permission, false))),
            (
                403,
                json!({ "code": "BadDeployKey", "message": "m" }).to_string(),
                Err((Class::Permission, false)),
            ),
            (404, String::new(), Err((Class::Validation, false))),
            (302, String::new(), Err((Class::Validation, false))),
            (409, String::new(), Err((Class::Conflict, true))),
            (429, String::new(), Err((Class::Server, true))),
            (503, json!({ "code": "Overloaded", "message": "m" }).to_string(), Err((Class::Server, true))),
            (500, String::new(), Err((Class::Server, true))),
        ];
        for (status, body, expected) in table {
            let judged = judge(status, body.as_bytes(), None).map_err(|error| (error.class, error.retryable));
            assert_eq!(judged, expected, "{status} {body}");
        }
    }
}
