//! The server itself: whether it lives, what it is, what it knows about itself.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use onair_wire::{Code, Problem};
use serde::Serialize;
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{answer::Json, pages};
use crate::{
    App,
    extract::{CodeName, NoQuery},
    openapi::{self, ProblemBody, Served},
    problem::Failure,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(livez))
        .routes(routes!(readyz))
        .routes(routes!(version))
        .routes(routes!(document))
        .routes(routes!(docs))
        .routes(routes!(problem))
}

/// How it is.
#[derive(Serialize, ToSchema)]
struct Status {
    /// `live` or `ready`.
    status: &'static str,
}

/// Whether the process answers
#[utoipa::path(
    get, path = "/livez", tag = "server", operation_id = "livez",
    responses((status = 200, description = "It does", body = Status), Served),
)]
async fn livez(_: NoQuery) -> Json<Status> {
    Json(Status { status: "live" })
}

/// Whether it takes commands
#[utoipa::path(
    get, path = "/readyz", tag = "server", operation_id = "readyz",
    responses(
        (status = 200, description = "It does", body = Status),
        (status = 503, description = "It does not, see `reasons` (`read-only`, `closing`)", body = ProblemBody, content_type = "application/problem+json"),
        Served,
    ),
)]
async fn readyz(State(app): State<App>, _: NoQuery) -> Result<Json<Status>, Failure> {
    if app.tasks.cancelled().is_cancelled() {
        let problem = Problem::new(Code::Closing, "the server is stopping");
        return Err(problem.with("reasons", json!(["the server is stopping"])).into());
    }
    match app.productions.engine().figures().read_only {
        Some(reason) => {
            let problem = Problem::new(Code::ReadOnly, format!("the log is read-only: {reason}"));
            Err(problem.with("reasons", json!([reason])).into())
        }
        None => Ok(Json(Status { status: "ready" })),
    }
}

/// What it is.
#[derive(Serialize, ToSchema)]
#[schema(as = Release)]
struct Version {
    /// `onair`.
    name: &'static str,
    /// The release.
    version: &'static str,
}

/// Which release this is
#[utoipa::path(
    get, path = "/version", tag = "server", operation_id = "version",
    responses((status = 200, description = "Name and version", body = Version), Served),
)]
async fn version(_: NoQuery) -> Json<Version> {
    Json(Version { name: "onair", version: env!("CARGO_PKG_VERSION") })
}

/// This document
#[utoipa::path(
    get, path = "/openapi.json", tag = "server", operation_id = "openapi",
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json"), Served),
)]
async fn document(_: NoQuery) -> ([(header::HeaderName, HeaderValue); 1], Bytes) {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], openapi::document())
}

/// The API as a page that works offline
#[utoipa::path(
    get, path = "/docs", tag = "server", operation_id = "docs",
    responses((status = 200, description = "The page", body = String, content_type = "text/html"), Served),
)]
async fn docs(State(app): State<App>, _: NoQuery) -> Response {
    pages::with_script(include_str!("../../assets/docs.html"), app.random)
}

/// Which code.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only described here, and read by `CodeName`")]
struct OfCode {
    /// The code of a problem or of a rule.
    #[param(example = "revision-mismatch")]
    code: String,
}

/// What a problem or a finding means, and what to do about it
#[utoipa::path(
    get, path = "/docs/problems/{code}", tag = "server", operation_id = "explainProblem", params(OfCode),
    responses(
        (status = 200, description = "The page", content((String = "text/markdown"), (String = "text/html"))),
        (status = 404, description = "There is no such code (`not-found`)", body = ProblemBody, content_type = "application/problem+json"),
        Served,
    ),
)]
async fn problem(CodeName { code, page }: CodeName, _: NoQuery, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).map(|accept| String::from_utf8_lossy(accept.as_bytes()));
    let mut response = if accept.is_some_and(|accept| accept.to_lowercase().contains("text/html")) {
        pages::of_markdown(code, page)
    } else {
        let kind = HeaderValue::from_static("text/markdown; charset=utf-8");
        ([(header::CONTENT_TYPE, kind)], page).into_response()
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    response
}
