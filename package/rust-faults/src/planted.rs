// SPDX-License-Identifier: GPL-2.0

//! The faults themselves. What each of them breaks is what its name says.

use kernel::{
    new_mutex, new_spinlock,
    prelude::*,
    sync::{
        Mutex,
        SpinLock, //
    },
};

/// Objects that [`leak`] loses: so many that no stale word on a stack hides them all.
const LEAKED: usize = 16;

/// Reads a byte of an allocation that was freed: KASAN's.
pub(crate) fn use_after_free() -> Result {
    let freed = KBox::into_raw(KBox::new([0x5a_u8; 64], GFP_KERNEL)?);
    // SAFETY: `freed` comes from `into_raw` above, and nothing else frees it.
    drop(unsafe { KBox::from_raw(freed) });
    // SAFETY: None: the object is gone, and this read is the planted fault. A kernel without KASAN
    // reads a byte of the slab's own page, which stays mapped.
    let byte = unsafe { freed.cast::<u8>().read_volatile() };
    pr_info!("read {byte:#x} after free\n");
    Ok(())
}

#[pin_data]
struct Pair {
    #[pin]
    first: Mutex<()>,
    #[pin]
    second: Mutex<()>,
}

/// Takes two mutexes in both orders, one after the other: no deadlock happens, lockdep's report
/// does.
pub(crate) fn lock_inversion() -> Result {
    let pair = KBox::pin_init(
        pin_init!(Pair {
            first <- new_mutex!((), "rust_faults::first"),
            second <- new_mutex!((), "rust_faults::second"),
        }),
        GFP_KERNEL,
    )?;
    {
        let _first = pair.first.lock();
        let _second = pair.second.lock();
    }
    {
        let _second = pair.second.lock();
        let _first = pair.first.lock();
    }
    pr_info!("took two locks in both orders\n");
    Ok(())
}

/// Forgets allocations: kmemleak's.
pub(crate) fn leak() -> Result {
    for _ in 0..LEAKED {
        core::mem::forget(KBox::new([0_u8; 256], GFP_KERNEL)?);
    }
    Ok(())
}

/// Allocates with `GFP_KERNEL`, which may sleep, under a spinlock: DEBUG_ATOMIC_SLEEP's.
pub(crate) fn sleep_under_spinlock() -> Result {
    let lock: Pin<KBox<SpinLock<()>>> =
        KBox::pin_init(new_spinlock!((), "rust_faults::lock"), GFP_KERNEL)?;
    let guard = lock.lock();
    let object = KBox::new(0_u8, GFP_KERNEL)?;
    drop(guard);
    drop(object);
    pr_info!("allocated under a spinlock\n");
    Ok(())
}
