//! Where an event stream begins, and of what it is.

use std::{collections::BTreeSet, sync::Arc};

use axum::extract::FromRequestParts;
use http::{HeaderMap, header, request::Parts};
use onair_runtime::hub::Filter;
use onair_wire::{After, Code, Collection};
use serde::{Deserialize, Deserializer, de};
use utoipa::IntoParams;

use crate::{
    App,
    extract::{bad_request, text},
    problem::Failure,
};

/// Collections that one stream may name: a view of a front end shows a handful.
pub const COLLECTIONS_MAX: usize = 64;

/// What is wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// The last revision the client has, or its position `epoch:revision`; nothing: a snapshot first.
    #[serde(default, deserialize_with = "text")]
    #[param(value_type = Option<String>, pattern = "^([a-z0-9]{1,32}:)?[0-9]{1,16}$")]
    pub(super) after: Option<After>,
    /// Only these, with commas between; nothing: all, those of the server included.
    #[serde(default, deserialize_with = "collections")]
    #[param(value_type = Option<String>, example = "layers,chat")]
    pub(super) collections: Filter,
}

/// The header with which a browser resumes by itself.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(super) struct LastEventId {
    /// The id of the last event the client has; it goes before `after`.
    #[param(rename = "Last-Event-ID", value_type = Option<String>, pattern = "^([a-z0-9]{1,32}:)?[0-9]{1,16}$")]
    pub(super) after: Option<After>,
}

fn collections<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Filter, D::Error> {
    let text = String::deserialize(deserializer)?;
    let names: Result<BTreeSet<Collection>, _> = text.split(',').map(str::parse).collect();
    let names = names.map_err(de::Error::custom)?;
    if names.len() > COLLECTIONS_MAX {
        return Err(de::Error::custom(format!(
            "{} collections, the limit is {COLLECTIONS_MAX}",
            names.len()
        )));
    }
    Ok(Some(Arc::new(names)))
}

impl FromRequestParts<App> for LastEventId {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Failure> {
        let Some(id) = parts.headers.get("last-event-id").filter(|id| !id.is_empty()) else {
            return Ok(Self { after: None });
        };
        let text = String::from_utf8_lossy(id.as_bytes());
        let after = text
            .parse()
            .map_err(|error: onair_wire::PositionError| bad_request("Last-Event-ID", error.to_string()))?;
        Ok(Self { after: Some(after) })
    }
}

/// That the client takes an event stream.
pub(super) fn is_acceptable(headers: &HeaderMap) -> Result<(), Failure> {
    let lines = headers.get_all(header::ACCEPT).iter();
    let text: Vec<String> =
        lines.map(|line| String::from_utf8_lossy(line.as_bytes()).to_lowercase()).collect();
    let mut ranges = text.iter().flat_map(|line| line.split(','));
    let takes = |range: &str| {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        let refused = parts.any(|part| part.strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0)));
        matches!(kind, "*/*" | "text/*" | "text/event-stream") && !refused
    };
    if text.is_empty() || ranges.any(takes) {
        return Ok(());
    }
    Err(Failure::new(Code::NotAcceptable, "this is an event stream: accept text/event-stream"))
}
