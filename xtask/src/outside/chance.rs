//! Chance from a seed that is printed: splitmix64. The same seed, the same numbers.

/// A source of numbers.
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    /// The numbers of a seed.
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The numbers of one matter among many, the same wherever it comes in the order of things.
    pub(super) fn of(seed: u64, matter: &[&str]) -> Self {
        let mut chance = Self(seed);
        for byte in matter.iter().flat_map(|word| word.bytes().chain([0])) {
            chance.0 = chance.next() ^ u64::from(byte);
        }
        chance
    }

    /// From 0 to one below `limit`.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_matter_has_the_same_numbers() {
        let draw = |matter: &[&str]| {
            let mut chance = Chance::of(7, matter);
            [chance.below(1_000), chance.below(1_000), chance.below(1_000)]
        };
        assert_eq!(draw(&["host", "1"]), draw(&["host", "1"]));
        assert_ne!(draw(&["host", "1"]), draw(&["host", "2"]));
        assert_ne!(draw(&["host", "1"]), draw(&["host1"]));
    }
}
