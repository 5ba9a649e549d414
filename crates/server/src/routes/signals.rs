//! Figures of the stream that change fast (row T1): shown and sent on, never logged.

use http::StatusCode;
use onair_wire::sync::StreamFigures;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    extract::{Agent, Body, NoQuery, On, invalid},
    openapi::{Changed, OfProduction},
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
    #[schema(value_type = Shown)]
    stream: StreamFigures,
}

/// The figures of a stream.
#[derive(ToSchema)]
#[schema(as = StreamFigures, rename_all = "camelCase")]
#[expect(dead_code, reason = "the wire crate has the figures themselves, and knows no OpenAPI")]
struct Shown {
    /// Frames per second.
    #[schema(minimum = 0)]
    fps: Option<f64>,
    /// Frames per second wanted.
    #[schema(minimum = 0, rename = "targetFPS")]
    target_fps: Option<f64>,
    /// Frames since the start.
    frame_count: Option<u64>,
    /// Frames that were not shown.
    dropped_frames: Option<u64>,
    /// Milliseconds.
    #[schema(minimum = 0)]
    average_render_time: Option<f64>,
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
