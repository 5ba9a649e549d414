//! The HTTP surface: a file per noun, put together here.

mod actions;
mod backends;
mod can;
mod changes;
mod clients;
mod conflicts;
mod documents;
mod findings;
mod mutations;
mod productions;
mod sequences;
mod service;
mod settings;
mod signals;
mod stream;
mod transfer;

mod answer;
mod frame;
mod newest;
mod pages;

use axum::{Router, middleware};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

pub use crate::{
    events::{COLLECTIONS_MAX, STREAMS_PER_TOKEN_MAX},
    extract::{BODY_BYTES_MAX, PAGE_MAX},
};
pub use changes::{COMMITS_MAX, WAIT_MAX};

pub(crate) use answer::Json;

use crate::{App, agents, assets, auth, events, openapi, session};

/// Everything that answers HTTP.
pub fn router(app: App) -> Router {
    let (routes, _) = api().split_for_parts();
    routes
        .fallback(frame::no_such_route)
        .method_not_allowed_fallback(frame::no_such_method)
        .layer(middleware::from_fn(frame::around))
        .with_state(app)
}

/// The routes and the document about them, from one list.
pub(crate) fn api() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(openapi::Start::openapi())
        .merge(productions::routes())
        .merge(documents::routes())
        .merge(mutations::routes())
        .merge(changes::routes())
        .merge(events::routes())
        .merge(conflicts::routes())
        .merge(settings::routes())
        .merge(actions::routes())
        .merge(can::routes())
        .merge(sequences::routes())
        .merge(findings::routes())
        .merge(backends::routes())
        .merge(signals::routes())
        .merge(clients::routes())
        .merge(transfer::routes())
        .merge(stream::routes())
        .merge(service::routes())
        .merge(assets::routes())
        .merge(auth::routes::router())
        .merge(session::routes())
        .merge(agents::routes())
}
