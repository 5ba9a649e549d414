//! The monitor: the page at `/`, built from `packages/monitor` and part of this program, so that it needs neither Node
//! nor the network.
//!
//! Its files keep their names, so a browser asks each time whether it has them still, and mostly has. The page may load
//! what this server serves and nothing else: no script but its own file, no frame, no form.

use std::sync::OnceLock;

use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use onair_wire::{Code, Problem};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    extract::{NoQuery, Query},
    openapi::{ProblemBody, Served},
    problem::Failure,
};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(page)).routes(routes!(file))
}

/// Pictures are fetched with the token and shown from memory, hence `blob:`.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
/// Kept, and asked about each time: another release has other files of the same names.
const REVALIDATED: HeaderValue = HeaderValue::from_static("no-cache");

/// A file of the page.
struct Asset {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
    gzip: &'static [u8],
}

macro_rules! asset {
    ($name:literal, $kind:literal) => {
        Asset {
            name: $name,
            kind: $kind,
            bytes: include_bytes!(concat!("../assets/monitor/", $name)),
            gzip: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".gz")),
        }
    };
}

/// `build.rs` compresses the same ones.
static ASSETS: [Asset; 4] = [
    asset!("index.html", "text/html; charset=utf-8"),
    asset!("monitor.js", "text/javascript; charset=utf-8"),
    asset!("monitor.css", "text/css; charset=utf-8"),
    asset!("icon.svg", "image/svg+xml"),
];

/// What the page is to show first; the page reads it.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the page reads it from its address")]
struct Wanted {
    /// The production; nothing: all of them. Any text is taken: the page says what is wrong with a name.
    #[param(example = "main")]
    production: Option<String>,
}

/// The monitor
#[utoipa::path(
    get, path = "/", tag = "server", operation_id = "monitor", params(Wanted),
    responses((status = 200, description = "The page", body = String, content_type = "text/html"), (status = 304, description = "It is as `If-None-Match` says"), Served),
)]
async fn page(_: Query<Wanted>, headers: HeaderMap) -> Response {
    answer(&ASSETS[0], &headers)
}

/// Which file.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct OfFile {
    /// Its name.
    #[param(example = "monitor.js")]
    file: String,
}

/// A file of the monitor
#[utoipa::path(
    get, path = "/monitor/{file}", tag = "server", operation_id = "monitorFile", params(OfFile),
    responses(
        (status = 200, description = "The file", content((String = "text/javascript"), (String = "text/css"), (String = "image/svg+xml"), (String = "text/html"))),
        (status = 304, description = "It is as `If-None-Match` says"),
        (status = 404, description = "The page has no such file (`not-found`)", body = ProblemBody, content_type = "application/problem+json"),
        Served,
    ),
)]
async fn file(
    Path(OfFile { file }): Path<OfFile>,
    _: NoQuery,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let found = ASSETS.iter().find(|asset| asset.name == file);
    let missing = || Problem::new(Code::NotFound, format!("the monitor has no file {file}"));
    Ok(answer(found.ok_or_else(missing)?, &headers))
}

fn answer(asset: &'static Asset, asked: &HeaderMap) -> Response {
    let tag = asset.tag();
    let says =
        |name| asked.get_all(name).iter().filter_map(|value| value.to_str().ok()).flat_map(|s| s.split(','));
    let mut headers = HeaderMap::new();
    headers.insert(header::ETAG, tag.clone());
    headers.insert(header::CACHE_CONTROL, REVALIDATED);
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    if says(header::IF_NONE_MATCH)
        .any(|known| known.trim() == "*" || known.trim().as_bytes() == tag.as_bytes())
    {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    if says(header::ACCEPT_ENCODING).any(takes_gzip) {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        return (headers, asset.gzip).into_response();
    }
    (headers, asset.bytes).into_response()
}

/// Whether an item of `Accept-Encoding` is gzip, and not `gzip;q=0`.
fn takes_gzip(item: &str) -> bool {
    let (name, weight) = item.split_once(';').unwrap_or((item, ""));
    let weight = weight.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok());
    name.trim().eq_ignore_ascii_case("gzip") && weight.unwrap_or(1.0) > 0.0
}

impl Asset {
    /// The same for both encodings, so a weak one.
    fn tag(&'static self) -> HeaderValue {
        static TAGS: OnceLock<Vec<HeaderValue>> = OnceLock::new();
        let tags = TAGS.get_or_init(|| ASSETS.iter().map(|asset| weak(asset.bytes)).collect());
        let place = ASSETS.iter().position(|asset| asset.name == self.name).expect("it is one of them");
        tags[place].clone()
    }
}

fn weak(bytes: &[u8]) -> HeaderValue {
    let digest: String = Sha256::digest(bytes).iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    HeaderValue::from_str(&format!("W/\"{digest}\"")).expect("hexadecimal digits")
}
