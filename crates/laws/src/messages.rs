//! What a client or an agent says over a socket: understood, or a problem with its place; never a panic.

use onair_wire::{agent::AgentMessage, json, sync::ClientMessage, sync::Misunderstood};

pub(crate) fn check(bytes: &[u8]) {
    let refused = [ClientMessage::parse(bytes).err(), AgentMessage::parse(bytes).err()];
    let is_json = json::parse(bytes).is_ok();
    for Misunderstood { id, problem } in refused.into_iter().flatten() {
        assert!(!problem.detail.is_empty(), "a refusal without a reason");
        assert!(id.is_none() || is_json, "an id of what does not read");
    }
    if let Ok(ClientMessage::Mutate(mutate)) = ClientMessage::parse(bytes) {
        let said = serde_json::to_value(&mutate.mutations).expect("mutations are JSON");
        let again: Vec<onair_wire::Mutation> = json::from_value(said).expect("what was written reads");
        assert_eq!(again, mutate.mutations);
    }
}
