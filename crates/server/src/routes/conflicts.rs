//! Conflicts: late edits that wait for somebody to choose (row K2).

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use onair_core::{Choice, Intent, Resolve, production::server};
use onair_wire::{DocumentId, Receipt};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    answer::{Json, Written, tagged},
    newest,
};
use crate::{
    App,
    extract::{Body, Conditions, Named, NoQuery, On, Operator, Page, Query, Viewer, text},
    openapi::{Changed, OfProduction, Read},
    problem::Failure,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(resolve))
}

/// Which conflicts.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Which {
    /// Only those that are open, or only those that are resolved.
    #[param(value_type = Option<String>, pattern = "^(open|resolved)$")]
    status: Option<Status>,
    /// What `cursor` said at the end of the page before.
    #[serde(default, deserialize_with = "text")]
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9._~-]{1,128}$")]
    cursor: Option<DocumentId>,
    /// How many at most.
    #[param(minimum = 1, maximum = 1_000, default = 100)]
    limit: Option<usize>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Open,
    Resolved,
}

impl Status {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Resolved => "resolved",
        }
    }
}

/// A page of conflicts.
#[derive(Serialize, ToSchema)]
struct ConflictPage {
    /// Newest first.
    #[schema(value_type = Vec<Value>)]
    conflicts: Vec<Arc<Value>>,
    /// What to ask for the next page with, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    cursor: Option<DocumentId>,
}

/// The conflicts
#[utoipa::path(
    get, path = "/v1/productions/{production}/conflicts", tag = "conflicts", operation_id = "listConflicts",
    params(OfProduction, Which),
    responses((status = 200, description = "Newest first", body = ConflictPage), Read),
)]
async fn list(on: On<Viewer>, Query(which): Query<Which>) -> Result<Json<ConflictPage>, Failure> {
    let Which { status, cursor, limit } = which;
    let page = Page::new(cursor, limit);
    page.limit()?;
    let state = on.open().await?.state();
    let (found, cursor) = newest::page(&state, server::CONFLICTS, &page, |document| {
        let found = document.value().get("status").and_then(Value::as_str);
        status.is_none_or(|status| found == Some(status.as_str()))
    })?;
    Ok(Json(ConflictPage { conflicts: found.into_iter().map(|(_, value)| value).collect(), cursor }))
}

/// What somebody chooses.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Chosen {
    /// `local`: the value of the late edit; `server`: the one that stands; `merge`: another one.
    #[schema(value_type = String, pattern = "^(local|server|merge)$")]
    choose: Choice,
    /// That other one.
    #[serde(default, deserialize_with = "onair_wire::json::present")]
    #[schema(value_type = Value, required = false)]
    value: Option<Value>,
}

/// Chooses in a conflict
#[utoipa::path(
    post, path = "/v1/productions/{production}/conflicts/{id}/resolve", tag = "conflicts",
    operation_id = "resolveConflict",
    params(OfProduction, Named, ("Idempotency-Key" = Option<String>, Header, pattern = "^[!-~]{1,128}$", description = "The mutation's id")),
    request_body(content = Chosen, content_type = "application/json"),
    responses((status = 200, description = "Resolved", body = Written, headers(("ETag" = String))), Changed),
)]
async fn resolve(
    on: On<Operator>,
    Named { id }: Named,
    _: NoQuery,
    conditions: Conditions,
    Body(Chosen { choose, value }): Body<Chosen>,
) -> Result<Response, Failure> {
    let handle = on.open().await?;
    let wish = Resolve { conflict: id.clone(), choose, value };
    let receipt = on.execute(&handle, conditions.mutation, Intent::Resolve(wish)).await?;
    let Receipt { revision, outcome, conflicts, .. } = receipt;
    let written = Written { id: Some(id.into()), revision, outcome, conflicts };
    Ok((tagged(revision), Json(written)).into_response())
}
