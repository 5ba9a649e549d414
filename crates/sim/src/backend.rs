//! A backend that is told what happens: it refuses at times, is slow, or takes it and is not heard.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use onair_core::manifest;
use onair_runtime::{
    adapter::{BoxFuture, Class, Misfit},
    backend::{Backends, Delivery, Undelivered},
};
use onair_wire::{Epoch, Revision};

use crate::{chance::Dice, fault::Fault, ledger::Books};

/// How often in a row it says no: those who tell it wait longer each time.
const REFUSED_MAX: u32 = 3;

#[derive(Debug)]
struct State {
    dice: Dice,
    mended: bool,
    refused: u32,
    /// What it took, by log: how often each.
    taken: BTreeMap<Epoch, BTreeMap<Revision, u32>>,
}

/// The backend of a run. A clone is the same.
#[derive(Clone, Debug)]
pub(crate) struct Backend {
    state: Arc<Mutex<State>>,
    books: Books,
}

impl Backend {
    pub(crate) fn new(dice: Dice, books: Books) -> Self {
        let state = State { dice, mended: false, refused: 0, taken: BTreeMap::new() };
        Self { state: Arc::new(Mutex::new(state)), books }
    }

    /// It does what it should from here on.
    pub(crate) fn mend(&self) {
        self.state.lock().expect("the backend").mended = true;
    }

    /// What it took of a log.
    pub(crate) fn taken(&self, epoch: &Epoch) -> Vec<Revision> {
        let state = self.state.lock().expect("the backend");
        state.taken.get(epoch).map(|taken| taken.keys().copied().collect()).unwrap_or_default()
    }

    fn take(&self, delivery: &Delivery) -> (Duration, Result<(), Undelivered>) {
        let mut state = self.state.lock().expect("the backend");
        let wait = Duration::from_millis(state.dice.between(1, 40));
        let drawn = if state.mended || state.refused >= REFUSED_MAX { 100 } else { state.dice.below(100) };
        let no = |message: &str| Undelivered {
            class: Class::Network,
            message: message.to_owned(),
            retryable: true,
        };
        if drawn < 12 {
            state.refused += 1;
            self.books.fired(Fault::BackendRefused);
            return (wait, Err(no("it said no")));
        }
        let taken = state.taken.entry(delivery.epoch.clone()).or_default();
        let last = taken.keys().next_back().copied().unwrap_or_default();
        let times = taken.entry(delivery.revision).or_default();
        *times += 1;
        if *times == 1 && delivery.revision < last {
            self.books.wrong(format!("a backend was told of {} behind {last}", delivery.id));
        }
        let mut books = self.books.lock();
        books.counts.deliveries += 1;
        if let Err(what) = books.shown(&delivery.epoch, delivery.revision, u64::MAX).map(drop) {
            books.wrong(format!("a backend was told of {}: {what}", delivery.id));
        }
        if drawn < 24 {
            state.refused += 1;
            books.counts.fired(Fault::BackendLost);
            return (wait, Err(no("it was not heard")));
        }
        state.refused = 0;
        (wait, Ok(()))
    }
}

impl Backends for Backend {
    fn check(&self, _: &manifest::Backend) -> Result<(), Misfit> {
        Ok(())
    }

    fn deliver(
        &self,
        _: &manifest::Backend,
        delivery: Delivery,
    ) -> BoxFuture<'static, Result<(), Undelivered>> {
        let (wait, result) = self.take(&delivery);
        Box::pin(async move {
            tokio::time::sleep(wait).await;
            result
        })
    }
}
