//! What is allowed now, and what keeps it from being (row L9).

use std::collections::BTreeMap;

use onair_core::{Phase, Validity};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::answer::Json;
use crate::{
    App,
    extract::{NoQuery, On, Query, Viewer},
    openapi::{self, OfProduction, Read},
    problem::Failure,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(can)).routes(routes!(validate))
}

/// Which actions are allowed now
#[utoipa::path(
    get, path = "/v1/productions/{production}/can", tag = "operation", operation_id = "getCan", params(OfProduction),
    responses((status = 200, description = "Each action by its name", body = BTreeMap<String, openapi::Can>), Read),
)]
async fn can(on: On<Viewer>, _: NoQuery) -> Result<Json<BTreeMap<&'static str, onair_core::Can>>, Failure> {
    let state = on.open().await?.state();
    Ok(Json(onair_core::can(&state)))
}

/// Where to.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Where {
    /// The phase.
    #[param(value_type = String, pattern = "^(idle|initializing|ready|starting|live|stopping|error)$", example = "live")]
    to: Phase,
}

/// Whether a phase can be reached from here
#[utoipa::path(
    get, path = "/v1/productions/{production}/validate", tag = "operation", operation_id = "validatePhase",
    params(OfProduction, Where),
    responses((status = 200, description = "Whether, and if not, why", body = openapi::Validity), Read),
)]
async fn validate(on: On<Viewer>, Query(Where { to }): Query<Where>) -> Result<Json<Validity>, Failure> {
    let state = on.open().await?.state();
    Ok(Json(onair_core::validate(&state, to)))
}
