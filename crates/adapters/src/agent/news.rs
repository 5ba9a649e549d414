//! The line in which reports wait for whoever takes them: in order, and none lost.
//!
//! Who arrives or says how it is waits while the line is long. Who leaves cannot wait, and need not: it arrived before,
//! so the line is never longer than [`NEWS_MAX`] and as many as are connected.

use std::sync::Arc;

use onair_runtime::{
    TaskKind, Tasks,
    adapter::{Report, Reports},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// Reports of arrivals and states that wait to be taken.
pub(super) const NEWS_MAX: usize = 256;

struct Told {
    report: Report,
    /// Its place in the line, free again when it was taken.
    _room: Option<OwnedSemaphorePermit>,
}

pub(super) struct News {
    line: mpsc::UnboundedSender<Told>,
    room: Arc<Semaphore>,
}

impl News {
    /// Starts the task that passes them on.
    pub(super) fn begin(reports: Reports, tasks: &Tasks) -> Self {
        let (line, mut told) = mpsc::unbounded_channel::<Told>();
        let cancelled = tasks.cancelled();
        let pass_on = async move {
            while let Some(Told { report, _room }) = told.recv().await {
                if reports.send(report).await.is_err() {
                    return;
                }
            }
        };
        tasks.spawn(TaskKind::Reporter, async move {
            cancelled.run_until_cancelled(pass_on).await;
        });
        Self { line, room: Arc::new(Semaphore::new(NEWS_MAX)) }
    }

    /// Waits until there is room for one more.
    pub(super) async fn room(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.room).acquire_owned().await.ok()
    }

    /// Puts a report into the line. Without anybody who takes them it is for nobody.
    pub(super) fn tell(&self, report: Report, room: Option<OwnedSemaphorePermit>) {
        drop(self.line.send(Told { report, _room: room }));
    }
}
