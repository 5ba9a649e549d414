//! What must hold of stored bytes, whatever they are; for `onair-laws`, which alone asks for the feature `laws`.

use onair_wire::{Epoch, ProductionId, Revision};

use crate::{
    journal,
    record::{Seed, Sum, frame, verify},
};

/// A scan finds every whole batch once, in order, names what lies between, and does not invent anything; a record is
/// what was framed or none.
///
/// # Panics
/// When it does not.
pub fn journal(bytes: &[u8]) {
    scanned(bytes);
    built(bytes);
    framed(bytes);
}

fn scanned(bytes: &[u8]) -> journal::Scan {
    let scan = journal::scan(bytes);
    let bad = scan.bad.iter().map(|bad| bad.bytes.clone());
    let mut all: Vec<_> = scan.good.iter().cloned().chain(bad).collect();
    all.sort_by_key(|range| (range.start, range.end));
    let end = all.iter().fold(0, |end, range| {
        assert_eq!(range.start, end, "{range:?} does not begin where the one before ends");
        assert!(range.end > range.start, "{range:?} is empty");
        range.end
    });
    assert!(end <= bytes.len(), "{end} is beyond {}", bytes.len());
    assert!(bytes[end..].iter().all(|byte| *byte == 0), "what is behind {end} is no reserved space");
    let tails = scan.bad.iter().filter(|bad| bad.tail).count();
    assert!(tails <= 1 && (tails == 0 || scan.bad.last().is_some_and(|bad| bad.tail)), "two tails");
    scan
}

/// A sound journal made of the pieces, and then one byte of it changed: the batches before that are all there.
fn built(bytes: &[u8]) {
    let mut pieces = bytes.split(|byte| *byte == b'\n');
    let Some(damage) = pieces.next() else { return };
    let (mut journal, mut ends) = (Vec::new(), Vec::new());
    for (group, piece) in (1..=8).zip(pieces) {
        journal.extend(journal::written(group, piece));
        ends.push(journal.len());
    }
    let groups: Vec<u64> = (1..).take(ends.len()).collect();
    let scan = scanned(&journal);
    assert_eq!((scan.groups, scan.bad), (groups, Vec::new()), "a sound journal");
    let [low, high, change, ..] = *damage else { return };
    let at = usize::from(u16::from_le_bytes([low, high])) % journal.len().max(1);
    if change == 0 || journal.is_empty() {
        return;
    }
    journal[at] ^= change;
    let whole = ends.iter().take_while(|end| **end <= at).count() as u64;
    let found = scanned(&journal).groups;
    // The sequence of a batch is outside of its checksum and judged by its neighbours, one of which may be the damaged.
    assert!(
        (1..whole).all(|group| found.contains(&group)),
        "{whole} batches lie before {at}, found {found:?}"
    );
}

fn framed(bytes: &[u8]) {
    let seed = Seed::new(&ProductionId::new("main").expect("an id"), &Epoch::new("laws").expect("an epoch"));
    let (stored, sum) = frame(seed, Revision(7), Sum::ORIGIN, bytes);
    let read = verify(seed, Revision(7), &stored).expect("what was framed verifies");
    assert_eq!((read.body, read.sum, read.previous), (bytes, sum, Sum::ORIGIN));
    assert!(verify(seed, Revision(8), &stored).is_err(), "in another place it does not");
    if let Ok(read) = verify(seed, Revision(7), bytes) {
        assert_eq!(
            frame(seed, Revision(7), read.previous, read.body).0,
            bytes,
            "what verifies was framed so"
        );
    }
}
