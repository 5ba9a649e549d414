//! Server-sent events: everything from where the client stood, then what is new as it comes (row T3).
//!
//! An event stream is a body that is asked for its next piece. A piece is everything that waits, so that a burst is
//! one write. When its place is no longer kept, or its production was replaced, it begins again with a snapshot.

mod begin;
mod feed;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    extract::{On, Query, Viewer},
    openapi::{OfProduction, Read},
    problem::Failure,
};

pub use begin::COLLECTIONS_MAX;
pub use feed::STREAMS_PER_TOKEN_MAX;

use begin::{LastEventId, Wanted};
use feed::Feed;

/// The routes, with their part of the description.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(events))
}

/// Event stream of a production
///
/// Events: `snapshot` when `after` is missing or no longer kept, and when the client was too slow; `commit`, whose id is
/// its position `epoch:revision`; `signal`, `presence`, `digest`. A comment every 15 s is the heartbeat.
#[utoipa::path(
    get, path = "/v1/productions/{production}/events", tag = "log", operation_id = "streamEvents",
    params(OfProduction, Wanted, LastEventId),
    responses(
        (status = 200, description = "Events until somebody ends it", body = String, content_type = "text/event-stream"),
        (status = 406, description = "`Accept` has no room for an event stream (`not-acceptable`)", body = crate::openapi::ProblemBody, content_type = "application/problem+json"),
        Read,
    ),
)]
async fn events(
    on: On<Viewer>,
    Query(wanted): Query<Wanted>,
    last: LastEventId,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    begin::is_acceptable(&headers)?;
    let after = last.after.or(wanted.after);
    let feed = Feed::open(on, wanted.collections, after, &headers).await?;
    let pieces = stream::unfold(Box::new(feed), |mut feed| async {
        let piece = feed.next().await?;
        Some((Ok::<_, std::convert::Infallible>(piece), feed))
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}
