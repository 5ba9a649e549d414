//! Server-sent events: everything from where the client stood, then what is new as it comes (row T3).
//!
//! Its head leaves through HTTP like any other; what follows is written by the lane it is attached to, the same bytes for
//! everybody, as to a socket. When its place is no longer kept, or its production was replaced, it begins again with a
//! snapshot.

mod begin;
mod feed;

use std::sync::Arc;

use axum::{
    Extension,
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, HeaderName, HeaderValue, Version, header};
use onair_wire::Code;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    extract::{On, Query, Viewer},
    net::Line,
    openapi::{OfProduction, Read},
    problem::Failure,
};

pub use begin::COLLECTIONS_MAX;
pub use feed::STREAMS_PER_TOKEN_MAX;

use begin::{LastEventId, Wanted};
use feed::{Feed, Head};

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
    line: Option<Extension<Arc<Line>>>,
    version: Version,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    begin::is_acceptable(&headers)?;
    let after = last.after.or(wanted.after);
    let Some(Extension(line)) = line else {
        return Err(Failure::new(Code::BadRequest, "this connection cannot be taken over"));
    };
    let feed = Feed::open(on, wanted.collections, after, line, &Head { version, headers }).await?;
    // A body that gives nothing: the stream writes to its connection itself.
    let body = stream::once(feed.run()).filter_map(async |ended| ended.err().map(Err::<Bytes, _>));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}
