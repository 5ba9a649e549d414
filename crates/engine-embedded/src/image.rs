//! An image as it is stored: chunks of a bounded size, each with a checksum that names its place.

use bytes::{Bytes, BytesMut};
use onair_engine::Image;
use onair_wire::Revision;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::{
    keys::{self, LogId},
    record::{Fault, Seed, little},
    store::Store,
};

const VERSION: u8 = 1;
const HEADER: usize = 13;

/// Bytes of an image in one value. Larger than a block of the store, so that a chunk costs one read; small beside a
/// memtable, so that an image does not fill one at a stroke.
pub(crate) const CHUNK_BYTES: usize = 256 * 1024;

/// The chunks of `body` in their order: version, checksum, how many chunks there are, bytes. One at least.
pub(crate) fn split(seed: Seed, revision: Revision, body: &[u8]) -> Vec<Vec<u8>> {
    let count =
        u32::try_from(body.len().div_ceil(CHUNK_BYTES).max(1)).expect("an image is far below a petabyte");
    (0..count)
        .map(|chunk| {
            let from = chunk as usize * CHUNK_BYTES;
            let part = &body[from..body.len().min(from + CHUNK_BYTES)];
            let mut stored = Vec::with_capacity(HEADER + part.len());
            stored.push(VERSION);
            stored.extend_from_slice(&[0; 8]);
            stored.extend_from_slice(&count.to_le_bytes());
            stored.extend_from_slice(part);
            let sum = sum(seed, revision, chunk, &stored);
            stored[1..9].copy_from_slice(&sum.to_le_bytes());
            stored
        })
        .collect()
}

/// Not the seed of a record: a chunk in the place of a record, or in that of another chunk, must not verify.
fn sum(seed: Seed, revision: Revision, chunk: u32, stored: &[u8]) -> u64 {
    let place = [*b"imag", chunk.to_le_bytes()].concat();
    xxh3_64_with_seed(&stored[9..], xxh3_64_with_seed(&place, seed.0 ^ revision.0))
}

/// The newest image at `from..=at` that verifies, and what was passed over on the way.
pub(crate) fn newest(
    store: &Store,
    log: LogId,
    seed: Seed,
    from: Revision,
    at: Revision,
) -> (Option<Image>, Vec<(Revision, Fault)>) {
    let mut passed = Vec::new();
    let mut upto = keys::image(log, at, u32::MAX);
    loop {
        let revision = match store.last(&keys::image(log, from, 0), &upto) {
            Ok(Some((key, _))) => keys::revision(&key),
            Ok(None) => None,
            Err(_) => {
                passed.push((at, Fault::Unreadable));
                None
            }
        };
        let Some(revision) = revision else { return (None, passed) };
        match join(store, log, seed, revision) {
            Ok(body) => return (Some(Image { revision, body }), passed),
            Err(fault) => passed.push((revision, fault)),
        }
        if revision <= from {
            return (None, passed);
        }
        upto = keys::image(log, revision.previous(), u32::MAX);
    }
}

fn join(store: &Store, log: LogId, seed: Seed, revision: Revision) -> Result<Bytes, Fault> {
    let mut body = BytesMut::new();
    let (mut chunk, mut count) = (0, 1);
    while chunk < count {
        let stored = store.get(&keys::image(log, revision, chunk)).map_err(|_| Fault::Unreadable)?;
        let stored = stored.ok_or(Fault::Missing)?;
        if stored.len() < HEADER {
            return Err(Fault::Short);
        }
        if stored[0] != VERSION {
            return Err(Fault::Version(stored[0]));
        }
        if little(&stored, 1) != Some(sum(seed, revision, chunk, &stored)) {
            return Err(Fault::Checksum);
        }
        let stated = u32::from_le_bytes(stored[9..HEADER].try_into().expect("four bytes"));
        if chunk > 0 && stated != count {
            return Err(Fault::Unlinked);
        }
        count = stated;
        body.extend_from_slice(&stored[HEADER..]);
        chunk += 1;
    }
    Ok(body.freeze())
}
