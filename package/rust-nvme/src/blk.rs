// SPDX-License-Identifier: GPL-2.0

//! The border to blk-mq: requests, batches, and the callbacks.
//!
//! C headers: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h),
//! [`include/linux/blk-mq-dma.h`](srctree/include/linux/blk-mq-dma.h).

use crate::bindings;
use crate::custody::{self, CommandId};
use crate::device::Device;
use crate::iod::Iod;
use crate::nvme::{AdminCommand, Ctrl};
use crate::once::Once;
use crate::queue::Queue;
use crate::spec::{CqEntry, SqEntry, Transfer};
use core::ptr::NonNull;
use kernel::ffi::{c_int, c_uint, c_void};
use kernel::prelude::*;
use kernel::sync::barrier::{mb, Write};

/// Why a request was not taken, `blk_status_t`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Status(pub(crate) bindings::blk_status_t);

impl Status {
    const OK: Self = Self(bindings::RNVME_BLK_STS_OK);
    /// Something is short; blk-mq tries again later.
    pub(crate) const RESOURCE: Self = Self(bindings::RNVME_BLK_STS_RESOURCE);
    /// The request ends with EIO.
    pub(crate) const IOERR: Self = Self(bindings::RNVME_BLK_STS_IOERR);

    /// An error where the C function gave one.
    pub(crate) fn check(status: bindings::blk_status_t) -> Result<(), Self> {
        if Self(status) == Self::OK {
            Ok(())
        } else {
            Err(Self(status))
        }
    }
}

/// A request of one of this driver's tag sets.
///
/// # Invariants
///
/// The pointer is valid, and behind the request stands an [`Iod`] that [`init_request`] has set up.
/// Tags and their requests live as long as the tag set; that the request is in our hands now is
/// what [`crate::iod::MappedRequest`] and the completion's checks establish.
#[derive(Clone, Copy)]
pub(crate) struct Request(NonNull<bindings::request>);

/// A field of the request.
macro_rules! field {
    ($rq:expr, $field:ident) => {
        // SAFETY: The request is valid by the type's invariant.
        unsafe { (*$rq.0.as_ptr()).$field }
    };
}

impl Request {
    /// The C request.
    #[inline(always)]
    pub(crate) fn as_raw(self) -> *mut bindings::request {
        self.0.as_ptr()
    }

    /// The driver's part, behind the request (`blk_mq_rq_to_pdu`).
    #[inline(always)]
    pub(crate) fn iod(self) -> *mut Iod {
        // SAFETY: By the type's invariant the part stands there.
        unsafe { self.0.as_ptr().add(1).cast() }
    }

    /// The queue that blk-mq put the request on.
    #[inline(always)]
    pub(crate) fn queue(&self) -> &Queue {
        let hctx = field!(self, mq_hctx);
        // SAFETY: `driver_data` is the queue that `init_hctx` set, which outlives the tag set.
        unsafe { &*(*hctx).driver_data.cast::<Queue>() }
    }

    /// The tag.
    pub(crate) fn tag(self) -> c_int {
        field!(self, tag)
    }

    /// Segments of data; a discard's range list is one.
    #[inline(always)]
    pub(crate) fn segments(self) -> u32 {
        if field!(self, rq_flags) & bindings::RNVME_RQF_SPECIAL_PAYLOAD != 0 {
            return 1;
        }
        u32::from(field!(self, nr_phys_segments))
    }

    /// Segments of metadata.
    #[inline(always)]
    pub(crate) fn integrity_segments(self) -> u32 {
        u32::from(field!(self, nr_integrity_segments))
    }

    /// Whether the request has metadata of its own.
    #[inline(always)]
    pub(crate) fn has_integrity(self) -> bool {
        cfg!(CONFIG_BLK_DEV_INTEGRITY)
            && field!(self, cmd_flags) & bindings::RNVME_REQ_INTEGRITY != 0
    }

    /// Bytes of data.
    pub(crate) fn bytes(self) -> u32 {
        if field!(self, rq_flags) & bindings::RNVME_RQF_SPECIAL_PAYLOAD != 0 {
            // SAFETY: The flag says which field of the union counts.
            return unsafe { (*self.as_raw()).__bindgen_anon_3.special_vec.bv_len };
        }
        field!(self, __data_len)
    }

    /// Where the data goes (`rq_dma_dir`): operations with bit 0 set write to the device.
    pub(crate) fn direction(self) -> bindings::dma_data_direction {
        if field!(self, cmd_flags) & 1 != 0 {
            bindings::dma_data_direction_DMA_TO_DEVICE
        } else {
            bindings::dma_data_direction_DMA_FROM_DEVICE
        }
    }

    /// Fills the command.
    #[inline(always)]
    pub(crate) fn setup_command(self) -> Result<(), Status> {
        match self.plain_transfer() {
            Some(entry) => {
                self.clear_core_part();
                // SAFETY: The request is ours alone from queue_rq on.
                unsafe { *(*self.iod()).command_mut() = entry };
                Ok(())
            }
            None => self.setup_by_core(),
        }
    }

    /// The command of a plain read or write, as the core's `nvme_setup_rw` would build it;
    /// [`None`] for all that has metadata, a placement, or atomicity to it.
    #[inline(always)]
    fn plain_transfer(self) -> Option<SqEntry> {
        let flags = field!(self, cmd_flags);
        let op = flags & 0xff;
        let plain = op == bindings::req_op_REQ_OP_READ || op == bindings::req_op_REQ_OP_WRITE;
        if !plain || flags & bindings::RNVME_REQ_ATOMIC != 0 || crate::params::core_commands() {
            return None;
        }
        let queue = field!(self, q);
        // SAFETY: Reads and writes come from a namespace's queue, whose data is the namespace; it
        // and its head live as long as the queue.
        let head = unsafe { &*(*(*queue).queuedata.cast::<bindings::nvme_ns>()).head };
        if head.ms != 0 || op == bindings::req_op_REQ_OP_WRITE && head.nr_plids != 0 {
            return None;
        }
        // Read is operation 0 and opcode 2, Write is 1 and 1.
        let mut entry = Transfer {
            opcode: if op == bindings::req_op_REQ_OP_WRITE {
                1
            } else {
                2
            },
            command_id: self.command_id().0,
            nsid: head.ns_id,
            lba: field!(self, __sector).wrapping_shr(u32::from(head.lba_shift).wrapping_sub(9)),
            blocks: field!(self, __data_len).wrapping_shr(u32::from(head.lba_shift)),
            control: 0,
            hint: 0,
        };
        if flags & (bindings::RNVME_REQ_FUA | bindings::RNVME_REQ_LIMITED_RETRY) != 0 {
            if flags & bindings::RNVME_REQ_FUA != 0 {
                entry.control |= Transfer::FUA;
            }
            if flags & bindings::RNVME_REQ_LIMITED_RETRY != 0 {
                entry.control |= Transfer::LIMITED_RETRY;
            }
            if flags & bindings::RNVME_REQ_RAHEAD != 0 {
                entry.hint = Transfer::PREFETCH;
            }
        }
        Some(entry.entry())
    }

    /// What the core does to a request that it prepares for the first time.
    #[inline(always)]
    fn clear_core_part(self) {
        let flags = field!(self, rq_flags);
        if flags & bindings::RNVME_RQF_DONTPREP == 0 {
            // SAFETY: The request is ours alone from queue_rq on.
            let core = unsafe { (*self.iod()).core_mut() };
            (core.status, core.retries, core.flags) = (0, 0, 0);
            // SAFETY: As above.
            unsafe { (*self.as_raw()).rq_flags = flags | bindings::RNVME_RQF_DONTPREP };
        }
    }

    /// Lets the core fill the command.
    fn setup_by_core(self) -> Result<(), Status> {
        let queue = field!(self, q);
        // SAFETY: The request is valid; `queuedata` is its namespace, or null on the admin queue.
        let status = unsafe { bindings::nvme_setup_cmd((*queue).queuedata.cast(), self.as_raw()) };
        Status::check(status)?;
        // SAFETY: The request is ours alone from queue_rq on.
        unsafe { (*self.iod()).forget_sgl() };
        Ok(())
    }

    /// Frees what the core hung on the command.
    pub(crate) fn cleanup_command(self) {
        // SAFETY: The request is valid.
        unsafe { bindings::nvme_cleanup_cmd(self.as_raw()) }
    }

    /// Tells blk-mq that the request is on its way: the timeout runs.
    #[inline(always)]
    pub(crate) fn start(self) {
        #[cfg(CONFIG_NVME_MULTIPATH)]
        if field!(self, cmd_flags) & bindings::RNVME_REQ_NVME_MPATH != 0 {
            // SAFETY: The request is valid.
            unsafe { bindings::nvme_mpath_start_request(self.as_raw()) }
        }
        // SAFETY: The request is valid and was handed to us to start.
        unsafe { bindings::blk_mq_start_request(self.as_raw()) }
    }

    /// Whether blk-mq holds the request to be on its way still.
    pub(crate) fn is_in_flight(self) -> bool {
        // SAFETY: A field of a valid request; other CPUs change it, so it is read once.
        let state = unsafe { (&raw const (*self.as_raw()).state).read_volatile() };
        state == bindings::mq_rq_state_MQ_RQ_IN_FLIGHT
    }

    /// Marks the request as ended by us, not by the controller.
    pub(crate) fn mark_cancelled(self) {
        // SAFETY: The core's part stands first in the driver's; the timeout owns the request.
        unsafe { (*self.iod()).core_mut().flags |= bindings::NVME_REQ_CANCELLED as u8 }
    }

    /// The identifier that the request's command carries.
    pub(crate) fn command_id(self) -> CommandId {
        // SAFETY: As above.
        CommandId::new(self.tag() as u16, unsafe { (*self.iod()).core().genctr })
    }

    /// The command's opcode.
    pub(crate) fn opcode(self) -> u8 {
        // SAFETY: As above.
        unsafe { (*self.iod()).command().0[0].to_le_bytes()[0] }
    }

    /// The next request of the list that this one is in.
    fn next(self) -> Option<Self> {
        // SAFETY: Requests of a list are linked by this field of the union.
        let next = unsafe { (*self.as_raw()).__bindgen_anon_1.rq_next };
        // INVARIANT: Lists hold requests of this driver only.
        NonNull::new(next).map(Self)
    }

    /// Hands the controller's answer to the core and ends the request, in `batch` where it can be.
    ///
    /// The request must have been taken back from the controller ([`Iod::take_back`]).
    #[inline(always)]
    pub(crate) fn complete(self, entry: CqEntry, batch: Option<&mut Batch>) {
        // SAFETY: The core's part stands first in the driver's; the request is ours to end.
        let core = unsafe { (*self.iod()).core_mut() };
        core.genctr = core.genctr.wrapping_add(1);
        core.status = u16::from_le(entry.status) >> 1;
        core.result.u64_ = entry.result;
        #[cfg(CONFIG_FAULT_INJECTION_DEBUG_FS)]
        // SAFETY: The request is valid.
        unsafe {
            bindings::nvme_should_fail(self.as_raw())
        };
        #[cfg(CONFIG_FAIL_IO_TIMEOUT)]
        // SAFETY: The request is valid.
        if unsafe { bindings::rnvme_fake_timeout(self.as_raw()) } {
            return;
        }
        // SAFETY: The request is valid and was started.
        if unsafe { bindings::blk_mq_complete_request_remote(self.as_raw()) } {
            return;
        }
        // Fault injection may have changed it.
        // SAFETY: As above.
        let failed = unsafe { (*self.iod()).core().status } != 0;
        match batch {
            Some(batch) if batch.takes(self, failed) => batch.add(self),
            _ => self.finish(),
        }
    }

    /// Ends a completed request by itself. Apart from [`Self::complete`], whose requests mostly go
    /// into a batch: that one needs fewer registers so.
    #[inline(never)]
    fn finish(self) {
        // SAFETY: The request is completed: it is ours, and nobody else's, until it ends.
        unsafe {
            Iod::unmap(self);
            if (*self.iod()).core().status != 0 {
                // The core decides what becomes of it.
                bindings::nvme_complete_rq(self.as_raw());
                return;
            }
            // What the core does to a success is the same as in a batch.
            self.end_by_core();
            bindings::blk_mq_end_request(self.as_raw(), Status::OK.0);
        }
    }

    /// Has the core do what it does to a request that ends well, or in a batch. To reads and writes
    /// of one path it does nothing but trace them (`nvme_complete_batch_req`): they are left out,
    /// unless the core is to see them all.
    #[inline(always)]
    fn end_by_core(self) {
        let flags = field!(self, cmd_flags);
        let transfer = flags & 0xff <= bindings::req_op_REQ_OP_WRITE;
        let one_path = flags & bindings::RNVME_REQ_NVME_MPATH == 0;
        if transfer && one_path && !crate::params::core_commands() {
            return;
        }
        // SAFETY: The request is completed and ours until it ends.
        unsafe { bindings::nvme_complete_batch_req(self.as_raw()) }
    }
}

/// Completed requests that end together (`struct io_comp_batch`).
#[repr(transparent)]
pub(crate) struct Batch(bindings::io_comp_batch);

impl Batch {
    /// An empty batch.
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Self(bindings::io_comp_batch {
            req_list: bindings::rq_list {
                head: core::ptr::null_mut(),
                tail: core::ptr::null_mut(),
            },
            need_ts: false,
            complete: None,
            poll_ctx: core::ptr::null_mut(),
        })
    }

    /// Whether the request may end with others: `blk_mq_add_to_batch` has the reasons.
    #[inline(always)]
    fn takes(&self, rq: Request, failed: bool) -> bool {
        if field!(rq, rq_flags) & bindings::RNVME_RQF_SCHED_TAGS != 0 {
            return false;
        }
        let op = field!(rq, cmd_flags) & 0xff;
        let passthrough =
            op == bindings::req_op_REQ_OP_DRV_IN || op == bindings::req_op_REQ_OP_DRV_OUT;
        if !passthrough && (failed || field!(rq, end_io).is_some()) {
            return false;
        }
        // A batch of blk-mq's may hold another driver's requests; ours come from one module.
        self.0
            .complete
            .is_none_or(|complete| complete as usize == complete_batch as *const () as usize)
    }

    #[inline(always)]
    fn add(&mut self, rq: Request) {
        self.0.complete = Some(complete_batch);
        self.0.need_ts |= field!(rq, rq_flags) & bindings::RNVME_RQF_TIMED != 0;
        let raw = rq.as_raw();
        // SAFETY: The request is completed and in no other list.
        unsafe {
            (*raw).__bindgen_anon_1.rq_next = core::ptr::null_mut();
            match NonNull::new(self.0.req_list.tail) {
                Some(tail) => (*tail.as_ptr()).__bindgen_anon_1.rq_next = raw,
                None => self.0.req_list.head = raw,
            }
        }
        self.0.req_list.tail = raw;
    }

    /// Ends all requests of the batch.
    #[inline(always)]
    pub(crate) fn end(&mut self) {
        let mut next = NonNull::new(self.0.req_list.head).map(Request);
        if next.is_none() {
            return;
        }
        while let Some(rq) = next {
            next = rq.next();
            // SAFETY: The request is completed: it is ours until the batch ends.
            unsafe { Iod::unmap(rq) };
            rq.end_by_core();
        }
        // SAFETY: All requests of the list are completed and unmapped.
        unsafe { bindings::blk_mq_end_request_batch(&raw mut self.0) }
    }
}

/// Called by blk-mq for a batch that it collected while polling.
extern "C" fn complete_batch(batch: *mut bindings::io_comp_batch) {
    // SAFETY: blk-mq passes a batch whose `complete` is this function; the types are the same.
    unsafe { (*batch.cast::<Batch>()).end() }
}

/// The tags of one queue: none before a request was dispatched to it.
///
/// blk-mq frees and replaces tags while it makes or maps queues, and a controller that lies may have
/// completions looked at meanwhile. It keeps those of a queue to which it dispatches until it maps
/// queues anew: so they are learned at a dispatch, and forgotten in `map_queues`.
///
/// # Invariants
///
/// The pointer is null, or that of tags that blk-mq has not freed.
pub(crate) struct Tags(Once<*mut bindings::blk_mq_tags>);

impl Tags {
    /// No tags.
    pub(crate) const fn none() -> Self {
        // INVARIANT: Null.
        Self(Once::new(core::ptr::null_mut()))
    }

    /// Learns the tags of a hardware queue.
    ///
    /// # Safety
    ///
    /// A request is being dispatched through `hctx`, which is this queue's.
    #[inline(always)]
    unsafe fn learn(&self, hctx: *const bindings::blk_mq_hw_ctx) {
        // SAFETY: By the function's contract.
        let tags = unsafe { (*hctx).tags };
        if self.0.get() != tags {
            // What the tags hold, before the consumer sees them.
            mb(Write);
            // INVARIANT: blk-mq frees no tags of a queue with a request in it, later only those of
            // queues that it has mapped anew, or with the whole set: `Queue::forget_tags` is called
            // before both.
            self.0.set(tags);
        }
    }

    /// From here on no completion names a request.
    pub(crate) fn forget(&self) {
        // INVARIANT: Null.
        self.0.set(core::ptr::null_mut());
    }

    /// Whether there are any.
    pub(crate) fn known(&self) -> bool {
        !self.0.get().is_null()
    }

    /// The request that a completion on queue `qid` ends; [`None`] for a completion that names
    /// another queue, a tag that was never given out, a request that ended, or a generation of the
    /// past; and where there are no tags: a controller that completes something then is not
    /// believed.
    #[inline(always)]
    pub(crate) fn find(&self, qid: u16, entry: &CqEntry) -> Option<Request> {
        let id = CommandId(entry.command_id);
        let tags = NonNull::new(self.0.get())?.as_ptr();
        let sq_id = u16::from_le(entry.sq_id);
        // SAFETY: By the invariant; there are `nr_tags` entries.
        let rq = unsafe {
            let tag = custody::named_tag(qid, sq_id, id, (*tags).nr_tags)?;
            (*tags).rqs.add(usize::from(tag)).read_volatile()
        };
        // INVARIANT: Tags name requests of their tag set, which `init_request` has seen.
        let rq = Request(NonNull::new(rq)?);
        // SAFETY: The part behind the request is valid; the field is read once.
        unsafe { Iod::take_back(rq.iod(), id) }.then_some(rq)
    }
}

extern "C" fn queue_rq(
    hctx: *mut bindings::blk_mq_hw_ctx,
    data: *const bindings::blk_mq_queue_data,
) -> bindings::blk_status_t {
    // SAFETY: blk-mq passes a hardware queue of ours, and a request that is ours from here on.
    let (queue, rq, last) = unsafe {
        let queue = &*(*hctx).driver_data.cast::<Queue>();
        (
            queue,
            Request(NonNull::new_unchecked((*data).rq)),
            (*data).last,
        )
    };
    // SAFETY: The request came through this hardware queue, whose data the queue is.
    unsafe { queue.tags().learn(hctx) };
    match queue.queue(rq, last) {
        Ok(()) => Status::OK.0,
        Err(status) => status.0,
    }
}

/// Takes a whole list: requests that cannot go now stay in it, for blk-mq to queue one by one.
extern "C" fn queue_rqs(list: *mut bindings::rq_list) {
    // SAFETY: blk-mq passes a list of requests that are ours from here on.
    let list = unsafe { &mut *list };
    let mut next = NonNull::new(list.head).map(Request);
    let mut refused = List::new();
    let mut mapped = List::new();
    while let Some(rq) = next {
        next = rq.next();
        let queue = rq.queue();
        match queue.map(rq) {
            Some(rq) => mapped.push(rq.into_request()),
            None => refused.push(rq),
        }
        // Requests of one queue stand together.
        let same_queue = next.is_some_and(|rq| core::ptr::eq(rq.queue(), queue));
        if !same_queue {
            // SAFETY: None of the requests has been submitted; the hardware queue's data is the
            // queue.
            unsafe { queue.tags().learn((*rq.as_raw()).mq_hctx) };
            queue.submit_all(core::mem::replace(&mut mapped, List::new()).drain());
        }
    }
    (list.head, list.tail) = (refused.head, refused.tail);
}

/// Requests linked by `rq_next`.
struct List {
    head: *mut bindings::request,
    tail: *mut bindings::request,
}

impl List {
    fn new() -> Self {
        Self {
            head: core::ptr::null_mut(),
            tail: core::ptr::null_mut(),
        }
    }

    #[inline(always)]
    fn push(&mut self, rq: Request) {
        let raw = rq.as_raw();
        // SAFETY: The request is ours and in no other list.
        unsafe {
            (*raw).__bindgen_anon_1.rq_next = core::ptr::null_mut();
            match NonNull::new(self.tail) {
                Some(tail) => (*tail.as_ptr()).__bindgen_anon_1.rq_next = raw,
                None => self.head = raw,
            }
        }
        self.tail = raw;
    }

    /// The requests, each as the mapped one that it was when it came into the list.
    #[inline(always)]
    fn drain(self) -> impl Iterator<Item = crate::iod::MappedRequest> {
        let mut next = NonNull::new(self.head).map(Request);
        core::iter::from_fn(move || {
            let rq = next?;
            next = rq.next();
            // SAFETY: Only `into_request` fills the list that is drained.
            Some(unsafe { crate::iod::MappedRequest::from_request(rq) })
        })
    }
}

extern "C" fn commit_rqs(hctx: *mut bindings::blk_mq_hw_ctx) {
    // SAFETY: blk-mq passes a hardware queue of ours.
    unsafe { &*(*hctx).driver_data.cast::<Queue>() }.commit();
}

extern "C" fn complete(rq: *mut bindings::request) {
    // SAFETY: blk-mq passes a request of ours that is completed.
    unsafe { Request(NonNull::new_unchecked(rq)) }.finish();
}

extern "C" fn timeout(rq: *mut bindings::request) -> bindings::blk_eh_timer_return {
    // SAFETY: blk-mq passes a request of ours, and holds it for the call.
    let rq = unsafe { Request(NonNull::new_unchecked(rq)) };
    match Device::of(rq.queue().ctrl()).timeout(rq) {
        Expiry::Handled => bindings::blk_eh_timer_return_BLK_EH_DONE,
        Expiry::WaitOn => bindings::blk_eh_timer_return_BLK_EH_RESET_TIMER,
    }
}

/// What becomes of a request whose time is up.
pub(crate) enum Expiry {
    /// It has been, or will be, ended.
    Handled,
    /// It gets its time once more.
    WaitOn,
}

extern "C" fn poll(
    hctx: *mut bindings::blk_mq_hw_ctx,
    batch: *mut bindings::io_comp_batch,
) -> c_int {
    // SAFETY: blk-mq passes a hardware queue of ours, and a batch or null; the types are the same.
    let (queue, batch) = unsafe {
        (
            &*(*hctx).driver_data.cast::<Queue>(),
            batch.cast::<Batch>().as_mut(),
        )
    };
    c_int::from(queue.poll(batch))
}

extern "C" fn init_admin_hctx(
    hctx: *mut bindings::blk_mq_hw_ctx,
    data: *mut c_void,
    _index: c_uint,
) -> c_int {
    // SAFETY: blk-mq passes the tag set's driver data.
    unsafe { init_any_hctx(hctx, data, 0) }
}

extern "C" fn init_io_hctx(
    hctx: *mut bindings::blk_mq_hw_ctx,
    data: *mut c_void,
    index: c_uint,
) -> c_int {
    // SAFETY: As above.
    unsafe { init_any_hctx(hctx, data, index as usize + 1) }
}

/// # Safety
///
/// `hctx` is blk-mq's, `data` the tag set's driver data.
unsafe fn init_any_hctx(
    hctx: *mut bindings::blk_mq_hw_ctx,
    data: *mut c_void,
    qid: usize,
) -> c_int {
    // SAFETY: The driver data is the controller, which the device lives around.
    let device = unsafe { Device::from_ctrl(data.cast()) };
    let Some(queue) = device.queue(qid) else {
        return EINVAL.to_errno();
    };
    // SAFETY: The hardware queue is being made; nobody else sees it.
    unsafe { (*hctx).driver_data = core::ptr::from_ref(queue).cast_mut().cast() };
    0
}

extern "C" fn init_request(
    set: *mut bindings::blk_mq_tag_set,
    rq: *mut bindings::request,
    _index: c_uint,
    _node: c_int,
) -> c_int {
    // SAFETY: blk-mq passes a request with zeroed space for an `Iod` behind it, and the tag set,
    // whose driver data is the controller.
    unsafe { Iod::init(rq.add(1).cast(), (*set).driver_data.cast()) };
    0
}

extern "C" fn map_queues(set: *mut bindings::blk_mq_tag_set) {
    // SAFETY: blk-mq passes our tag set, and calls nobody else for it meanwhile.
    let (set, device) = unsafe { (&mut *set, Device::from_ctrl((*set).driver_data.cast())) };
    // No request is dispatched: the set is new, or all of its queues are frozen.
    device.forget_io_tags();
    let queues = device.queues();
    // Vector 0 is the admin queue's alone where there is more than one.
    let mut vector = u32::from(device.vectors() > 1);
    let mut first = 0;
    let kinds = [queues.default, queues.read, queues.poll];
    for (kind, count) in kinds.into_iter().enumerate().take(set.nr_maps as usize) {
        // Fewer than the device has, where blk-mq had no memory for more.
        let count = count.min(set.nr_hw_queues.saturating_sub(first));
        let map = &mut set.map[kind];
        map.nr_queues = count;
        if count == 0 {
            continue;
        }
        map.queue_offset = first;
        // SAFETY: The map is being filled; the device is valid.
        unsafe {
            if kind != bindings::hctx_type_HCTX_TYPE_POLL as usize && vector != 0 {
                bindings::blk_mq_map_hw_queues(map, device.function().device().as_ptr(), vector);
            } else {
                bindings::blk_mq_map_queues(map);
            }
        }
        first += count;
        vector += count;
    }
}

/// A table of callbacks, all of them null.
const NO_OPS: bindings::blk_mq_ops =
    // SAFETY: Every field is an `Option` of a function pointer: zero is `None`.
    unsafe { core::mem::zeroed() };

/// The admin queue's callbacks.
pub(crate) static ADMIN_OPS: bindings::blk_mq_ops = bindings::blk_mq_ops {
    queue_rq: Some(queue_rq),
    commit_rqs: Some(commit_rqs),
    complete: Some(complete),
    init_hctx: Some(init_admin_hctx),
    init_request: Some(init_request),
    timeout: Some(timeout),
    ..NO_OPS
};

/// The I/O queues' callbacks.
pub(crate) static IO_OPS: bindings::blk_mq_ops = bindings::blk_mq_ops {
    queue_rq: Some(queue_rq),
    queue_rqs: Some(queue_rqs),
    commit_rqs: Some(commit_rqs),
    complete: Some(complete),
    init_hctx: Some(init_io_hctx),
    init_request: Some(init_request),
    map_queues: Some(map_queues),
    timeout: Some(timeout),
    poll: Some(poll),
    ..NO_OPS
};

/// What follows an admin command that nobody waits for: the cookie of the sender, and whether the
/// command succeeded.
pub(crate) type AdminEnd = unsafe extern "C" fn(
    rq: *mut bindings::request,
    error: bindings::blk_status_t,
    batch: *const bindings::io_comp_batch,
) -> bindings::rq_end_io_ret;

/// Sends an admin command without waiting, and without sleeping for a free tag.
///
/// # Safety
///
/// `end` and `cookie` fit together, and `cookie` is valid until `end` has been called.
pub(crate) unsafe fn send_admin(
    ctrl: Ctrl,
    mut command: AdminCommand,
    end: AdminEnd,
    cookie: *mut c_void,
) -> Result {
    let queue = ctrl.admin_queue().ok_or(ENODEV)?;
    // SAFETY: The queue is valid; commands without data count as reads.
    let rq = kernel::error::from_err_ptr(unsafe {
        bindings::blk_mq_alloc_request(
            queue.as_ptr(),
            bindings::req_op_REQ_OP_DRV_IN,
            bindings::RNVME_BLK_MQ_REQ_NOWAIT,
        )
    })?;
    // SAFETY: The request is ours until it is executed.
    unsafe {
        bindings::nvme_init_request(rq, command.as_raw());
        (*rq).end_io = Some(end);
        (*rq).end_io_data = cookie;
        bindings::blk_execute_rq_nowait(rq, false);
    }
    Ok(())
}

/// Reads what [`AdminEnd`] needs of its request, and frees the request.
///
/// # Safety
///
/// `rq` is the request that blk-mq passed to the [`AdminEnd`] that calls this.
pub(crate) unsafe fn end_admin(rq: *mut bindings::request) -> (Ctrl, u16, *mut c_void) {
    // SAFETY: The request is one of ours, and valid until it is freed.
    unsafe {
        let core = (*rq.add(1).cast::<Iod>()).core();
        let ctrl = Ctrl::from_raw(NonNull::new_unchecked(core.ctrl));
        let (status, cookie) = (core.status, (*rq).end_io_data);
        bindings::blk_mq_free_request(rq);
        (ctrl, status, cookie)
    }
}
