//! What stands around every handler: the access log, headers that every answer has, and an answer where there is no
//! handler or it broke.

use std::panic::AssertUnwindSafe;

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use http::{HeaderValue, Method, Uri, header};
use onair_wire::Code;
use tokio::time::Instant;

use crate::{extract::invalid, problem::Failure};

/// Answers whatever happens inside, and writes down what was asked. Never the query: tickets are there.
pub(super) async fn around(request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let begun = Instant::now();
    let mut response = match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text");
            tracing::error!(%method, ?path, panic = ?text, "a handler panicked");
            Failure::new(Code::Internal, "the server made a mistake; it is in its log").into_response()
        }
    };
    let status = response.status().as_u16();
    tracing::debug!(%method, ?path, status, took = ?begun.elapsed(), "answered");
    let has_tag = response.headers().contains_key(header::ETAG);
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // State is asked for anew each time; whoever kept an answer with a tag asks whether it still holds.
    let caching = HeaderValue::from_static(if has_tag { "no-cache" } else { "no-store" });
    headers.entry(header::CACHE_CONTROL).or_insert(caching);
    response
}

/// There is no such address; where only a name is missing in it, that is said.
pub(super) async fn no_such_route(method: Method, uri: Uri) -> Failure {
    let path = uri.path();
    if path.strip_prefix("/v1/productions/").is_some_and(|names| names.split('/').any(str::is_empty)) {
        return invalid("path", "a name in it is empty");
    }
    Failure::new(Code::NotFound, format!("there is nothing at {method} {}", path.escape_debug()))
}

/// The address is there, for other methods; `Allow` is added by the router.
pub(super) async fn no_such_method(method: Method, uri: Uri) -> Failure {
    Failure::new(Code::MethodNotAllowed, format!("{} does not know {method}", uri.path().escape_debug()))
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, middleware, routing::get};
    use http::Request;
    use hyper::service::Service;
    use hyper_util::service::TowerToHyperService;

    use super::*;

    #[tokio::test]
    async fn e1_a_handler_that_panics_is_answered_for() {
        async fn broken() {
            panic!("for a test");
        }
        let router = Router::new().route("/", get(broken)).layer(middleware::from_fn(around));
        let request = Request::get("/?ticket=secret").body(Body::empty()).unwrap();
        let response = TowerToHyperService::new(router).call(request).await.unwrap();
        assert_eq!(response.status(), 500);
        assert_eq!(response.extensions().get(), Some(&Code::Internal));
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    }
}
