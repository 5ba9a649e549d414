//! Backends: how far each was told, and telling one again (row B3).

use axum::response::{IntoResponse, Response};
use onair_core::{Intent, Refusal, Replay, production};
use onair_runtime::Handle;
use onair_wire::{Collection, DocumentId, Revision};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::answer::Json;
use crate::{
    App,
    extract::{Admin, Conditions, NoQuery, OfBackend, On, OptionalBody, Viewer},
    openapi::{Changed, OfProduction, ProblemBody, Read},
    problem::Failure,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(replay))
}

/// The backends.
#[derive(Serialize, ToSchema)]
struct Backends {
    /// In the order of their names.
    backends: Vec<Value>,
}

/// Who is told through the outbox
#[utoipa::path(
    get, path = "/v1/productions/{production}/backends", tag = "operation", operation_id = "listBackends",
    params(OfProduction), responses((status = 200, description = "Each with what waits for it now", body = Backends), Read),
)]
async fn list(on: On<Viewer>, _: NoQuery) -> Result<Json<Backends>, Failure> {
    let backends = now(&on.open().await?).collect();
    Ok(Json(Backends { backends }))
}

/// From where.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Again {
    /// The revision to begin with; nothing: where it stands, parked deliveries included.
    #[serde(default)]
    #[schema(value_type = Option<u64>)]
    from: Option<Revision>,
}

/// Tells a backend again
#[utoipa::path(
    post, path = "/v1/productions/{production}/backends/{name}/replay", tag = "operation",
    operation_id = "replayBackend",
    params(OfProduction, OfBackend, ("Idempotency-Key" = Option<String>, Header, pattern = "^[!-~]{1,128}$", description = "The mutation's id")),
    request_body(content = Option<Again>, content_type = "application/json"),
    responses(
        (status = 200, description = "The backend as it is then", body = Value),
        (status = 410, description = "The revision is no longer kept (`compacted`)", body = ProblemBody, content_type = "application/problem+json"),
        Changed,
    ),
)]
async fn replay(
    on: On<Admin>,
    OfBackend { name }: OfBackend,
    _: NoQuery,
    conditions: Conditions,
    OptionalBody(from): OptionalBody<Again>,
) -> Result<Response, Failure> {
    let Again { from } = from.unwrap_or_default();
    let handle = on.open().await?;
    let wish = Replay { backend: name.to_string(), from };
    handle.execute(on.actor(), conditions.mutation, Intent::Replay(wish)).await?;
    let found = now(&handle).find(|backend| backend["name"] == name.as_str());
    found.map(|backend| Json(backend).into_response()).ok_or_else(|| missing(name))
}

/// The backends with their names, and what waits for each by now.
fn now(handle: &Handle) -> impl Iterator<Item = Value> {
    let backends = production::backends(&handle.state(), &handle.observed().lags);
    backends.into_iter().map(|(name, mut backend)| {
        backend["name"] = name.into();
        backend
    })
}

/// It is not declared any more.
fn missing(id: DocumentId) -> Failure {
    let collection = Collection::new(production::server::BACKENDS).expect("a collection's name");
    Refusal::NotFound { collection, id }.problem().into()
}
