//! Webhooks, signed after the convention of Standard Webhooks (row B2, <https://www.standardwebhooks.com>): whoever has
//! one of its libraries can verify them.

use std::fmt;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use onair_core::manifest;
use onair_runtime::{
    Clock,
    adapter::{Class, Misfit},
    backend::{Delivery, Undelivered},
};
use onair_wire::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::json;

use super::{PATIENCE, misfit, secret, undelivered};
use crate::{
    outbound::{Outbound, Secret, Target},
    sign::hmac_sha256,
    status::{judged, sentence},
};

/// What secrets of this kind begin with where they are handed out.
const PREFIX: &str = "whsec_";
/// Base64 with its padding or without: both are handed out.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A webhook.
#[derive(Clone)]
pub struct Webhook {
    target: Target,
    secret: Secret,
    key: Vec<u8>,
}

impl Webhook {
    pub(super) fn new(backend: &manifest::Backend, outbound: &Outbound) -> Result<Self, Misfit> {
        if backend.key.is_some() {
            return Err(misfit("key", "a webhook is signed by its `secret` and has no `key`"));
        }
        let target = outbound.target(&backend.url).map_err(|detail| misfit("url", detail))?;
        let reference = backend.secret.as_deref().ok_or_else(|| {
            misfit(
                "secret",
                "webhooks are signed: name a variable of the server that holds the secret, `env:NAME`",
            )
        })?;
        let secret = secret("secret", reference, outbound)?;
        let text = secret.reveal();
        let key =
            LENIENT.decode(text.strip_prefix(PREFIX).unwrap_or(text)).ok().filter(|key| !key.is_empty());
        let key = key.ok_or_else(|| {
            let name = reference.strip_prefix("env:").unwrap_or_default();
            misfit(
                "secret",
                format!(
                    "the variable {name} holds no secret of webhooks: base64, `{PREFIX}` before it or not"
                ),
            )
        })?;
        Ok(Self { target, secret, key })
    }

    pub(super) async fn deliver(
        &self,
        outbound: &Outbound,
        clock: &Clock,
        delivery: &Delivery,
    ) -> Result<(), Undelivered> {
        let body = json!({ "type": delivery.kind, "timestamp": delivery.at, "data": delivery.data });
        let body = body.to_string().into_bytes();
        let headers = self.headers(&delivery.id, clock.now(), &body).ok_or_else(|| Undelivered {
            class: Class::Validation,
            message: "the id of the delivery is not printable ASCII".into(),
            retryable: false,
        })?;
        let answer = outbound.post(&self.target, headers, body, PATIENCE).await;
        let answer = answer.map_err(|trouble| undelivered(&trouble))?;
        if (200..300).contains(&answer.status) {
            return Ok(());
        }
        let (class, retryable) = judged(answer.status);
        Err(Undelivered {
            class,
            message: sentence(answer.status, &answer.body, Some(&self.secret)),
            retryable,
        })
    }

    fn headers(&self, id: &str, now: Timestamp, body: &[u8]) -> Option<HeaderMap> {
        let seconds = (now.as_millis() / 1_000).to_string();
        let signature = signature(&self.key, id, &seconds, body);
        let mut headers =
            HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        for (name, text) in
            [("webhook-id", id), ("webhook-timestamp", &seconds), ("webhook-signature", &signature)]
        {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_str(text).ok()?);
        }
        Some(headers)
    }
}

fn signature(key: &[u8], id: &str, seconds: &str, body: &[u8]) -> String {
    let code = hmac_sha256(key, &[id.as_bytes(), seconds.as_bytes(), body]);
    format!("v1,{}", STANDARD.encode(code))
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("target", &self.target).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that the libraries of Standard Webhooks are tested with.
    #[test]
    fn b2_the_known_answer_of_standard_webhooks() {
        let key = LENIENT.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("base64");
        let (id, seconds, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", br#"{"test": 2432232314}"#);
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signature(&key, id, seconds, body), expected);
    }
}
