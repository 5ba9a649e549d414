//! What is called outwards, seen by whoever is called: servers on port 0 that write down what they hear.

mod convex;
mod double;
mod http;
mod reach;
mod webhook;

use onair_adapters::outbound::{Outbound, Secrets};
use onair_runtime::{Clock, reach::Allow};
use onair_wire::Timestamp;
use sha2::{Digest, Sha256};

/// A time that every test stands at.
const NOW: &str = "2026-11-20T18:00:00.250Z";
/// The secret of http services.
const SECRET: &str = "a secret of services";
/// The secret of webhooks: what the example of Standard Webhooks has.
const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn now() -> Timestamp {
    NOW.parse().expect("a time")
}

fn clock() -> Clock {
    Clock::simulated(now())
}

/// Calls outwards that may reach these places.
fn outbound(allow: &[&str]) -> Outbound {
    let secrets = Secrets::new(|name| match name {
        "SECRET" => Some(SECRET.into()),
        "HOOK" => Some(WEBHOOK_SECRET.into()),
        "PLAIN_HOOK" => WEBHOOK_SECRET.strip_prefix("whsec_").map(Into::into),
        "DEPLOY_KEY" => Some("prod:otter|deploy-key".into()),
        "USER_KEY" => Some("Bearer user.token".into()),
        "BROKEN" => Some("not base64 nor\u{1}a header".into()),
        _ => None,
    });
    Outbound::new(&Allow::new(allow.iter().map(|entry| entry.parse().expect(entry))), secrets)
}

/// HMAC-SHA256 as RFC 2104 writes it down, not as the crate does it.
fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    assert!(key.len() <= 64, "longer keys are hashed first");
    let padded =
        |pad: u8| -> Vec<u8> { (0..64).map(|place| key.get(place).copied().unwrap_or(0) ^ pad).collect() };
    let inner = Sha256::digest([padded(0x36), text.to_vec()].concat());
    Sha256::digest([padded(0x5c), inner.to_vec()].concat()).into()
}
