//! Documents: one by one and in pages, as they are and as they were.

mod history;
mod write;

use axum::response::{IntoResponse, Response};
use onair_core::Production;
use onair_wire::{DocumentId, Revision, Timestamp};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::answer::{Json, Listed, tagged, unchanged};
use crate::{
    App,
    extract::{IfNoneMatch, InCollection, NoQuery, OfDocument, On, Page, Query, Viewer},
    openapi::{OfProduction, Read},
    problem::Failure,
};

pub(super) use write::{Edited, Target};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get, write::put, write::patch, write::delete))
        .routes(routes!(write::restore))
        .routes(routes!(history::history))
}

/// A page of a collection.
#[derive(Serialize, ToSchema)]
struct DocumentPage {
    /// In the order of their names.
    documents: Vec<Listed>,
    /// What to ask for the next page with, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    cursor: Option<DocumentId>,
}

/// The documents of a collection
#[utoipa::path(
    get, path = "/v1/productions/{production}/documents/{collection}", tag = "documents",
    operation_id = "listDocuments", params(OfProduction, InCollection, Page),
    responses((status = 200, description = "A page", body = DocumentPage), Read),
)]
async fn list(
    on: On<Viewer>,
    place: InCollection,
    Query(page): Query<Page>,
) -> Result<Json<DocumentPage>, Failure> {
    let limit = page.limit()?;
    let state = on.open().await?.state();
    let (documents, cursor) = self::page(&state, place.collection.as_str(), page.cursor.as_ref(), limit);
    Ok(Json(DocumentPage { documents, cursor }))
}

/// The documents of a collection behind `cursor`, and the cursor of the next page.
pub(super) fn page(
    state: &Production,
    collection: &str,
    cursor: Option<&DocumentId>,
    limit: usize,
) -> (Vec<Listed>, Option<DocumentId>) {
    let Some(documents) = state.collection(collection) else { return (Vec::new(), None) };
    let mut listed: Vec<Listed> = match cursor {
        Some(cursor) => documents.behind(cursor).take(limit + 1).map(Listed::new).collect(),
        None => documents.iter().take(limit + 1).map(Listed::new).collect(),
    };
    let more = listed.len() > limit;
    listed.truncate(limit);
    let cursor = listed.last().filter(|_| more).map(|last| last.id.clone());
    (listed, cursor)
}

/// A document with its dates.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Whole {
    /// Its name within the collection.
    #[schema(value_type = String)]
    id: DocumentId,
    /// The revision of the commit that last changed it.
    #[schema(value_type = u64)]
    revision: Revision,
    /// What it says.
    #[schema(value_type = Value)]
    value: Arc<Value>,
    /// When it came to be.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// A document
#[utoipa::path(
    get, path = "/v1/productions/{production}/documents/{collection}/{id}", tag = "documents",
    operation_id = "getDocument", params(OfProduction, OfDocument, IfNoneMatch),
    responses(
        (status = 200, description = "The document", body = Whole, headers(("ETag" = String, description = "Its revision"))),
        (status = 304, description = "It is as `If-None-Match` says"),
        (status = 410, description = "It was deleted (`gone`)", body = crate::openapi::ProblemBody, content_type = "application/problem+json"),
        Read,
    ),
)]
async fn get(on: On<Viewer>, at: OfDocument, _: NoQuery, known: IfNoneMatch) -> Result<Response, Failure> {
    let state = on.open().await?.state();
    let document = state.document(&at.collection, &at.id).ok_or_else(|| missing(&state, &at))?;
    let revision = document.revision();
    if known.has(revision) {
        return Ok(unchanged(revision));
    }
    let whole = Whole {
        id: at.id,
        revision,
        value: Arc::clone(document.value()),
        created_at: document.created_at(),
        updated_at: document.updated_at(),
    };
    Ok((tagged(revision), Json(whole)).into_response())
}

/// There is no such document, or no longer.
fn missing(state: &Production, at: &OfDocument) -> Failure {
    let OfDocument { collection, id } = at.clone();
    let refusal = match state.tombstone(&collection, &id) {
        Some(tombstone) => onair_core::Refusal::Gone { collection, id, revision: tombstone.revision },
        None => onair_core::Refusal::NotFound { collection, id },
    };
    refusal.problem().into()
}
