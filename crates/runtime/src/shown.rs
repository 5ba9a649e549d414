//! The revision that is shown, and those who wait for the next one.
//!
//! They are woken in the order in which they began to wait: whoever asked first is answered first. A `watch` of tokio
//! spreads those who wait by chance.

use std::sync::atomic::{AtomicU64, Ordering};

use onair_wire::Revision;
use tokio::sync::{Notify, futures::Notified};

/// How far the log is shown.
#[derive(Debug)]
pub(crate) struct Shown {
    revision: AtomicU64,
    news: Notify,
}

impl Shown {
    pub(crate) fn new(revision: Revision) -> Self {
        Self { revision: AtomicU64::new(revision.0), news: Notify::new() }
    }

    pub(crate) fn is(&self) -> Revision {
        Revision(self.revision.load(Ordering::Acquire))
    }

    pub(crate) fn set(&self, revision: Revision) {
        self.revision.store(revision.0, Ordering::Release);
        self.news.notify_waiters();
    }

    /// Wakes those who wait for news: something else changed that they look at.
    pub(crate) fn stir(&self) {
        self.news.notify_waiters();
    }

    /// Resolves at the next [`Shown::set`] or [`Shown::stir`] after this was called, even if it is first polled later.
    pub(crate) fn news(&self) -> Notified<'_> {
        self.news.notified()
    }

    /// Resolves when something behind `after` is shown.
    ///
    /// # Cancellation
    /// Nothing is lost.
    pub(crate) async fn beyond(&self, after: Revision) {
        loop {
            // Made before the look: what is shown in between wakes it.
            let news = self.news.notified();
            if self.is() > after {
                return;
            }
            news.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::{TaskKind, Tasks};

    /// Three callers waited for the end of one initialization and were answered in another order in each run of the
    /// simulation: chance decided which of them was woken first.
    #[tokio::test]
    async fn l13_those_who_wait_are_woken_in_their_order() {
        let (shown, woken) = (Arc::new(Shown::new(Revision(7))), Arc::new(Mutex::new(Vec::new())));
        let tasks = Tasks::new();
        for number in 0..20 {
            let (shown, woken) = (Arc::clone(&shown), Arc::clone(&woken));
            tasks.spawn(TaskKind::Action, async move {
                shown.beyond(Revision(7)).await;
                woken.lock().unwrap().push(number);
            });
        }
        tokio::task::yield_now().await;
        shown.set(Revision(8));
        tasks.ended().await;
        assert_eq!(*woken.lock().unwrap(), (0..20).collect::<Vec<_>>());
        shown.beyond(Revision(7)).await;
    }
}
