//! Tickets and tokens over HTTP.

use std::collections::BTreeSet;

use axum::extract::State;
use http::StatusCode;
use onair_wire::{Code, Millis, ProductionId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{NewToken, Role, Token, tokens};
use crate::{
    App, Failure,
    extract::{Admin, Body, Holds, Named, NoQuery, Viewer},
    openapi::{Asked, Changed, Read},
    routes::Json,
};

/// The routes, with their part of the description.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(issue_ticket))
        .routes(routes!(list_tokens, create_token))
        .routes(routes!(revoke_token))
}

/// Something to show once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct IssuedTicket {
    /// What stands behind `?ticket=`.
    ticket: String,
    /// Until when.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// A ticket for one use within 60 s, where no header can be sent: `?ticket=` of an event source or a picture.
#[utoipa::path(
    post, path = "/v1/tickets", tag = "access", operation_id = "issueTicket",
    responses((status = 201, description = "The ticket", body = IssuedTicket), Asked),
)]
async fn issue_ticket(
    State(app): State<App>,
    caller: Holds<Viewer>,
    _: NoQuery,
) -> Result<(StatusCode, Json<IssuedTicket>), Failure> {
    let ticket = app.access.ticket(&caller.caller)?;
    Ok((StatusCode::CREATED, Json(IssuedTicket { ticket: ticket.text, expires_at: ticket.expires_at })))
}

/// A token without its secret.
#[derive(ToSchema)]
#[schema(as = Token, rename_all = "camelCase")]
#[expect(dead_code, reason = "the token itself is what is shown, and knows no OpenAPI")]
struct Shown {
    /// The eight characters behind `onair_`.
    id: String,
    /// Whose it is.
    name: String,
    /// What they may do.
    #[schema(pattern = "^(viewer|agent|operator|admin)$")]
    role: String,
    /// Where; null is everywhere.
    #[schema(required = true)]
    productions: Option<Vec<String>>,
    /// Since when.
    #[schema(format = DateTime)]
    created_at: String,
    /// Since when no more.
    #[schema(format = DateTime)]
    revoked_at: Option<String>,
    /// Until when.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// All tokens.
#[derive(Serialize, ToSchema)]
struct TokenList {
    /// Revoked ones included.
    #[schema(value_type = Vec<Shown>)]
    tokens: Vec<Token>,
}

/// The tokens, revoked ones included, without their secrets.
#[utoipa::path(
    get, path = "/v1/tokens", tag = "access", operation_id = "listTokens",
    responses((status = 200, description = "The tokens", body = TokenList), Asked),
)]
async fn list_tokens(State(app): State<App>, _: Holds<Admin>, _: NoQuery) -> Json<TokenList> {
    Json(TokenList { tokens: app.access.tokens().list() })
}

/// What a new token is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CreateToken {
    /// Whose it is: 1 to 64 printable ASCII characters without spaces.
    #[schema(pattern = "^[!-~]{1,64}$")]
    name: String,
    /// What they may do.
    #[schema(value_type = String, pattern = "^(viewer|agent|operator|admin)$")]
    role: Role,
    /// Where; nothing is everywhere.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    productions: Option<BTreeSet<ProductionId>>,
    /// For how long, in milliseconds; nothing is until it is revoked.
    #[serde(default)]
    #[schema(value_type = Option<u64>, minimum = 1)]
    expires_in_ms: Option<Millis>,
}

/// A token that was just made.
#[derive(Serialize, ToSchema)]
struct MadeToken {
    /// What is known of it.
    #[serde(flatten)]
    #[schema(value_type = Shown)]
    known: Token,
    /// Its text.
    token: String,
}

/// Makes a token. Its text is in this answer and nowhere else.
#[utoipa::path(
    post, path = "/v1/tokens", tag = "access", operation_id = "createToken",
    request_body(content = CreateToken, content_type = "application/json"),
    responses((status = 201, description = "The token", body = MadeToken), Changed),
)]
async fn create_token(
    State(app): State<App>,
    Holds { caller, .. }: Holds<Admin>,
    _: NoQuery,
    Body(new): Body<CreateToken>,
) -> Result<(StatusCode, Json<MadeToken>), Failure> {
    let CreateToken { name, role, productions, expires_in_ms } = new;
    let (token, text) = blocking(app, move |app| {
        let now = app.access.clock().now();
        let expires_at = expires_in_ms.map(|after| now.plus(after));
        app.access.tokens().create(NewToken { name, role, productions, expires_at }, now)
    })
    .await?;
    tracing::info!(by = %caller.actor(), id = token.id, name = token.name, role = %token.role, "a token was made");
    Ok((StatusCode::CREATED, Json(MadeToken { known: token, token: text })))
}

/// Takes a token back. Connections that use it are closed within 5 s.
#[utoipa::path(
    delete, path = "/v1/tokens/{id}", tag = "access", operation_id = "revokeToken",
    params(("id" = String, Path, description = "The eight characters behind `onair_`")),
    responses((status = 204, description = "It is nobody's any more."), Read),
)]
async fn revoke_token(
    State(app): State<App>,
    Holds { caller, .. }: Holds<Admin>,
    Named { id }: Named,
    _: NoQuery,
) -> Result<StatusCode, Failure> {
    let id = id.to_string();
    let token = blocking(app, move |app| app.access.tokens().revoke(&id, app.access.clock().now())).await?;
    tracing::info!(by = %caller.actor(), id = token.id, name = token.name, "a token was revoked");
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
