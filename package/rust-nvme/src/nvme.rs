// SPDX-License-Identifier: GPL-2.0

//! The border to the kernel's NVMe core.
//!
//! C header: [`drivers/nvme/host/nvme.h`](srctree/drivers/nvme/host/nvme.h). The core owns the
//! controller's life: its state machine, identification, namespaces, sysfs and character device.

use crate::bindings;
use crate::blk::Status;
use core::ptr::NonNull;
use kernel::error::to_result;
use kernel::ffi::{c_int, c_uint, c_void};
use kernel::prelude::*;

/// The state of a controller ([`enum nvme_ctrl_state`]).
///
/// [`enum nvme_ctrl_state`]: srctree/drivers/nvme/host/nvme.h
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Just made.
    New,
    /// Takes commands of all kinds.
    Live,
    /// A reset is scheduled or runs.
    Resetting,
    /// The transport works, the core identifies and sets up.
    Connecting,
    /// On its way out; there is no way back from here.
    Deleting,
    /// As [`State::Deleting`], and I/O fails at once.
    DeletingNoIo,
    /// Gone, or not answering at the end.
    Dead,
}

impl State {
    fn from_raw(state: bindings::nvme_ctrl_state) -> Self {
        match state {
            bindings::nvme_ctrl_state_NVME_CTRL_NEW => Self::New,
            bindings::nvme_ctrl_state_NVME_CTRL_LIVE => Self::Live,
            bindings::nvme_ctrl_state_NVME_CTRL_RESETTING => Self::Resetting,
            bindings::nvme_ctrl_state_NVME_CTRL_CONNECTING => Self::Connecting,
            bindings::nvme_ctrl_state_NVME_CTRL_DELETING => Self::Deleting,
            bindings::nvme_ctrl_state_NVME_CTRL_DELETING_NOIO => Self::DeletingNoIo,
            _ => Self::Dead,
        }
    }

    fn into_raw(self) -> bindings::nvme_ctrl_state {
        match self {
            Self::New => bindings::nvme_ctrl_state_NVME_CTRL_NEW,
            Self::Live => bindings::nvme_ctrl_state_NVME_CTRL_LIVE,
            Self::Resetting => bindings::nvme_ctrl_state_NVME_CTRL_RESETTING,
            Self::Connecting => bindings::nvme_ctrl_state_NVME_CTRL_CONNECTING,
            Self::Deleting => bindings::nvme_ctrl_state_NVME_CTRL_DELETING,
            Self::DeletingNoIo => bindings::nvme_ctrl_state_NVME_CTRL_DELETING_NOIO,
            Self::Dead => bindings::nvme_ctrl_state_NVME_CTRL_DEAD,
        }
    }

    /// Whether the controller can never be live again.
    pub(crate) fn is_terminal(self) -> bool {
        matches!(self, Self::Deleting | Self::DeletingNoIo | Self::Dead)
    }
}

/// A command for the admin queue, before the core has it.
pub(crate) struct AdminCommand(bindings::nvme_command);

impl AdminCommand {
    /// A command out of its sixteen dwords, in the host's byte order.
    fn new(opcode: u32, dwords: &[(usize, u32)]) -> Self {
        let mut words = [0u32; 16];
        words[0] = opcode.to_le();
        for &(dword, value) in dwords {
            words[dword] = value.to_le();
        }
        // SAFETY: 64 bytes each; the union has no invalid value.
        Self(unsafe { core::mem::transmute::<[u32; 16], bindings::nvme_command>(words) })
    }

    /// Create I/O Completion Queue: contiguous memory at `address`, `entries` of it, with an
    /// interrupt `vector` or none (section 5.2.1).
    pub(crate) fn create_cq(qid: u16, address: u64, entries: u32, vector: Option<u16>) -> Self {
        let interrupt = vector.map_or(0, |vector| u32::from(vector) << 16 | 1 << 1);
        Self::new(
            bindings::nvme_admin_opcode_nvme_admin_create_cq,
            &[
                (6, address as u32),
                (7, (address >> 32) as u32),
                (10, (entries - 1) << 16 | u32::from(qid)),
                (11, interrupt | 1),
            ],
        )
    }

    /// Create I/O Submission Queue whose completions go to the queue of the same number
    /// (section 5.2.2); `medium` sets the priority class for controllers that need it.
    pub(crate) fn create_sq(qid: u16, address: u64, entries: u32, medium: bool) -> Self {
        let priority = if medium { 2 << 1 } else { 0 };
        Self::new(
            bindings::nvme_admin_opcode_nvme_admin_create_sq,
            &[
                (6, address as u32),
                (7, (address >> 32) as u32),
                (10, (entries - 1) << 16 | u32::from(qid)),
                (11, u32::from(qid) << 16 | priority | 1),
            ],
        )
    }

    /// Delete I/O Submission Queue (section 5.2.4).
    pub(crate) fn delete_sq(qid: u16) -> Self {
        Self::new(
            bindings::nvme_admin_opcode_nvme_admin_delete_sq,
            &[(10, u32::from(qid))],
        )
    }

    /// Delete I/O Completion Queue (section 5.2.3).
    pub(crate) fn delete_cq(qid: u16) -> Self {
        Self::new(
            bindings::nvme_admin_opcode_nvme_admin_delete_cq,
            &[(10, u32::from(qid))],
        )
    }

    /// Abort of one command of a queue (section 5.1.1).
    pub(crate) fn abort(qid: u16, command_id: u16) -> Self {
        Self::new(
            bindings::nvme_admin_opcode_nvme_admin_abort_cmd,
            &[(10, u32::from(command_id) << 16 | u32::from(qid))],
        )
    }

    /// Asynchronous Event Request (section 5.1.2); it has an identifier of its own, no request.
    pub(crate) fn async_event() -> Self {
        let id = bindings::NVME_AQ_BLK_MQ_DEPTH;
        Self::new(
            bindings::nvme_admin_opcode_nvme_admin_async_event | id << 16,
            &[],
        )
    }

    /// Doorbell Buffer Config: where the shadow doorbells and the event indices stand
    /// (section 5.2.5).
    pub(crate) fn doorbell_buffers(doorbells: u64, events: u64) -> Self {
        Self::new(
            bindings::nvme_admin_opcode_nvme_admin_dbbuf,
            &[
                (6, doorbells as u32),
                (7, (doorbells >> 32) as u32),
                (8, events as u32),
                (9, (events >> 32) as u32),
            ],
        )
    }

    /// Set Features, Host Memory Buffer: `pages` of 4 KiB behind `count` descriptors
    /// (section 5.1.25.2.4).
    pub(crate) fn host_memory(bits: u32, pages: u32, descriptors: u64, count: u32) -> Self {
        Self::new(
            bindings::nvme_admin_opcode_nvme_admin_set_features,
            &[
                (10, bindings::NVME_FEAT_HOST_MEM_BUF),
                (11, bits),
                (12, pages),
                (13, descriptors as u32),
                (14, (descriptors >> 32) as u32),
                (15, count),
            ],
        )
    }

    /// The C command.
    pub(crate) fn as_raw(&mut self) -> *mut bindings::nvme_command {
        &raw mut self.0
    }

    /// The command as a submission queue entry.
    pub(crate) fn entry(self) -> crate::spec::SqEntry {
        // SAFETY: 64 bytes each, and every bit pattern is an entry.
        unsafe { core::mem::transmute::<bindings::nvme_command, crate::spec::SqEntry>(self.0) }
    }
}

/// A controller, as the core sees it.
///
/// # Invariants
///
/// The pointer is that of the `nvme_ctrl` in a live [`crate::device::Device`], on which
/// `nvme_init_ctrl` has been called; whoever holds the value keeps the device alive.
#[derive(Clone, Copy)]
pub(crate) struct Ctrl(NonNull<bindings::nvme_ctrl>);

// SAFETY: The core locks what it must.
unsafe impl Send for Ctrl {}
// SAFETY: As above.
unsafe impl Sync for Ctrl {}

/// Reads a plain field of the controller. The core writes these while it identifies, which this
/// driver's own reset and probe wait for; the rest is set once.
macro_rules! field {
    ($ctrl:expr, $field:ident) => {
        // SAFETY: The controller is valid by the type's invariant; a volatile read of a word.
        unsafe { (&raw const (*$ctrl.0.as_ptr()).$field).read_volatile() }
    };
}

/// Calls a function of the core that takes the controller alone.
macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident => $function:ident;)*) => {$(
        $(#[$doc])*
        pub(crate) fn $name(self) {
            // SAFETY: The controller is valid by the type's invariant.
            unsafe { bindings::$function(self.0.as_ptr()) };
        }
    )*};
}

impl Ctrl {
    /// Wraps a controller.
    ///
    /// # Safety
    ///
    /// The type's invariant holds for `ctrl`.
    pub(crate) const unsafe fn from_raw(ctrl: NonNull<bindings::nvme_ctrl>) -> Self {
        // INVARIANT: By the function's contract.
        Self(ctrl)
    }

    /// The C controller.
    pub(crate) fn as_raw(self) -> *mut bindings::nvme_ctrl {
        self.0.as_ptr()
    }

    /// The controller's own device, for `dev_*` messages: they begin with its name, `nvme0`.
    pub(crate) fn log(&self) -> &kernel::device::Device {
        let device = field!(self, device);
        // SAFETY: The core sets `device` in nvme_init_ctrl; both bindings describe one C type.
        unsafe { kernel::device::Device::from_raw(device.cast()) }
    }

    /// The state now.
    #[inline(always)]
    pub(crate) fn state(self) -> State {
        State::from_raw(field!(self, state))
    }

    /// Whether the controller is live: the question of every request.
    #[inline(always)]
    pub(crate) fn is_live(self) -> bool {
        field!(self, state) == bindings::nvme_ctrl_state_NVME_CTRL_LIVE
    }

    /// Changes the state, where the core's state machine allows it.
    pub(crate) fn change_state(self, state: State) -> bool {
        // SAFETY: The controller is valid.
        unsafe { bindings::nvme_change_ctrl_state(self.as_raw(), state.into_raw()) }
    }

    /// The number in the controller's name.
    pub(crate) fn instance(self) -> c_int {
        field!(self, instance)
    }

    /// The quirks that the core and this driver know for the device.
    pub(crate) fn has_quirk(self, quirk: bindings::nvme_quirks) -> bool {
        field!(self, quirks) & quirk as kernel::ffi::c_ulong != 0
    }

    /// Whether the controller takes SGLs for data.
    pub(crate) fn takes_sgls(self) -> bool {
        let how = bindings::NVME_CTRL_SGLS_BYTE_ALIGNED | bindings::NVME_CTRL_SGLS_DWORD_ALIGNED;
        field!(self, sgls) & how != 0
    }

    /// Whether the controller takes SGLs for metadata.
    pub(crate) fn takes_metadata_sgls(self) -> bool {
        field!(self, sgls) & bindings::NVME_CTRL_SGLS_MSDS != 0
    }

    /// Whether the controller has shadow doorbells.
    pub(crate) fn has_shadow_doorbells(self) -> bool {
        field!(self, oacs) & bindings::NVME_CTRL_OACS_DBBUF_SUPP as u16 != 0
    }

    /// Whether the configuration that the core wrote last has the controller enabled.
    pub(crate) fn is_enabled(self) -> bool {
        field!(self, ctrl_config) & bindings::NVME_CC_ENABLE != 0
    }

    /// Whether that configuration asked for a shutdown.
    pub(crate) fn was_shut_down(self) -> bool {
        field!(self, ctrl_config) & bindings::NVME_CC_SHN_NORMAL != 0
    }

    /// What the controller would like to have of the host's memory, at least, in how few pieces of
    /// which least size: HMPRE, HMMIN in 4 KiB pages, HMMAXD, HMMINDS in 4 KiB pages.
    pub(crate) fn host_memory_wishes(self) -> (u32, u32, u16, u32) {
        (
            field!(self, hmpre),
            field!(self, hmmin),
            field!(self, hmmaxd),
            field!(self, hmminds),
        )
    }

    /// The number of the deepest power state, NPSS.
    pub(crate) fn deepest_power_state(self) -> u8 {
        field!(self, npss)
    }

    /// Forgets the power states, so that a resume resets and reads them anew.
    pub(crate) fn forget_power_states(self) {
        // SAFETY: The controller is valid; the caller has stopped all that reads the field.
        unsafe { (*self.as_raw()).npss = 0 }
    }

    /// How long an admin command may take, in jiffies.
    pub(crate) fn admin_timeout(self) -> usize {
        field!(self, admin_timeout) as usize
    }

    /// The admin queue, once there is one.
    pub(crate) fn admin_queue(self) -> Option<NonNull<bindings::request_queue>> {
        NonNull::new(field!(self, admin_q))
    }

    /// Whether there is an admin queue that has not been told to die.
    pub(crate) fn admin_queue_lives(self) -> bool {
        let Some(queue) = self.admin_queue() else {
            return false;
        };
        // SAFETY: The queue is valid as long as the controller.
        !unsafe { bindings::rnvme_queue_dying(queue.as_ptr()) }
    }

    /// Whether the I/O tag set exists, and how many of blk-mq's maps it has.
    pub(crate) fn tag_set_maps(self) -> Option<u32> {
        let set = NonNull::new(field!(self, tagset))?;
        // SAFETY: The tag set is a field of the device.
        Some(unsafe { (*set.as_ptr()).nr_maps })
    }

    /// Sets what the core needs of CAP and of this driver's limits before it enables.
    pub(crate) fn set_capabilities(self, cap: u64, entries: u32, subsystem: bool) {
        // SAFETY: The controller is valid; probe and reset, the only callers, exclude each other.
        unsafe {
            let ctrl = &mut *self.as_raw();
            ctrl.cap = cap;
            // 0's based.
            ctrl.sqsize = (entries - 1) as u16;
            ctrl.subsystem = subsystem;
        }
    }

    /// Sets the limits of a request that the core hands to the block layer.
    pub(crate) fn set_limits(self, sectors: u32, segments: u32, integrity_segments: u32) {
        // SAFETY: As above.
        unsafe {
            let ctrl = &mut *self.as_raw();
            ctrl.max_hw_sectors = sectors;
            ctrl.max_segments = segments;
            ctrl.max_integrity_segments = integrity_segments;
        }
    }

    /// Sets how many segments of metadata a request may have.
    pub(crate) fn set_integrity_segments(self, segments: u32) {
        // SAFETY: As above.
        unsafe { (*self.as_raw()).max_integrity_segments = segments }
    }

    /// Forgets the I/O tag set, which has been freed.
    pub(crate) fn forget_io_tag_set(self) {
        // SAFETY: As above.
        unsafe { (*self.as_raw()).tagset = core::ptr::null_mut() }
    }

    /// Whether the controller can reset its subsystem.
    pub(crate) fn has_subsystem(self) -> bool {
        field!(self, subsystem)
    }

    /// An opcode in words.
    pub(crate) fn opcode_name(self, qid: u16, opcode: u8) -> &'static CStr {
        // SAFETY: The core's tables hold static strings.
        unsafe { CStr::from_char_ptr(bindings::rnvme_opcode_name(qid, opcode)) }
    }

    /// Sets how many queues there are, the admin queue among them.
    pub(crate) fn set_queue_count(self, queues: u32) {
        // SAFETY: As above.
        unsafe { (*self.as_raw()).queue_count = queues }
    }

    /// Sets the memory node.
    pub(crate) fn set_node(self, node: c_int) {
        // SAFETY: As above.
        unsafe { (*self.as_raw()).numa_node = node }
    }

    calls! {
        /// Makes the controller's namespaces known; scans begin.
        start => nvme_start_ctrl;
        /// Stops scans, events and keep-alive.
        stop => nvme_stop_ctrl;
        /// Takes the character device away.
        uninit => nvme_uninit_ctrl;
        /// Removes all namespaces; I/O that hangs is the caller's to end before.
        remove_namespaces => nvme_remove_namespaces;
        /// Lets all namespaces fail I/O.
        mark_namespaces_dead => nvme_mark_namespaces_dead;
        /// Stops the dispatch of I/O; waits for what is on its way.
        quiesce_io => nvme_quiesce_io_queues;
        /// Starts it again.
        unquiesce_io => nvme_unquiesce_io_queues;
        /// Stops the dispatch of admin commands.
        quiesce_admin => nvme_quiesce_admin_queue;
        /// Starts it again.
        unquiesce_admin => nvme_unquiesce_admin_queue;
        /// Waits for timeout work of all queues.
        sync_queues => nvme_sync_queues;
        /// Begins to keep new I/O out.
        start_freeze => nvme_start_freeze;
        /// Waits until all I/O has ended.
        wait_freeze => nvme_wait_freeze;
        /// As above, for the core's I/O timeout at most.
        wait_freeze_timeout => nvme_wait_freeze_timeout;
        /// Lets I/O in.
        unfreeze => nvme_unfreeze;
        /// Ends all I/O that has been started.
        cancel_io => nvme_cancel_tagset;
        /// Ends all admin commands that have been started.
        cancel_admin => nvme_cancel_admin_tagset;
        /// Frees the admin queue and its tags.
        remove_admin_tag_set => nvme_remove_admin_tag_set;
        /// Frees the I/O tags.
        remove_io_tag_set => nvme_remove_io_tag_set;
    }

    /// Makes the controller's character device.
    pub(crate) fn add(self) -> Result {
        // SAFETY: The controller is valid.
        to_result(unsafe { bindings::nvme_add_ctrl(self.as_raw()) })
    }

    /// Gives a reference to the controller back.
    pub(crate) fn put(self) {
        let device = field!(self, device);
        // SAFETY: The caller holds a reference.
        unsafe { bindings::put_device(device) }
    }

    /// Sets CC.EN and waits for CSTS.RDY as CAP.TO and CRTO say.
    pub(crate) fn enable(self) -> Result {
        // SAFETY: The controller is valid.
        to_result(unsafe { bindings::nvme_enable_ctrl(self.as_raw()) })
    }

    /// Clears CC.EN, or asks for a shutdown, and waits for the controller.
    pub(crate) fn disable(self, shutdown: bool) -> Result {
        // SAFETY: The controller is valid.
        to_result(unsafe { bindings::nvme_disable_ctrl(self.as_raw(), shutdown) })
    }

    /// Identifies the controller and sets its features.
    pub(crate) fn init_finish(self, was_suspended: bool) -> Result {
        // SAFETY: The controller is valid.
        let result = unsafe { bindings::nvme_init_ctrl_finish(self.as_raw(), was_suspended) };
        // A positive number is the status of a command.
        if result > 0 {
            return Err(EIO);
        }
        to_result(result)
    }

    /// Makes the admin queue and its tags in `set`.
    ///
    /// # Safety
    ///
    /// `set` is a field of this controller's device, `ops` are for it.
    pub(crate) unsafe fn alloc_admin_tag_set(
        self,
        set: *mut bindings::blk_mq_tag_set,
        ops: &'static bindings::blk_mq_ops,
        size: usize,
    ) -> Result {
        // SAFETY: By the function's contract.
        to_result(unsafe {
            bindings::nvme_alloc_admin_tag_set(self.as_raw(), set, ops, size as c_uint)
        })
    }

    /// Makes the I/O tags in `set`.
    ///
    /// # Safety
    ///
    /// As for the admin queue's.
    pub(crate) unsafe fn alloc_io_tag_set(
        self,
        set: *mut bindings::blk_mq_tag_set,
        ops: &'static bindings::blk_mq_ops,
        maps: u32,
        size: usize,
    ) -> Result {
        // SAFETY: By the function's contract.
        to_result(unsafe {
            bindings::nvme_alloc_io_tag_set(self.as_raw(), set, ops, maps, size as c_uint)
        })
    }

    /// Asks the controller for `wanted` I/O queues; it may grant fewer, or none.
    pub(crate) fn set_queue_number(self, wanted: u32) -> Result<u32> {
        let mut count = wanted as c_int;
        // SAFETY: The controller is valid, the count is used during the call.
        to_result(unsafe { bindings::nvme_set_queue_count(self.as_raw(), &mut count) })?;
        Ok(count.max(0) as u32)
    }

    /// Sends an admin command and waits for it; false where the controller refused.
    pub(crate) fn submit_sync(self, mut command: AdminCommand) -> Result<bool> {
        let queue = self.admin_queue().ok_or(ENODEV)?;
        // SAFETY: The queue is valid, the command lives for the call, and there is no data.
        let result = unsafe {
            bindings::nvme_submit_sync_cmd(
                queue.as_ptr(),
                command.as_raw(),
                core::ptr::null_mut(),
                0,
            )
        };
        if result < 0 {
            return Err(Error::from_errno(result));
        }
        Ok(result == 0)
    }

    /// Gets the power state; [`None`] where the controller refused.
    pub(crate) fn power_state(self) -> Result<Option<u32>> {
        let mut state = 0u32;
        // SAFETY: The controller is valid, the result is a dword.
        let result = unsafe {
            bindings::nvme_get_features(
                self.as_raw(),
                bindings::NVME_FEAT_POWER_MGMT,
                0,
                core::ptr::null_mut(),
                0,
                (&raw mut state).cast::<c_void>(),
            )
        };
        if result < 0 {
            return Err(Error::from_errno(result));
        }
        Ok((result == 0).then_some(state))
    }

    /// Sets the power state; `Ok(false)` where the controller refused.
    pub(crate) fn set_power_state(self, state: u32) -> Result<bool> {
        // SAFETY: The controller is valid, there is no data and no result.
        let result = unsafe {
            bindings::nvme_set_features(
                self.as_raw(),
                bindings::NVME_FEAT_POWER_MGMT,
                state,
                core::ptr::null_mut(),
                0,
                core::ptr::null_mut(),
            )
        };
        if result < 0 {
            return Err(Error::from_errno(result));
        }
        Ok(result == 0)
    }

    /// Waits for the state [`State::Resetting`]; false where the controller is on its way out.
    pub(crate) fn wait_reset(self) -> bool {
        // SAFETY: The controller is valid.
        unsafe { bindings::nvme_wait_reset(self.as_raw()) }
    }

    /// Schedules the reset work, where the state is [`State::Resetting`].
    pub(crate) fn try_schedule_reset(self) -> Result {
        // SAFETY: The controller is valid.
        to_result(unsafe { bindings::nvme_try_sched_reset(self.as_raw()) })
    }

    /// Waits for the reset work.
    pub(crate) fn flush_reset(self) {
        // SAFETY: The work was initialised with the controller.
        unsafe { bindings::flush_work(&raw mut (*self.as_raw()).reset_work) };
    }

    /// Waits for the first scan of the namespaces.
    pub(crate) fn flush_scan(self) {
        // SAFETY: As above.
        unsafe { bindings::flush_work(&raw mut (*self.as_raw()).scan_work) };
    }

    /// Hands an asynchronous event's completion to the core, `status` as the controller wrote it.
    pub(crate) fn complete_async_event(self, status: u16, result: u64) {
        let mut result = bindings::nvme_completion_nvme_result { u64_: result };
        // SAFETY: The controller is valid, the result lives for the call.
        unsafe { bindings::nvme_complete_async_event(self.as_raw(), status, &raw mut result) }
    }

    /// Takes one of the aborts that the controller allows at a time; false where none is left.
    pub(crate) fn take_abort(self) -> bool {
        let left = self.abort_limit();
        if left.fetch_sub(1, kernel::sync::atomic::Relaxed) > 0 {
            return true;
        }
        left.add(1, kernel::sync::atomic::Relaxed);
        false
    }

    /// Gives it back.
    pub(crate) fn give_abort_back(self) {
        self.abort_limit().add(1, kernel::sync::atomic::Relaxed);
    }

    fn abort_limit(&self) -> &kernel::sync::atomic::Atomic<i32> {
        // SAFETY: The field is an atomic_t, an i32 that all change atomically, and lives as long
        // as the controller.
        unsafe {
            let limit = &raw mut (*self.0.as_ptr()).abort_limit;
            kernel::sync::atomic::Atomic::from_ptr(limit.cast())
        }
    }

    /// What becomes of a request that comes while the controller cannot take it.
    pub(crate) fn fail_not_ready(self, rq: *mut bindings::request) -> Status {
        // SAFETY: The controller and the request are valid, by the caller's type.
        Status(unsafe { bindings::nvme_fail_nonready_command(self.as_raw(), rq) })
    }

    /// Whether the core lets this request through in the current state.
    pub(crate) fn lets_through(self, rq: *mut bindings::request) -> bool {
        let state = field!(self, state);
        // SAFETY: As above.
        unsafe { bindings::__nvme_check_ready(self.as_raw(), rq, true, state) }
    }

    /// Logs a completion that was refused; limited in rate.
    #[cold]
    pub(crate) fn warn_completion(self, qid: u16, command_id: u16) {
        // SAFETY: The controller is valid.
        unsafe { bindings::rnvme_warn_completion(self.as_raw(), qid, command_id) }
    }
}
