//! What only the server writes, under a name of its own: sequences.

use std::sync::Arc;

use onair_core::{Refusal, production::server};
use onair_wire::{Collection, DocumentId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{answer::Json, newest};
use crate::{
    App,
    extract::{Named, NoQuery, On, Page, Query, Viewer},
    openapi::{OfProduction, Read},
    problem::Failure,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(sequences)).routes(routes!(sequence))
}

/// A page of sequences.
#[derive(Serialize, ToSchema)]
struct SequencePage {
    /// Newest first.
    #[schema(value_type = Vec<Value>)]
    sequences: Vec<Arc<Value>>,
    /// What to ask for the next page with, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    cursor: Option<DocumentId>,
}

/// What was begun, and how far it came
#[utoipa::path(
    get, path = "/v1/productions/{production}/sequences", tag = "operation", operation_id = "listSequences",
    params(OfProduction, Page), responses((status = 200, description = "Newest first", body = SequencePage), Read),
)]
async fn sequences(on: On<Viewer>, Query(page): Query<Page>) -> Result<Json<SequencePage>, Failure> {
    page.limit()?;
    let state = on.open().await?.state();
    let (found, cursor) = newest::page(&state, server::SEQUENCES, &page, |_| true)?;
    let sequences = found.into_iter().map(|(_, value)| value).collect();
    Ok(Json(SequencePage { sequences, cursor }))
}

/// One sequence
#[utoipa::path(
    get, path = "/v1/productions/{production}/sequences/{id}", tag = "operation", operation_id = "getSequence",
    params(OfProduction, Named), responses((status = 200, description = "The sequence", body = Value), Read),
)]
async fn sequence(on: On<Viewer>, Named { id }: Named, _: NoQuery) -> Result<Json<Arc<Value>>, Failure> {
    let state = on.open().await?.state();
    let found = state.server_document(server::SEQUENCES, id.as_str());
    let missing = || {
        let collection = Collection::new(server::SEQUENCES).expect("a collection's name");
        Failure::from(Refusal::NotFound { collection, id: id.clone() }.problem())
    };
    found.map(|document| Json(Arc::clone(document.value()))).ok_or_else(missing)
}
