// SPDX-License-Identifier: GPL-2.0

//! A queue pair: submission under its lock, completion by its one consumer.

use crate::bindings;
use crate::blk::{self, Batch, Request, Status, Tags};
use crate::custody::CommandId;
use crate::dma::{Coherent, DmaDevice, Pool, Reserve, Shared};
use crate::iod::{MappedRequest, LARGE_BYTES, PIECES_BYTES, SMALL_BYTES};
use crate::nvme::{AdminCommand, Ctrl};
use crate::once::Once;
use crate::pci::{Bar, Doorbell, Function};
use crate::ring::{event_needed, CqRing, SqRing};
use crate::spec::{self, CqEntry, SqEntry};
use core::cell::UnsafeCell;
use core::pin::Pin;
use core::ptr::NonNull;
use kernel::ffi::{c_int, c_ulong, c_void};
use kernel::prelude::*;
use kernel::sync::barrier::{mb, Full, Write};
use kernel::sync::{new_spinlock, SpinLock};
use kernel::types::Opaque;

/// A shadow doorbell in memory, and the index up to which the controller looks there by itself
/// (section 8.2.6).
struct Shadow {
    doorbell: Shared,
    event: Shared,
}

impl Shadow {
    /// Writes the shadow; whether the doorbell itself must ring.
    fn ring(&mut self, value: u32) -> bool {
        // The queue's entries before the shadow that announces them.
        mb(Write);
        let old = self.doorbell.read();
        self.doorbell.write(value);
        // The shadow before the event index: the controller does it the other way around, so that
        // one of the two sees the other's write.
        mb(Full);
        event_needed(self.event.read() as u16, value as u16, old as u16)
    }
}

/// The submission side.
struct Submission {
    ring: SqRing,
    entries: Coherent<SqEntry>,
    doorbell: Doorbell,
    shadow: Option<Shadow>,
}

impl Submission {
    #[inline(always)]
    fn push(&mut self, command: &SqEntry) {
        let slot = self.ring.push();
        self.entries.write(slot as usize, command);
    }

    #[inline(always)]
    fn ring(&mut self, last: bool) {
        let Some(tail) = self.ring.ring(last) else {
            return;
        };
        let must_ring = match &mut self.shadow {
            None => true,
            Some(shadow) => shadow.ring(tail),
        };
        if must_ring {
            self.doorbell.ring(tail);
        }
    }
}

/// The completion side.
struct Completion {
    ring: CqRing,
    entries: Coherent<CqEntry>,
    doorbell: Doorbell,
    shadow: Option<Shadow>,
}

impl Completion {
    /// The next completion, where there is one.
    #[inline(always)]
    fn next(&mut self) -> Option<CqEntry> {
        let head = self.ring.head() as usize;
        let entry = self
            .entries
            .fetch(head, |status| self.ring.is_new(status))?;
        self.ring.pop();
        Some(entry)
    }

    /// Tells the controller how far its completions have been consumed.
    #[inline(always)]
    fn ring(&mut self) {
        let head = self.ring.head();
        let must_ring = match &mut self.shadow {
            None => true,
            Some(shadow) => shadow.ring(head),
        };
        if must_ring {
            self.doorbell.ring(head);
        }
    }
}

/// What all queues of a device share.
pub(crate) struct Pools {
    small: Pool,
    large: Pool,
    pieces: Reserve,
}

impl Pools {
    /// Makes the pools. Some controllers want short lists aligned to 512 bytes.
    pub(crate) fn new(device: DmaDevice, align_512: bool) -> Result<Self> {
        let align = if align_512 { 512 } else { SMALL_BYTES };
        Ok(Self {
            small: Pool::new(device, c"rust_nvme short lists", SMALL_BYTES, align)?,
            large: Pool::new(device, c"rust_nvme lists", LARGE_BYTES, LARGE_BYTES)?,
            pieces: Reserve::new(device, PIECES_BYTES)?,
        })
    }
}

/// A queue pair. It stands at one place from the device's allocation to its end; its rings come and
/// go.
#[pin_data]
pub(crate) struct Queue {
    qid: u16,
    ctrl: Ctrl,
    function: Function,
    /// Outlives every request that is mapped; see [`Self::new`].
    pools: NonNull<Pools>,
    tags: Tags,
    /// Commands may be submitted. The device's shutdown lock guards changes.
    enabled: Once<bool>,
    /// The queue has no interrupt. Guarded as above.
    polled: Once<bool>,
    /// Commands of this queue may use SGLs.
    sgls: Once<bool>,
    /// An Asynchronous Event Request is with the controller; on the admin queue only. Set with the
    /// submission lock held, cleared by the consumer, which may be an interrupt and take no lock.
    event_request: Once<bool>,
    /// The interrupt vector of an enabled queue that has one.
    vector: Once<u32>,
    #[pin]
    submission: SpinLock<Option<Submission>>,
    /// One consumer at a time: see [`Self::reap`].
    completion: UnsafeCell<Option<Completion>>,
    /// Held by consumers that are not the interrupt's handler.
    #[pin]
    consumer: SpinLock<()>,
    /// The controller has answered the command that deletes the queue.
    #[pin]
    deleted: Opaque<bindings::completion>,
}

// SAFETY: All but `completion` is shareable; that one has one consumer at a time.
unsafe impl Sync for Queue {}
// SAFETY: A queue belongs to no thread.
unsafe impl Send for Queue {}

impl Queue {
    /// A queue without rings.
    ///
    /// # Safety
    ///
    /// `pools` live as long as the queue gets requests that it has not completed.
    pub(crate) unsafe fn new(
        qid: u16,
        ctrl: Ctrl,
        function: Function,
        pools: NonNull<Pools>,
    ) -> impl PinInit<Self> {
        pin_init!(Self {
            qid,
            ctrl,
            function,
            pools,
            tags: Tags::none(),
            enabled: Once::new(false),
            polled: Once::new(false),
            sgls: Once::new(false),
            event_request: Once::new(false),
            vector: Once::new(0),
            submission <- new_spinlock!(None, "rust_nvme::submission"),
            completion: UnsafeCell::new(None),
            consumer <- new_spinlock!((), "rust_nvme::consumer"),
            // SAFETY: The completion is initialised in place.
            deleted <- Opaque::ffi_init(|done| unsafe { bindings::rnvme_init_completion(done) }),
        })
    }

    /// The controller.
    #[inline(always)]
    pub(crate) fn ctrl(&self) -> Ctrl {
        self.ctrl
    }

    /// The queue's identifier, 0 for the admin queue.
    pub(crate) fn qid(&self) -> u16 {
        self.qid
    }

    /// The tags of its requests.
    #[inline(always)]
    pub(crate) fn tags(&self) -> &Tags {
        &self.tags
    }

    /// The device that reads and writes memory.
    #[inline(always)]
    pub(crate) fn dma(&self) -> DmaDevice {
        self.function.dma()
    }

    /// Whether commands of this queue may use SGLs.
    #[inline(always)]
    pub(crate) fn takes_sgls(&self) -> bool {
        self.sgls.get()
    }

    #[inline(always)]
    fn pools(&self) -> &Pools {
        // SAFETY: By the contract of `new` the pools are there as long as requests come.
        unsafe { self.pools.as_ref() }
    }

    /// The pool of short lists.
    pub(crate) fn small_pool(&self) -> &Pool {
        &self.pools().small
    }

    /// The pool of lists that fill a page.
    pub(crate) fn large_pool(&self) -> &Pool {
        &self.pools().large
    }

    /// Takes an array for the pieces of a request.
    pub(crate) fn take_pieces(&self) -> Option<NonNull<u8>> {
        self.pools().pieces.take()
    }

    /// Gives it back.
    pub(crate) fn give_pieces_back(&self, pieces: NonNull<u8>) {
        self.pools().pieces.give_back(pieces);
    }

    /// Submits a request, or says what becomes of it.
    #[inline(always)]
    pub(crate) fn queue(&self, rq: Request, last: bool) -> Result<(), Status> {
        if !self.enabled.get() {
            return Err(Status::IOERR);
        }
        if !self.is_ready(rq) {
            return Err(self.ctrl.fail_not_ready(rq.as_raw()));
        }
        let rq = MappedRequest::new(rq, self)?;
        let mut submission = self.submission.lock();
        if let Some(submission) = &mut *submission {
            rq.hand_over(|command| submission.push(command));
            submission.ring(last);
        }
        Ok(())
    }

    #[inline(always)]
    fn is_ready(&self, rq: Request) -> bool {
        self.ctrl.is_live() || self.ctrl.lets_through(rq.as_raw())
    }

    /// Prepares a request of a batch; what cannot go now goes through [`Self::queue`] later.
    #[inline(always)]
    pub(crate) fn map(&self, rq: Request) -> Option<MappedRequest> {
        if !self.enabled.get() || !self.is_ready(rq) {
            return None;
        }
        MappedRequest::new(rq, self).ok()
    }

    /// Submits prepared requests; the doorbell rings once.
    #[inline(always)]
    pub(crate) fn submit_all(&self, requests: impl Iterator<Item = MappedRequest>) {
        let mut submission = self.submission.lock();
        if let Some(submission) = &mut *submission {
            for rq in requests {
                rq.hand_over(|command| submission.push(command));
            }
            submission.ring(true);
        }
    }

    /// Rings for what was submitted without.
    pub(crate) fn commit(&self) {
        if let Some(submission) = &mut *self.submission.lock() {
            submission.ring(true);
        }
    }

    /// Sends an Asynchronous Event Request, where the controller has none yet.
    pub(crate) fn submit_event_request(&self) {
        if let Some(submission) = &mut *self.submission.lock() {
            if !self.event_request.get() {
                self.event_request.set(true);
                submission.push(&AdminCommand::async_event().entry());
                submission.ring(true);
            }
        }
    }

    /// Consumes all new completions; whether there were any.
    ///
    /// # Safety
    ///
    /// No other consumer runs. These are: the interrupt's handler, which the interrupt core runs
    /// once at a time, and whoever holds `consumer` while that handler cannot run, because its
    /// interrupt is disabled, freed, or was never requested.
    #[inline(always)]
    unsafe fn reap(&self, mut batch: Option<&mut Batch>) -> bool {
        // SAFETY: By the function's contract.
        let Some(completion) = (unsafe { &mut *self.completion.get() }) else {
            return false;
        };
        let Some(mut entry) = completion.next() else {
            return false;
        };
        loop {
            self.accept(entry, batch.as_deref_mut());
            match completion.next() {
                Some(next) => entry = next,
                None => break,
            }
        }
        completion.ring();
        true
    }

    /// Believes a completion whose identifier names a command that the controller has; logs others.
    #[inline(always)]
    fn accept(&self, entry: CqEntry, batch: Option<&mut Batch>) {
        let tag = u32::from(CommandId(entry.command_id).tag());
        if self.qid == 0 && tag >= bindings::NVME_AQ_BLK_MQ_DEPTH {
            return self.accept_event(entry.command_id, entry.status, entry.result);
        }
        match self.tags.find(self.qid, &entry) {
            Some(rq) => rq.complete(entry, batch),
            None => self.ctrl.warn_completion(self.qid, entry.command_id),
        }
    }

    /// As above, for the one event request, which has no request of blk-mq's. Takes an entry's
    /// parts: passed whole, each would go through memory.
    #[cold]
    fn accept_event(&self, command_id: u16, status: u16, result: u64) {
        let ours = u32::from(command_id) == bindings::NVME_AQ_BLK_MQ_DEPTH;
        if ours && self.event_request.get() {
            self.event_request.set(false);
            self.ctrl.complete_async_event(status, result);
        } else {
            self.ctrl.warn_completion(self.qid, command_id);
        }
    }

    /// Polls, for blk-mq; whether there was a completion.
    #[inline(always)]
    pub(crate) fn poll(&self, batch: Option<&mut Batch>) -> bool {
        let _consumer = self.consumer.lock();
        // Under the lock: a reset may give the queue an interrupt.
        if !self.polled.get() {
            return false;
        }
        // SAFETY: A polled queue has no interrupt, and we hold `consumer`.
        unsafe { self.reap(batch) }
    }

    /// Looks for completions whose interrupt got lost. May sleep.
    pub(crate) fn look_once(&self) {
        if self.polled.get() {
            self.poll(None);
            return;
        }
        self.function.with_irq_disabled(self.vector.get(), || {
            let _consumer = self.consumer.lock();
            // SAFETY: The handler cannot run, and we hold `consumer`.
            unsafe { self.reap(None) };
        });
    }

    /// Looks for completions of a queue that is down: the last chance before its requests end.
    pub(crate) fn look_last(&self) {
        let _consumer = self.consumer.lock();
        // SAFETY: The queue is down: its interrupt is freed, and we hold `consumer`.
        unsafe { self.reap(None) };
    }

    /// Has completions name no request until the next dispatch. Waits for who looks at one; may
    /// sleep.
    ///
    /// No command of blk-mq's may be with the controller.
    pub(crate) fn forget_tags(&self) {
        if !self.tags.known() {
            return;
        }
        let forget = || {
            let _consumer = self.consumer.lock();
            self.tags.forget();
        };
        if self.enabled.get() && !self.polled.get() {
            self.function.with_irq_disabled(self.vector.get(), forget);
        }
        // A queue that is down, or whose vector is gone, has no handler.
        forget();
    }

    /// Makes the rings, or empties them; the queue must be down. May sleep.
    ///
    /// Rings of the right size are used again.
    pub(crate) fn prepare(&self, entries: u32, bar: &Bar, stride: usize) -> Result {
        let offset = spec::doorbell(self.qid, stride);
        let submit = bar.doorbell(offset).ok_or(ENODEV)?;
        let complete = bar.doorbell(offset + stride).ok_or(ENODEV)?;
        let old = self.release();
        let (submission, mut completion) = match old {
            Some(rings) if rings.0.len() == entries as usize => rings,
            _ => (
                Coherent::new(self.dma(), entries as usize)?,
                Coherent::new(self.dma(), entries as usize)?,
            ),
        };
        let entries = submission.len() as u32;
        completion.clear();
        let submission = Submission {
            ring: SqRing::new(entries).ok_or(EINVAL)?,
            entries: submission,
            doorbell: submit,
            shadow: None,
        };
        let completion = Completion {
            ring: CqRing::new(entries).ok_or(EINVAL)?,
            entries: completion,
            doorbell: complete,
            shadow: None,
        };
        self.sgls.set(self.qid != 0 && self.ctrl.takes_sgls());
        self.event_request.set(false);
        *self.submission.lock() = Some(submission);
        let _consumer = self.consumer.lock();
        // SAFETY: The queue is down: it has no interrupt, and we hold `consumer`.
        unsafe { *self.completion.get() = Some(completion) };
        Ok(())
    }

    /// Takes the rings' memory out of a queue that is down.
    pub(crate) fn release(&self) -> Option<(Coherent<SqEntry>, Coherent<CqEntry>)> {
        let submission = self.submission.lock().take();
        let completion = {
            let _consumer = self.consumer.lock();
            // SAFETY: The queue is down: it has no interrupt, and we hold `consumer`.
            unsafe { (*self.completion.get()).take() }
        };
        Some((submission?.entries, completion?.entries))
    }

    /// Entries and addresses of the rings: submission, completion.
    pub(crate) fn rings(&self) -> Option<(u32, u64, u64)> {
        let (entries, address) = {
            let submission = self.submission.lock();
            let submission = submission.as_ref()?;
            (submission.ring.entries(), submission.entries.address())
        };
        let _consumer = self.consumer.lock();
        // SAFETY: The address never changes while the ring is there; the handler does not write it.
        let completion = unsafe { (*self.completion.get()).as_ref()?.entries.address() };
        Some((entries, address, completion))
    }

    /// Gives the queue its shadow doorbells: words of `doorbells`, event indices of `events`.
    ///
    /// # Safety
    ///
    /// The controller has been told of both arrays, no request is submitted meanwhile, and the
    /// arrays live until [`Self::prepare`] or [`Self::release`].
    pub(crate) unsafe fn set_shadow(
        &self,
        doorbells: &Coherent<u32>,
        events: &Coherent<u32>,
        stride: usize,
    ) {
        let shadow = |index| {
            // SAFETY: By the function's contract the arrays outlive the shadow.
            unsafe {
                Some(Shadow {
                    doorbell: Shared::new(doorbells, index)?,
                    event: Shared::new(events, index)?,
                })
            }
        };
        let first = 2 * usize::from(self.qid) * stride / 4;
        if let Some(submission) = &mut *self.submission.lock() {
            submission.shadow = shadow(first);
        }
        let set = || {
            let _consumer = self.consumer.lock();
            // SAFETY: The handler cannot run, and we hold `consumer`.
            if let Some(completion) = unsafe { &mut *self.completion.get() } {
                completion.shadow = shadow(first + stride / 4);
            }
        };
        if self.polled.get() {
            set();
        } else {
            self.function.with_irq_disabled(self.vector.get(), set);
        }
    }

    /// Whether the queue takes commands.
    pub(crate) fn is_enabled(&self) -> bool {
        self.enabled.get()
    }

    /// Lets the queue take commands: with the interrupt of `vector`, or polled.
    ///
    /// The caller holds the device's shutdown lock.
    pub(crate) fn enable(self: Pin<&Self>, vector: Option<u32>) -> Result {
        self.polled.set(vector.is_none());
        if let Some(vector) = vector {
            self.vector.set(vector);
            let cookie = core::ptr::from_ref(self.get_ref()).cast_mut().cast();
            // SAFETY: The queue is pinned, and frees the interrupt before it goes.
            unsafe {
                self.function.request_irq(
                    vector,
                    Some(interrupt),
                    None,
                    cookie,
                    self.ctrl.instance(),
                    self.qid,
                )
            }?;
        }
        // What was prepared, before the first request sees the queue enabled.
        mb(Write);
        self.enabled.set(true);
        Ok(())
    }

    /// Stops the queue; false where it was stopped already. Waits for the interrupt's handler.
    ///
    /// The caller holds the device's shutdown lock.
    pub(crate) fn disable(&self) -> bool {
        if !self.enabled.get() {
            return false;
        }
        self.enabled.set(false);
        // The flag before quiescing looks who is inside.
        mb(Full);
        if self.polled.get() {
            let _consumer = self.consumer.lock();
            self.polled.set(false);
        } else {
            let cookie = core::ptr::from_ref(self).cast_mut().cast();
            // SAFETY: `enable` requested it for this vector and cookie.
            unsafe { self.function.free_irq(self.vector.get(), cookie) };
        }
        true
    }

    /// Sends the command that deletes the queue on the controller, without waiting.
    pub(crate) fn send_deletion(self: Pin<&Self>, command: AdminCommand) -> Result {
        // SAFETY: Nobody waits for the completion now.
        unsafe { bindings::rnvme_init_completion(self.deleted.get()) };
        let cookie = core::ptr::from_ref(self.get_ref()).cast_mut().cast();
        // SAFETY: The queue is pinned and outlives the admin queue's requests.
        unsafe { blk::send_admin(self.ctrl, command, deletion_ended, cookie) }
    }

    /// Waits until the controller has answered that command, `jiffies` at most; gives what is left
    /// of them, 0 where it did not answer.
    pub(crate) fn wait_deleted(&self, jiffies: usize) -> usize {
        // SAFETY: Initialised by `send_deletion`.
        unsafe {
            bindings::rnvme_wait_for_completion(self.deleted.get(), jiffies as c_ulong) as usize
        }
    }
}

/// An interrupt of the queue `cookie`.
extern "C" fn interrupt(_irq: c_int, cookie: *mut c_void) -> bindings::irqreturn_t {
    // SAFETY: `enable` gave the queue as the cookie, and the queue frees the interrupt before it
    // goes.
    let queue = unsafe { &*cookie.cast::<Queue>() };
    let mut batch = Batch::new();
    // SAFETY: The interrupt core runs a handler once at a time; others disable the interrupt.
    if !unsafe { queue.reap(Some(&mut batch)) } {
        return bindings::irqreturn_IRQ_NONE;
    }
    batch.end();
    bindings::irqreturn_IRQ_HANDLED
}

/// The end of a command that [`Queue::send_deletion`] sent.
extern "C" fn deletion_ended(
    rq: *mut bindings::request,
    _error: bindings::blk_status_t,
    _batch: *const bindings::io_comp_batch,
) -> bindings::rq_end_io_ret {
    // SAFETY: blk-mq calls this for that command.
    let (_, _, cookie) = unsafe { blk::end_admin(rq) };
    // SAFETY: The cookie is the queue, which outlives the admin queue's requests.
    let queue = unsafe { &*cookie.cast::<Queue>() };
    // SAFETY: Initialised by `send_deletion`.
    unsafe { bindings::rnvme_complete(queue.deleted.get()) };
    bindings::rq_end_io_ret_RQ_END_IO_NONE
}
