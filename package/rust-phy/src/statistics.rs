// SPDX-License-Identifier: GPL-2.0

//! Counters that a read clears, which the kernel has to add up.

use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

/// What was read of a counter so far.
pub(crate) struct Sum(Atomic<u64>);

impl Default for Sum {
    fn default() -> Self {
        Self(Atomic::new(0))
    }
}

impl Sum {
    /// The sum with what was read now; all ones if that failed, as in C.
    pub(crate) fn add(&self, value: Result<u16>) -> u64 {
        match value {
            Ok(value) => {
                let value = u64::from(value);
                self.0.fetch_add(value, Relaxed) + value
            }
            Err(_) => u64::MAX,
        }
    }
}
