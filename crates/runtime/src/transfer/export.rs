//! Writing a production down while it goes on: what is in the file is what was shown when it was begun.

use bytes::Bytes;
use onair_wire::{Commit, Revision};
use serde_json::json;
use tokio::sync::mpsc;
use xxhash_rust::xxh3::Xxh3Default;

use super::{FORMAT, VERSION};
use crate::{archive::READ, error::Error, handle::Handle, tasks::TaskKind};

/// Pieces that wait for a slow reader: 16 MiB at most.
const PIECES: usize = 4;

impl Handle {
    /// The production as one file, piece by piece. An error ends it without its last line, so that nobody takes half
    /// a file for a whole one.
    #[must_use]
    pub fn export(&self) -> mpsc::Receiver<Result<Bytes, Error>> {
        let (sender, receiver) = mpsc::channel(PIECES);
        let handle = self.clone();
        self.shared().tasks.spawn(TaskKind::Export, async move {
            if let Err(error) = write(&handle, &sender).await {
                // The reader may be gone; then nobody is left to be told.
                let _ = sender.send(Err(error)).await;
            }
        });
        receiver
    }
}

async fn write(handle: &Handle, sender: &mpsc::Sender<Result<Bytes, Error>>) -> Result<(), Error> {
    let state = handle.state();
    let oldest = state.oldest();
    let mut piece = Piece::default();
    piece.line(&json!({
        "format": FORMAT, "version": VERSION, "production": state.id(), "epoch": state.epoch(),
        "revision": state.revision(), "oldest": oldest,
    }));
    if oldest > Revision::ZERO.next() {
        let image = handle.state_at(oldest.previous()).await?.image();
        piece.line(&json!({ "image": image }));
    }
    let (mut after, mut commits) = (oldest.previous(), 0_u64);
    while after < state.revision() {
        let (bodies, _) = handle.commits(after, READ).await?;
        for body in bodies {
            let revision = Commit::decode(&body).map_or(after.next(), |commit| commit.revision);
            if revision > state.revision() {
                break;
            }
            piece.commit(&body);
            after = revision;
            commits += 1;
        }
        if sender.send(Ok(piece.take())).await.is_err() {
            return Ok(());
        }
    }
    let checksum = format!("{:016x}", piece.checksum.digest());
    piece.line(&json!({ "end": { "commits": commits, "checksum": checksum } }));
    // A reader that is gone needs no last piece.
    let _ = sender.send(Ok(piece.take())).await;
    Ok(())
}

/// What is written next, and the checksum of all that was.
struct Piece {
    bytes: Vec<u8>,
    checksum: Xxh3Default,
}

impl Default for Piece {
    fn default() -> Self {
        Self { bytes: Vec::new(), checksum: Xxh3Default::new() }
    }
}

impl Piece {
    fn line(&mut self, value: &serde_json::Value) {
        self.push(&[value.to_string().as_bytes(), b"\n"]);
    }

    fn commit(&mut self, body: &[u8]) {
        self.push(&[b"{\"commit\":", body, b"}\n"]);
    }

    fn push(&mut self, parts: &[&[u8]]) {
        for part in parts {
            self.checksum.update(part);
            self.bytes.extend_from_slice(part);
        }
    }

    fn take(&mut self) -> Bytes {
        std::mem::take(&mut self.bytes).into()
    }
}
