//! The row of a production: which log it has, and where that log begins. Where it ends is not in here but told by
//! its last record, so that an append writes its records and nothing else.

use onair_wire::{Epoch, ProductionId, Revision};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::{
    keys::LogId,
    record::{Fault, Sum, little},
};

const VERSION: u8 = 1;

/// The row of a production.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) log: LogId,
    pub(crate) epoch: Epoch,
    pub(crate) oldest: Revision,
    /// The checksum of the record before `oldest`, which the first record repeats.
    pub(crate) anchor: Sum,
}

impl Row {
    /// Version, checksum seeded with the production, then log, oldest, anchor (little endian) and the epoch.
    pub(crate) fn encode(&self, production: &ProductionId) -> Vec<u8> {
        let mut stored = vec![VERSION];
        stored.extend_from_slice(&[0; 8]);
        for number in [self.log.0, self.oldest.0, self.anchor.0] {
            stored.extend_from_slice(&number.to_le_bytes());
        }
        stored.extend_from_slice(self.epoch.as_str().as_bytes());
        let sum = sum(production, &stored);
        stored[1..9].copy_from_slice(&sum.to_le_bytes());
        stored
    }

    pub(crate) fn decode(production: &ProductionId, stored: &[u8]) -> Result<Self, Fault> {
        let numbers = [1, 9, 17, 25].map(|at| little(stored, at));
        let [Some(stated), Some(log), Some(oldest), Some(anchor)] = numbers else { return Err(Fault::Short) };
        if stored[0] != VERSION {
            return Err(Fault::Version(stored[0]));
        }
        if sum(production, stored) != stated {
            return Err(Fault::Checksum);
        }
        let epoch = std::str::from_utf8(&stored[33..]).ok().and_then(|text| Epoch::new(text).ok());
        let epoch = epoch.ok_or(Fault::Checksum)?;
        Ok(Self { log: LogId(log), epoch, oldest: Revision(oldest), anchor: Sum(anchor) })
    }
}

fn sum(production: &ProductionId, stored: &[u8]) -> u64 {
    xxh3_64_with_seed(&stored[9..], xxh3_64(production.as_str().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f8_a_row_is_read_only_as_it_was_written_and_where() {
        let (a, b) = (ProductionId::new("a").unwrap(), ProductionId::new("b").unwrap());
        let epoch = Epoch::new("k3f9").unwrap();
        let row = Row { log: LogId(7), epoch, oldest: Revision(41), anchor: Sum(99) };
        let stored = row.encode(&a);
        assert_eq!(Row::decode(&a, &stored), Ok(row));
        assert_eq!(Row::decode(&b, &stored), Err(Fault::Checksum));
        for bit in 0..stored.len() * 8 {
            let mut flipped = stored.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Row::decode(&a, &flipped).is_err(), "bit {bit}");
        }
    }
}
