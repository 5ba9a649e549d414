//! Bodies: of the content type asked for, within the limit before they are held, strictly JSON.

use std::time::Duration;

use axum::{
    body::{BodyDataStream, HttpBody},
    extract::{FromRequest, Request},
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::{HeaderMap, header};
use onair_wire::{Code, Problem, json};
use serde::Deserialize;
use serde_json::Value;

use crate::{App, problem::Failure};

/// Bytes of a body that is JSON: a batch of a thousand ordinary mutations, or four of the largest documents.
pub const BODY_BYTES_MAX: usize = 1 << 20;
/// How long a body may stand still: whoever sends a byte now and then gets no further than this between two.
const STANDSTILL: Duration = Duration::from_secs(10);
/// How long a body that is JSON may take as a whole.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";

/// A body of `T`.
pub(crate) struct Body<T>(pub(crate) T);

/// A body of `T`, or none; `null` says as much as none.
pub(crate) struct OptionalBody<T>(pub(crate) Option<T>);

/// A body that is any JSON value.
pub(crate) struct Document(pub(crate) Value);

/// A body that is a JSON Merge Patch (RFC 7396).
pub(crate) struct MergePatch(pub(crate) Value);

impl<T: for<'de> Deserialize<'de>> FromRequest<App> for Body<T> {
    type Rejection = Failure;
    async fn from_request(request: Request, _: &App) -> Result<Self, Failure> {
        Ok(Self(json::parse_as(&read(request, &[JSON]).await?)?))
    }
}

impl<T: for<'de> Deserialize<'de>> FromRequest<App> for OptionalBody<T> {
    type Rejection = Failure;
    async fn from_request(request: Request, _: &App) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        let bytes = collect(body).await?;
        if bytes.is_empty() {
            return Ok(Self(None));
        }
        media_type(&parts.headers, &[JSON])?;
        match json::parse(&bytes)? {
            Value::Null => Ok(Self(None)),
            value => Ok(Self(Some(json::from_value(value)?))),
        }
    }
}

impl FromRequest<App> for Document {
    type Rejection = Failure;
    async fn from_request(request: Request, _: &App) -> Result<Self, Failure> {
        Ok(Self(json::parse(&read(request, &[JSON]).await?)?))
    }
}

impl FromRequest<App> for MergePatch {
    type Rejection = Failure;
    async fn from_request(request: Request, _: &App) -> Result<Self, Failure> {
        Ok(Self(json::parse(&read(request, &[MERGE_PATCH, JSON]).await?)?))
    }
}

async fn read(request: Request, types: &[&str]) -> Result<Bytes, Failure> {
    media_type(request.headers(), types)?;
    collect(request.into_body()).await
}

async fn collect(body: axum::body::Body) -> Result<Bytes, Failure> {
    has_length_over(&body, BODY_BYTES_MAX)?;
    tokio::time::timeout(BODY_TIMEOUT, frames(body, BODY_BYTES_MAX)).await.unwrap_or_else(|_| Err(too_slow()))
}

/// Refuses a body that says itself that it is too large, before anything of it is read.
pub(crate) fn has_length_over(body: &axum::body::Body, limit: usize) -> Result<(), Failure> {
    let length = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if length > limit { Err(too_large(limit)) } else { Ok(()) }
}

/// The body, as far as `limit` goes.
pub(crate) async fn frames(body: axum::body::Body, limit: usize) -> Result<Bytes, Failure> {
    let mut whole = BytesMut::new();
    let mut frames: BodyDataStream = body.into_data_stream();
    loop {
        match tokio::time::timeout(STANDSTILL, frames.next()).await {
            Ok(None) => return Ok(whole.freeze()),
            Ok(Some(Ok(frame))) if whole.len() + frame.len() > limit => return Err(too_large(limit)),
            Ok(Some(Ok(frame))) => whole.extend_from_slice(&frame),
            Ok(Some(Err(error))) => {
                return Err(Failure::new(Code::BadRequest, format!("the body could not be read: {error}")));
            }
            Err(_) => return Err(too_slow()),
        }
    }
}

fn too_large(limit: usize) -> Failure {
    Problem::new(Code::TooLarge, format!("the body is over {limit} bytes")).with("limit", limit).into()
}

fn too_slow() -> Failure {
    Failure::new(Code::RequestTimeout, "the body did not arrive in time")
}

/// That the content type is one of `types`, and UTF-8 if it says so.
pub(crate) fn media_type(headers: &HeaderMap, types: &[&str]) -> Result<(), Failure> {
    let mut said = headers.get_all(header::CONTENT_TYPE).iter();
    let wanted = types.join(" or ");
    let refuse = |found: String| {
        let detail = format!("the body is to be {wanted}, {found}");
        Failure::from(Problem::new(Code::UnsupportedMediaType, detail.clone()).at("Content-Type", detail))
    };
    let (Some(one), None) = (said.next(), said.next()) else {
        return Err(refuse("and there must be one Content-Type that says so".into()));
    };
    let text = one.to_str().unwrap_or("what is not text");
    let mut parts = text.split(';').map(|part| part.trim().to_ascii_lowercase());
    let essence = parts.next().unwrap_or_default();
    let is_utf8 = |part: String| match part.split_once('=') {
        Some((name, value)) => name.trim() != "charset" || value.trim().trim_matches('"') == "utf-8",
        None => true,
    };
    if !types.contains(&essence.as_str()) || !parts.all(is_utf8) {
        return Err(refuse(format!("not {text:?}")));
    }
    Ok(())
}
