// SPDX-License-Identifier: GPL-2.0

//! The border to the kernel's DMA interface: coherent memory and pools of descriptors.
//!
//! C headers: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h),
//! [`include/linux/dmapool.h`](srctree/include/linux/dmapool.h).

use crate::bindings;
use crate::spec::{CqEntry, SglDescriptor, SqEntry};
use core::ptr::NonNull;
use kernel::ffi::{c_ulong, c_void};
use kernel::prelude::*;
use kernel::sync::barrier::{dma_mb, Read};

/// A device that does DMA.
///
/// # Invariants
///
/// The pointer is that of a device that this driver is bound to, or is being unbound from. What
/// holds memory of it ([`Coherent`], [`Lent`], [`Pool`]) is dropped before the driver's remove callback ends.
#[derive(Clone, Copy)]
pub(crate) struct DmaDevice(NonNull<bindings::device>);

impl DmaDevice {
    /// Wraps a device.
    ///
    /// # Safety
    ///
    /// The type's invariant holds for `device`.
    pub(crate) unsafe fn from_raw(device: NonNull<bindings::device>) -> Self {
        // INVARIANT: by the function's contract.
        Self(device)
    }

    /// The C device.
    pub(crate) fn as_raw(self) -> *mut bindings::device {
        self.0.as_ptr()
    }
}

impl DmaDevice {
    /// Whether mappings that were made until now need to be undone at all: on machines whose
    /// devices see the memory as it is, they do not.
    #[inline(always)]
    pub(crate) fn needs_unmap(self) -> bool {
        #[cfg(CONFIG_DMA_NEED_SYNC)]
        // SAFETY: The device is valid.
        return unsafe { bindings::dma_need_unmap(self.as_raw()) };
        #[cfg(not(CONFIG_DMA_NEED_SYNC))]
        // SAFETY: The device is valid.
        return unsafe { bindings::rnvme_need_unmap(self.as_raw()) };
    }

    /// Undoes a mapping of `len` bytes at `address`.
    ///
    /// # Safety
    ///
    /// It was mapped for this device with these arguments, and is not used any more.
    #[inline(always)]
    pub(crate) unsafe fn unmap(
        self,
        address: bindings::dma_addr_t,
        len: u32,
        direction: bindings::dma_data_direction,
        attributes: c_ulong,
    ) {
        // SAFETY: By the function's contract.
        unsafe {
            bindings::dma_unmap_phys(self.as_raw(), address, len as usize, direction, attributes)
        }
    }
}

/// A DMA address as the wire has it; the kernel's type has 32 bits on some machines.
#[inline(always)]
#[allow(
    clippy::unnecessary_cast,
    clippy::cast_lossless,
    reason = "32 bits on some machines"
)]
pub(crate) fn wide(address: bindings::dma_addr_t) -> u64 {
    address as u64
}

/// Types that a device may write at any time: every bit pattern is a value.
///
/// # Safety
///
/// The type has no padding, no invalid value and no pointer.
pub(crate) unsafe trait Wire: Copy {}

// SAFETY: Words only.
unsafe impl Wire for u64 {}
// SAFETY: Words only.
unsafe impl Wire for u32 {}
// SAFETY: Words only.
unsafe impl Wire for SqEntry {}
// SAFETY: 16 bytes of integers, without a gap.
unsafe impl Wire for CqEntry {}
// SAFETY: 16 bytes of integers, without a gap.
unsafe impl Wire for SglDescriptor {}

/// An array in coherent memory, which the device reads and writes while the CPU does.
///
/// # Invariants
///
/// `entries` points to `len` of them, allocated for `device` and mapped at `address`.
pub(crate) struct Coherent<T: Wire> {
    device: DmaDevice,
    entries: NonNull<T>,
    len: usize,
    address: bindings::dma_addr_t,
}

// SAFETY: The memory belongs to no thread.
unsafe impl<T: Wire + Send> Send for Coherent<T> {}

impl<T: Wire> Coherent<T> {
    /// Allocates `len` entries, all zeroes. May sleep.
    pub(crate) fn new(device: DmaDevice, len: usize) -> Result<Self> {
        let size = len.checked_mul(size_of::<T>()).ok_or(EOVERFLOW)?;
        let mut address = 0;
        // SAFETY: The device is valid by its invariant.
        let memory = unsafe {
            bindings::dma_alloc_attrs(
                device.as_raw(),
                size,
                &mut address,
                bindings::RNVME_GFP_KERNEL,
                0,
            )
        };
        let entries = NonNull::new(memory.cast()).ok_or(ENOMEM)?;
        // INVARIANT: As just allocated; the DMA interface gives zeroed memory.
        Ok(Self {
            device,
            entries,
            len,
            address,
        })
    }

    /// Where the device finds the array.
    pub(crate) fn address(&self) -> u64 {
        wide(self.address)
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The entry at `index`, as a pointer for volatile access.
    #[inline(always)]
    fn entry(&self, index: usize) -> Option<*mut T> {
        // SAFETY: `index` is inside the allocation.
        (index < self.len).then(|| unsafe { self.entries.as_ptr().add(index) })
    }

    /// Writes an entry; what lies outside is not written.
    #[inline(always)]
    pub(crate) fn write(&mut self, index: usize, value: &T) {
        if let Some(entry) = self.entry(index) {
            // SAFETY: Valid for writes; the device may read meanwhile, which is its own affair.
            // The value is in memory of the CPU's own: the two do not overlap.
            unsafe { entry.copy_from_nonoverlapping(value, 1) }
        }
    }

    /// Fills the array with zeroes.
    pub(crate) fn clear(&mut self) {
        // SAFETY: The whole allocation; zero is a value of every wire type.
        unsafe { self.entries.as_ptr().write_bytes(0, self.len) }
    }

    /// A pointer to the entry at `index` for [`Shared`].
    fn cell(&self, index: usize) -> Option<NonNull<T>> {
        NonNull::new(self.entry(index)?)
    }
}

impl Coherent<CqEntry> {
    /// The entry at `index`, where `is_new` says so of its last word; [`None`] outside.
    ///
    /// The rest of the entry is read after that word: the controller writes it before.
    #[inline(always)]
    pub(crate) fn fetch(&self, index: usize, is_new: impl Fn(u16) -> bool) -> Option<CqEntry> {
        let entry = self.entry(index)?;
        // SAFETY: A field of a valid entry.
        let status = unsafe { (&raw const (*entry).status).read_volatile() };
        if !is_new(u16::from_le(status)) {
            return None;
        }
        dma_mb(Read);
        // SAFETY: Valid for reads, and every bit pattern is an entry.
        Some(unsafe { entry.read_volatile() })
    }
}

impl<T: Wire> Drop for Coherent<T> {
    fn drop(&mut self) {
        // SAFETY: Allocated with these values; the device has been told to forget it.
        unsafe {
            bindings::dma_free_attrs(
                self.device.as_raw(),
                self.len * size_of::<T>(),
                self.entries.as_ptr().cast(),
                self.address,
                0,
            )
        }
    }
}

/// Memory that the device alone uses: the CPU has no address for it.
///
/// # Invariants
///
/// `cookie` stands for `size` bytes, allocated for `device` and mapped at `address`.
pub(crate) struct Lent {
    device: DmaDevice,
    cookie: NonNull<c_void>,
    size: usize,
    address: bindings::dma_addr_t,
}

// SAFETY: The memory belongs to no thread.
unsafe impl Send for Lent {}

impl Lent {
    // CAST: Few bits, of a macro.
    const ATTRS: c_ulong =
        (bindings::DMA_ATTR_NO_KERNEL_MAPPING | bindings::DMA_ATTR_NO_WARN) as c_ulong;

    /// Allocates `size` bytes; [`None`], and nothing in the log, where there are not so many in one
    /// piece. May sleep.
    pub(crate) fn new(device: DmaDevice, size: usize) -> Option<Self> {
        let mut address = 0;
        // SAFETY: The device is valid by its invariant.
        let cookie = unsafe {
            bindings::dma_alloc_attrs(
                device.as_raw(),
                size,
                &mut address,
                bindings::RNVME_GFP_KERNEL,
                Self::ATTRS,
            )
        };
        // INVARIANT: As just allocated.
        Some(Self {
            device,
            cookie: NonNull::new(cookie)?,
            size,
            address,
        })
    }

    /// Where the device finds it.
    pub(crate) fn address(&self) -> u64 {
        wide(self.address)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // SAFETY: Allocated with these values; the device was reset, is down, or never had it.
        unsafe {
            bindings::dma_free_attrs(
                self.device.as_raw(),
                self.size,
                self.cookie.as_ptr(),
                self.address,
                Self::ATTRS,
            )
        }
    }
}

/// One word of a [`Coherent`] array that outlives it.
///
/// # Invariants
///
/// The pointer is valid as long as the array is.
pub(crate) struct Shared(NonNull<u32>);

// SAFETY: The memory belongs to no thread.
unsafe impl Send for Shared {}

impl Shared {
    /// The word at `index` of `array`.
    ///
    /// # Safety
    ///
    /// The array outlives the result.
    pub(crate) unsafe fn new(array: &Coherent<u32>, index: usize) -> Option<Self> {
        // INVARIANT: By the function's contract.
        array.cell(index).map(Self)
    }

    /// The word as it is now.
    pub(crate) fn read(&self) -> u32 {
        // SAFETY: Valid by the invariant.
        u32::from_le(unsafe { self.0.as_ptr().read_volatile() })
    }

    /// Writes the word.
    pub(crate) fn write(&mut self, value: u32) {
        // SAFETY: Valid by the invariant.
        unsafe { self.0.as_ptr().write_volatile(value.to_le()) }
    }
}

/// A pool of equal pieces of coherent memory.
///
/// # Invariants
///
/// The pointer is that of a live pool.
pub(crate) struct Pool(NonNull<bindings::dma_pool>);

// SAFETY: A pool has its own lock.
unsafe impl Send for Pool {}
// SAFETY: As above.
unsafe impl Sync for Pool {}

impl Pool {
    /// Makes a pool of pieces of `size` bytes, each aligned to `align`. May sleep.
    pub(crate) fn new(
        device: DmaDevice,
        name: &'static CStr,
        size: usize,
        align: usize,
    ) -> Result<Self> {
        // SAFETY: The device is valid, the name is static.
        let pool = unsafe {
            bindings::dma_pool_create_node(
                name.as_char_ptr(),
                device.as_raw(),
                size,
                align,
                0,
                bindings::rnvme_node(device.as_raw()),
            )
        };
        // INVARIANT: Just made.
        Ok(Self(NonNull::new(pool).ok_or(ENOMEM)?))
    }

    /// Takes a piece: its memory, not cleared, and its DMA address. Does not sleep.
    pub(crate) fn take(&self) -> Option<(NonNull<u8>, u64)> {
        let mut address = 0;
        // SAFETY: The pool is live.
        let memory = unsafe {
            bindings::dma_pool_alloc(self.0.as_ptr(), bindings::RNVME_GFP_ATOMIC, &mut address)
        };
        Some((NonNull::new(memory.cast())?, wide(address)))
    }

    /// Gives a piece back.
    ///
    /// # Safety
    ///
    /// The piece came from [`Self::take`] of this pool and is not used any more, by the device
    /// neither.
    pub(crate) unsafe fn give_back(&self, memory: NonNull<u8>, address: u64) {
        // SAFETY: By the function's contract.
        unsafe {
            bindings::dma_pool_free(
                self.0.as_ptr(),
                memory.as_ptr().cast(),
                address as bindings::dma_addr_t,
            )
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // SAFETY: Live until now; all pieces are back, or their requests were never mapped.
        unsafe { bindings::dma_pool_destroy(self.0.as_ptr()) }
    }
}

/// Equal pieces of plain memory, one of them in reserve, so that I/O that frees memory goes on.
///
/// # Invariants
///
/// The pointer is that of a live `mempool_t`.
pub(crate) struct Reserve(NonNull<bindings::mempool_t>);

// SAFETY: A memory pool has its own lock.
unsafe impl Send for Reserve {}
// SAFETY: As above.
unsafe impl Sync for Reserve {}

impl Reserve {
    /// Makes a reserve of pieces of `size` bytes. May sleep.
    pub(crate) fn new(device: DmaDevice, size: usize) -> Result<Self> {
        // SAFETY: The device is valid.
        let pool =
            unsafe { bindings::rnvme_create_vec_pool(size, bindings::rnvme_node(device.as_raw())) };
        // INVARIANT: Just made.
        Ok(Self(NonNull::new(pool).ok_or(ENOMEM)?))
    }

    /// Takes a piece. Does not sleep.
    pub(crate) fn take(&self) -> Option<NonNull<u8>> {
        // SAFETY: The pool is live.
        let piece =
            unsafe { bindings::mempool_alloc_noprof(self.0.as_ptr(), bindings::RNVME_GFP_ATOMIC) };
        NonNull::new(piece.cast())
    }

    /// Gives a piece back.
    pub(crate) fn give_back(&self, piece: NonNull<u8>) {
        // SAFETY: The pool is live; pieces come from nowhere else.
        unsafe { bindings::mempool_free(piece.as_ptr().cast(), self.0.as_ptr()) }
    }
}

impl Drop for Reserve {
    fn drop(&mut self) {
        // SAFETY: Live until now.
        unsafe { bindings::mempool_destroy(self.0.as_ptr()) }
    }
}
