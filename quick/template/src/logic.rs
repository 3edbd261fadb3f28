// SPDX-License-Identifier: GPL-2.0

//! The driver's logic, free of the kernel, so that its tests run on the machine that builds it:
//! `rustc --edition 2021 --test logic.rs && ./logic`, which `make lint` does.

/// The deepest queue that the parameter may ask for.
pub(crate) const MAX_DEPTH: u32 = 64;

/// The depth that the queue gets: a power of two no smaller than `asked`, or [`None`] where
/// `asked` is outside 1 to [`MAX_DEPTH`].
pub(crate) fn queue_depth(asked: u32) -> Option<u32> {
    if asked == 0 || asked > MAX_DEPTH {
        return None;
    }
    asked.checked_next_power_of_two()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_up_to_a_power_of_two() {
        assert_eq!(queue_depth(1), Some(1));
        assert_eq!(queue_depth(33), Some(64));
        assert_eq!(queue_depth(MAX_DEPTH), Some(MAX_DEPTH));
    }

    #[test]
    fn refuses_what_is_out_of_range() {
        assert_eq!(queue_depth(0), None);
        assert_eq!(queue_depth(MAX_DEPTH + 1), None);
        assert_eq!(queue_depth(u32::MAX), None);
    }
}
