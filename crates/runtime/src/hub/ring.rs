//! The last entries of a lane, kept so that a slow subscriber goes on from where it stood.
//!
//! An entry is what one publication came to in one format: a batch of commits, or a message. Entries are counted, not
//! named by revision, because messages stand between commits and have none.

use std::collections::VecDeque;

use bytes::Bytes;
use thiserror::Error;

/// Entries kept for those who are behind: at 100 publications a second, 40 seconds.
pub const RING_ENTRIES: usize = 4096;

/// Bytes kept for those who are behind, for a lane; what a production can hold is this times its lanes.
pub const RING_BYTES: usize = 8 << 20;

/// A place in a lane: the number of entries before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor(pub u64);

/// The place asked for is no longer kept; whoever stood there needs a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("entry {} is no longer kept, the first one is {}", wanted.0, first.0)]
pub struct Lagged {
    /// Where it stood.
    pub wanted: Cursor,
    /// What is still there.
    pub first: Cursor,
}

/// A bounded queue whose readers do not take anything out.
#[derive(Debug, Default)]
pub(super) struct Ring {
    entries: VecDeque<Bytes>,
    first: u64,
    bytes: usize,
}

impl Ring {
    /// Behind the last entry: where whoever comes now begins.
    pub(super) fn end(&self) -> Cursor {
        Cursor(self.first + self.entries.len() as u64)
    }

    /// Appends, and lets go of the oldest beyond the limits; the newest always stays.
    pub(super) fn push(&mut self, entry: Bytes) {
        self.bytes += entry.len();
        self.entries.push_back(entry);
        while self.entries.len() > 1 && (self.entries.len() > RING_ENTRIES || self.bytes > RING_BYTES) {
            let oldest = self.entries.pop_front().expect("more than one entry");
            self.bytes -= oldest.len();
            self.first += 1;
        }
    }

    /// Forgets all entries, and goes on behind a place that never was: no cursor that anybody holds is kept. The
    /// entry that then stands there is read by nobody, and makes everybody look.
    pub(super) fn strand(&mut self) {
        self.first = self.end().0 + 1;
        self.entries.clear();
        self.bytes = 0;
        self.push(Bytes::from_static(b"\n"));
    }

    /// Gives `take` what waits from `cursor` on, at least one entry and then up to `bytes_max`; says where to go on.
    ///
    /// # Panics
    /// When `cursor` lies behind the end: nobody has been given such a place.
    pub(super) fn read(
        &self,
        cursor: Cursor,
        bytes_max: usize,
        mut take: impl FnMut(&Bytes),
    ) -> Result<Cursor, Lagged> {
        assert!(cursor <= self.end(), "cursor {cursor:?} behind the end {:?}", self.end());
        let Some(skip) = cursor.0.checked_sub(self.first) else {
            return Err(Lagged { wanted: cursor, first: Cursor(self.first) });
        };
        let skip = usize::try_from(skip).expect("not more than entries");
        let (mut next, mut bytes) = (cursor.0, 0);
        for entry in self.entries.range(skip..) {
            if bytes > 0 && bytes + entry.len() > bytes_max {
                break;
            }
            bytes += entry.len();
            next += 1;
            take(entry);
        }
        Ok(Cursor(next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(ring: &Ring, cursor: u64, bytes_max: usize) -> Result<(usize, u64), Lagged> {
        let mut count = 0;
        let next = ring.read(Cursor(cursor), bytes_max, |_| count += 1)?;
        Ok((count, next.0))
    }

    #[test]
    fn keeps_so_many_entries_and_says_what_is_gone() {
        let mut ring = Ring::default();
        (0..RING_ENTRIES + 2).for_each(|_| ring.push(Bytes::from_static(b"x")));
        assert_eq!(read(&ring, 1, usize::MAX), Err(Lagged { wanted: Cursor(1), first: Cursor(2) }));
        assert_eq!(read(&ring, 2, usize::MAX), Ok((RING_ENTRIES, RING_ENTRIES as u64 + 2)));
        assert_eq!(read(&ring, ring.end().0, usize::MAX), Ok((0, ring.end().0)));
    }

    #[test]
    fn keeps_so_many_bytes_but_always_the_newest() {
        let mut ring = Ring::default();
        ring.push(vec![0; RING_BYTES / 2].into());
        ring.push(vec![0; RING_BYTES / 2].into());
        assert_eq!(read(&ring, 0, usize::MAX), Ok((2, 2)));
        ring.push(vec![0; 2 * RING_BYTES].into());
        assert_eq!(read(&ring, 2, 1), Ok((1, 3)));
        assert!(read(&ring, 1, 1).is_err());
    }

    #[test]
    fn gives_at_least_one_entry_and_then_up_to_the_limit() {
        let mut ring = Ring::default();
        (0..5).for_each(|_| ring.push(Bytes::from_static(b"1234")));
        for (limit, count) in [(0, 1), (4, 1), (11, 2), (12, 3), (100, 5)] {
            assert_eq!(read(&ring, 0, limit), Ok((count, count as u64)), "limit {limit}");
        }
    }
}
