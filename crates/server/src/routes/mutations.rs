//! Several mutations at once: all or nothing (row D6).

use axum::response::{IntoResponse, Response};
use onair_core::Intent;
use onair_wire::{Mutation, MutationId, Receipt};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::answer::{Json, Written, tagged};
use crate::{
    App,
    extract::{Body, Conditions, NoQuery, On, Operator, bad_request, invalid},
    openapi::{self, Changed, OfProduction, ProblemBody},
    problem::Failure,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(mutate))
}

/// A batch.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Batch {
    /// What it is remembered by, so that a retry is answered like the first.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^[!-~]{1,128}$")]
    id: Option<MutationId>,
    /// 1 to 1,000.
    #[schema(value_type = Vec<openapi::Mutation>, min_items = 1, max_items = 1_000)]
    mutations: Vec<Mutation>,
}

/// Carries out several mutations, all or none
#[utoipa::path(
    post, path = "/v1/productions/{production}/mutations", tag = "documents", operation_id = "mutate",
    params(OfProduction, ("Idempotency-Key" = Option<String>, Header, pattern = "^[!-~]{1,128}$", description = "In place of `id`")),
    request_body(content = Batch, content_type = "application/json"),
    responses(
        (status = 200, description = "Done", body = Written, headers(("ETag" = String))),
        (status = 410, description = "A document was deleted, or a base is no longer kept (`gone`, `compacted`)", body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, description = "A document has changed since (`revision-mismatch`)", body = ProblemBody, content_type = "application/problem+json"),
        Changed,
    ),
)]
async fn mutate(
    on: On<Operator>,
    _: NoQuery,
    conditions: Conditions,
    Body(Batch { id, mutations }): Body<Batch>,
) -> Result<Response, Failure> {
    if conditions.if_match.is_some() || conditions.if_none_match.is_some() {
        return Err(bad_request(
            "If-Match",
            "a batch says what it depends on by `ifRevision` of each mutation",
        ));
    }
    if id.is_some() && conditions.mutation.is_some() && id != conditions.mutation {
        return Err(invalid("/id", "it differs from Idempotency-Key"));
    }
    let handle = on.open().await?;
    let id = id.or(conditions.mutation);
    let receipt = on.execute(&handle, id.clone(), Intent::Mutate(mutations)).await?;
    let Receipt { revision, outcome, conflicts, .. } = receipt;
    let written = Written { id: id.map(Into::into), revision, outcome, conflicts };
    Ok((tagged(revision), Json(written)).into_response())
}
