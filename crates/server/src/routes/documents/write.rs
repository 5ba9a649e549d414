//! Writing one document: preconditions from headers, a merge by `base`, and what became of it.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use onair_core::{Intent, Production, Refusal, production};
use onair_runtime::{Error, Handle};
use onair_wire::{Code, Edit, Mutation, Outcome, Problem, Receipt, Revision, json::JsonError};
use serde::Deserialize;
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use crate::{
    extract::{
        Conditions, Document, MergePatch, NoQuery, OfDocument, On, Operator, OptionalBody, Query, Tags, text,
    },
    openapi::{Changed, OfProduction, ProblemBody},
    problem::Failure,
    routes::answer::{Json, Written, tagged},
};

/// What an edit was made from.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Base {
    /// The production's revision at which the caller saw the document: when it has changed since, the edit is merged.
    #[serde(default, deserialize_with = "text")]
    #[param(value_type = Option<u64>)]
    base: Option<Revision>,
}

/// Creates or replaces a document
#[utoipa::path(
    put, path = "/v1/productions/{production}/documents/{collection}/{id}", tag = "documents",
    operation_id = "putDocument", params(OfProduction, OfDocument, Base, Conditions),
    request_body(content = Value, content_type = "application/json", description = "The document"),
    responses(
        (status = 200, description = "Replaced, or merged", body = Written, headers(("ETag" = String))),
        (status = 201, description = "Created", body = Written, headers(("ETag" = String))),
        (status = 410, description = "The base is no longer kept (`compacted`)", body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, description = "It has changed since, see `current` (`revision-mismatch`)", body = ProblemBody, content_type = "application/problem+json"),
        Changed,
    ),
)]
pub(super) async fn put(
    on: On<Operator>,
    at: OfDocument,
    Query(Base { base }): Query<Base>,
    conditions: Conditions,
    Document(value): Document,
) -> Result<Response, Failure> {
    let target = Target { at, base, conditions };
    target.write(&on, Edit::Put(Arc::new(value))).await.map(Edited::into_response)
}

/// Changes a document by a merge patch (RFC 7396)
#[utoipa::path(
    patch, path = "/v1/productions/{production}/documents/{collection}/{id}", tag = "documents",
    operation_id = "patchDocument", params(OfProduction, OfDocument, Base, Conditions),
    request_body(content((Value = "application/merge-patch+json"), (Value = "application/json")), description = "The patch"),
    responses(
        (status = 200, description = "Changed", body = Written, headers(("ETag" = String))),
        (status = 410, description = "The document was deleted, or the base is no longer kept (`gone`, `compacted`)", body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, description = "It has changed since, see `current` (`revision-mismatch`)", body = ProblemBody, content_type = "application/problem+json"),
        Changed,
    ),
)]
pub(super) async fn patch(
    on: On<Operator>,
    at: OfDocument,
    Query(Base { base }): Query<Base>,
    conditions: Conditions,
    MergePatch(patch): MergePatch,
) -> Result<Response, Failure> {
    let target = Target { at, base, conditions };
    target.write(&on, Edit::Patch(Arc::new(patch))).await.map(Edited::into_response)
}

/// Deletes a document
#[utoipa::path(
    delete, path = "/v1/productions/{production}/documents/{collection}/{id}", tag = "documents",
    operation_id = "deleteDocument", params(OfProduction, OfDocument, Base, Conditions),
    responses(
        (status = 204, description = "Deleted", headers(("ETag" = String))),
        (status = 200, description = "Others had changed it since `base`", body = Written, headers(("ETag" = String))),
        (status = 410, description = "It was deleted already, or the base is no longer kept (`gone`, `compacted`)", body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, description = "It has changed since, see `current` (`revision-mismatch`)", body = ProblemBody, content_type = "application/problem+json"),
        Changed,
    ),
)]
pub(super) async fn delete(
    on: On<Operator>,
    at: OfDocument,
    Query(Base { base }): Query<Base>,
    conditions: Conditions,
) -> Result<Response, Failure> {
    let edited = Target { at, base, conditions }.write(&on, Edit::Delete).await?;
    if edited.receipt.outcome == Outcome::Applied {
        return Ok((StatusCode::NO_CONTENT, tagged(edited.receipt.revision)).into_response());
    }
    Ok(edited.into_response())
}

/// Which version.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    /// The revision of the production whose version is to be brought back; nothing: the one that was deleted.
    #[serde(default)]
    #[schema(value_type = Option<u64>)]
    revision: Option<Revision>,
}

/// Brings a deleted document, or an earlier version, back
#[utoipa::path(
    post, path = "/v1/productions/{production}/documents/{collection}/{id}/restore", tag = "documents",
    operation_id = "restoreDocument", params(OfProduction, OfDocument, Conditions),
    request_body(content = Option<Which>, content_type = "application/json"),
    responses(
        (status = 200, description = "Restored", body = Written, headers(("ETag" = String))),
        (status = 410, description = "The revision is no longer kept (`compacted`)", body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, description = "It has changed since, see `current` (`revision-mismatch`)", body = ProblemBody, content_type = "application/problem+json"),
        Changed,
    ),
)]
pub(super) async fn restore(
    on: On<Operator>,
    at: OfDocument,
    _: NoQuery,
    conditions: Conditions,
    OptionalBody(which): OptionalBody<Which>,
) -> Result<Response, Failure> {
    let Which { revision } = which.unwrap_or_default();
    let target = Target { at, base: None, conditions };
    let edited = target.write(&on, Edit::Restore(revision)).await?;
    Ok((tagged(edited.tag), Json(edited.body())).into_response())
}

/// One document, and what writing it depends on.
pub(in crate::routes) struct Target {
    pub(in crate::routes) at: OfDocument,
    pub(in crate::routes) base: Option<Revision>,
    pub(in crate::routes) conditions: Conditions,
}

/// What became of it.
pub(in crate::routes) struct Edited {
    at: OfDocument,
    receipt: Receipt,
    /// The document's revision, which is an earlier one when the whole edit became conflicts.
    tag: Revision,
    created: bool,
}

impl Target {
    /// Writes, and looks at what is there then.
    pub(in crate::routes) async fn write(self, on: &On<Operator>, edit: Edit) -> Result<Edited, Failure> {
        let handle = on.open().await?;
        let Self { at, base, conditions } = self;
        let if_revision = precondition(&handle.state(), &at, &conditions)?;
        let mutation =
            Mutation { collection: at.collection.clone(), document: at.id.clone(), edit, base, if_revision };
        let done = on.execute(&handle, conditions.mutation, Intent::Mutate(vec![mutation])).await;
        let receipt = done.map_err(of_one)?;
        Ok(Edited::found(&handle, at, receipt))
    }
}

impl Edited {
    fn found(handle: &Handle, at: OfDocument, receipt: Receipt) -> Self {
        let state = handle.state();
        let document = state.document(&at.collection, &at.id);
        let tag = document.map_or(receipt.revision, |document| document.revision().min(receipt.revision));
        let created = document.is_some_and(|document| {
            let before = document.version_at(receipt.revision.previous());
            tag == receipt.revision
                && !matches!(before, production::Version::Known(Some(_)))
                && document.created_at() == document.updated_at()
        });
        Self { at, receipt, tag, created }
    }

    pub(in crate::routes) fn body(&self) -> Written {
        let Receipt { revision, outcome, conflicts, .. } = self.receipt.clone();
        Written { id: Some(self.at.id.clone().into()), revision, outcome, conflicts }
    }
}

impl IntoResponse for Edited {
    fn into_response(self) -> Response {
        let status = if self.created { StatusCode::CREATED } else { StatusCode::OK };
        (status, tagged(self.tag), Json(self.body())).into_response()
    }
}

/// What the headers ask, as the revision the core compares with. One strong tag is compared when the edit is decided;
/// anything else here, against what is shown now. A mutation that was carried out already is not looked at again: its
/// retry is answered like the first.
fn precondition(
    state: &Production,
    at: &OfDocument,
    conditions: &Conditions,
) -> Result<Option<Revision>, Failure> {
    let found = state.document(&at.collection, &at.id).map(|document| document.revision());
    let is_known = conditions.mutation.as_ref().is_some_and(|id| state.mutations().get(id).is_some());
    if let Some(tags) = &conditions.if_match {
        if let Some(only) = tags.only().filter(|only| *only <= state.revision()) {
            return Ok(Some(only));
        }
        let is_met = is_known || found.is_some_and(|found| tags.strongly(found));
        return if is_met { Ok(None) } else { Err(mismatch(state, at, "If-Match")) };
    }
    match &conditions.if_none_match {
        None => Ok(None),
        Some(Tags::Any) => Ok(Some(Revision::ZERO)),
        Some(tags) if !is_known && found.is_some_and(|found| tags.weakly(found)) => {
            Err(mismatch(state, at, "If-None-Match"))
        }
        Some(_) => Ok(None),
    }
}

fn mismatch(state: &Production, at: &OfDocument, header: &str) -> Failure {
    let OfDocument { collection, id } = at;
    let (detail, current) = match state.document(collection, id) {
        Some(document) => (
            format!("document {collection}/{id} is at revision {}, {header} is not met", document.revision()),
            json!({ "revision": document.revision(), "value": document.value() }),
        ),
        None => (
            format!("there is no document {collection}/{id}, {header} is not met"),
            json!({ "revision": Revision::ZERO, "value": null }),
        ),
    };
    Problem::new(Code::RevisionMismatch, detail).with("current", current).into()
}

/// A refusal of the only mutation of a batch, with its place named as this request knows it.
fn of_one(error: Error) -> Failure {
    let Error::Refused(Refusal::Invalid { pointer, detail }) = error else { return error.into() };
    let place = pointer.strip_prefix("/mutations/0").unwrap_or(&pointer);
    let place = match place {
        "/collection" | "/base" => &place[1..],
        "/ifRevision" => "If-Match",
        _ => place.strip_prefix("/value").or_else(|| place.strip_prefix("/patch")).unwrap_or(place),
    };
    JsonError::Invalid { pointer: place.to_owned(), detail }.into()
}
