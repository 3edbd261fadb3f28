// SPDX-License-Identifier: GPL-2.0

//! The rules of a region's protection mask, free of the kernel:
//! `rustc --edition 2021 --test prot.rs && ./prot`.

/// `PROT_READ`.
pub(crate) const READ: usize = 1;
/// `PROT_WRITE`.
pub(crate) const WRITE: usize = 2;
/// `PROT_EXEC`.
pub(crate) const EXEC: usize = 4;
/// What a new region allows.
pub(crate) const ALL: usize = READ | WRITE | EXEC;

/// The mask after `ASHMEM_SET_PROT_MASK`, or [`None`] where `asked` has a bit that `mask` has not.
///
/// A mask only ever shrinks. For a program with the personality `READ_IMPLIES_EXEC` a mask with
/// [`READ`] keeps [`EXEC`]; the C driver added it even where the mask had lost it.
pub(crate) fn shrink(mask: usize, asked: usize, read_implies_exec: bool) -> Option<usize> {
    if asked & !mask != 0 {
        return None;
    }
    if read_implies_exec && asked & READ != 0 {
        return Some(asked | (mask & EXEC));
    }
    Some(asked)
}

/// Whether the mask allows all of `wanted`, a set of `PROT_` bits.
pub(crate) fn allows(mask: usize, wanted: usize) -> bool {
    wanted & !mask == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_shrinks() {
        for mask in 0..=ALL {
            for asked in 0..16 {
                for implies in [false, true] {
                    let Some(new) = shrink(mask, asked, implies) else {
                        assert_ne!(asked & !mask, 0);
                        continue;
                    };
                    assert_eq!(new & !mask, 0, "grew from {mask} to {new}");
                    assert_eq!(asked & !new, 0, "lost a bit that was asked for");
                    assert!(implies || new == asked);
                }
            }
        }
        assert_eq!(shrink(ALL, usize::MAX, false), None);
    }

    #[test]
    fn read_keeps_exec_where_the_personality_says_so() {
        assert_eq!(shrink(ALL, READ, true), Some(READ | EXEC));
        assert_eq!(shrink(ALL, WRITE, true), Some(WRITE));
        assert_eq!(shrink(READ | WRITE, READ, true), Some(READ));
    }

    #[test]
    fn allows_a_subset() {
        assert!(allows(READ, READ));
        assert!(allows(READ, 0));
        assert!(allows(0, 0));
        assert!(!allows(READ, READ | WRITE));
        assert!(!allows(0, EXEC));
    }
}
