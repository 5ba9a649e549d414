//! The default production as a front end of one stream sees it (row T2). Everything here is a short way to what is
//! under `/v1/productions` too.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use onair_core::production::stream_state;
use onair_wire::{Collection, DocumentId, Edit};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    answer::{Json, Listed, Written, tagged},
    documents::{Edited, Target, page},
};
use crate::{
    App,
    extract::{Body, Conditions, Named, NoQuery, OfDocument, On, Operator, Page, Query, Viewer},
    openapi::{Changed, ProblemBody, Read},
    problem::Failure,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(status))
        .routes(routes!(layers))
        .routes(routes!(visibility))
        .routes(routes!(chat))
}

fn collection(name: &str) -> Collection {
    Collection::new(name).expect("a collection's name")
}

/// The state of the stream.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "the core makes it")]
struct StreamState {
    is_live: bool,
    is_paused: bool,
    fps: f64,
    #[schema(rename = "targetFPS")]
    target_fps: f64,
    frame_count: u64,
    dropped_frames: u64,
    /// Milliseconds.
    average_render_time: f64,
    #[schema(format = DateTime)]
    start_time: Option<String>,
    #[schema(required = true)]
    error: Value,
    /// Where the production is in its life.
    phase: String,
    /// Where its log is.
    revision: u64,
}

/// The state of the stream
#[utoipa::path(
    get, path = "/stream/status", tag = "stream", operation_id = "getStreamStatus",
    responses((status = 200, description = "The state", body = StreamState, headers(("ETag" = String))), Read),
)]
async fn status(on: On<Viewer>, _: NoQuery) -> Result<Response, Failure> {
    let handle = on.open().await?;
    let state = handle.state();
    let mut shown = stream_state(&state, &handle.observed().stream);
    shown["phase"] = json!(state.phase());
    shown["revision"] = json!(state.revision());
    Ok((tagged(state.revision()), Json(shown)).into_response())
}

/// A page of layers.
#[derive(Serialize, ToSchema)]
struct LayerPage {
    /// In the order of their names.
    layers: Vec<Listed>,
    /// What to ask for the next page with, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    cursor: Option<DocumentId>,
}

/// The layers
#[utoipa::path(
    get, path = "/stream/layers", tag = "stream", operation_id = "listLayers", params(Page),
    responses((status = 200, description = "The layers", body = LayerPage), Read),
)]
async fn layers(on: On<Viewer>, Query(asked): Query<Page>) -> Result<Json<LayerPage>, Failure> {
    let limit = asked.limit()?;
    let state = on.open().await?.state();
    let (layers, cursor) = page(&state, "layers", asked.cursor.as_ref(), limit);
    Ok(Json(LayerPage { layers, cursor }))
}

/// Whether a layer is seen.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Visibility {
    /// Whether it is.
    visible: bool,
}

/// Shows or hides a layer
#[utoipa::path(
    post, path = "/stream/layers/{id}/visibility", tag = "stream", operation_id = "setLayerVisibility",
    params(Named, Conditions), request_body(content = Visibility, content_type = "application/json"),
    responses(
        (status = 200, description = "Done", body = Written, headers(("ETag" = String))),
        (status = 410, description = "The layer was deleted (`gone`)", body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, description = "It has changed since (`revision-mismatch`)", body = ProblemBody, content_type = "application/problem+json"),
        Changed,
    ),
)]
async fn visibility(
    on: On<Operator>,
    Named { id }: Named,
    _: NoQuery,
    conditions: Conditions,
    Body(Visibility { visible }): Body<Visibility>,
) -> Result<Response, Failure> {
    let at = OfDocument { collection: collection("layers"), id };
    let target = Target { at, base: None, conditions };
    let edit = Edit::Patch(Arc::new(json!({ "visible": visible })));
    target.write(&on, edit).await.map(Edited::into_response)
}

/// A line of chat.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Line {
    /// Who says it.
    author: String,
    /// What.
    text: String,
}

/// Says something in the chat
#[utoipa::path(
    post, path = "/stream/chat", tag = "stream", operation_id = "say",
    request_body(content = Line, content_type = "application/json"),
    responses((status = 201, description = "Said", body = Written, headers(("ETag" = String), ("Location" = String))), Changed),
)]
async fn chat(
    on: On<Operator>,
    _: NoQuery,
    Body(Line { author, text }): Body<Line>,
) -> Result<Response, Failure> {
    let at = on.app.productions.clock().now();
    // Names that grow with time are in the order in which they were said.
    let id = format!("{:011x}-{:08x}", at.as_millis(), (on.app.random)() & 0xffff_ffff);
    let id = DocumentId::new(id).expect("hexadecimal digits and a dash");
    let place = OfDocument { collection: collection("chat"), id };
    let location = format!("/v1/productions/{}/documents/chat/{}", on.production, place.id);
    let location = HeaderValue::from_str(&location).expect("ids have no character that a header cannot");
    let target = Target { at: place, base: None, conditions: Conditions::default() };
    let value = json!({ "author": author, "text": text, "at": at });
    let said = target.write(&on, Edit::Put(Arc::new(value))).await?;
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], said).into_response())
}
