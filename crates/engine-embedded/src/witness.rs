//! A second opinion on where each log ends: the file `witness`, one slot of 32 bytes per log.
//!
//! The chain of checksums finds whatever is missing *between* records. It cannot find that the last ones are missing:
//! a log without its end is a log that ends earlier. So after each flush, and before anybody is answered, the last
//! revision of every log in the group is written here too, without a flush of its own. That costs a write into the
//! page cache, survives the death of the process at once, and reaches the disk when the system writes back (half a
//! minute, usually). A slot may therefore be behind what was acknowledged, never ahead: if the log ends before its
//! slot, acknowledged records are lost, and the production is named.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, Read},
    os::unix::fs::FileExt,
    path::Path,
};

use onair_wire::Revision;
use xxhash_rust::xxh3::xxh3_64;

use crate::{keys::LogId, record::little};

const SLOT: usize = 32;

/// What a slot tells about its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The last revision that was durable.
    pub(crate) revision: Revision,
    /// The group it was in.
    pub(crate) group: u64,
}

/// What the file told when it was opened.
#[derive(Debug, Default)]
pub(crate) struct Testimony {
    /// `false` when the file was not there and has been created.
    pub(crate) present: bool,
    pub(crate) slots: BTreeMap<LogId, Seen>,
    /// Slots that do not verify.
    pub(crate) damaged: usize,
}

impl Testimony {
    /// The last group anybody was answered about.
    pub(crate) fn group(&self) -> u64 {
        self.slots.values().map(|seen| seen.group).max().unwrap_or(0)
    }
}

/// The open file.
#[derive(Debug)]
pub(crate) struct Witness(File);

impl Witness {
    pub(crate) fn open(path: &Path) -> io::Result<(Self, Testimony)> {
        let mut testimony = Testimony { present: path.try_exists()?, ..Testimony::default() };
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        for (number, slot) in (0..).zip(bytes.chunks_exact(SLOT)) {
            match decode(number, slot) {
                Some(seen) => _ = testimony.slots.insert(LogId(number), seen),
                None if slot.iter().all(|byte| *byte == 0) => {}
                None => testimony.damaged += 1,
            }
        }
        Ok((Self(file), testimony))
    }

    /// Notes where logs end; of two notes about one log the later holds. Slots that lie side by side are one write: a
    /// group has dozens of logs, and nobody in it is answered before this is done.
    pub(crate) fn note(&mut self, mut notes: Vec<(LogId, Seen)>) -> io::Result<()> {
        notes.sort_by_key(|(log, _)| *log);
        let mut run: Vec<u8> = Vec::with_capacity(notes.len() * SLOT);
        let mut begin = None;
        for (at, (log, seen)) in notes.iter().enumerate() {
            let next = notes.get(at + 1).map(|(next, _)| *next);
            if next == Some(*log) {
                continue;
            }
            begin.get_or_insert(*log);
            run.extend_from_slice(&encode(*log, *seen));
            if next != Some(LogId(log.0 + 1)) {
                self.write(begin.take().expect("just begun"), &run)?;
                run.clear();
            }
        }
        Ok(())
    }

    /// Forgets a log that has ended.
    pub(crate) fn clear(&mut self, log: LogId) -> io::Result<()> {
        self.write(log, &[0; SLOT])
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&mut self, first: LogId, slots: &[u8]) -> io::Result<()> {
        self.0.write_all_at(slots, first.0 * SLOT as u64)
    }
}

fn encode(log: LogId, seen: Seen) -> [u8; SLOT] {
    let mut slot = [0; SLOT];
    slot[8..16].copy_from_slice(&log.0.to_le_bytes());
    slot[16..24].copy_from_slice(&seen.revision.0.to_le_bytes());
    slot[24..].copy_from_slice(&seen.group.to_le_bytes());
    let sum = xxh3_64(&slot[8..]);
    slot[..8].copy_from_slice(&sum.to_le_bytes());
    slot
}

fn decode(number: u64, slot: &[u8]) -> Option<Seen> {
    if little(slot, 0)? != xxh3_64(&slot[8..]) || little(slot, 8)? != number {
        return None;
    }
    Some(Seen { revision: Revision(little(slot, 16)?), group: little(slot, 24)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d7_the_witness_keeps_slots_and_tells_damaged_ones() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("witness");
        let seen = |revision, group| Seen { revision: Revision(revision), group };
        let (mut witness, testimony) = Witness::open(&path).unwrap();
        assert!(!testimony.present);
        let at = |log, revision, group| (LogId(log), seen(revision, group));
        witness.note(vec![at(9, 90, 9), at(2, 19, 2), at(1, 10, 1), at(2, 20, 2)]).unwrap();
        witness.note(vec![at(2, 21, 12)]).unwrap();
        witness.note(Vec::new()).unwrap();
        witness.clear(LogId(9)).unwrap();
        let (_, testimony) = Witness::open(&path).unwrap();
        let slots = BTreeMap::from([(LogId(1), seen(10, 1)), (LogId(2), seen(21, 12))]);
        assert_eq!((testimony.present, &testimony.slots, testimony.damaged), (true, &slots, 0));
        assert_eq!(testimony.group(), 12);

        let mut bytes = std::fs::read(&path).unwrap();
        bytes[SLOT + 20] ^= 4;
        std::fs::write(&path, bytes).unwrap();
        let (_, testimony) = Witness::open(&path).unwrap();
        assert_eq!((testimony.slots.len(), testimony.damaged), (1, 1));
    }
}
