//! What a client says, as text; `onair_wire::sync::ClientMessage` reads each of it.

use onair_wire::{Collection, Digest, Mutation, MutationId, Position, ProductionId, sync::StreamFigures};
use serde::Serialize;
use serde_json::{Value, json};

use crate::connection::VERSION;

/// A message of a client.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub(super) enum Say<'a> {
    Hello {
        #[serde(skip_serializing_if = "Option::is_none")]
        token: Option<&'a str>,
        client: Value,
    },
    Subscribe {
        production: &'a ProductionId,
        #[serde(skip_serializing_if = "Option::is_none")]
        after: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        collections: Option<&'a [Collection]>,
        #[serde(skip_serializing_if = "Option::is_none")]
        digest: Option<Digest>,
    },
    Unsubscribe {
        production: &'a ProductionId,
    },
    Mutate {
        id: &'a MutationId,
        production: &'a ProductionId,
        mutations: &'a [Mutation],
    },
    Action {
        id: &'a MutationId,
        production: &'a ProductionId,
        action: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        params: Option<&'a Value>,
    },
    Signal {
        production: &'a ProductionId,
        stream: &'a StreamFigures,
    },
    Ping,
}

impl<'a> Say<'a> {
    /// `hello`, by a program of this name.
    pub(super) fn hello(token: Option<&'a str>, name: &str) -> Self {
        Self::Hello { token, client: json!({ "name": name, "version": VERSION }) }
    }

    /// `subscribe`, behind a place where there is one.
    pub(super) fn subscribe(
        production: &'a ProductionId,
        after: Option<&Position>,
        collections: Option<&'a [Collection]>,
        digest: Option<Digest>,
    ) -> Self {
        Self::Subscribe { production, after: after.map(Position::to_string), collections, digest }
    }

    /// The text to send.
    pub(super) fn text(&self) -> String {
        serde_json::to_string(self).expect("messages have string keys and finite numbers only")
    }
}
