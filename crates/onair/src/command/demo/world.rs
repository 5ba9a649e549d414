//! What is true of the production, as somebody outside keeps it: an event stream, and the documents that it adds up to.

use std::collections::VecDeque;

use anyhow::Context as _;
use onair_client::{
    Followed, Follower,
    events::{Event, Events},
};
use onair_core::{lifecycle::Lifecycle, sequence::Sequence, service::Service};
use onair_wire::{Cache, Collection, Commit, DocumentId, Revision, sync::StreamFigures};
use reqwest::Method;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::script::Quiz;
use crate::{command::Context, remote::Stream};

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
    follower: Follower,
    stream: Stream,
    events: Events,
    waiting: VecDeque<Event>,
}

impl Follow {
    /// Follows a production from now on: a snapshot comes first.
    pub(super) async fn begin(context: &Context) -> anyhow::Result<Self> {
        let mut follower = Follower::new(context.production.clone(), None, None);
        let stream = open(context, &mut follower).await?;
        Ok(Self { follower, stream, events: Events::default(), waiting: VecDeque::new() })
    }

    /// What comes next; `None` when the stream is at its end. What does not follow is asked for again.
    ///
    /// # Cancellation
    /// Nothing is lost.
    pub(super) async fn next(&mut self, context: &Context) -> anyhow::Result<Option<News>> {
        loop {
            while let Some(event) = self.waiting.pop_front() {
                if let "signal" = event.name.as_str() {
                    let wrong = || format!("an event `{}` is none", event.name);
                    return Ok(Some(News::Figures(figures(&event.data).with_context(wrong)?)));
                }
                match self.follower.hear(&event)? {
                    Followed::Snapshot(_) => {
                        let cache = self.follower.replica().confirmed().cloned().unwrap_or_default();
                        return Ok(Some(News::Snapshot(World { cache, figures: StreamFigures::default() })));
                    }
                    Followed::Commit(commit) => return Ok(Some(News::Commit(commit))),
                    Followed::Astray(_) => {
                        self.waiting.clear();
                        self.events = Events::default();
                        self.stream = open(context, &mut self.follower).await?;
                    }
                    Followed::Proved | Followed::Quiet => {}
                }
            }
            match self.stream.piece().await? {
                Some(piece) => self.waiting.extend(self.events.push(&piece)?),
                None => return Ok(None),
            }
        }
    }
}

async fn open(context: &Context, follower: &mut Follower) -> anyhow::Result<Stream> {
    let ask = context.remote.of(&context.production, Method::GET, &["events"]);
    let ask = ask.header("accept", "text/event-stream");
    let ask = match follower.resume() {
        Some(position) => ask.header("last-event-id", &position.to_string()),
        None => ask,
    };
    Ok(ask.stream().await?)
}

/// The figures in an event `signal`.
fn figures(data: &str) -> serde_json::Result<StreamFigures> {
    #[derive(Deserialize)]
    struct Signal {
        stream: StreamFigures,
    }
    serde_json::from_str(data).map(|Signal { stream }| stream)
}
