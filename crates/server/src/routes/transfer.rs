//! A production as one file (row O6).

use axum::{
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
};
use futures_util::stream;
use http::{HeaderValue, header};
use onair_runtime::transfer::{IMPORT_BYTES_MAX, Import};
use onair_wire::{Code, Epoch, ProductionId, Revision};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::answer::{Json, tagged};
use crate::{
    App,
    extract::{Admin, NoQuery, On, Viewer, frames, has_length_over, media_type},
    openapi::{Changed, OfProduction, Read},
    problem::Failure,
};

const LINES: &str = "application/x-ndjson";
const OCTETS: &str = "application/octet-stream";

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(export)).routes(routes!(import))
}

/// The production as one file
///
/// Lines of JSON: what it is, the commits that are kept, and a last line with a checksum. A file without its last
/// line is half a file.
#[utoipa::path(
    get, path = "/v1/productions/{production}/export", tag = "transfer", operation_id = "exportProduction",
    params(OfProduction),
    responses((status = 200, description = "The file", body = String, content_type = "application/x-ndjson"), Read),
)]
async fn export(on: On<Viewer>, _: NoQuery) -> Result<Response, Failure> {
    let handle = on.open().await?;
    let name = format!("attachment; filename=\"{}-{}.ndjson\"", on.production, handle.state().revision());
    let disposition = HeaderValue::from_str(&name).expect("an id has no character that a header cannot");
    let pieces = stream::unfold(handle.export(), |mut pieces| async {
        let piece = pieces.recv().await?;
        if let Err(error) = &piece {
            tracing::warn!(%error, "an export broke off");
        }
        Some((piece, pieces))
    });
    let headers =
        [(header::CONTENT_TYPE, HeaderValue::from_static(LINES)), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// Where an imported production is.
#[derive(Serialize, ToSchema)]
struct Imported {
    /// Its name here.
    #[schema(value_type = String)]
    production: ProductionId,
    /// The log it has now.
    #[schema(value_type = String)]
    epoch: Epoch,
    /// How far it goes.
    #[schema(value_type = u64)]
    revision: Revision,
    /// How many commits it brought.
    commits: usize,
}

/// Puts an exported production in the place of the one there is, or of none
///
/// The file is checked as a whole before anything changes. The log begins a new epoch, so whoever watches gets a
/// snapshot.
#[utoipa::path(
    post, path = "/v1/productions/{production}/import", tag = "transfer", operation_id = "importProduction",
    params(OfProduction),
    request_body(content((String = "application/x-ndjson"), (String = "application/octet-stream")), description = "The file, up to 512 MiB"),
    responses((status = 200, description = "It is in place", body = Imported, headers(("ETag" = String))), Changed),
)]
async fn import(on: On<Admin>, _: NoQuery, request: Request) -> Result<Response, Failure> {
    media_type(request.headers(), &[LINES, OCTETS])?;
    let body = request.into_body();
    has_length_over(&body, IMPORT_BYTES_MAX)?;
    let file = frames(body, IMPORT_BYTES_MAX).await?;
    let read = tokio::task::spawn_blocking(move || Import::read(&file)).await;
    let import = read.map_err(|_| Failure::new(Code::Internal, "the file could not be checked"))??;
    let commits = import.commits();
    let handle = on.app.productions.import(&on.production, import).await?;
    let revision = handle.state().revision();
    tracing::info!(by = %on.actor(), production = %on.production, %revision, "a production was imported");
    let imported = Imported { production: on.production, epoch: handle.epoch().clone(), revision, commits };
    Ok((tagged(revision), Json(imported)).into_response())
}
