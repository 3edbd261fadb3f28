// SPDX-License-Identifier: MIT
//! Block numbers: the same ones in every run.

/// An endless sequence of block numbers below a limit.
pub struct Offsets {
    blocks: u64,
    sequential: bool,
    state: u64,
}

impl Offsets {
    /// Numbers below `blocks`, which is at least 1.
    pub fn new(blocks: u64, sequential: bool) -> Self {
        Self { blocks, sequential, state: if sequential { 0 } else { 0x9e37_79b9_7f4a_7c15 } }
    }
}

impl Iterator for Offsets {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        if self.sequential {
            let block = self.state;
            self.state = (block + 1) % self.blocks;
            return Some(block);
        }
        // Marsaglia's xorshift64 (Journal of Statistical Software 8(14), 2003).
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        Some(self.state % self.blocks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_numbers_stay_below_the_limit_and_repeat() {
        let first: Vec<_> = Offsets::new(10, false).take(1000).collect();
        let again: Vec<_> = Offsets::new(10, false).take(1000).collect();
        assert_eq!(first, again);
        assert!((0..10).all(|block| first.contains(&block)));
        assert!(first.iter().all(|&block| block < 10));
    }

    #[test]
    fn sequential_numbers_start_again_at_the_end() {
        assert_eq!(Offsets::new(3, true).take(5).collect::<Vec<_>>(), [0, 1, 2, 0, 1]);
    }
}
