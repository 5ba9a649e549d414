//! `onair get`: a document's value, or a collection as a table.

use std::process::ExitCode;

use clap::Args;
use onair_wire::{Code, Collection, Problem, Revision};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Context, short, text};
use crate::{
    input::{Place, Target},
    remote::Error,
};

/// What to show.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// COLLECTION/ID or COLLECTION
    #[arg(value_name = "COLLECTION[/ID]")]
    pub(crate) target: Target,
    /// As it was at this revision of the production
    #[arg(long, value_name = "REVISION")]
    pub(crate) at: Option<Revision>,
}

pub(crate) async fn run(context: &Context, options: &Options) -> anyhow::Result<ExitCode> {
    match &options.target {
        Target::Document(place) => show(context, &document(context, place, options.at).await?)?,
        Target::Collection(collection) => {
            let documents = documents(context, collection, options.at).await?;
            table(context, &documents)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The value goes to stdout alone, so that it can be edited and put back.
fn show(context: &Context, document: &Value) -> anyhow::Result<()> {
    if context.report.wants_json() {
        return Ok(context.report.json(document)?);
    }
    context.report.value(&document["value"])?;
    let updated = text(document, "updatedAt");
    let when = if updated.is_empty() { updated } else { format!(", updated {updated}") };
    context.report.note(&format!("revision {}{when}", text(document, "revision")));
    Ok(())
}

fn table(context: &Context, documents: &[Value]) -> anyhow::Result<()> {
    if context.report.wants_json() {
        return Ok(context.report.json(&json!({ "documents": documents }))?);
    }
    let row = |document: &Value| {
        vec![text(document, "id"), text(document, "revision"), short(document.get("value"))]
    };
    let rows: Vec<_> = documents.iter().map(row).collect();
    Ok(context.report.table(&["ID", "REVISION", "VALUE"], &rows)?)
}

async fn document(context: &Context, place: &Place, at: Option<Revision>) -> Result<Value, Error> {
    let Place { collection, id } = place;
    let Some(at) = at else {
        let segments = ["documents", collection.as_str(), id.as_str()];
        return context.remote.of(&context.production, Method::GET, &segments).value().await;
    };
    let documents = documents(context, collection, Some(at)).await?;
    documents.into_iter().find(|document| document["id"] == id.as_str()).ok_or_else(|| {
        Error::from(Problem::new(
            Code::NotFound,
            format!("there was no document {collection}/{id} at revision {at}"),
        ))
    })
}

async fn documents(
    context: &Context,
    collection: &Collection,
    at: Option<Revision>,
) -> Result<Vec<Value>, Error> {
    let Some(at) = at else { return context.list(&["documents", collection.as_str()], "documents").await };
    let mut snapshot =
        context.remote.of(&context.production, Method::GET, &[]).query("at", &at).value().await?;
    let documents = match snapshot["documents"][collection.as_str()].take() {
        Value::Object(documents) => documents,
        _ => return Ok(Vec::new()),
    };
    let document = |(id, entry): (String, Value)| json!({ "id": id, "revision": entry["revision"], "value": entry["value"] });
    Ok(documents.into_iter().map(document).collect())
}
