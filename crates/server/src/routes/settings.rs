//! Settings at run time (row L11).

use axum::response::{IntoResponse, Response};
use onair_core::{Intent, Production, Settings, production::server};
use onair_wire::Revision;
use serde_json::Value;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::answer::{Json, tagged, unchanged};
use crate::{
    App,
    extract::{Conditions, IfNoneMatch, MergePatch, NoQuery, On, Operator, Viewer, bad_request, invalid},
    openapi::{self, Changed, OfProduction, Read},
    problem::Failure,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get, patch))
}

/// The settings
#[utoipa::path(
    get, path = "/v1/productions/{production}/settings", tag = "operation", operation_id = "getSettings",
    params(OfProduction, IfNoneMatch),
    responses(
        (status = 200, description = "The settings", body = openapi::Settings, headers(("ETag" = String))),
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
    params(OfProduction, ("Idempotency-Key" = Option<String>, Header, pattern = "^[!-~]{1,128}$", description = "The mutation's id")),
    request_body(content((openapi::SettingsPatch = "application/merge-patch+json"), (openapi::SettingsPatch = "application/json")), description = "The settings that are to change"),
    responses((status = 200, description = "The settings as they are then", body = openapi::Settings, headers(("ETag" = String))), Changed),
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
