// SPDX-License-Identifier: GPL-2.0

//! The border to `struct percpu_counter`: a sum that is cheap to change.
//!
//! C header: [`include/linux/percpu_counter.h`](srctree/include/linux/percpu_counter.h).

use kernel::{bindings, error::to_result, prelude::*, types::Opaque};

extern "C" {
    fn ashmem_counter_init(counter: *mut bindings::percpu_counter) -> c_int;
}

/// A number that each CPU changes for itself.
///
/// # Invariants
///
/// `inner` is initialised until it is dropped.
#[pin_data(PinnedDrop)]
pub(crate) struct Counter {
    #[pin]
    inner: Opaque<bindings::percpu_counter>,
}

// SAFETY: Every operation on a `struct percpu_counter` may come from any thread at any time.
unsafe impl Send for Counter {}
// SAFETY: As above.
unsafe impl Sync for Counter {}

impl Counter {
    /// A counter at 0. Sleeps; fails with [`ENOMEM`].
    pub(crate) fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            // SAFETY: The slot is valid for writes, and pinned until it is dropped.
            inner <- Opaque::try_ffi_init(|slot| to_result(unsafe { ashmem_counter_init(slot) })),
        })
    }

    /// Adds `amount`, which may be negative. From any context.
    ///
    /// What `percpu_counter_add_local()` does: the CPU keeps the number to itself, however large it is.
    /// With a smaller batch each larger number would take the counter's lock, to bring up to date a
    /// total that is not read: [`Counter::sum`] asks every CPU.
    pub(crate) fn add(&self, amount: i64) {
        const BATCH: i32 = i32::MAX;
        // SAFETY: By the type's invariant the counter is initialised; the batch is a plain number.
        unsafe { bindings::percpu_counter_add_batch(self.inner.get(), amount, BATCH) };
    }

    /// The sum over all CPUs. From any context; costs a pass over the CPUs.
    pub(crate) fn sum(&self) -> i64 {
        // SAFETY: By the type's invariant the counter is initialised.
        unsafe { bindings::__percpu_counter_sum(self.inner.get()) }
    }
}

#[pinned_drop]
impl PinnedDrop for Counter {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type's invariant the counter is initialised; nobody uses it any more.
        unsafe { bindings::percpu_counter_destroy_many(self.inner.get(), 1) };
    }
}
