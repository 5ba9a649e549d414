//! The HTTP surface: a file per noun, put together here.

mod answer;
mod caller;
mod documents;
mod frame;
mod productions;

use axum::{Router, middleware};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::{App, openapi};

pub(crate) use caller::Caller;

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
}
