//! What is true of the production, as somebody outside keeps it: an event stream, and the documents that it adds up to.

use std::collections::VecDeque;

use anyhow::Context as _;
use onair_core::{lifecycle::Lifecycle, sequence::Sequence, service::Service};
use onair_wire::{Cache, Collection, Commit, DocumentId, Documents, Revision, sync::StreamFigures};
use reqwest::Method;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::script::Quiz;
use crate::{
    command::Context,
    events::{Event, Events},
    remote::Stream,
};

/// The documents, in step.
#[derive(Clone, Debug, Default)]
pub(super) struct World {
    cache: Cache,
    /// What the stream last said of itself.
    pub(super) figures: StreamFigures,
}

/// What came.
#[derive(Debug)]
pub(super) enum News {
    /// Everything, at the beginning.
    Snapshot(World),
    /// The next commit.
    Commit(Box<Commit>),
    /// Figures of the stream.
    Figures(StreamFigures),
}

impl World {
    /// Makes it true here too.
    pub(super) fn take(&mut self, commit: &Commit) -> anyhow::Result<()> {
        Ok(self.cache.apply(commit)?)
    }

    pub(super) fn revision(&self) -> Revision {
        self.cache.revision
    }

    /// A document's value.
    pub(super) fn value(&self, collection: &str, id: &str) -> Option<&Value> {
        let (collection, id) = (Collection::new(collection).ok()?, DocumentId::new(id).ok()?);
        Some(&*self.cache.documents.get(&collection)?.get(&id)?.value)
    }

    /// A document as what it is; nothing where it is something else.
    pub(super) fn read<T: DeserializeOwned>(&self, collection: &str, id: &str) -> Option<T> {
        T::deserialize(self.value(collection, id)?).ok()
    }

    pub(super) fn lifecycle(&self) -> Lifecycle {
        self.read("_system", "lifecycle").unwrap_or_default()
    }

    pub(super) fn service(&self, name: &str) -> Service {
        self.read("_services", name).unwrap_or_default()
    }

    pub(super) fn sequence(&self, id: &str) -> Option<Sequence> {
        self.read("_sequences", id)
    }

    pub(super) fn quiz(&self) -> Quiz {
        self.read("interactions", "quiz").unwrap_or_default()
    }
}

/// Somebody who follows.
pub(super) struct Follow {
    stream: Stream,
    events: Events,
    waiting: VecDeque<Event>,
}

impl Follow {
    /// Follows a production from now on: a snapshot comes first.
    pub(super) async fn begin(context: &Context) -> anyhow::Result<Self> {
        let ask = context.remote.of(&context.production, Method::GET, &["events"]);
        let stream = ask.header("accept", "text/event-stream").stream().await?;
        Ok(Self { stream, events: Events::default(), waiting: VecDeque::new() })
    }

    /// What comes next; `None` when the stream is at its end.
    ///
    /// # Cancellation
    /// Nothing is lost.
    pub(super) async fn next(&mut self) -> anyhow::Result<Option<News>> {
        loop {
            while let Some(event) = self.waiting.pop_front() {
                if let Some(news) = news(&event)? {
                    return Ok(Some(news));
                }
            }
            match self.stream.piece().await? {
                Some(piece) => self.waiting.extend(self.events.push(&piece)?),
                None => return Ok(None),
            }
        }
    }
}

/// What an event says; nothing where it is for others.
fn news(event: &Event) -> anyhow::Result<Option<News>> {
    #[derive(Deserialize)]
    struct Snapshot {
        revision: Revision,
        documents: Documents,
    }
    let wrong = || format!("an event `{}` is none", event.name);
    Ok(match event.name.as_str() {
        "snapshot" => {
            let Snapshot { revision, documents } = serde_json::from_str(&event.data).with_context(wrong)?;
            let cache = Cache::from_snapshot(revision, documents);
            Some(News::Snapshot(World { cache, figures: StreamFigures::default() }))
        }
        "commit" => Some(News::Commit(serde_json::from_str(&event.data).with_context(wrong)?)),
        "signal" => Some(News::Figures(figures(&event.data).with_context(wrong)?)),
        _ => None,
    })
}

/// The figures in an event `signal`.
fn figures(data: &str) -> serde_json::Result<StreamFigures> {
    #[derive(Deserialize)]
    struct Signal {
        stream: StreamFigures,
    }
    serde_json::from_str(data).map(|Signal { stream }| stream)
}
