// SPDX-License-Identifier: GPL-2.0

//! A controller's life: probe, reset, timeouts, suspend, removal.
//!
//! The order of every sequence here is that of [`drivers/nvme/host/pci.c`], which years of devices
//! have tried; the core's state machine says which of them may run.
//!
//! [`drivers/nvme/host/pci.c`]: srctree/drivers/nvme/host/pci.c

use crate::bindings;
use crate::blk::{self, Expiry, Request};
use crate::dma::Coherent;
use crate::host_memory::HostMemory;
use crate::iod::{Iod, MAX_INTEGRITY_SEGMENTS, MAX_SEGMENTS};
use crate::nvme::{AdminCommand, Ctrl, State};
use crate::once::Once;
use crate::params;
use crate::pci::{Bar, Function};
use crate::plan::{self, Queues};
use crate::prp;
use crate::queue::{Pools, Queue};
use crate::quirks::quirk;
use crate::spec::{self, reg, Cap, Csts};
use core::pin::Pin;
use core::ptr::NonNull;
use kernel::ffi::{c_int, c_ulong};
use kernel::prelude::*;
use kernel::sync::{new_mutex, Mutex, MutexGuard};
use kernel::types::Opaque;

/// Entries of the admin queue; one is left empty, one is for the event request.
const ADMIN_ENTRIES: u32 = 32;

/// Shadow doorbells and their event indices, as the controller knows them.
struct Shadows {
    doorbells: Coherent<u32>,
    events: Coherent<u32>,
}

/// A controller and all that is ours of it.
#[pin_data]
#[repr(C)]
pub(crate) struct Device {
    /// First, so that the core's pointer is ours.
    #[pin]
    ctrl: Opaque<bindings::nvme_ctrl>,
    #[pin]
    io_tags: Opaque<bindings::blk_mq_tag_set>,
    #[pin]
    admin_tags: Opaque<bindings::blk_mq_tag_set>,
    function: Function,
    bar: Bar,
    /// Held while queues go up or down; C calls it the shutdown lock. Never held while an admin
    /// command is waited for whose timeout would want it.
    #[pin]
    shutdown: Mutex<()>,
    /// All queues that there can ever be, the admin queue first.
    queues: KVec<Pin<KBox<Queue>>>,
    /// What queues take lists from; gone when no request can be mapped any more.
    #[pin]
    pools: Mutex<Option<KBox<Pools>>>,
    #[pin]
    shadows: Mutex<Option<Shadows>>,
    #[pin]
    host_memory: Mutex<Option<HostMemory>>,
    /// Queues that are up, the admin queue among them. Changes under the shutdown lock.
    online: Once<u32>,
    /// How the I/O queues divide, and the interrupt vectors; see [`Self::queues`].
    default_queues: Once<u32>,
    read_queues: Once<u32>,
    poll_queues: Once<u32>,
    vectors: Once<u32>,
    /// Entries of an I/O queue, and bytes between doorbells, of the last enabling.
    entries: Once<u32>,
    stride: Once<usize>,
    /// The power state to go back to after a suspend.
    power_state: Once<u32>,
}

/// No power state: the next resume must reset.
const NO_POWER_STATE: u32 = u32::MAX;

impl Device {
    fn init(function: Function) -> impl PinInit<Self, Error> {
        /// Zeroes a C structure where it stands: these are too large for the stack.
        fn zeroed<T>() -> impl PinInit<Opaque<T>> {
            // SAFETY: The slot is valid for writes of a whole `T`.
            Opaque::ffi_init(|slot: *mut T| unsafe { slot.write_bytes(0, 1) })
        }

        try_pin_init!(Self {
            ctrl <- zeroed(),
            io_tags <- zeroed(),
            admin_tags <- zeroed(),
            function,
            bar: Bar::unmapped(),
            shutdown <- new_mutex!((), "rust_nvme::shutdown"),
            queues: KVec::new(),
            pools <- new_mutex!(None, "rust_nvme::pools"),
            shadows <- new_mutex!(None, "rust_nvme::shadows"),
            host_memory <- new_mutex!(None, "rust_nvme::host_memory"),
            online: Once::new(0),
            default_queues: Once::new(0),
            read_queues: Once::new(0),
            poll_queues: Once::new(0),
            vectors: Once::new(0),
            entries: Once::new(0),
            stride: Once::new(0),
            power_state: Once::new(NO_POWER_STATE),
        })
    }

    /// Makes the device for a function and introduces it to the core, which owns it from then on:
    /// its last reference frees it.
    pub(crate) fn make(
        function: Function,
        ops: &'static bindings::nvme_ctrl_ops,
        work: bindings::work_func_t,
        quirks: u32,
    ) -> Result<Ctrl> {
        let device = KBox::pin_init(Self::init(function), GFP_KERNEL)?;
        // SAFETY: The device stays where it is: it goes on as a pointer.
        let device = KBox::into_raw(unsafe { Pin::into_inner_unchecked(device) });
        // SAFETY: Just made, and nobody else has the pointer.
        let result = unsafe { Self::introduce(device, ops, work, quirks) };
        if result.is_err() {
            // SAFETY: As above; the core has not taken it.
            drop(unsafe { KBox::from_raw(device) });
        }
        result
    }

    /// # Safety
    ///
    /// `device` is a new device that nobody else knows.
    unsafe fn introduce(
        device: *mut Self,
        ops: &'static bindings::nvme_ctrl_ops,
        work: bindings::work_func_t,
        quirks: u32,
    ) -> Result<Ctrl> {
        // SAFETY: By the function's contract this is the only reference.
        let this = unsafe { &mut *device };
        let function = this.function;
        // SAFETY: The controller's place; it is initialised below, before anybody uses it.
        let ctrl = unsafe { Ctrl::from_raw(NonNull::new_unchecked(this.ctrl.get())) };
        let align_512 = quirks & quirk::DMAPOOL_ALIGN_512 != 0;
        let pools = KBox::new(Pools::new(function.dma(), align_512)?, GFP_KERNEL)?;
        // SAFETY: A function of the core without arguments.
        let possible = unsafe { bindings::blk_mq_num_possible_queues(0) };
        let most = 1 + possible + params::write_queues() + params::poll_queues();
        for qid in 0..most.min(u32::from(u16::MAX)) as u16 {
            // SAFETY: The pools go last, in `release`.
            let queue = unsafe { Queue::new(qid, ctrl, function, NonNull::from(&*pools)) };
            this.queues
                .push(KBox::pin_init(queue, GFP_KERNEL)?, GFP_KERNEL)?;
        }
        *this.pools.lock() = Some(pools);
        // SAFETY: The structure is zeroed; operations and work function are the driver's own.
        unsafe {
            bindings::rnvme_init_work(&raw mut (*ctrl.as_raw()).reset_work, work);
            kernel::error::to_result(bindings::nvme_init_ctrl(
                ctrl.as_raw(),
                function.device().as_ptr(),
                ops,
                quirks as c_ulong,
            ))?;
        }
        function.get();
        let bits = if quirks & quirk::DMA_ADDRESS_BITS_48 != 0 {
            48
        } else {
            64
        };
        function.set_dma_limits(bits);
        let most = (prp::MAX_BYTES as usize).min(function.best_mapping());
        ctrl.set_limits((most >> 9) as u32, MAX_SEGMENTS as u32, 1);
        Ok(ctrl)
    }

    /// The device around a controller.
    pub(crate) fn of<'a>(ctrl: Ctrl) -> &'a Self {
        // SAFETY: The controller is the device's first field, and whoever has it keeps it alive.
        unsafe { &*ctrl.as_raw().cast::<Self>() }
    }

    /// As above, for callbacks of C.
    ///
    /// # Safety
    ///
    /// `ctrl` is the controller of a live device, and stays so as long as the result is used.
    pub(crate) unsafe fn from_ctrl<'a>(ctrl: *mut bindings::nvme_ctrl) -> &'a Self {
        // SAFETY: By the function's contract; the controller is the first field.
        unsafe { &*ctrl.cast::<Self>() }
    }

    /// Frees the device after the core's last reference.
    ///
    /// # Safety
    ///
    /// Called once, by the core's `free_ctrl`.
    pub(crate) unsafe fn free(ctrl: Ctrl) {
        let function = Self::of(ctrl).function;
        // `release` has made the queues forget the tags.
        if ctrl.tag_set_maps().is_some() {
            ctrl.remove_io_tag_set();
        }
        // SAFETY: Made by `make` from a box, and nobody has it any more.
        drop(unsafe { KBox::from_raw(ctrl.as_raw().cast::<Self>()) });
        function.put();
    }

    /// The controller.
    pub(crate) fn ctrl(&self) -> Ctrl {
        // SAFETY: Introduced to the core before anybody got a reference.
        unsafe { Ctrl::from_raw(NonNull::new_unchecked(self.ctrl.get())) }
    }

    /// The PCI function.
    pub(crate) fn function(&self) -> Function {
        self.function
    }

    /// The registers.
    pub(crate) fn bar(&self) -> &Bar {
        &self.bar
    }

    /// A queue by its identifier.
    pub(crate) fn queue(&self, qid: usize) -> Option<&Queue> {
        self.queues.get(qid).map(|queue| &**queue)
    }

    fn pinned(&self, qid: u32) -> Result<Pin<&Queue>> {
        self.queues.get(qid as usize).map(Pin::as_ref).ok_or(EINVAL)
    }

    fn admin(&self) -> Result<Pin<&Queue>> {
        self.pinned(0)
    }

    /// How the I/O queues divide now.
    pub(crate) fn queues(&self) -> Queues {
        Queues {
            default: self.default_queues.get(),
            read: self.read_queues.get(),
            poll: self.poll_queues.get(),
        }
    }

    /// Interrupt vectors, the admin queue's among them.
    pub(crate) fn vectors(&self) -> u32 {
        self.vectors.get()
    }

    fn may_use_msi(&self) -> bool {
        !self.ctrl().has_quirk(quirk::BROKEN_MSI)
    }

    /// Brings a new controller up. On failure nothing of it is left but the core's reference.
    pub(crate) fn probe(&self) -> Result {
        // Room for every doorbell there could be, at the widest stride; the BAR is smaller.
        let most = spec::doorbell(self.queues.len() as u16, Cap(u64::MAX).doorbell_stride());
        self.bar.map(self.function, most)?;
        let result = self.bring_up();
        if result.is_err() {
            self.ctrl().change_state(State::Deleting);
            self.disable(true);
            self.release();
        }
        result
    }

    fn bring_up(&self) -> Result {
        let ctrl = self.ctrl();
        {
            let _shutdown = self.shutdown.lock();
            self.enable()?;
        }
        // SAFETY: The tag set is a field of this device, the callbacks are its own.
        unsafe {
            ctrl.alloc_admin_tag_set(self.admin_tags.get(), &blk::ADMIN_OPS, size_of::<Iod>())?;
        }
        // From here on a timeout knows that it must not reset.
        if !ctrl.change_state(State::Connecting) {
            return Err(EBUSY);
        }
        self.set_up(false)?;
        if self.online.get() > 1 {
            self.make_io_tag_set();
            self.set_shadow_doorbells();
        }
        if ctrl.tag_set_maps().is_none() {
            dev_warn!(ctrl.log(), "no I/O queues\n");
        }
        if !ctrl.change_state(State::Live) {
            return Err(ENODEV);
        }
        Ok(())
    }

    /// What probe and reset do between the admin queue and the tag set.
    fn set_up(&self, was_suspended: bool) -> Result {
        let ctrl = self.ctrl();
        ctrl.init_finish(was_suspended)?;
        let integrity = if ctrl.takes_metadata_sgls() {
            MAX_INTEGRITY_SEGMENTS
        } else {
            1
        };
        ctrl.set_integrity_segments(integrity);
        if !self.offer_host_memory()? {
            // It comes from a reset, and so has none from before.
            self.free_host_memory();
        }
        self.set_up_io_queues()
    }

    /// Makes the I/O tags, without which the controller is there for admin commands alone.
    fn make_io_tag_set(&self) {
        let ctrl = self.ctrl();
        ctrl.set_queue_count(self.online.get());
        // SAFETY: The tag set is a field of this device, the callbacks are its own.
        let made = unsafe {
            ctrl.alloc_io_tag_set(
                self.io_tags.get(),
                &blk::IO_OPS,
                self.queues().maps(),
                size_of::<Iod>(),
            )
        };
        if let Err(error) = made {
            dev_warn!(ctrl.log(), "I/O tag set: {}\n", error.to_errno());
        }
    }

    /// Has no I/O queue know its tags, which blk-mq is about to change or to free. May sleep.
    pub(crate) fn forget_io_tags(&self) {
        for queue in self.queues.iter().skip(1) {
            queue.forget_tags();
        }
    }

    /// Switches the function on, reads the capabilities, starts the admin queue.
    ///
    /// The caller holds the shutdown lock.
    fn enable(&self) -> Result {
        self.function.enable()?;
        let result = self.enable_controller();
        if result.is_err() {
            self.function.free_vectors();
            self.function.disable();
        }
        result
    }

    fn enable_controller(&self) -> Result {
        if self.bar.csts().gone() {
            return Err(ENODEV);
        }
        // Some devices have no INTx: one vector now, all that are wanted later.
        self.function.one_vector(self.may_use_msi())?;
        let cap = Cap(self.bar.read64(0));
        let stride = cap.doorbell_stride();
        if spec::doorbell(1, stride) > self.bar.len() {
            dev_err!(
                self.function.log(),
                "doorbells every {stride} bytes do not fit BAR 0\n"
            );
            return Err(ENODEV);
        }
        // The tags were counted once; every ring, a new one too, must hold as many.
        let entries = match self.ctrl().tag_set_maps() {
            Some(_) => self.entries.get(),
            None => self.choose_entries(cap),
        };
        self.entries.set(entries);
        self.stride.set(stride);
        let subsystem = self.bar.read32(reg::VS) >= spec::VERSION_1_1 && cap.subsystem_reset();
        self.ctrl().set_capabilities(cap.0, entries, subsystem);
        self.function.save_state();
        if subsystem && self.bar.csts().subsystem_was_reset() {
            self.bar.write32(reg::CSTS, Csts::NSSRO);
        }
        self.start_admin_queue(stride)
    }

    fn choose_entries(&self, cap: Cap) -> u32 {
        if self.ctrl().has_quirk(quirk::QDEPTH_ONE) {
            return plan::MIN_DEPTH;
        }
        let asked = params::io_queue_depth();
        // Samsung's PM1725 claims queues of one entry, and takes longer ones.
        let pm1725 = matches!(self.function.ids(), (0x144d, 0xa821 | 0xa822));
        if pm1725 && cap.max_entries() == 1 {
            return plan::queue_entries(asked, 64);
        }
        plan::queue_entries(asked, cap.max_entries())
    }

    fn start_admin_queue(&self, stride: usize) -> Result {
        let ctrl = self.ctrl();
        // What enabled the controller before us may have commands there: no shutdown, which could
        // complete them into memory that is somebody else's now.
        if ctrl.disable(false).is_err() {
            self.function.function_reset()?;
            self.function.restore_state();
            ctrl.disable(false)?;
            dev_info!(
                ctrl.log(),
                "controller disabled after a function-level reset\n"
            );
        }
        let queue = self.admin()?;
        queue.prepare(ADMIN_ENTRIES, &self.bar, stride)?;
        ctrl.set_node(self.function.node());
        let (entries, submission, completion) = queue.rings().ok_or(EINVAL)?;
        self.bar
            .write32(reg::AQA, spec::admin_queue_attributes(entries as u16));
        self.bar.write64(reg::ASQ, submission);
        self.bar.write64(reg::ACQ, completion);
        ctrl.enable()?;
        if let Err(error) = queue.enable(Some(0)) {
            let _ = ctrl.disable(false);
            return Err(error);
        }
        self.online.set(1);
        Ok(())
    }

    /// The shutdown lock, where nobody has it and the controller is being set up: whoever has it is
    /// taking the controller down.
    fn lock_for_setup(&self) -> Result<MutexGuard<'_, ()>> {
        let shutdown = self.shutdown.try_lock().ok_or(ENODEV)?;
        if self.ctrl().state() != State::Connecting {
            return Err(ENODEV);
        }
        Ok(shutdown)
    }

    /// Creates as many I/O queues as there are CPUs, vectors, and the controller grants.
    ///
    /// It is no error when there are none: admin commands can still repair a controller.
    fn set_up_io_queues(&self) -> Result {
        let ctrl = self.ctrl();
        let (mut writes, mut polls) = (params::write_queues(), params::poll_queues());
        // The tag set's maps are made once.
        if let Some(maps) = ctrl.tag_set_maps() {
            polls = if maps < 3 { 0 } else { polls };
            writes = if maps < 2 { 0 } else { writes };
        }
        // SAFETY: A function of the block layer that reads the CPU masks.
        let possible = unsafe { bindings::blk_mq_num_possible_queues(0) };
        let wanted = (possible + writes + polls).min(self.queues.len() as u32 - 1);
        let mut granted = ctrl.set_queue_number(wanted)?;
        let stride = self.stride.get();
        while granted > 0 && spec::doorbell(granted as u16 + 1, stride) > self.bar.len() {
            granted -= 1;
        }
        if granted == 0 {
            return Ok(());
        }
        let mut shutdown = self.lock_for_setup()?;
        loop {
            let last = self.arrange_vectors(granted, writes, polls)?;
            drop(shutdown);
            self.create_io_queues(last)?;
            let online = self.online.get();
            if online < 2 || online > last {
                break;
            }
            // Fewer than planned: the vectors must divide anew.
            granted = online - 1;
            self.delete_io_queues();
            shutdown = self.lock_for_setup()?;
            self.suspend_io_queues();
        }
        let queues = self.queues();
        dev_info!(
            ctrl.log(),
            "{}/{}/{} default/read/poll queues of {} entries\n",
            queues.default,
            queues.read,
            queues.poll,
            self.entries.get(),
        );
        Ok(())
    }

    /// Exchanges the one vector for as many as the queues want; gives the last queue's identifier.
    ///
    /// The caller holds the shutdown lock.
    fn arrange_vectors(&self, granted: u32, writes: u32, polls: u32) -> Result<u32> {
        let admin = self.admin()?;
        admin.disable();
        self.function.free_vectors();
        let polls = plan::poll_queues(polls, granted);
        let io = match self.ctrl().has_quirk(quirk::SINGLE_VECTOR) {
            true => 0,
            false => granted - polls,
        };
        let (vectors, queues) = self
            .function
            .spread_vectors(io, writes, self.may_use_msi())?;
        self.vectors.set(vectors);
        self.default_queues.set(queues.default);
        self.read_queues.set(queues.read);
        self.poll_queues.set(polls);
        admin.enable(Some(0))?;
        Ok(self.queues().total())
    }

    /// Creates the queues that are not up yet, up to `last`; stops at the first that cannot be.
    fn create_io_queues(&self, last: u32) -> Result {
        let queues = self.queues();
        let with_interrupt = queues.default + queues.read;
        for qid in self.online.get()..=last {
            let vector = match (qid > with_interrupt, self.vectors()) {
                (true, _) => None,
                (false, 1) => Some(0),
                (false, _) => Some(qid),
            };
            if !self.create_io_queue(qid, vector)? {
                break;
            }
        }
        Ok(())
    }

    /// Creates one queue pair; false where the controller or memory does not allow it.
    fn create_io_queue(&self, qid: u32, vector: Option<u32>) -> Result<bool> {
        let ctrl = self.ctrl();
        let queue = self.pinned(qid)?;
        let stride = self.stride.get();
        if queue
            .prepare(self.entries.get(), &self.bar, stride)
            .is_err()
        {
            return Ok(false);
        }
        let Some((entries, submission, completion)) = queue.rings() else {
            return Ok(false);
        };
        let qid = qid as u16;
        let interrupt = vector.map(|vector| vector as u16);
        if !ctrl.submit_sync(AdminCommand::create_cq(qid, completion, entries, interrupt))? {
            return Ok(false);
        }
        let medium = ctrl.has_quirk(quirk::MEDIUM_PRIO_SQ);
        if !ctrl.submit_sync(AdminCommand::create_sq(qid, submission, entries, medium))? {
            ctrl.submit_sync(AdminCommand::delete_cq(qid))?;
            return Ok(false);
        }
        let enabled = {
            let _shutdown = self.lock_for_setup()?;
            let enabled = queue.enable(vector);
            if enabled.is_ok() {
                self.online.set(u32::from(qid) + 1);
            }
            enabled
        };
        if enabled.is_err() {
            ctrl.submit_sync(AdminCommand::delete_sq(qid))?;
            ctrl.submit_sync(AdminCommand::delete_cq(qid))?;
        }
        enabled.map(|()| true)
    }

    /// Deletes the I/O queues on the controller: first all submission queues, then, where it
    /// answered, all completion queues.
    fn delete_io_queues(&self) {
        let _ =
            self.delete_all(AdminCommand::delete_sq) && self.delete_all(AdminCommand::delete_cq);
    }

    fn delete_all(&self, command: fn(u16) -> AdminCommand) -> bool {
        let mut left = self.online.get().saturating_sub(1);
        let mut patience = self.ctrl().admin_timeout();
        while left > 0 {
            // As many at a time as the admin queue has tags for.
            let first = left;
            while let Ok(queue) = self.pinned(left) {
                if left == 0 || queue.send_deletion(command(left as u16)).is_err() {
                    break;
                }
                left -= 1;
            }
            if left == first {
                return false;
            }
            for qid in (left + 1..=first).rev() {
                let Ok(queue) = self.pinned(qid) else {
                    return false;
                };
                patience = queue.wait_deleted(patience);
                if patience == 0 {
                    return false;
                }
            }
        }
        true
    }

    /// Takes a queue down. The caller holds the shutdown lock.
    fn suspend_queue(&self, qid: usize) {
        let Some(queue) = self.queue(qid) else { return };
        if !queue.is_enabled() {
            return;
        }
        // Waits for the interrupt's handler. A dispatch that is inside sees the flag; the admin
        // queue's is waited for below, the I/O queues' were quiesced before.
        queue.disable();
        self.online.set(self.online.get().saturating_sub(1));
        if qid == 0 && self.ctrl().admin_queue().is_some() {
            self.ctrl().quiesce_admin();
        }
    }

    /// Takes all I/O queues down. The caller holds the shutdown lock.
    fn suspend_io_queues(&self) {
        for qid in (1..self.queues.len()).rev() {
            self.suspend_queue(qid);
        }
    }

    fn is_dead(&self) -> bool {
        if !self.function.is_enabled() || !self.function.is_present() || self.function.is_offline()
        {
            return true;
        }
        let csts = self.bar.csts();
        csts.gone() || csts.fatal() || !csts.ready()
    }

    /// Takes the controller down, whatever state it is in; with `shutdown` for good.
    ///
    /// After this no command is with the controller, and none of its memory is mapped for it.
    pub(crate) fn disable(&self, shutdown: bool) {
        let ctrl = self.ctrl();
        let state = ctrl.state();
        let _shutdown = self.shutdown.lock();
        let dead = self.is_dead();
        if matches!(state, State::Live | State::Resetting) {
            if self.function.is_enabled() {
                ctrl.start_freeze();
            }
            // A healthy controller gets the chance to finish.
            if !dead && shutdown {
                ctrl.wait_freeze_timeout();
            }
        }
        ctrl.quiesce_io();
        let admin = self.queue(0).filter(|queue| queue.rings().is_some());
        if let (false, Some(admin)) = (dead, admin) {
            self.delete_io_queues();
            let _ = ctrl.disable(shutdown);
            admin.look_once();
        }
        self.suspend_io_queues();
        self.suspend_queue(0);
        self.function.free_vectors();
        self.function.disable();
        for queue in self.queues.iter().skip(1) {
            queue.look_last();
        }
        ctrl.cancel_io();
        ctrl.cancel_admin();
        // Nothing starts the queues again: what waits in them must come out, and fail.
        if shutdown {
            ctrl.unquiesce_io();
            if ctrl.admin_queue_lives() {
                ctrl.unquiesce_admin();
            }
        }
    }

    /// Waits until a reset may run, then takes the controller down.
    pub(crate) fn disable_for_reset(&self, shutdown: bool) -> Result {
        if !self.ctrl().wait_reset() {
            return Err(EBUSY);
        }
        self.disable(shutdown);
        Ok(())
    }

    /// The reset work: down, and up again as in probe.
    pub(crate) fn reset(&self) {
        let Err(error) = self.try_reset() else { return };
        let ctrl = self.ctrl();
        // Deleting first: wait_reset may hold the device's lock and wait for us.
        dev_warn!(
            ctrl.log(),
            "reset failed ({}), removing the controller\n",
            error.to_errno()
        );
        ctrl.change_state(State::Deleting);
        self.disable(true);
        ctrl.sync_queues();
        ctrl.mark_namespaces_dead();
        ctrl.unquiesce_io();
        ctrl.change_state(State::Dead);
    }

    fn try_reset(&self) -> Result {
        let ctrl = self.ctrl();
        let was_suspended = ctrl.was_shut_down();
        if ctrl.state() != State::Resetting {
            return Err(ENODEV);
        }
        if ctrl.is_enabled() {
            self.disable(false);
        }
        ctrl.sync_queues();
        {
            let _shutdown = self.shutdown.lock();
            self.enable()?;
            ctrl.unquiesce_admin();
        }
        if !ctrl.change_state(State::Connecting) {
            return Err(EBUSY);
        }
        self.set_up(was_suspended)?;
        if self.online.get() > 1 {
            self.set_shadow_doorbells();
            if ctrl.tag_set_maps().is_some() {
                ctrl.unquiesce_io();
                ctrl.wait_freeze();
                self.update_io_tag_set()?;
            } else {
                self.make_io_tag_set();
            }
            ctrl.unfreeze();
        } else {
            dev_warn!(ctrl.log(), "I/O queues lost\n");
            ctrl.mark_namespaces_dead();
            ctrl.unquiesce_io();
            ctrl.remove_namespaces();
            self.drop_io_tag_set();
        }
        if !ctrl.change_state(State::Live) {
            return Err(ENODEV);
        }
        ctrl.start();
        Ok(())
    }

    /// Tells blk-mq how many queues there are now.
    fn update_io_tag_set(&self) -> Result {
        let _shutdown = self.shutdown.try_lock().ok_or(ENODEV)?;
        let online = self.online.get();
        if online < 2 {
            return Err(ENODEV);
        }
        self.ctrl().set_queue_count(online);
        // SAFETY: The tag set exists, and all its queues are frozen.
        unsafe {
            bindings::blk_mq_update_nr_hw_queues(self.io_tags.get(), (online - 1) as c_int);
        }
        Ok(())
    }

    fn drop_io_tag_set(&self) {
        // Who takes the controller down meanwhile looks at the queues and cancels what is in them.
        let _shutdown = self.shutdown.lock();
        if self.ctrl().tag_set_maps().is_some() {
            self.forget_io_tags();
            self.ctrl().remove_io_tag_set();
            self.ctrl().forget_io_tag_set();
        }
    }

    /// Takes the controller away: after this the driver does not touch the function any more.
    pub(crate) fn remove(&self) {
        let ctrl = self.ctrl();
        ctrl.change_state(State::Deleting);
        if !self.function.is_present() {
            ctrl.change_state(State::Dead);
            self.disable(true);
        }
        ctrl.flush_reset();
        ctrl.stop();
        ctrl.remove_namespaces();
        self.disable(true);
        self.release();
        ctrl.uninit();
    }

    /// Gives everything back that belongs to the function, from a controller that is down.
    fn release(&self) {
        let ctrl = self.ctrl();
        self.free_host_memory();
        if ctrl.admin_queue_lives() {
            // A reset during removal may have left it stopped, with requests inside.
            ctrl.unquiesce_admin();
            if let Some(admin) = self.queue(0) {
                admin.forget_tags();
            }
            ctrl.remove_admin_tag_set();
        }
        self.forget_io_tags();
        for queue in &self.queues {
            drop(queue.release());
        }
        drop(self.shadows.lock().take());
        // No request is mapped, and none can come: all queues are dead.
        drop(self.pools.lock().take());
        // SAFETY: All queues have given up their doorbells, and the core asks for no register.
        unsafe { self.bar.unmap(self.function) };
    }

    /// What to do with a request whose time is up: look whether it is done, abort it, reset, or
    /// give up, in this order.
    pub(crate) fn timeout(&self, rq: Request) -> Expiry {
        let ctrl = self.ctrl();
        let queue = rq.queue();
        if self.function.is_disconnected() {
            ctrl.change_state(State::Deleting);
        }
        if ctrl.state().is_terminal() {
            return self.expire_by_reset();
        }
        // Error recovery must not be disturbed by a reset.
        if self.function.is_offline() {
            return Expiry::WaitOn;
        }
        let csts = self.bar.csts();
        if self.should_reset(csts) {
            dev_warn!(
                ctrl.log(),
                "controller is down, will reset: CSTS {:#x}, PCI status {:#x}\n",
                csts.0,
                self.function.status(),
            );
            return self.expire_by_reset();
        }
        queue.look_once();
        let (tag, id, qid) = (rq.tag(), rq.command_id().0, queue.qid());
        if !rq.is_in_flight() {
            dev_warn!(
                ctrl.log(),
                "I/O tag {tag} ({id:04x}) QID {qid} timed out, its completion was there\n"
            );
            return Expiry::Handled;
        }
        match ctrl.state() {
            State::Connecting | State::Deleting | State::DeletingNoIo | State::Dead => {
                // Setting up failed: what waits for this command sees it cancelled and gives up.
                ctrl.change_state(State::Deleting);
                dev_warn!(
                    ctrl.log(),
                    "I/O tag {tag} ({id:04x}) QID {qid} timed out, disabling the controller\n"
                );
                rq.mark_cancelled();
                self.disable(true);
                return Expiry::Handled;
            }
            State::Resetting => return Expiry::WaitOn,
            State::New | State::Live => {}
        }
        let opcode = rq.opcode();
        let name = ctrl.opcode_name(qid, opcode);
        // SAFETY: blk-mq holds the request for this call, and the controller writes nothing here.
        let iod = unsafe { &mut *rq.iod() };
        if qid == 0 || !iod.abort_once() {
            dev_warn!(
                ctrl.log(),
                "I/O tag {tag} ({id:04x}) opcode {opcode:#x} ({name}) QID {qid} timed out, \
                 resetting the controller\n"
            );
            rq.mark_cancelled();
            return self.expire_by_reset();
        }
        if !ctrl.take_abort() {
            iod.abort_failed();
            return Expiry::WaitOn;
        }
        dev_warn!(
            ctrl.log(),
            "I/O tag {tag} ({id:04x}) opcode {opcode:#x} ({name}) QID {qid} timed out, aborting\n"
        );
        let command = AdminCommand::abort(qid, id);
        // SAFETY: `abort_ended` needs no cookie.
        if unsafe { blk::send_admin(ctrl, command, abort_ended, core::ptr::null_mut()) }.is_err() {
            ctrl.give_abort_back();
        }
        // The aborted command completes by itself; when its time is up once more, we reset, and so
        // we do where the abort could not be sent.
        Expiry::WaitOn
    }

    fn should_reset(&self, csts: Csts) -> bool {
        if matches!(self.ctrl().state(), State::Resetting | State::Connecting) {
            return false;
        }
        csts.fatal() || self.ctrl().has_subsystem() && csts.subsystem_was_reset()
    }

    fn expire_by_reset(&self) -> Expiry {
        let ctrl = self.ctrl();
        if !ctrl.change_state(State::Resetting) {
            if ctrl.state().is_terminal() {
                self.disable(true);
            }
            return Expiry::Handled;
        }
        self.disable(false);
        self.schedule_reset();
        Expiry::Handled
    }

    /// Schedules the reset of a controller that is down; where none can be, I/O goes on to fail.
    pub(crate) fn schedule_reset(&self) {
        if self.ctrl().try_schedule_reset().is_err() {
            self.ctrl().unquiesce_io();
        }
    }

    /// Resets the whole subsystem by its register.
    pub(crate) fn subsystem_reset(&self) -> Result {
        let ctrl = self.ctrl();
        // The lock keeps the BAR: removal takes it before it unmaps.
        let _shutdown = self.shutdown.lock();
        if self.bar.len() == 0 {
            return Err(ENODEV);
        }
        if !ctrl.change_state(State::Resetting) {
            return Err(EBUSY);
        }
        self.bar.write32(reg::NSSR, spec::NSSR_RESET);
        if ctrl.change_state(State::Connecting) && ctrl.change_state(State::Live) {
            // Flushes the write, and lets the bus notice what it did.
            self.bar.csts();
        }
        Ok(())
    }

    /// Tells the controller where shadow doorbells are, where it has them.
    ///
    /// No I/O is submitted meanwhile. A controller that refuses gets real doorbells.
    fn set_shadow_doorbells(&self) {
        let ctrl = self.ctrl();
        if !ctrl.has_shadow_doorbells() {
            return;
        }
        let Ok(shadows) = self.take_shadows() else {
            dev_warn!(ctrl.log(), "no memory for shadow doorbells\n");
            return;
        };
        let (doorbells, events) = (shadows.doorbells.address(), shadows.events.address());
        if !matches!(
            ctrl.submit_sync(AdminCommand::doorbell_buffers(doorbells, events)),
            Ok(true)
        ) {
            dev_warn!(ctrl.log(), "the controller refuses shadow doorbells\n");
            // Queues that are down since may still point to them.
            *self.shadows.lock() = Some(shadows);
            return;
        }
        let stride = self.stride.get();
        let mut place = self.shadows.lock();
        let shadows = place.insert(shadows);
        for queue in self.queues.iter().take(self.online.get() as usize).skip(1) {
            // SAFETY: The controller knows the arrays. They live in `self.shadows` until
            // `take_shadows`, after the next `prepare` of the queues, or `release`, after theirs.
            unsafe { queue.set_shadow(&shadows.doorbells, &shadows.events, stride) };
        }
    }

    /// The arrays of the time before, or new ones; all zeroes.
    fn take_shadows(&self) -> Result<Shadows> {
        if let Some(mut shadows) = self.shadows.lock().take() {
            shadows.doorbells.clear();
            shadows.events.clear();
            return Ok(shadows);
        }
        // A page at least, which the specification speaks of.
        let words = (2 * self.queues.len() * self.stride.get() / 4).max(1024);
        Ok(Shadows {
            doorbells: Coherent::new(self.function.dma(), words)?,
            events: Coherent::new(self.function.dma(), words)?,
        })
    }

    /// Lends the controller host memory, where it asks for some; false where it refuses.
    ///
    /// What a controller refuses, or what it did not answer to, it may be using since before: it
    /// stays until a reset.
    fn offer_host_memory(&self) -> Result<bool> {
        HostMemory::offer(
            self.ctrl(),
            self.function.dma(),
            &mut self.host_memory.lock(),
        )
    }

    /// Frees the host memory of a controller that was reset or is down.
    fn free_host_memory(&self) {
        drop(self.host_memory.lock().take());
    }

    /// Goes to sleep: by power states where the platform and the controller allow it, else by a
    /// shutdown.
    pub(crate) fn suspend(&self) -> Result {
        let ctrl = self.ctrl();
        self.power_state.set(NO_POWER_STATE);
        let simple = ctrl.has_quirk(bindings::nvme_quirks_NVME_QUIRK_SIMPLE_SUSPEND);
        if simple || ctrl.deepest_power_state() == 0 || !self.function.sleeps_by_itself() {
            return self.disable_for_reset(true);
        }
        ctrl.start_freeze();
        ctrl.wait_freeze();
        ctrl.sync_queues();
        let result = self.suspend_by_power_state();
        ctrl.unfreeze();
        result
    }

    fn suspend_by_power_state(&self) -> Result {
        let ctrl = self.ctrl();
        if ctrl.state() != State::Live {
            return Err(EBUSY);
        }
        // A sleeping system may not be asked for its memory.
        if let Some(memory) = &mut *self.host_memory.lock() {
            memory.take_back(ctrl)?;
        }
        self.power_state
            .set(ctrl.power_state()?.unwrap_or(NO_POWER_STATE));
        // With its state saved the bus leaves the function's power alone.
        self.function.save_state();
        if ctrl.set_power_state(u32::from(ctrl.deepest_power_state()))? {
            return Ok(());
        }
        self.function.forget_state();
        let result = self.disable_for_reset(true);
        ctrl.forget_power_states();
        result
    }

    /// Wakes up.
    pub(crate) fn resume(&self) -> Result {
        let ctrl = self.ctrl();
        let state = self.power_state.get();
        let awake = state != NO_POWER_STATE
            && matches!(ctrl.set_power_state(state), Ok(true))
            && matches!(self.offer_host_memory(), Ok(true));
        if awake {
            return Ok(());
        }
        ctrl.try_schedule_reset()
    }
}

/// The end of an abort.
extern "C" fn abort_ended(
    rq: *mut bindings::request,
    _error: bindings::blk_status_t,
    _batch: *const bindings::io_comp_batch,
) -> bindings::rq_end_io_ret {
    // SAFETY: blk-mq calls this for the abort.
    let (ctrl, status, _) = unsafe { blk::end_admin(rq) };
    dev_warn!(ctrl.log(), "abort status {status:#x}\n");
    ctrl.give_abort_back();
    bindings::rq_end_io_ret_RQ_END_IO_NONE
}
