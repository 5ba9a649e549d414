//! Tickets and tokens over HTTP.

use std::collections::BTreeSet;

use axum::{
    body::Bytes,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_TYPE};
use onair_wire::{Code, Millis, ProductionId, json};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Caller, NewToken, Role, tokens};
use crate::{App, Failure};

/// The routes, with their part of the description.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(issue_ticket))
        .routes(routes!(list_tokens, create_token))
        .routes(routes!(revoke_token))
}

/// A ticket for one use within 60 s, where no header can be sent: `?ticket=` of an event source or a picture.
#[utoipa::path(
    post, path = "/v1/tickets", tag = "access", operation_id = "issueTicket",
    responses(
        (status = 201, description = "`{ \"ticket\", \"expiresAt\" }`", content_type = "application/json"),
        (status = 401, description = "unauthenticated"),
        (status = 429, description = "too-many-requests"),
    )
)]
async fn issue_ticket(State(app): State<App>, caller: Caller) -> Result<Response, Failure> {
    caller.may(Role::Viewer, None)?;
    let ticket = app.access.ticket(&caller.0)?;
    Ok(answer(StatusCode::CREATED, &json!({ "ticket": ticket.text, "expiresAt": ticket.expires_at })))
}

/// The tokens, revoked ones included, without their secrets.
#[utoipa::path(
    get, path = "/v1/tokens", tag = "access", operation_id = "listTokens",
    responses(
        (status = 200, description = "`{ \"tokens\": [ { \"id\", \"name\", \"role\", \"productions\", \"createdAt\", \"revokedAt\", \"expiresAt\" } ] }`", content_type = "application/json"),
        (status = 401, description = "unauthenticated"),
        (status = 403, description = "forbidden: needs `admin`"),
    )
)]
async fn list_tokens(State(app): State<App>, caller: Caller) -> Result<Response, Failure> {
    caller.may(Role::Admin, None)?;
    Ok(answer(StatusCode::OK, &json!({ "tokens": app.access.tokens().list() })))
}

/// What a new token is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CreateToken {
    name: String,
    role: Role,
    #[serde(default)]
    productions: Option<BTreeSet<ProductionId>>,
    #[serde(default)]
    expires_in_ms: Option<Millis>,
}

/// Makes a token. Its text is in this answer and nowhere else.
#[utoipa::path(
    post, path = "/v1/tokens", tag = "access", operation_id = "createToken",
    request_body(
        description = "`{ \"name\", \"role\": \"viewer|agent|operator|admin\", \"productions\"?: […], \"expiresInMs\"? }`",
        content_type = "application/json"
    ),
    responses(
        (status = 201, description = "`{ \"id\", \"name\", \"role\", \"productions\", \"createdAt\", \"expiresAt\", \"token\" }`", content_type = "application/json"),
        (status = 400, description = "bad-json"),
        (status = 401, description = "unauthenticated"),
        (status = 403, description = "forbidden: needs `admin`"),
        (status = 415, description = "unsupported-media-type"),
        (status = 422, description = "invalid"),
    )
)]
async fn create_token(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    caller.may(Role::Admin, None)?;
    let is_json = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).is_some_and(|kind| {
        kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
    });
    if !is_json {
        return Err(Failure::new(Code::UnsupportedMediaType, "a token is asked for in application/json"));
    }
    let CreateToken { name, role, productions, expires_in_ms } = json::parse_as(&body)?;
    let (token, text) = blocking(app, move |app| {
        let now = app.access.clock().now();
        let expires_at = expires_in_ms.map(|after| now.plus(after));
        app.access.tokens().create(NewToken { name, role, productions, expires_at }, now)
    })
    .await?;
    tracing::info!(by = %caller.0.actor(), id = token.id, name = token.name, role = %token.role, "a token was made");
    let mut made = serde_json::to_value(&token).unwrap_or_default();
    made["token"] = text.into();
    Ok(answer(StatusCode::CREATED, &made))
}

/// Takes a token back. Connections that use it are closed within 5 s.
#[utoipa::path(
    delete, path = "/v1/tokens/{id}", tag = "access", operation_id = "revokeToken",
    params(("id" = String, Path, description = "The eight characters behind `onair_`")),
    responses(
        (status = 204, description = "It is nobody's any more."),
        (status = 401, description = "unauthenticated"),
        (status = 403, description = "forbidden: needs `admin`"),
        (status = 404, description = "not-found"),
    )
)]
async fn revoke_token(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Failure> {
    caller.may(Role::Admin, None)?;
    let token = blocking(app, move |app| app.access.tokens().revoke(&id, app.access.clock().now())).await?;
    tracing::info!(by = %caller.0.actor(), id = token.id, name = token.name, "a token was revoked");
    Ok(StatusCode::NO_CONTENT)
}

/// Off the task's thread: the file is flushed.
async fn blocking<T: Send + 'static>(
    app: App,
    work: impl FnOnce(&App) -> Result<T, tokens::Error> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(move || work(&app)).await;
    let done = done.map_err(|_| Failure::new(Code::Internal, "the tokens could not be written"))?;
    done.map_err(|error| {
        let problem = error.problem();
        if problem.code == Code::Internal {
            tracing::error!(%error, "the tokens could not be written");
        }
        problem.into()
    })
}

fn answer(status: StatusCode, body: &Value) -> Response {
    let kind = HeaderValue::from_static("application/json");
    (status, [(CONTENT_TYPE, kind)], body.to_string()).into_response()
}
