// SPDX-License-Identifier: GPL-2.0

//! The border to `struct shrinker`: memory reclaim asks for pages.
//!
//! C header: [`include/linux/shrinker.h`](srctree/include/linux/shrinker.h).

use crate::queue::Regions;
use core::ptr::NonNull;
use kernel::{
    bindings,
    prelude::*,
    sync::{Arc, ArcBorrow},
    types::ForeignOwnable,
};

/// A registered shrinker that purges the regions of a queue.
///
/// # Invariants
///
/// `shrinker` is registered, and its private data is an `Arc<Regions>` turned foreign.
pub(crate) struct Registration {
    shrinker: NonNull<bindings::shrinker>,
}

// SAFETY: A shrinker may be freed by another thread than the one that registered it.
unsafe impl Send for Registration {}
// SAFETY: There is nothing to do with a reference.
unsafe impl Sync for Registration {}

impl Registration {
    /// Registers a shrinker. Sleeps; fails with [`ENOMEM`].
    pub(crate) fn new(queue: Arc<Regions>) -> Result<Self> {
        // SAFETY: The format is a valid C string without conversions.
        let shrinker = unsafe { bindings::shrinker_alloc(0, c"ashmem".as_char_ptr()) };
        let shrinker = NonNull::new(shrinker).ok_or(ENOMEM)?;
        let raw = shrinker.as_ptr();
        // SAFETY: The shrinker is allocated and not yet registered: it is ours alone.
        unsafe {
            (*raw).count_objects = Some(count_objects);
            (*raw).scan_objects = Some(scan_objects);
            // A purged page costs its owner the work to make it again.
            (*raw).seeks = (bindings::DEFAULT_SEEKS * 4) as c_int;
            (*raw).private_data = queue.into_foreign();
        }
        // SAFETY: The shrinker is allocated and filled in.
        unsafe { bindings::shrinker_register(raw) };
        // INVARIANT: Registered above, with the private data set.
        Ok(Self { shrinker })
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        // SAFETY: By the type's invariant the shrinker is registered with private data.
        let queue = unsafe { (*self.shrinker.as_ptr()).private_data };
        // SAFETY: The shrinker is registered. This waits until no callback runs.
        unsafe { bindings::shrinker_free(self.shrinker.as_ptr()) };
        // SAFETY: `queue` came from `into_foreign`, and no callback borrows it any more.
        drop(unsafe { Arc::<Regions>::from_foreign(queue) });
    }
}

/// # Safety
///
/// `shrinker` must be one that [`Registration::new`] registered.
unsafe fn queue<'a>(shrinker: *mut bindings::shrinker) -> ArcBorrow<'a, Regions> {
    // SAFETY: The private data is an `Arc<Regions>` turned foreign until after the last callback.
    unsafe { Arc::<Regions>::borrow((*shrinker).private_data) }
}

/// # Safety
///
/// Called by reclaim with a registered shrinker.
unsafe extern "C" fn count_objects(
    shrinker: *mut bindings::shrinker,
    _control: *mut bindings::shrink_control,
) -> c_ulong {
    // SAFETY: Reclaim calls this with our shrinker.
    unsafe { queue(shrinker) }.reclaimable_pages()
}

/// # Safety
///
/// Called by reclaim with a registered shrinker and a control that is valid during the call.
unsafe extern "C" fn scan_objects(
    shrinker: *mut bindings::shrinker,
    control: *mut bindings::shrink_control,
) -> c_ulong {
    const STOP: c_ulong = c_ulong::MAX;
    // SAFETY: Reclaim gives a control that is valid during the call.
    let (gfp_mask, target) = unsafe { ((*control).gfp_mask, (*control).nr_to_scan) };
    // Giving back pages takes locks of the file system, which the allocation's caller may hold.
    if gfp_mask & (1 << bindings::___GFP_FS_BIT) == 0 {
        return STOP;
    }
    // SAFETY: Reclaim calls this with our shrinker.
    match unsafe { queue(shrinker) }.reclaim(target) {
        // All there is belongs to regions that are in use right now.
        0 => STOP,
        purged => purged,
    }
}
