//! Productions: which there are, what each is now and was, beginning and removing one.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use onair_core::production::{Observed, snapshot};
use onair_wire::{Epoch, ProductionId, Revision};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::answer::{Json, tagged, unchanged};
use crate::{
    App,
    extract::{Admin, Holds, IfNoneMatch, NoQuery, On, OptionalBody, Page, Query, Viewer, invalid, text},
    openapi::{self, Asked, Changed, OfProduction, ProblemBody, Read},
    problem::Failure,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get, put, delete))
}

/// A page of productions.
#[derive(Serialize, ToSchema)]
struct ProductionPage {
    /// In the order of their names; those that the caller reaches.
    #[schema(value_type = Vec<InList>)]
    productions: Vec<onair_runtime::Listed>,
    /// What to ask for the next page with, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    cursor: Option<ProductionId>,
}

/// A production in a list.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the runtime has the thing itself, and knows no OpenAPI")]
struct InList {
    /// Its name.
    id: String,
    /// `idle`, `initializing`, `ready`, `starting`, `live`, `stopping` or `error`.
    phase: String,
    /// A flag of `live`.
    paused: bool,
    /// Where its log is.
    revision: u64,
}

/// Which productions there are
#[utoipa::path(
    get, path = "/v1/productions", tag = "productions", operation_id = "listProductions", params(Page),
    responses((status = 200, description = "A page", body = ProductionPage), Asked),
)]
async fn list(
    Holds { caller, .. }: Holds<Viewer>,
    State(app): State<App>,
    Query(page): Query<Page>,
) -> Result<Json<ProductionPage>, Failure> {
    let limit = page.limit()?;
    let mut after =
        page.cursor.map(|cursor| ProductionId::new(cursor.as_str()).expect("the same characters"));
    let mut productions = Vec::new();
    // One more than asked for says whether there is another page.
    loop {
        let listed = app.productions.list(after.as_ref(), limit + 1).await?;
        let Some(last) = listed.last().map(|last| last.id.clone()) else { break };
        productions.extend(listed.into_iter().filter(|listed| caller.reach.covers(&listed.id)));
        if productions.len() > limit {
            break;
        }
        after = Some(last);
    }
    let more = productions.len() > limit;
    productions.truncate(limit);
    let cursor = productions.last().filter(|_| more).map(|last| last.id.clone());
    Ok(Json(ProductionPage { productions, cursor }))
}

/// When.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct When {
    /// An earlier revision; nothing: now.
    #[serde(default, deserialize_with = "text")]
    #[param(value_type = Option<u64>)]
    at: Option<Revision>,
    /// Whether `documents` has the collections of the server as well, as they stand in the log: what the time line of
    /// the monitor goes on from.
    #[serde(default)]
    whole: bool,
}

/// A snapshot of a production
#[utoipa::path(
    get, path = "/v1/productions/{production}", tag = "productions", operation_id = "getProduction",
    params(OfProduction, When, IfNoneMatch),
    responses(
        (status = 200, description = "The snapshot", body = Value, headers(("ETag" = String, description = "Its revision"))),
        (status = 304, description = "It is as `If-None-Match` says"),
        (status = 410, description = "The revision is no longer kept (`compacted`)", body = ProblemBody, content_type = "application/problem+json"),
        Read,
    ),
)]
async fn get(
    on: On<Viewer>,
    Query(When { at, whole }): Query<When>,
    known: IfNoneMatch,
) -> Result<Response, Failure> {
    let handle = on.open().await?;
    let now = handle.state();
    let revision = at.unwrap_or(now.revision());
    if revision > now.revision() {
        let detail = format!("revision {revision} is in the future, the production is at {}", now.revision());
        return Err(invalid("at", detail));
    }
    if known.has(revision) && revision >= now.oldest().previous() {
        return Ok(unchanged(revision));
    }
    let (state, observed) = if revision == now.revision() {
        (now, handle.observed())
    } else {
        (handle.state_at(revision).await?.into(), Observed::default())
    };
    let mut shown = snapshot(&state, &observed);
    if whole {
        let documents = state.cache_documents(|_| true);
        shown["documents"] = serde_json::to_value(documents).expect("documents have string keys");
    }
    Ok((tagged(revision), Json(shown)).into_response())
}

/// Where a production is.
#[derive(Serialize, ToSchema)]
struct Begun {
    /// Its name.
    #[schema(value_type = String)]
    production: ProductionId,
    /// Its log.
    #[schema(value_type = String)]
    epoch: Epoch,
    /// The commit that carries the manifest.
    #[schema(value_type = u64)]
    revision: Revision,
}

/// Begins a production, or replaces its manifest
#[utoipa::path(
    put, path = "/v1/productions/{production}", tag = "productions", operation_id = "putProduction",
    params(OfProduction),
    request_body(content = Option<openapi::Manifest>, content_type = "application/json", description = "The manifest; none: the default one"),
    responses(
        (status = 200, description = "Its manifest was replaced", body = Begun, headers(("ETag" = String))),
        (status = 201, description = "It was begun", body = Begun, headers(("ETag" = String))),
        Changed,
    ),
)]
async fn put(
    on: On<Admin>,
    _: NoQuery,
    OptionalBody(manifest): OptionalBody<Value>,
) -> Result<Response, Failure> {
    if manifest.as_ref().is_some_and(|manifest| !manifest.is_object()) {
        return Err(invalid("", "a manifest is an object; send no body for the default one"));
    }
    let manifest = manifest.unwrap_or_default();
    let (created, receipt) = on.app.productions.configure(&on.production, on.actor(), manifest).await?;
    let epoch = on.open().await?.epoch().clone();
    let location = HeaderValue::from_str(&format!("/v1/productions/{}", on.production))
        .expect("an id has no character that a header cannot");
    let begun = Begun { production: on.production, epoch, revision: receipt.revision };
    let answer = (tagged(receipt.revision), Json(begun));
    Ok(if created {
        (StatusCode::CREATED, [(header::LOCATION, location)], answer).into_response()
    } else {
        answer.into_response()
    })
}

/// Removes a production and its log
#[utoipa::path(
    delete, path = "/v1/productions/{production}", tag = "productions", operation_id = "deleteProduction",
    params(OfProduction),
    responses(
        (status = 204, description = "It is gone"),
        (status = 409, description = "It is neither `idle` nor in `error` (`not-allowed`)", body = ProblemBody, content_type = "application/problem+json"),
        Read,
    ),
)]
async fn delete(on: On<Admin>, _: NoQuery) -> Result<StatusCode, Failure> {
    on.app.productions.remove(&on.production).await?;
    Ok(StatusCode::NO_CONTENT)
}
