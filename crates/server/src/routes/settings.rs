//! Settings at run time (row L11).

use axum::response::{IntoResponse, Response};
use onair_core::{Intent, Production, Settings, production::server};
use onair_wire::Revision;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::answer::{Json, tagged, unchanged};
use crate::{
    App,
    extract::{Conditions, IfNoneMatch, MergePatch, NoQuery, On, Operator, Viewer, bad_request, invalid},
    openapi::{Changed, OfProduction, Read},
    problem::Failure,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get, patch))
}

/// What an operator can change at run time. Durations are milliseconds.
#[derive(ToSchema)]
#[schema(as = Settings, rename_all = "camelCase")]
#[expect(dead_code, reason = "the core has the settings themselves, and knows no OpenAPI")]
struct Shown {
    /// How long `initialize` may take, per attempt.
    #[schema(minimum = 1, maximum = 3_600_000)]
    initialization_timeout: u64,
    /// How long `start` may take.
    #[schema(minimum = 1, maximum = 3_600_000)]
    startup_timeout: u64,
    /// How long `stop` may take.
    #[schema(minimum = 1, maximum = 3_600_000)]
    shutdown_timeout: u64,
    /// How often something is tried again.
    #[schema(minimum = 0, maximum = 100)]
    max_retries: u32,
    /// How long before the first retry.
    #[schema(minimum = 1, maximum = 3_600_000)]
    retry_delay: u64,
    /// By how much each further delay is longer.
    #[schema(minimum = 1, maximum = 10)]
    backoff_multiplier: f64,
    /// Whether failures recover by themselves.
    auto_recovery: bool,
    /// Whether backends are told.
    backend_sync: bool,
    /// Whether the validation agent runs.
    state_validation: bool,
    /// Whether more is logged.
    verbose: bool,
}

/// The settings
#[utoipa::path(
    get, path = "/v1/productions/{production}/settings", tag = "operation", operation_id = "getSettings",
    params(OfProduction, IfNoneMatch),
    responses(
        (status = 200, description = "The settings", body = Shown, headers(("ETag" = String))),
        (status = 304, description = "They are as `If-None-Match` says"),
        Read,
    ),
)]
async fn get(on: On<Viewer>, _: NoQuery, known: IfNoneMatch) -> Result<Response, Failure> {
    let state = on.open().await?.state();
    let (revision, settings) = current(&state);
    if known.has(revision) {
        return Ok(unchanged(revision));
    }
    Ok((tagged(revision), Json(settings)).into_response())
}

/// Changes settings
#[utoipa::path(
    patch, path = "/v1/productions/{production}/settings", tag = "operation", operation_id = "patchSettings",
    params(OfProduction, ("Idempotency-Key" = Option<String>, Header, description = "The mutation's id")),
    request_body(content((Object = "application/merge-patch+json"), (Object = "application/json")), description = "The settings that are to change"),
    responses((status = 200, description = "The settings as they are then", body = Shown, headers(("ETag" = String))), Changed),
)]
async fn patch(
    on: On<Operator>,
    _: NoQuery,
    conditions: Conditions,
    MergePatch(patch): MergePatch,
) -> Result<Response, Failure> {
    if conditions.if_match.is_some() || conditions.if_none_match.is_some() {
        return Err(bad_request("If-Match", "settings are changed one by one, whatever the others are"));
    }
    let Value::Object(patch) = patch else {
        return Err(invalid("", "settings are changed by an object with those that are to change"));
    };
    let handle = on.open().await?;
    on.execute(&handle, conditions.mutation, Intent::ChangeSettings(patch)).await?;
    let (revision, settings) = current(&handle.state());
    Ok((tagged(revision), Json(settings)).into_response())
}

fn current(state: &Production) -> (Revision, Settings) {
    let document = state.server_document(server::SYSTEM, "settings");
    (document.map_or(Revision::ZERO, |document| document.revision()), state.settings())
}
