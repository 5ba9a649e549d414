//! What the demo's production is made of: the manifest, and the documents that are there when the curtain opens. Pure.

use std::time::Duration;

use serde_json::{Value, json};

use super::script::{LAYERS, QUESTIONS, SCENES, TITLE};

/// How long the host may be away before the show is not whole any more: long enough to be back after a stumble, short
/// enough that nobody has to wait for the drama.
pub(super) const PATIENCE: Duration = Duration::from_millis(2_500);
/// How often agents are asked for a sign of life, in milliseconds.
pub(super) const HEARTBEAT_MS: u64 = 500;

/// The manifest, as `PUT /v1/productions/main` takes it.
pub(super) fn manifest() -> Value {
    let patience = u64::try_from(PATIENCE.as_millis()).expect("seconds");
    json!({
        "services": [
            { "name": "livefeed" },
            { "name": "session", "after": ["livefeed"] },
            { "name": "host", "adapter": { "type": "agent" } },
            { "name": "producer", "adapter": { "type": "agent" } },
        ],
        "start": ["livefeed", "session", "host", "producer"],
        "requires": [{ "service": "host", "is": "initialized" }, { "collection": "feed", "atLeast": 1 }],
        "collections": { "chat": { "keep": { "documents": 200 } }, "feed": { "keep": { "documents": 50 } } },
        "settings": { "healthTimeout": patience, "retryDelay": 1_000, "startupTimeout": 10_000,
            "initializationTimeout": 10_000, "shutdownTimeout": 5_000 },
    })
}

/// The documents, as one batch for `POST …/mutations`.
pub(super) fn documents() -> Value {
    let put = |collection: &str, id: &str, value: Value| json!({ "op": "put", "collection": collection, "document": id, "value": value });
    let scenes =
        SCENES.iter().map(|(id, shows)| put("scenes", id, json!({ "shows": shows, "onAir": false })));
    let layers = LAYERS.iter().map(|(id, text)| put("layers", id, json!({ "visible": false, "text": text })));
    let quiz = put("interactions", "quiz", json!({ "round": 0, "open": false, "votes": [0, 0, 0] }));
    let audience = put("interactions", "audience", json!({ "watching": 1_187 }));
    let title = format!("{TITLE}: {} questions, no refunds", QUESTIONS.len());
    let feed = put("feed", "tonight", json!({ "title": title, "status": "planned" }));
    let mutations: Vec<Value> = scenes.chain(layers).chain([quiz, audience, feed]).collect();
    json!({ "mutations": mutations })
}

#[cfg(test)]
mod tests {
    use onair_core::Manifest;
    use onair_wire::Mutation;

    use super::*;

    #[test]
    fn the_manifest_holds() {
        let manifest = Manifest::new(manifest()).unwrap();
        assert_eq!(manifest.written.start, ["livefeed", "session", "host", "producer"]);
    }

    #[test]
    fn the_documents_are_mutations_and_fill_what_a_start_needs() {
        let batch = documents();
        let mutations: Vec<Mutation> = serde_json::from_value(batch["mutations"].clone()).unwrap();
        for collection in ["feed", "scenes", "layers", "interactions"] {
            assert!(mutations.iter().any(|it| it.collection.as_str() == collection), "{collection}");
        }
    }
}
