//! A writer: keeps several mutations under way until the server dies, and knows which of them were acknowledged.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, ensure};
use serde_json::json;

use super::super::client::Client;

/// Mutations under way at once.
const IN_FLIGHT: u64 = 8;

/// What one writer did in one round.
#[derive(Debug, Default)]
pub(in crate::outside) struct Written {
    /// Mutations that were acknowledged, with their revisions.
    pub(in crate::outside) acknowledged: Vec<(String, u64)>,
    /// Mutations that were sent and never answered: they may be there or not.
    pub(in crate::outside) open: Vec<String>,
}

/// Writes until the connection is gone. An answer that refuses is an error; a connection that ends is not.
pub(super) fn run(api: &str, production: &str, name: &str, stop: &AtomicBool) -> Result<Written> {
    let mut written = Written::default();
    let Ok(mut client) = Client::connect(api) else { return Ok(written) };
    let mut sent = 0_u64;
    while !stop.load(Ordering::Relaxed) {
        while sent < written.acknowledged.len() as u64 + IN_FLIGHT {
            let id = format!("{name}-{sent}");
            sent += 1;
            written.open.push(id.clone());
            if client.put(production, &id, &json!({"n": sent, "text": "x".repeat(100)})).is_err() {
                return Ok(written);
            }
        }
        let Ok(message) = client.hear() else { break };
        if message["type"] == "result" {
            let (id, revision) = (message["id"].as_str().unwrap_or_default(), message["revision"].as_u64());
            let place = written.open.iter().position(|open| open == id);
            ensure!(place.is_some() && revision.is_some(), "an answer that nobody waits for: {message}");
            written
                .acknowledged
                .push((written.open.remove(place.unwrap_or_default()), revision.unwrap_or_default()));
        } else {
            ensure!(message["type"] != "problem", "refused: {message}");
        }
    }
    Ok(written)
}
