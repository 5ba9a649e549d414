//! Documents of the server's collections as lists of what they say, newest first.

use std::sync::Arc;

use onair_core::{Document, Production};
use onair_wire::DocumentId;
use serde_json::Value;

use crate::{
    extract::{Page, invalid},
    problem::Failure,
};

/// A page of what is wanted of a collection, newest first, and the cursor of the next.
pub(super) fn page(
    state: &Production,
    collection: &str,
    page: &Page,
    wanted: impl Fn(&Document) -> bool,
) -> Result<(Vec<(DocumentId, Arc<Value>)>, Option<DocumentId>), Failure> {
    let limit = page.limit()?;
    let Some(documents) = state.collection(collection) else { return Ok((Vec::new(), None)) };
    let mut newest = documents.by_age().rev();
    if let Some(cursor) = &page.cursor
        && !newest.by_ref().any(|(id, _)| id == cursor)
    {
        return Err(invalid("cursor", format!("{cursor} is not there any more; begin again without it")));
    }
    let mut wanted = newest.filter(|(_, document)| wanted(document));
    let page: Vec<(DocumentId, Arc<Value>)> = wanted
        .by_ref()
        .take(limit)
        .map(|(id, document)| (id.clone(), Arc::clone(document.value())))
        .collect();
    let more = wanted.next().is_some();
    let cursor = page.last().filter(|_| more).map(|(id, _)| id.clone());
    Ok((page, cursor))
}
