//! Journals that are cut, flipped and hollowed at every place.

use super::*;

fn journal(groups: u64, reserved: usize) -> (Vec<u8>, Vec<usize>) {
    let mut bytes = Vec::new();
    let mut ends = vec![0];
    for group in 1..=groups {
        bytes.extend(written(group, format!("body {group}").repeat(3).as_bytes()));
        ends.push(bytes.len());
    }
    bytes.resize(bytes.len() + reserved, 0);
    (bytes, ends)
}

#[test]
fn d8_a_sound_journal_is_one_range() {
    let (bytes, ends) = journal(5, 10_000);
    let scan = scan(&bytes);
    assert_eq!((scan.good.first(), scan.good.len()), (Some(&(0..ends[5])), 1));
    assert!(scan.bad.is_empty());
    assert_eq!(scan.groups, [1, 2, 3, 4, 5]);
}

/// F4: a journal cut at every byte keeps exactly its whole batches.
#[test]
fn f4_a_tail_cut_at_every_byte_keeps_the_whole_batches() {
    let (bytes, ends) = journal(4, 0);
    for cut in 0..bytes.len() {
        let whole = ends.iter().filter(|end| **end <= cut).max().copied().unwrap();
        for reserved in [0, 9_000] {
            let mut torn = bytes[..cut].to_vec();
            torn.resize(cut + reserved, 0);
            let scan = scan(&torn);
            assert_eq!(scan.good.last().map_or(0, |range| range.end), whole, "cut at {cut}");
            assert!(scan.bad.iter().all(|bad| bad.tail && bad.bytes.start == whole));
        }
    }
}

/// F8: every bit of a batch in the middle; that batch goes, the ones around it stay.
#[test]
fn f8_a_flipped_bit_costs_its_batch_and_no_other() {
    let (bytes, ends) = journal(4, 100);
    for bit in ends[1] * 8..ends[2] * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let scan = scan(&flipped);
        assert_eq!(scan.groups, [1, 3, 4], "bit {bit}");
        assert_eq!(scan.bad, [Bad { bytes: ends[1]..ends[2], tail: false }], "bit {bit}");
    }
}

#[test]
fn f10_a_hole_of_zeros_is_found_and_reading_goes_on_behind_it() {
    let (mut bytes, ends) = journal(6, 100);
    bytes[ends[1]..ends[3] + 20].fill(0);
    let scan = scan(&bytes);
    assert_eq!(scan.groups, [1, 5, 6]);
    assert_eq!(scan.bad, [Bad { bytes: ends[1]..ends[4], tail: false }]);
}
