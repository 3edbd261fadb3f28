// SPDX-License-Identifier: MIT
//! Numbers that a seed determines: xorshift64*.

pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        // 0 would stay 0.
        Self(seed ^ 0x9e37_79b9_7f4a_7c15)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 33) % bound
    }
}
