//! Reading fjall's journal without fjall: which bytes of it are whole batches, and which are not.
//!
//! fjall refuses to open when one batch does not match its checksum, and stops without a word at a hole of zeros or
//! an unknown tag, cutting off what lies behind. Neither will do for acknowledged commits, so every journal is read
//! here first, and what does not verify is taken out of its way (`salvage`). The layout is that of fjall 3.1.13,
//! `src/journal/entry.rs`, without compression; hence the exact version in `Cargo.toml`.
//!
//! ```text
//! batch  start item… end
//! start  01, items u32, sequence u64                                                       (little endian)
//! item   02, kind u8, compression u8 = 0, keyspace u64, key u16, value u32, stored u32, key bytes, value bytes
//! end    03, xxh3_64 of all items u64, "FJL" 03
//! ```

use std::ops::Range;

use xxhash_rust::xxh3::xxh3_64;

use crate::{keys, record::little};

const START: usize = 13;
const ITEM: usize = 21;
const END: usize = 13;
const TRAILER: &[u8; 4] = b"FJL\x03";

/// What a journal is made of.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Scan {
    /// Whole batches, adjacent ones as one range.
    pub(crate) good: Vec<Range<usize>>,
    /// What is neither a batch nor reserved space.
    pub(crate) bad: Vec<Bad>,
    /// The groups of the whole batches, in their order.
    pub(crate) groups: Vec<u64>,
}

/// Bytes that do not verify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bad {
    pub(crate) bytes: Range<usize>,
    /// Nothing whole comes behind: it may be a write that was under way when the power went.
    pub(crate) tail: bool,
}

struct Batch {
    end: usize,
    sequence: u64,
    group: u64,
}

enum Fault {
    /// The structure is whole, the checksum is not that of the items; the batch ends there.
    Checksum(usize),
    /// No telling where it would end.
    Structure,
}

/// Reads a whole journal.
pub(crate) fn scan(bytes: &[u8]) -> Scan {
    let used = used(bytes);
    let mut scan = Scan::default();
    let mut sequence = None;
    let (mut at, mut here) = (0, batch(bytes, 0));
    while at < used {
        let mut ahead = None;
        if let Ok(batch) = &here {
            let next = self::batch(bytes, batch.end);
            let behind = next.as_ref().ok();
            let beyond =
                behind.filter(|_| sequence.is_none()).and_then(|next| self::batch(bytes, next.end).ok());
            let around = [behind, beyond.as_ref()].map(|batch| batch.map(|batch| batch.sequence));
            if !in_order(sequence, batch.sequence, around) {
                here = Err(Fault::Checksum(batch.end));
            }
            ahead = Some(next);
        }
        let end = match &here {
            Ok(batch) => {
                scan.groups.push(batch.group);
                sequence = Some(batch.sequence);
                match scan.good.last_mut() {
                    Some(last) if last.end == at => last.end = batch.end,
                    _ => scan.good.push(at..batch.end),
                }
                batch.end
            }
            Err(fault) => {
                let end = match *fault {
                    Fault::Checksum(end) if end >= used || batch(bytes, end).is_ok() => end.min(used),
                    _ => search(bytes, at + 1, used).unwrap_or(used),
                };
                scan.bad.push(Bad { bytes: at..end, tail: end >= used });
                end
            }
        };
        at = end;
        here = ahead.unwrap_or_else(|| batch(bytes, at));
    }
    scan
}

/// fjall's checksum leaves out the sequence, by which a batch counts as newer than what its tables hold. It rises from
/// batch to batch, so of two that do not rise the one that fits no other neighbour either is damaged.
fn in_order(before: Option<u64>, here: u64, [behind, beyond]: [Option<u64>; 2]) -> bool {
    /// More than fjall counts between two batches of one journal.
    const STEP_MAX: u64 = 1 << 32;
    let rises = before.is_none_or(|before| here > before && here - before < STEP_MAX);
    let behind_is_sound = |behind| match before {
        Some(before) => behind > before,
        None => beyond.is_some_and(|beyond| here >= beyond),
    };
    rises && behind.is_none_or(|behind| here < behind || !behind_is_sound(behind))
}

/// Where the next whole batch begins. A stored body could hold bytes that look like one; but this is asked only where
/// the structure of a batch is lost, and what it yields still has to continue the chain of its production.
fn search(bytes: &[u8], from: usize, used: usize) -> Option<usize> {
    (from..used).find(|&at| bytes[at] == 1 && bytes.get(at + START) == Some(&2) && batch(bytes, at).is_ok())
}

/// The length without the zeros at the end: space that was reserved and not yet written.
fn used(bytes: &[u8]) -> usize {
    const BLOCK: [u8; 4096] = [0; 4096];
    let mut end = bytes.len();
    while end >= BLOCK.len() && bytes[end - BLOCK.len()..end] == BLOCK {
        end -= BLOCK.len();
    }
    bytes[..end].iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}

fn batch(bytes: &[u8], at: usize) -> Result<Batch, Fault> {
    let whole = || -> Option<(Batch, bool)> {
        let start = bytes.get(at..at + START)?;
        let items = u32::from_le_bytes(start[1..5].try_into().ok()?);
        if start[0] != 1 || items == 0 {
            return None;
        }
        let first = at + START;
        let mut next = first;
        for _ in 0..items {
            next = item(bytes, next)?;
        }
        let end = bytes.get(next..next + END)?;
        if end[0] != 3 || end[9..] != *TRAILER {
            return None;
        }
        let sound = little(end, 1)? == xxh3_64(&bytes[first..next]);
        let batch = Batch { end: next + END, sequence: little(start, 5)?, group: group(bytes, first)? };
        Some((batch, sound))
    };
    match whole() {
        Some((batch, true)) => Ok(batch),
        Some((batch, false)) => Err(Fault::Checksum(batch.end)),
        None => Err(Fault::Structure),
    }
}

/// Where the item at `at` ends.
fn item(bytes: &[u8], at: usize) -> Option<usize> {
    let header = bytes.get(at..at + 3 + 8 + 2 + 4 + 4)?;
    let key = u16::from_le_bytes(header[11..13].try_into().ok()?);
    let value = u32::from_le_bytes(header[13..17].try_into().ok()?);
    let stored = u32::from_le_bytes(header[17..21].try_into().ok()?);
    if header[0] != 2 || header[1] > 2 || header[2] != 0 || value != stored {
        return None;
    }
    let end = at + ITEM + usize::from(key) + usize::try_from(value).ok()?;
    (end <= bytes.len()).then_some(end)
}

/// The first item of each of our batches is the number of its group.
fn group(bytes: &[u8], first: usize) -> Option<u64> {
    let key = first + ITEM;
    if bytes.get(key..key + keys::GROUP.len())? != keys::GROUP {
        return None;
    }
    keys::number(bytes.get(key + keys::GROUP.len()..item(bytes, first)?)?)
}

/// A batch as fjall writes it.
#[cfg(any(test, feature = "laws"))]
pub(crate) fn written(group: u64, body: &[u8]) -> Vec<u8> {
    let mut items = Vec::new();
    for (key, value) in [(&b"g"[..], &group.to_be_bytes()[..]), (b"r-a-record", body)] {
        items.extend_from_slice(&[2, 0, 0]);
        items.extend_from_slice(&1u64.to_le_bytes());
        items.extend_from_slice(&u16::try_from(key.len()).expect("short").to_le_bytes());
        items.extend_from_slice(&u32::try_from(value.len()).expect("short").to_le_bytes());
        items.extend_from_slice(&u32::try_from(value.len()).expect("short").to_le_bytes());
        items.extend_from_slice(key);
        items.extend_from_slice(value);
    }
    let mut batch = vec![1];
    batch.extend_from_slice(&2u32.to_le_bytes());
    batch.extend_from_slice(&(group + 100).to_le_bytes());
    batch.extend_from_slice(&items);
    batch.push(3);
    batch.extend_from_slice(&xxh3_64(&items).to_le_bytes());
    batch.extend_from_slice(TRAILER);
    batch
}

#[cfg(test)]
pub(crate) mod tests;
