//! `onair watch`: commits as they come, over server-sent events, for as long as somebody looks.
//!
//! What comes is judged by `onair_client` as for every client: a connection that breaks is made again from where it stood,
//! so that no commit is left out or printed twice; what does not follow is asked for again, and what the server's digests
//! do not prove is read anew. Where the server no longer has the commits between, that is said.

use std::process::ExitCode;

use clap::Args;
use onair_client::{
    Followed, Follower,
    events::{Event, Events},
};
use onair_wire::{After, Collection};
use reqwest::Method;

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

/// How far somebody is.
struct Watching<'a> {
    context: &'a Context,
    options: &'a Options,
    follower: Follower,
    /// Whether anything was heard, so that a snapshot leaves something out.
    heard: bool,
    /// Whether a connection came about.
    began: bool,
}

pub(crate) async fn run(context: &Context, options: &Options) -> anyhow::Result<ExitCode> {
    let collections = Some(options.collections.clone()).filter(|named| !named.is_empty());
    let after = options.after.as_deref().and_then(|after| after.parse::<After>().ok());
    let follower = Follower::new(context.production.clone(), collections, after);
    let mut watching = Watching { context, options, follower, heard: false, began: false };
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
    async fn connect(&mut self) -> Result<Stream, Error> {
        let last = self.follower.resume();
        let Self { context, options, .. } = self;
        let collections: Vec<&str> = options.collections.iter().map(Collection::as_str).collect();
        let collections = Some(collections.join(",")).filter(|names| !names.is_empty());
        let mut ask = context.remote.of(&context.production, Method::GET, &["events"]);
        ask = ask.header("accept", "text/event-stream").query_some("collections", collections);
        ask = match last {
            Some(position) => ask.header("last-event-id", &position.to_string()),
            None => ask.query_some("after", options.after.as_ref().filter(|_| !self.heard)),
        };
        ask.stream().await
    }

    /// Prints what comes until nothing does, or it does not follow, and says why.
    async fn follow(&mut self, mut stream: Stream) -> anyhow::Result<String> {
        let mut events = Events::default();
        loop {
            match stream.piece().await {
                Ok(Some(piece)) => {
                    for event in events.push(&piece)? {
                        if let Some(why) = self.take(&event)? {
                            return Ok(why);
                        }
                    }
                }
                Ok(None) => return Ok("the server ended the stream".to_owned()),
                Err(error) => return Ok(error.to_string()),
            }
        }
    }

    /// Takes an event; says why when the stream is of no more use.
    fn take(&mut self, event: &Event) -> anyhow::Result<Option<String>> {
        let report = self.context.report;
        match self.follower.hear(event)? {
            Followed::Commit(commit) => {
                self.heard = true;
                match report.wants_json() {
                    true => report.json(&commit)?,
                    false => report.line(&commit::line(&commit))?,
                }
            }
            Followed::Snapshot(position) => {
                let documents = self.follower.replica().confirmed().map(|cache| &cache.documents);
                let documents: usize = documents.into_iter().flatten().map(|(_, all)| all.len()).sum();
                let asked = self.heard || self.options.after.is_some();
                let lost =
                    if asked { "; commits before it are no longer kept, or of another log" } else { "" };
                self.heard = true;
                report.note(&format!("snapshot at {position}, {documents} documents{lost}"));
            }
            Followed::Astray(why) => return Ok(Some(why.to_string())),
            // Figures are for those who show them.
            Followed::Proved | Followed::Quiet => {}
        }
        Ok(None)
    }
}
