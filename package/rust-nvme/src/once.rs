// SPDX-License-Identifier: GPL-2.0

//! Words that one side changes and others read: the kernel's `READ_ONCE` and `WRITE_ONCE`.
//!
//! [`kernel::sync::atomic::Atomic`] would do, but where the kernel has no inline helpers, on
//! riscv64, each of its loads is a function call, of which every request would make two.

use core::cell::UnsafeCell;

/// A word that is read and written whole, in no order with other memory.
///
/// Whoever needs an order puts a barrier, or a lock that has one, around it.
pub(crate) struct Once<T: Word>(UnsafeCell<T>);

/// Types that a CPU reads and writes in one piece.
pub(crate) trait Word: Copy {}

impl Word for bool {}
impl Word for u32 {}
impl Word for usize {}
impl<T> Word for *mut T {}

// SAFETY: All accesses are volatile and of one word, which no CPU tears; the memory model knows
// them as `READ_ONCE` and `WRITE_ONCE`.
unsafe impl<T: Word> Sync for Once<T> {}

impl<T: Word> Once<T> {
    /// A word with a first value.
    pub(crate) const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// The value now.
    #[inline(always)]
    pub(crate) fn get(&self) -> T {
        // SAFETY: Valid, aligned, and always initialised.
        unsafe { self.0.get().read_volatile() }
    }

    /// Changes the value.
    #[inline(always)]
    pub(crate) fn set(&self, value: T) {
        // SAFETY: Valid and aligned.
        unsafe { self.0.get().write_volatile(value) }
    }
}
