//! Answers: JSON, with the `ETag` of the revision where there is one.

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use onair_core::Document;
use onair_wire::{DocumentId, Outcome, Revision};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;
use utoipa::ToSchema;

use crate::extract::etag;

/// JSON as it is serialized.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self.0).expect("answers have string keys and finite numbers only");
        ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
    }
}

/// The header that says which revision an answer shows.
pub(crate) fn tagged(revision: Revision) -> [(HeaderName, HeaderValue); 1] {
    [(header::ETAG, etag(revision))]
}

/// What a reader has already.
pub(crate) fn unchanged(revision: Revision) -> Response {
    (StatusCode::NOT_MODIFIED, tagged(revision)).into_response()
}

/// A document in a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct Listed {
    /// Its name within the collection.
    #[schema(value_type = String)]
    pub(crate) id: DocumentId,
    /// The revision of the commit that last changed it.
    #[schema(value_type = u64)]
    pub(crate) revision: Revision,
    /// What it says.
    #[schema(value_type = Value)]
    pub(crate) value: Arc<Value>,
}

impl Listed {
    pub(crate) fn new((id, document): (&DocumentId, &Arc<Document>)) -> Self {
        Self { id: id.clone(), revision: document.revision(), value: Arc::clone(document.value()) }
    }
}

/// What a write came to.
#[derive(Serialize, ToSchema)]
pub(crate) struct Written {
    /// The document, or the mutation, or the conflict that was acted on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub(crate) id: Option<Arc<str>>,
    /// The commit that carries it.
    #[schema(value_type = u64)]
    pub(crate) revision: Revision,
    /// `applied` as asked, `merged` with what others had changed, or `conflict`: in part.
    #[schema(value_type = String, pattern = "^(applied|merged|conflict)$")]
    pub(crate) outcome: Outcome,
    /// The conflicts it opened, or resolved by itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>, required = false)]
    pub(crate) conflicts: Vec<DocumentId>,
}
