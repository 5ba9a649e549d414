//! Chance from a seed: splitmix64, the same on every machine.

use std::sync::Arc;

use serde_json::{Map, Value, json};

#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    /// The chance of one epoch of a seed.
    pub(crate) fn new(seed: u64, epoch: u64) -> Self {
        let mut chance = Self(seed);
        let begun = chance.next() ^ epoch.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self(begun)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// 0 to `end` without it.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// One time in `of`.
    pub(crate) fn once_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }

    pub(crate) fn of<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        let at = self.below(things.len() as u64);
        &things[usize::try_from(at).expect("within the slice")]
    }

    /// A value with what is difficult: nothing, equal numbers of two kinds, text beyond ASCII, times, nesting.
    pub(crate) fn value(&mut self, depth: u32) -> Value {
        const TEXTS: [&str; 7] =
            ["", "a", "\u{e9}", "\u{1f600}", "\u{ff5e}", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00.000Z"];
        match self.below(if depth == 0 { 6 } else { 9 }) {
            0 => Value::Null,
            1 => self.once_in(2).into(),
            2 => (i64::try_from(self.below(9)).expect("small") - 4).into(),
            3 => json!([1.5, 1e21, -0.25, 0.1][usize::try_from(self.below(4)).expect("small")]),
            4 | 5 => (*self.of(&TEXTS)).into(),
            6 => (0..self.below(4)).map(|_| self.value(depth - 1)).collect(),
            _ => self.members(depth).into(),
        }
    }

    pub(crate) fn members(&mut self, depth: u32) -> Map<String, Value> {
        const NAMES: [&str; 7] = ["a", "b", "c", "status", "\u{ff5e}", "\u{1f600}", "~/"];
        (0..self.below(4))
            .map(|_| ((*self.of(&NAMES)).to_owned(), self.value(depth.saturating_sub(1))))
            .collect()
    }

    /// Values to choose from, so that making them up is not what the time goes into.
    pub(crate) fn values(&mut self, count: usize) -> Vec<Arc<Value>> {
        (0..count)
            .map(|_| Arc::new(if self.once_in(4) { self.value(2) } else { self.members(3).into() }))
            .collect()
    }
}
