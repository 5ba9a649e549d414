//! `onair watch`: commits as they come, over server-sent events, for as long as somebody looks.
//!
//! A connection that breaks is made again from where it stood, so that no commit is left out or printed twice. Where
//! the server no longer has the commits between, that is said.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use onair_client::events::{Event, Events};
use onair_wire::{After, Collection, Commit, Documents, Epoch, Revision};
use reqwest::Method;
use serde::Deserialize;

use super::{Context, commit};
use crate::remote::{Backoff, Error, Stream, chance};

/// What to watch.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only these collections, with commas between
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    pub(crate) collections: Vec<Collection>,
    /// From behind this position, `k3f9:43`, or revision; left out, from now on
    #[arg(long, value_name = "POSITION", value_parser = position)]
    pub(crate) after: Option<String>,
}

/// A position as it was written; that it is one was checked.
fn position(text: &str) -> Result<String, String> {
    text.parse::<After>().map(|_| text.to_owned()).map_err(|error| error.to_string())
}

/// What of the event `snapshot` matters here.
#[derive(Deserialize)]
struct Snapshot {
    epoch: Epoch,
    revision: Revision,
    #[serde(default)]
    documents: Documents,
}

/// How far somebody is.
struct Watching<'a> {
    context: &'a Context,
    options: &'a Options,
    /// The position of the last commit or snapshot.
    last: Option<String>,
    /// Whether a connection came about.
    began: bool,
}

pub(crate) async fn run(context: &Context, options: &Options) -> anyhow::Result<ExitCode> {
    let mut watching = Watching { context, options, last: None, began: false };
    loop {
        let mut waits = Backoff::of_stream(chance);
        let stream = loop {
            match watching.connect().await {
                Ok(stream) => break stream,
                Err(error) if watching.began && error.is_worth_retrying() => {
                    let wait = waits.next().unwrap_or_default();
                    context.report.note(&format!("{error}; trying again in {:.1} s", wait.as_secs_f64()));
                    tokio::time::sleep(wait).await;
                }
                Err(error) => return Err(error.into()),
            }
        };
        watching.began = true;
        let why = watching.follow(stream).await?;
        context.report.note(&format!("{why}; connecting again"));
        // A server that lets everybody in and drops them at once is not asked without end.
        tokio::time::sleep(Backoff::of_stream(chance).next().unwrap_or_default()).await;
    }
}

impl Watching<'_> {
    async fn connect(&self) -> Result<Stream, Error> {
        let Self { context, options, last, .. } = self;
        let collections: Vec<&str> = options.collections.iter().map(Collection::as_str).collect();
        let collections = Some(collections.join(",")).filter(|names| !names.is_empty());
        let mut ask = context.remote.of(&context.production, Method::GET, &["events"]);
        ask = ask.header("accept", "text/event-stream").query_some("collections", collections);
        ask = match last {
            Some(position) => ask.header("last-event-id", position),
            None => ask.query_some("after", options.after.as_ref()),
        };
        ask.stream().await
    }

    /// Prints what comes until nothing does, and says why.
    async fn follow(&mut self, mut stream: Stream) -> anyhow::Result<String> {
        let mut events = Events::default();
        loop {
            match stream.piece().await {
                Ok(Some(piece)) => {
                    events.push(&piece)?.into_iter().try_for_each(|event| self.take(&event))?;
                }
                Ok(None) => return Ok("the server ended the stream".to_owned()),
                Err(error) => return Ok(error.to_string()),
            }
        }
    }

    fn take(&mut self, event: &Event) -> anyhow::Result<()> {
        let report = self.context.report;
        match event.name.as_str() {
            "commit" => {
                let commit: Commit =
                    serde_json::from_str(&event.data).context("an event `commit` is none")?;
                match report.wants_json() {
                    true => report.json(&commit)?,
                    false => report.line(&commit::line(&commit))?,
                }
                self.last.clone_from(&event.id);
            }
            "snapshot" => {
                let snapshot: Snapshot =
                    serde_json::from_str(&event.data).context("an event `snapshot` is none")?;
                let position = format!("{}:{}", snapshot.epoch, snapshot.revision);
                let documents: usize = snapshot.documents.values().map(|entries| entries.len()).sum();
                let asked = self.last.is_some() || self.options.after.is_some();
                let lost =
                    if asked { "; commits before it are no longer kept, or of another log" } else { "" };
                report.note(&format!("snapshot at {position}, {documents} documents{lost}"));
                self.last = Some(position);
            }
            // Figures and digests are for those who keep a copy.
            _ => {}
        }
        Ok(())
    }
}
