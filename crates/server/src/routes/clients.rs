//! Who is connected.

use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::answer::Json;
use crate::{
    App,
    clients::Client,
    extract::{NoQuery, On, Viewer},
    openapi::{OfProduction, Read},
    problem::Failure,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(clients))
}

/// Who is connected.
#[derive(Serialize, ToSchema)]
struct Connected {
    /// In the order in which they came.
    #[schema(value_type = Vec<Shown>)]
    clients: Vec<Client>,
}

/// A connection as others see it.
#[derive(ToSchema)]
#[schema(as = Client, rename_all = "camelCase")]
#[expect(dead_code, reason = "only described here")]
struct Shown {
    /// Its session.
    id: String,
    /// `socket`, `stream` or `agent`.
    kind: String,
    /// What it calls itself, shortened.
    name: Option<String>,
    /// Who it is, as commits name them.
    actor: String,
    /// Since when.
    #[schema(format = DateTime)]
    since: String,
    /// When it last gave a sign of life, if it gives any.
    #[schema(format = DateTime)]
    last_ping: Option<String>,
    /// Bytes that wait for it because its socket does not take them.
    lag: u64,
    /// The quality of its preview.
    quality: Option<String>,
    /// How often it said that its state differs from ours; it read everything anew then.
    diverged: u64,
}

/// Who is connected
#[utoipa::path(
    get, path = "/v1/productions/{production}/clients", tag = "operation", operation_id = "listClients",
    params(OfProduction), responses((status = 200, description = "Who is connected", body = Connected), Read),
)]
async fn clients(on: On<Viewer>, _: NoQuery) -> Result<Json<Connected>, Failure> {
    let handle = on.open().await?;
    Ok(Json(Connected { clients: on.app.clients.list(handle.id()) }))
}
