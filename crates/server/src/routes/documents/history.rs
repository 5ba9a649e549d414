//! What a document was before.

use onair_runtime::DocumentVersion;
use onair_wire::{Actor, Revision, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

use super::missing;
use crate::{
    extract::{OfDocument, On, Query, Viewer, within},
    openapi::{OfProduction, Read},
    problem::Failure,
    routes::answer::Json,
};

/// Versions that a history shows where the manifest says nothing.
const VERSIONS: usize = 100;

/// Versions that one answer shows at most: each may be as large as a document may be.
const VERSIONS_MAX: usize = 1_000;

/// How much of a history.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct HowMuch {
    /// How many versions at most; never more than the collection's `keep.versions`, 100 if it says nothing.
    #[param(minimum = 1, maximum = 1_000)]
    limit: Option<usize>,
}

/// The versions of a document.
#[derive(Serialize, ToSchema)]
pub(super) struct Versions {
    /// Newest first.
    versions: Vec<Version>,
}

/// A version of a document.
#[derive(Serialize, ToSchema)]
#[schema(as = DocumentVersion)]
struct Version {
    /// The commit that made it.
    #[schema(value_type = u64)]
    revision: Revision,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// By whom.
    #[schema(value_type = String)]
    actor: Actor,
    /// What it was then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value, required = false)]
    value: Option<Arc<Value>>,
    /// Whether it was deleted by that commit.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    deleted: bool,
}

impl From<DocumentVersion> for Version {
    fn from(version: DocumentVersion) -> Self {
        let DocumentVersion { revision, at, actor, value } = version;
        Self { revision, at, actor, deleted: value.is_none(), value }
    }
}

/// The versions of a document that are kept
#[utoipa::path(
    get, path = "/v1/productions/{production}/documents/{collection}/{id}/history", tag = "documents",
    operation_id = "getHistory", params(OfProduction, OfDocument, HowMuch),
    responses(
        (status = 200, description = "Newest first", body = Versions),
        (status = 410, description = "The log was shortened meanwhile (`compacted`)", body = crate::openapi::ProblemBody, content_type = "application/problem+json"),
        Read,
    ),
)]
pub(super) async fn history(
    on: On<Viewer>,
    at: OfDocument,
    Query(asked): Query<HowMuch>,
) -> Result<Json<Versions>, Failure> {
    let limit = within("limit", asked.limit, VERSIONS_MAX, VERSIONS_MAX)?;
    let handle = on.open().await?;
    let state = handle.state();
    let rules = state.manifest().and_then(|manifest| manifest.rules(&at.collection));
    let kept = rules.and_then(|rules| rules.keep.versions);
    let kept = kept.map_or(VERSIONS, |kept| usize::try_from(kept).unwrap_or(usize::MAX));
    let versions = handle.history(&at.collection, &at.id, limit.min(kept)).await?;
    if versions.is_empty() && state.document(&at.collection, &at.id).is_none() {
        return Err(missing(&state, &at));
    }
    Ok(Json(Versions { versions: versions.into_iter().map(Version::from).collect() }))
}
