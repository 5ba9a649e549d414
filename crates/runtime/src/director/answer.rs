//! How callers are answered: all of a batch first, then one write for each client that was answered.

use std::sync::Arc;

use onair_wire::Receipt;
use tokio::sync::oneshot;

use crate::{error::Error, hub::Outlet};

/// Called once, after the commit was shown; or with the reason why there is none.
pub(crate) type Answer = Box<dyn FnOnce(Result<Receipt, Error>) -> Posted + Send>;

/// The outlet that was given an answer and is to be flushed when the last of the batch has its own.
pub type Posted = Option<Arc<dyn Outlet>>;

/// An answer to somebody who waits for it in a task.
pub(crate) fn sent_to(sender: oneshot::Sender<Result<Receipt, Error>>) -> Answer {
    Box::new(move |result| {
        // Whoever is gone does not want to know.
        let _ = sender.send(result);
        None
    })
}

/// Gives answers; dropping it flushes what was posted, so that a client with many commands in a batch costs one write.
#[derive(Default)]
pub(super) struct Teller(Vec<Arc<dyn Outlet>>);

impl Teller {
    pub(super) fn tell(&mut self, answer: Answer, result: Result<Receipt, Error>) {
        let Some(outlet) = answer(result) else { return };
        if !self.0.last().is_some_and(|last| Arc::ptr_eq(last, &outlet)) {
            self.0.push(outlet);
        }
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.0.iter().for_each(|outlet| outlet.flush());
    }
}
