// SPDX-License-Identifier: GPL-2.0

//! The border to the PCI bus: the function, its registers, its interrupts.
//!
//! C header: [`include/linux/pci.h`](srctree/include/linux/pci.h). The kernel crate's own
//! abstraction has neither error handlers, power management, SR-IOV nor a shutdown callback.

use crate::bindings;
use crate::dma::DmaDevice;
use crate::once::Once;
use crate::plan::{self, Queues};
use crate::spec::Csts;
use core::ptr::NonNull;
use kernel::ffi::{c_int, c_uint, c_ulong, c_void};
use kernel::prelude::*;

/// A PCI function that this driver is bound to.
///
/// # Invariants
///
/// The pointer is valid: whoever holds the value holds a reference to the function too.
#[derive(Clone, Copy)]
pub(crate) struct Function(NonNull<bindings::pci_dev>);

impl Function {
    /// Wraps a function.
    ///
    /// # Safety
    ///
    /// The type's invariant holds for `pdev`.
    pub(crate) unsafe fn from_raw(pdev: NonNull<bindings::pci_dev>) -> Self {
        // INVARIANT: By the function's contract.
        Self(pdev)
    }

    /// The C function.
    pub(crate) fn as_raw(self) -> *mut bindings::pci_dev {
        self.0.as_ptr()
    }

    /// The C device inside.
    pub(crate) fn device(self) -> NonNull<bindings::device> {
        // SAFETY: A field of a valid object is not null.
        unsafe { NonNull::new_unchecked(&raw mut (*self.as_raw()).dev) }
    }

    /// The function as what does DMA.
    pub(crate) fn dma(self) -> DmaDevice {
        // SAFETY: Valid by our invariant; the driver is bound as long as it holds a `Function`.
        unsafe { DmaDevice::from_raw(self.device()) }
    }

    /// The function for `dev_*` messages.
    pub(crate) fn log(&self) -> &kernel::device::Device {
        // SAFETY: The device is valid as long as `self`; both bindings describe the same C type.
        unsafe { kernel::device::Device::from_raw(self.device().as_ptr().cast()) }
    }

    /// Vendor and device identifiers.
    pub(crate) fn ids(self) -> (u16, u16) {
        // SAFETY: The function is valid, these fields do not change.
        unsafe { ((*self.as_raw()).vendor, (*self.as_raw()).device) }
    }

    /// The memory node.
    pub(crate) fn node(self) -> c_int {
        // SAFETY: The device is valid.
        unsafe { bindings::rnvme_node(self.device().as_ptr()) }
    }

    /// Takes one more reference to the function, which [`Self::put`] gives back.
    pub(crate) fn get(self) {
        // SAFETY: The device is valid.
        unsafe { bindings::get_device(self.device().as_ptr()) };
    }

    /// Gives a reference back.
    pub(crate) fn put(self) {
        // SAFETY: The caller holds a reference.
        unsafe { bindings::put_device(self.device().as_ptr()) }
    }

    /// Switches memory access and bus mastering on.
    pub(crate) fn enable(self) -> Result {
        // SAFETY: The function is valid.
        kernel::error::to_result(unsafe { bindings::pci_enable_device_mem(self.as_raw()) })?;
        // SAFETY: As above.
        unsafe { bindings::pci_set_master(self.as_raw()) };
        Ok(())
    }

    /// Switches them off, where they are on.
    pub(crate) fn disable(self) {
        if self.is_enabled() {
            // SAFETY: The function is valid.
            unsafe { bindings::pci_disable_device(self.as_raw()) }
        }
    }

    /// Whether the function is switched on.
    pub(crate) fn is_enabled(self) -> bool {
        // SAFETY: The function is valid.
        unsafe { bindings::rnvme_enabled(self.as_raw()) }
    }

    /// Whether the function answers on the bus.
    pub(crate) fn is_present(self) -> bool {
        // SAFETY: The function is valid.
        unsafe { bindings::pci_device_is_present(self.as_raw()) }
    }

    /// Whether the bus has seen the function go.
    pub(crate) fn is_disconnected(self) -> bool {
        // SAFETY: The function is valid.
        unsafe { bindings::rnvme_disconnected(self.as_raw()) }
    }

    /// Whether error recovery has cut the function off.
    pub(crate) fn is_offline(self) -> bool {
        // SAFETY: The function is valid.
        unsafe { bindings::rnvme_channel_offline(self.as_raw()) }
    }

    /// The configuration space's status register, for messages; all ones where it cannot be read.
    pub(crate) fn status(self) -> u16 {
        let mut status = u16::MAX;
        // SAFETY: The function is valid, and so is where the value goes.
        unsafe {
            bindings::pci_read_config_word(
                self.as_raw(),
                bindings::PCI_STATUS as c_int,
                &mut status,
            )
        };
        status
    }

    /// Saves the configuration space.
    pub(crate) fn save_state(self) {
        // SAFETY: The function is valid.
        unsafe { bindings::pci_save_state(self.as_raw()) };
    }

    /// Writes the saved configuration space back.
    pub(crate) fn restore_state(self) {
        // SAFETY: The function is valid.
        unsafe { bindings::pci_restore_state(self.as_raw()) }
    }

    /// Forgets the saved configuration space, so that the bus saves and powers down by itself.
    pub(crate) fn forget_state(self) {
        // SAFETY: The function is valid; null says: nothing.
        unsafe { bindings::pci_load_saved_state(self.as_raw(), core::ptr::null_mut()) };
    }

    /// Resets the function alone (PCI Express FLR).
    pub(crate) fn function_reset(self) -> Result {
        // SAFETY: The function is valid.
        kernel::error::to_result(unsafe { bindings::pcie_reset_flr(self.as_raw(), false) })
    }

    /// Whether a sleeping system keeps the function powered, with the link in a low-power state.
    pub(crate) fn sleeps_by_itself(self) -> bool {
        // SAFETY: The function is valid.
        unsafe {
            bindings::rnvme_suspend_retains_context(self.as_raw())
                && bindings::pcie_aspm_enabled(self.as_raw())
        }
    }

    /// Says how many address bits the function has, and how its transfers may be cut.
    pub(crate) fn set_dma_limits(self, bits: u32) {
        // SAFETY: The function is valid.
        unsafe { bindings::rnvme_set_dma_limits(self.as_raw(), bits) }
    }

    /// The longest transfer that the DMA interface maps well, in bytes.
    pub(crate) fn best_mapping(self) -> usize {
        // SAFETY: The device is valid.
        unsafe { bindings::dma_opt_mapping_size(self.device().as_ptr()) }
    }

    /// Allocates one interrupt vector; `msi` says whether plain MSI may be it.
    pub(crate) fn one_vector(self, msi: bool) -> Result {
        // SAFETY: The function is valid.
        let got =
            unsafe { bindings::pci_alloc_irq_vectors(self.as_raw(), 1, 1, Self::irq_types(msi)) };
        if got < 1 {
            return Err(Error::from_errno(got));
        }
        Ok(())
    }

    /// Allocates a vector for the admin queue and up to `io` more, spread over the CPUs in two sets
    /// where `writes` asks for queues of their own.
    ///
    /// Gives the number of vectors and how the I/O queues with an interrupt divide.
    pub(crate) fn spread_vectors(self, io: u32, writes: u32, msi: bool) -> Result<(u32, Queues)> {
        struct Sets {
            writes: u32,
            queues: Queues,
        }

        /// Called by the interrupt core with the number of vectors besides the admin queue's.
        extern "C" fn divide(affinity: *mut bindings::irq_affinity, vectors: c_uint) {
            // SAFETY: The interrupt core passes what we gave it; `priv_` is our `Sets`.
            let (affinity, sets) =
                unsafe { (&mut *affinity, &mut *(*affinity).priv_.cast::<Sets>()) };
            sets.queues = plan::divide(vectors, sets.writes);
            affinity.set_size[0] = sets.queues.default;
            affinity.set_size[1] = sets.queues.read;
            affinity.nr_sets = sets.queues.maps();
        }

        let mut sets = Sets {
            writes,
            queues: plan::divide(0, writes),
        };
        let mut affinity = bindings::irq_affinity {
            pre_vectors: 1,
            post_vectors: 0,
            nr_sets: 0,
            set_size: [0; 4],
            calc_sets: Some(divide),
            priv_: (&raw mut sets).cast(),
        };
        // SAFETY: The function is valid; `affinity` is used during the call only.
        let got = unsafe {
            bindings::pci_alloc_irq_vectors_affinity(
                self.as_raw(),
                1,
                1 + io,
                Self::irq_types(msi) | bindings::PCI_IRQ_AFFINITY,
                &mut affinity,
            )
        };
        if got < 1 {
            return Err(EIO);
        }
        Ok((got as u32, sets.queues))
    }

    fn irq_types(msi: bool) -> c_uint {
        let types = bindings::PCI_IRQ_INTX | bindings::PCI_IRQ_MSIX;
        if msi {
            types | bindings::PCI_IRQ_MSI
        } else {
            types
        }
    }

    /// Frees all interrupt vectors; their handlers must be gone.
    pub(crate) fn free_vectors(self) {
        // SAFETY: The function is valid.
        unsafe { bindings::pci_free_irq_vectors(self.as_raw()) }
    }

    /// Requests a vector's interrupt for a handler, or for a check and a thread.
    ///
    /// # Safety
    ///
    /// `cookie` stays valid for `handler` and `thread` until [`Self::free_irq`].
    pub(crate) unsafe fn request_irq(
        self,
        vector: u32,
        handler: bindings::irq_handler_t,
        thread: bindings::irq_handler_t,
        cookie: *mut c_void,
        controller: c_int,
        qid: u16,
    ) -> Result {
        // SAFETY: The function is valid, the format fits its arguments, the cookie's life is the
        // caller's promise.
        kernel::error::to_result(unsafe {
            bindings::pci_request_irq(
                self.as_raw(),
                vector,
                handler,
                thread,
                cookie,
                c"nvme%dq%d".as_char_ptr(),
                controller,
                c_int::from(qid),
            )
        })
    }

    /// Frees a vector's interrupt; waits for a running handler.
    ///
    /// # Safety
    ///
    /// [`Self::request_irq`] gave it to this cookie.
    pub(crate) unsafe fn free_irq(self, vector: u32, cookie: *mut c_void) {
        // SAFETY: By the function's contract.
        unsafe { bindings::pci_free_irq(self.as_raw(), vector, cookie) }
    }

    /// Runs `work` while the vector's handler neither runs nor begins to. May sleep.
    pub(crate) fn with_irq_disabled(self, vector: u32, work: impl FnOnce()) {
        // SAFETY: The function is valid; the vector is one of its own.
        let irq = unsafe { bindings::pci_irq_vector(self.as_raw(), vector) };
        let Ok(irq) = c_uint::try_from(irq) else {
            return;
        };
        // SAFETY: A valid interrupt; the two calls are balanced.
        unsafe { bindings::disable_irq(irq) };
        work();
        // SAFETY: As above.
        unsafe { bindings::enable_irq(irq) };
    }
}

/// BAR 0, with the controller's registers and doorbells.
///
/// # Invariants
///
/// `base` is null or points to `len` mapped bytes.
pub(crate) struct Bar {
    base: Once<*mut c_void>,
    len: Once<usize>,
}

impl Bar {
    /// Nothing mapped: reads give all ones, writes go nowhere, as with a device that is gone.
    pub(crate) const fn unmapped() -> Self {
        Self {
            base: Once::new(core::ptr::null_mut()),
            len: Once::new(0),
        }
    }

    /// Claims the function's regions and maps at most `most` bytes of BAR 0.
    pub(crate) fn map(&self, function: Function, most: usize) -> Result {
        // SAFETY: The function is valid.
        if unsafe { bindings::rnvme_request_mem_regions(function.as_raw()) } != 0 {
            return Err(ENODEV);
        }
        // SAFETY: As above.
        let there = unsafe { bindings::rnvme_bar_len(function.as_raw()) };
        let len = usize::try_from(there).unwrap_or(usize::MAX).min(most);
        // Registers and the admin queue's doorbells are the least.
        let base = if len < crate::spec::reg::DOORBELLS + 8 {
            core::ptr::null_mut()
        } else {
            // SAFETY: The function is valid, the length that of its BAR at most.
            unsafe { bindings::rnvme_map_bar(function.as_raw(), len as c_ulong) }
        };
        if base.is_null() {
            // SAFETY: Claimed above.
            unsafe { bindings::rnvme_release_mem_regions(function.as_raw()) };
            return Err(ENODEV);
        }
        // INVARIANT: Mapped just now; nobody else sees the BAR yet.
        self.len.set(len);
        self.base.set(base);
        Ok(())
    }

    /// Unmaps, and gives the regions back.
    ///
    /// # Safety
    ///
    /// No [`Doorbell`] of this BAR is used any more, and no register by another thread.
    pub(crate) unsafe fn unmap(&self, function: Function) {
        let base = self.base.get();
        if base.is_null() {
            return;
        }
        self.base.set(core::ptr::null_mut());
        self.len.set(0);
        // SAFETY: Mapped and claimed by `map`; unused by the function's contract.
        unsafe {
            kernel::bindings::iounmap(base);
            bindings::rnvme_release_mem_regions(function.as_raw());
        }
    }

    /// Bytes that are mapped.
    pub(crate) fn len(&self) -> usize {
        self.len.get()
    }

    fn at(&self, offset: usize, size: usize) -> Option<*mut c_void> {
        let base = self.base.get();
        let fits = offset.checked_add(size)? <= self.len();
        (fits && !base.is_null() && offset % size == 0).then(|| base.wrapping_byte_add(offset))
    }

    /// Reads a 32-bit register; all ones outside the BAR.
    pub(crate) fn read32(&self, offset: usize) -> u32 {
        // SAFETY: `at` gives mapped, aligned addresses only.
        self.at(offset, 4).map_or(u32::MAX, |address| unsafe {
            kernel::bindings::readl(address)
        })
    }

    /// Reads a 64-bit register as two halves, the lower first, which every controller allows.
    pub(crate) fn read64(&self, offset: usize) -> u64 {
        let low = self.read32(offset);
        u64::from(self.read32(offset + 4)) << 32 | u64::from(low)
    }

    /// Writes a 32-bit register; nothing outside the BAR.
    pub(crate) fn write32(&self, offset: usize, value: u32) {
        if let Some(address) = self.at(offset, 4) {
            // SAFETY: `at` gives mapped, aligned addresses only.
            unsafe { kernel::bindings::writel(value, address) }
        }
    }

    /// Writes a 64-bit register as two halves, the lower first.
    pub(crate) fn write64(&self, offset: usize, value: u64) {
        self.write32(offset, value as u32);
        self.write32(offset + 4, (value >> 32) as u32);
    }

    /// The controller's status register.
    pub(crate) fn csts(&self) -> Csts {
        Csts(self.read32(crate::spec::reg::CSTS))
    }

    /// The doorbell at `offset`, where the BAR has one.
    pub(crate) fn doorbell(&self, offset: usize) -> Option<Doorbell> {
        // INVARIANT: `at` gives mapped, aligned addresses only.
        self.at(offset, 4).map(Doorbell)
    }
}

/// A doorbell register.
///
/// # Invariants
///
/// The address is mapped until its [`Bar`] is unmapped, and not used after that.
pub(crate) struct Doorbell(*mut c_void);

// SAFETY: A device register belongs to no thread.
unsafe impl Send for Doorbell {}

impl Doorbell {
    /// Rings: all that was written to memory before is visible to the device first.
    #[inline(always)]
    pub(crate) fn ring(&self, value: u32) {
        // SAFETY: Mapped by the invariant; `writel` orders earlier writes to memory.
        unsafe { kernel::bindings::writel(value, self.0) }
    }
}
