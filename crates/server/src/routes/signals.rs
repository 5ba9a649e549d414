//! Figures of the stream that change fast (row T1): shown and sent on, never logged.

use http::StatusCode;
use onair_wire::sync::StreamFigures;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    extract::{Agent, Body, NoQuery, On, invalid},
    openapi::{self, Changed, OfProduction},
    problem::Failure,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(signal))
}

/// Figures.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Signal {
    /// Of the stream; what is left out stays as it was.
    #[schema(value_type = openapi::StreamFigures)]
    stream: StreamFigures,
}

/// Takes over figures of the stream
#[utoipa::path(
    post, path = "/v1/productions/{production}/signals", tag = "operation", operation_id = "signal",
    params(OfProduction), request_body(content = Signal, content_type = "application/json"),
    responses((status = 204, description = "Taken over"), Changed),
)]
async fn signal(on: On<Agent>, _: NoQuery, Body(signal): Body<Signal>) -> Result<StatusCode, Failure> {
    if let Some(figure) = signal.stream.negative() {
        return Err(invalid(&format!("/stream/{figure}"), "it is below zero"));
    }
    on.open().await?.signal(&signal.stream);
    Ok(StatusCode::NO_CONTENT)
}
