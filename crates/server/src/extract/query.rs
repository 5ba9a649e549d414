//! The query: every parameter is known, stands once and reads, or is named in the refusal.

use std::{collections::BTreeSet, fmt::Display, str::FromStr};

use axum::extract::FromRequestParts;
use http::request::Parts;
use onair_wire::DocumentId;
use serde::{Deserialize, Deserializer, de};
use utoipa::IntoParams;

use super::{bad_request, invalid};
use crate::{App, problem::Failure};

/// How long a page is where nothing is said.
pub(crate) const PAGE: usize = 100;
/// How long a page may be: at 256 KiB a document, what one answer can weigh is bounded by what a production holds.
pub const PAGE_MAX: usize = 1_000;

/// The parameters of a query as `T`. A ticket is always allowed: whoever asks was told apart by it already.
pub(crate) struct Query<T>(pub(crate) T);

/// A request that takes no parameter.
pub(crate) struct NoQuery;

impl<T: for<'de> Deserialize<'de>> FromRequestParts<App> for Query<T> {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Failure> {
        parse(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

impl FromRequestParts<App> for NoQuery {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Failure> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Nothing {}
        parse::<Nothing>(parts.uri.query().unwrap_or_default()).map(|Nothing {}| Self)
    }
}

fn parse<T: for<'de> Deserialize<'de>>(query: &str) -> Result<T, Failure> {
    let is_ticket = |pair: &&str| pair.split('=').next() == Some("ticket");
    let pairs: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty() && !is_ticket(pair)).collect();
    if pairs.iter().any(|pair| !is_text(pair)) {
        return Err(bad_request("query", "a percent sign stands before two hexadecimal digits, for UTF-8"));
    }
    let text = pairs.join("&");
    let mut names = BTreeSet::new();
    for (name, _) in form_urlencoded::parse(text.as_bytes()) {
        if let Some(name) = names.replace(name) {
            return Err(invalid(&name, "it stands twice"));
        }
    }
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(text.as_bytes()));
    serde_path_to_error::deserialize(pairs).map_err(|error| {
        let place = error.path().iter().find_map(|segment| match segment {
            serde_path_to_error::Segment::Map { key } => Some(key.clone()),
            _ => None,
        });
        invalid(place.as_deref().unwrap_or("query"), error.inner().to_string())
    })
}

/// Whether what is percent-encoded is, and is UTF-8: the library would put a replacement character.
fn is_text(pair: &str) -> bool {
    let mut decoded = Vec::with_capacity(pair.len());
    let mut bytes = pair.bytes();
    while let Some(byte) = bytes.next() {
        let byte = if byte == b'%' {
            let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
            let (Some(high), Some(low)) = (digit(bytes.next()), digit(bytes.next())) else { return false };
            u8::try_from(high * 16 + low).expect("two hexadecimal digits")
        } else {
            byte
        };
        decoded.push(byte);
    }
    std::str::from_utf8(&decoded).is_ok()
}

/// Reads a parameter as `T` reads a text, so that the refusal is in its words.
pub(crate) fn text<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    String::deserialize(deserializer)?.parse().map(Some).map_err(de::Error::custom)
}

/// Where in a list, and how much of it.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    /// What `cursor` said at the end of the page before.
    #[serde(default, deserialize_with = "text")]
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9._~-]{1,128}$")]
    pub(crate) cursor: Option<DocumentId>,
    /// How many at most.
    #[param(minimum = 1, maximum = 1_000, default = 100)]
    limit: Option<usize>,
}

impl Page {
    /// A page that was asked for among other parameters.
    pub(crate) fn new(cursor: Option<DocumentId>, limit: Option<usize>) -> Self {
        Self { cursor, limit }
    }

    /// How many at most.
    pub(crate) fn limit(&self) -> Result<usize, Failure> {
        within("limit", self.limit, PAGE, PAGE_MAX)
    }
}

/// A number of things from 1 to `max`, `default` where nothing is said.
pub(crate) fn within(name: &str, said: Option<usize>, default: usize, max: usize) -> Result<usize, Failure> {
    match said {
        None => Ok(default),
        Some(number) if (1..=max).contains(&number) => Ok(number),
        Some(number) => Err(invalid(name, format!("{number} is not from 1 to {max}"))),
    }
}
