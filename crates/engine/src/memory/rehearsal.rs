//! What tests tell the memory engine to do: fail, be away, hold. Everything here is about the open handle; the
//! log itself is in the parent module and does not know of it.

use std::{
    future::poll_fn,
    task::{Poll, Waker},
};

use super::{Log, Logs, Memory, lock};
use crate::{BoxFuture, Error, Figures};

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) figures: Figures,
    pub(super) closed: bool,
    unavailable: bool,
    pub(super) held: bool,
    pub(super) failure: Option<Failure>,
    waiting: Vec<Waker>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Failure {
    BeforeWriting,
    AfterWriting,
}

impl State {
    /// Promise 7: the outcome is unknown to the caller, and nothing more is accepted.
    pub(super) fn fail(&mut self) -> Error {
        let detail = "told to fail".to_owned();
        self.figures.read_only = Some(detail.clone());
        Error::Unavailable { detail }
    }
}

impl Memory {
    /// For tests: the next append answers [`Error::Unavailable`] and is not written; the handle is then read-only.
    pub fn fail_next_append(&self) {
        lock(&self.state).failure = Some(Failure::BeforeWriting);
    }

    /// For tests: the next append is written and answers [`Error::Unavailable`] all the same, which is the other
    /// half of "the outcome is unknown"; the handle is then read-only.
    pub fn lose_next_answer(&self) {
        lock(&self.state).failure = Some(Failure::AfterWriting);
    }

    /// For tests: while set, everything that writes answers [`Error::Unavailable`] without having written, as a
    /// peer that is away does; the handle stays good.
    pub fn set_unavailable(&self, unavailable: bool) {
        lock(&self.state).unavailable = unavailable;
    }

    /// For tests: appends are taken from here on, but not answered or shown before [`Memory::release`].
    pub fn hold(&self) {
        lock(&self.state).held = true;
    }

    /// Ends [`Memory::hold`]: what was held is durable now.
    pub fn release(&self) {
        let mut state = lock(&self.state);
        state.held = false;
        lock(&self.storage.0).values_mut().for_each(Log::settle);
        state.waiting.drain(..).for_each(Waker::wake);
    }

    pub(super) fn reads<'a, T: Send>(
        &'a self,
        read: impl FnOnce(&mut Logs) -> Result<T, Error> + Send + 'a,
    ) -> BoxFuture<'a, T> {
        Box::pin(async move {
            if lock(&self.state).closed { Err(Error::Closed) } else { read(&mut lock(&self.storage.0)) }
        })
    }

    pub(super) fn writes<'a, T: Send>(
        &'a self,
        write: impl FnOnce(&mut State, &mut Logs) -> Result<T, Error> + Send + 'a,
    ) -> BoxFuture<'a, T> {
        Box::pin(async move { self.writing(write) })
    }

    pub(super) fn writing<T>(
        &self,
        write: impl FnOnce(&mut State, &mut Logs) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut state = lock(&self.state);
        if state.closed {
            return Err(Error::Closed);
        }
        if let Some(detail) = &state.figures.read_only {
            return Err(Error::ReadOnly { detail: detail.clone() });
        }
        if state.unavailable {
            return Err(Error::Unavailable { detail: "set unavailable".into() });
        }
        write(&mut state, &mut lock(&self.storage.0))
    }

    /// Waits for as long as appends are held.
    pub(super) async fn released(&self) {
        poll_fn(|context| {
            let mut state = lock(&self.state);
            if state.held {
                state.waiting.push(context.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(())
        })
        .await;
    }
}
