//! The trait, call by call: what the caller can find out by itself, and what it hands over.

use std::sync::atomic::Ordering;

use onair_engine::{
    APPEND_BYTES_MAX, BoxFuture, Engine, Error, Figures, Head, Image, Limit, Record, assert_dense,
};
use onair_wire::{Epoch, ProductionId, Revision};
use tokio::sync::oneshot;

use crate::{Embedded, NO_PANIC, committer::Request, image, read, record};

impl Engine for Embedded {
    fn name(&self) -> &'static str {
        "embedded"
    }

    fn create<'a>(&'a self, production: &'a ProductionId, epoch: &'a Epoch) -> BoxFuture<'a, Head> {
        let (production, epoch) = (production.clone(), epoch.clone());
        Box::pin(self.ask(|reply| Ok(Request::Create { production, epoch, reply })))
    }

    fn head<'a>(&'a self, production: &'a ProductionId) -> BoxFuture<'a, Option<Head>> {
        Box::pin(async move {
            self.shared.store()?;
            match self.shared.logs.find(production) {
                Ok(log) => Ok(Some(log.head())),
                Err(Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        })
    }

    fn append<'a>(
        &'a self,
        production: &'a ProductionId,
        epoch: &'a Epoch,
        expected: Revision,
        records: Vec<Record>,
    ) -> BoxFuture<'a, Revision> {
        Box::pin(async move {
            let (last, bytes) = assert_dense(expected, &records);
            self.shared.writable()?;
            let log = self.shared.logs.find_epoch(production, epoch)?;
            if bytes > APPEND_BYTES_MAX {
                return Err(Error::TooLarge { bytes, limit: APPEND_BYTES_MAX });
            }
            log.admit(&log.lock(), expected)?; // a loser does not wait for room either
            self.ask(|reply| {
                let mut frames = Vec::with_capacity(records.len());
                let mut state = log.lock();
                log.admit(&state, expected)?;
                for record in &records {
                    let framed = record::frame(log.seed, record.revision, state.tail, &record.body);
                    state.tail = framed.1;
                    frames.push((record.revision, framed.0));
                }
                state.pending = last;
                drop(state);
                Ok(Request::Append { log, frames, bytes, last, reply })
            })
            .await
        })
    }

    fn read<'a>(
        &'a self,
        production: &'a ProductionId,
        epoch: &'a Epoch,
        after: Revision,
        limit: Limit,
    ) -> BoxFuture<'a, Vec<Record>> {
        Box::pin(async move {
            let store = self.shared.store()?;
            let log = self.shared.logs.find_epoch(production, epoch)?;
            read::records(&store, &log, after, limit).inspect_err(|error| {
                if matches!(error, Error::Corrupt { .. }) {
                    self.shared.report(format!("{error}; nothing more is appended to it, others go on"));
                }
            })
        })
    }

    fn save<'a>(&'a self, production: &'a ProductionId, epoch: &'a Epoch, image: Image) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            self.shared.writable()?;
            let log = self.shared.logs.find_epoch(production, epoch)?;
            let durable = log.lock().durable;
            assert!(image.revision <= durable, "an image of {}, before it is durable", image.revision);
            self.ask(|reply| Ok(Request::Save { log, image, reply })).await
        })
    }

    fn load<'a>(
        &'a self,
        production: &'a ProductionId,
        epoch: &'a Epoch,
        at: Revision,
    ) -> BoxFuture<'a, Option<Image>> {
        Box::pin(async move {
            let store = self.shared.store()?;
            let log = self.shared.logs.find_epoch(production, epoch)?;
            let from = log.lock().oldest.previous();
            let (image, passed) = image::newest(&store, log.id, log.seed, from, at);
            self.shared.report_images(&log, passed);
            Ok(image)
        })
    }

    fn trim<'a>(
        &'a self,
        production: &'a ProductionId,
        epoch: &'a Epoch,
        keep_from: Revision,
    ) -> BoxFuture<'a, Head> {
        Box::pin(async move {
            self.shared.writable()?;
            let log = self.shared.logs.find_epoch(production, epoch)?;
            self.ask(|reply| Ok(Request::Trim { log, keep_from, reply })).await
        })
    }

    fn replace<'a>(
        &'a self,
        production: &'a ProductionId,
        epoch: &'a Epoch,
        image: Option<Image>,
        records: Vec<Record>,
    ) -> BoxFuture<'a, Head> {
        let (production, epoch) = (production.clone(), epoch.clone());
        Box::pin(async move {
            assert_dense(image.as_ref().map_or(Revision::ZERO, |image| image.revision), &records);
            self.ask(|reply| Ok(Request::Replace { production, epoch, image, records, reply })).await
        })
    }

    fn remove<'a>(&'a self, production: &'a ProductionId) -> BoxFuture<'a, ()> {
        let production = production.clone();
        Box::pin(self.ask(|reply| Ok(Request::Remove { production, reply })))
    }

    fn list<'a>(
        &'a self,
        after: Option<&'a ProductionId>,
        limit: usize,
    ) -> BoxFuture<'a, Vec<(ProductionId, Head)>> {
        Box::pin(async move {
            self.shared.store()?;
            let page = self.shared.logs.page(after, limit);
            Ok(page.into_iter().map(|log| (log.production.clone(), log.head())).collect())
        })
    }

    fn figures(&self) -> Figures {
        self.shared.figures.lock().expect(NO_PANIC).clone()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.shared.closed.store(true, Ordering::Release);
            let Some(inbox) = self.inbox.lock().expect(NO_PANIC).take() else { return Ok(()) };
            let (reply, answer) = oneshot::channel();
            if inbox.send(Request::Close { reply }).await.is_err() {
                return Err(self.shared.fail("the committer has died, which is a bug".to_owned()));
            }
            answer.await.unwrap_or(Ok(()))
        })
    }
}
