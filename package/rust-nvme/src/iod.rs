// SPDX-License-Identifier: GPL-2.0

//! The driver's part of a request: its command, and how its memory is mapped for the controller.
//!
//! A request is in one of three hands: blk-mq's, ours while it is mapped and unmapped, and the
//! controller's between submission and completion. [`MappedRequest`] proves the second, the byte
//! `custody` records the third: nothing that a controller says about a request that it does not
//! have is believed.

use crate::bindings;
use crate::blk::{Request, Status};
use crate::custody::{CommandId, Custody};
use crate::dma::{wide, DmaDevice, Pool};
use crate::prp;
use crate::queue::Queue;
use crate::spec::{SglDescriptor, SqEntry};
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use kernel::ffi::c_ulong;
use kernel::prelude::*;

/// Most data segments of a request: one page of SGL descriptors.
pub(crate) const MAX_SEGMENTS: usize = 256;
/// Bytes of a piece of the small pool, enough for requests of up to 128 KiB.
pub(crate) const SMALL_BYTES: usize = 256;
/// Bytes of a piece of the large pool.
pub(crate) const LARGE_BYTES: usize = 4096;
/// Most metadata segments: a small piece, whose first descriptor is the segment itself.
pub(crate) const MAX_INTEGRITY_SEGMENTS: u32 =
    (SMALL_BYTES / size_of::<SglDescriptor>() - 1) as u32;

/// PSDT: data by SGL, metadata as one buffer (byte 1 of a command, section 4.1.1).
const PSDT_SGL: u8 = 1 << 6;
/// PSDT: data by SGL, metadata by SGL.
#[cfg(CONFIG_BLK_DEV_INTEGRITY)]
const PSDT_SGL_METADATA: u8 = 2 << 6;

/// A mapped piece of memory, to be unmapped.
#[derive(Clone, Copy)]
struct Piece {
    address: bindings::dma_addr_t,
    len: u32,
}

/// Bytes of the array of pieces of a request.
pub(crate) const PIECES_BYTES: usize = MAX_SEGMENTS * size_of::<Piece>();

/// How data or metadata is mapped now.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Mapped {
    /// Not at all, or in a way that needs no undoing: also what zeroed memory says.
    No,
    /// As one piece, at `address`.
    One,
    /// By blk-mq's iterator.
    Iterated,
}

/// A mapping of data or metadata.
struct Mapping {
    how: Mapped,
    /// The kind of memory that the iterator found, `enum pci_p2pdma_map_type`.
    kind: bindings::pci_p2pdma_map_type,
    len: u32,
    address: u64,
    state: bindings::dma_iova_state,
    /// An IOMMU has made one piece of all, which is unmapped as a whole.
    coalesced: bool,
    /// What must be unmapped piece by piece, an array of [`MAX_SEGMENTS`] from the device's pool.
    pieces: Option<NonNull<Piece>>,
    count: u32,
}

/// A descriptor list in one of the pools.
#[derive(Clone, Copy)]
struct List {
    memory: NonNull<u8>,
    address: u64,
    /// Which of the pools it is of: [`SMALL_BYTES`] or [`LARGE_BYTES`].
    bytes: usize,
}

/// The driver's part of a request, behind it in memory.
#[repr(C)]
pub(crate) struct Iod {
    /// The core's part comes first, which [`drivers/nvme/host/nvme.h`] demands.
    ///
    /// [`drivers/nvme/host/nvme.h`]: srctree/drivers/nvme/host/nvme.h
    core: bindings::nvme_request,
    command: SqEntry,
    /// The controller's from submission until the completion is accepted.
    custody: Custody,
    aborted: bool,
    list_count: u8,
    data: Mapping,
    lists: [MaybeUninit<List>; prp::MAX_LISTS],
    metadata: Mapping,
    metadata_list: Option<List>,
}

impl Iod {
    /// Sets up the part of a new request.
    ///
    /// # Safety
    ///
    /// `iod` points to zeroed memory, `ctrl` is the tag set's controller.
    pub(crate) unsafe fn init(iod: *mut Self, ctrl: *mut bindings::nvme_ctrl) {
        // SAFETY: By the function's contract; zero is a value of every field that is not written.
        unsafe {
            (*iod).core.ctrl = ctrl;
            (*iod).core.cmd = (&raw mut (*iod).command).cast();
            for mapping in [&raw mut (*iod).data, &raw mut (*iod).metadata] {
                (&raw mut (*mapping).how).write(Mapped::No);
                (&raw mut (*mapping).pieces).write(None);
            }
            (&raw mut (*iod).metadata_list).write(None);
        }
    }

    /// The core's part.
    #[inline(always)]
    pub(crate) fn core(&self) -> &bindings::nvme_request {
        &self.core
    }

    /// The core's part.
    #[inline(always)]
    pub(crate) fn core_mut(&mut self) -> &mut bindings::nvme_request {
        &mut self.core
    }

    /// The command.
    #[inline(always)]
    pub(crate) fn command(&self) -> &SqEntry {
        &self.command
    }

    /// The command.
    #[inline(always)]
    pub(crate) fn command_mut(&mut self) -> &mut SqEntry {
        &mut self.command
    }

    /// Takes the request back from the controller: false where it does not have it, or where the
    /// identifier is of another generation.
    ///
    /// # Safety
    ///
    /// `iod` is valid. Only the queue's one consumer of completions calls this.
    #[inline(always)]
    pub(crate) unsafe fn take_back(iod: *mut Self, id: CommandId) -> bool {
        // SAFETY: By the function's contract. A controller that lies may make us read this while
        // another CPU prepares the request: hence a single, volatile read of a byte.
        unsafe {
            let custody = &raw mut (*iod).custody;
            if !custody.read_volatile().ends_by(id) {
                return false;
            }
            custody.write_volatile(Custody::HOST);
        }
        true
    }

    /// Marks the request as the controller's.
    ///
    /// # Safety
    ///
    /// `iod` is valid, and the caller holds the submission lock of its queue.
    #[inline(always)]
    unsafe fn hand_over(iod: *mut Self) {
        // SAFETY: By the function's contract.
        unsafe {
            let custody = Custody::controller((*iod).core.genctr);
            (&raw mut (*iod).custody).write_volatile(custody);
        }
    }

    /// Whether the request comes from a user's command, whose length only an SGL can bound.
    #[inline(always)]
    fn is_user_command(&self) -> bool {
        self.core.flags & bindings::NVME_REQ_USERCMD as u8 != 0
    }

    /// Marks the request's command as aborted; false where it was before.
    pub(crate) fn abort_once(&mut self) -> bool {
        !core::mem::replace(&mut self.aborted, true)
    }

    /// Takes the abort's mark back: too many aborts are under way.
    pub(crate) fn abort_failed(&mut self) {
        self.aborted = false;
    }

    /// Undoes the mappings of a request that has ended.
    ///
    /// # Safety
    ///
    /// The request is ours alone, and the controller does not use its memory any more.
    #[inline(always)]
    pub(crate) unsafe fn unmap(rq: Request) {
        // SAFETY: By the function's contract nobody else uses the part.
        let iod = unsafe { &mut *rq.iod() };
        iod.custody = Custody::HOST;
        if iod.metadata.how != Mapped::No {
            iod.unmap_metadata(rq);
        }
        match iod.data.how {
            Mapped::No => {}
            Mapped::One => iod.data.unmap_one(rq),
            Mapped::Iterated => iod.data.unmap_iterated(rq),
        }
        if iod.list_count != 0 {
            iod.free_lists(rq.queue());
        }
    }

    #[cold]
    fn unmap_metadata(&mut self, rq: Request) {
        match self.metadata.how {
            Mapped::No => {}
            Mapped::One => self.metadata.unmap_one(rq),
            Mapped::Iterated => self.metadata.unmap_iterated(rq),
        }
        if let Some(list) = self.metadata_list.take() {
            list.free(rq.queue());
        }
    }

    fn free_lists(&mut self, queue: &Queue) {
        for list in &self.lists[..usize::from(self.list_count)] {
            // SAFETY: As many as `list_count` says are there.
            unsafe { list.assume_init() }.free(queue);
        }
        self.list_count = 0;
    }

    /// Begins a list in the pool that fits.
    fn begin_list(&mut self, queue: &Queue, bytes: usize) -> Result<List, Status> {
        let slot = self
            .lists
            .get_mut(usize::from(self.list_count))
            .ok_or(Status::IOERR)?;
        // Not by `ok_or`: with that, rustc 1.85 writes the list's address a byte at a time.
        let Some(list) = List::take(queue, bytes) else {
            return Err(Status::RESOURCE);
        };
        slot.write(list);
        self.list_count += 1;
        Ok(list)
    }

    fn set_pointers(&mut self, first: u64, second: u64) {
        self.command.0[3] = first.to_le();
        self.command.0[4] = second.to_le();
    }

    fn set_sgl(&mut self, descriptor: SglDescriptor) {
        [self.command.0[3], self.command.0[4]] = descriptor.words();
        self.set_psdt(PSDT_SGL);
    }

    /// Has the command describe its memory by PRPs, until an SGL is set: one that comes again may
    /// have had an SGL.
    pub(crate) fn forget_sgl(&mut self) {
        self.set_psdt(0);
    }

    fn set_psdt(&mut self, psdt: u8) {
        let mut bytes = self.command.0[0].to_ne_bytes();
        bytes[1] = bytes[1] & 0x3f | psdt;
        self.command.0[0] = u64::from_ne_bytes(bytes);
    }

    fn psdt(&self) -> u8 {
        self.command.0[0].to_ne_bytes()[1] & 0xc0
    }

    fn set_metadata_pointer(&mut self, address: u64) {
        self.command.0[2] = address.to_le();
    }

    /// Maps the request's data and writes the command's data pointer.
    #[inline(always)]
    fn map_data(&mut self, rq: Request, queue: &Queue) -> Result<(), Status> {
        if rq.segments() == 1 {
            let mut len = 0;
            // SAFETY: The request has a segment; the device is valid.
            let address =
                unsafe { bindings::rnvme_map_first(rq.as_raw(), queue.dma().as_raw(), &mut len) };
            if address != u64::MAX {
                self.data.note_one(queue, address, len);
                let first = prp::PAGE - address % prp::PAGE;
                let fits = u64::from(len) <= first + prp::PAGE;
                // More than one segment of metadata wants SGLs for both.
                let sgl = self.is_user_command() || rq.integrity_segments() > 1;
                if fits && !(queue.takes_sgls() && sgl) {
                    let second = if u64::from(len) > first {
                        address.wrapping_add(first)
                    } else {
                        0
                    };
                    self.set_pointers(address, second);
                    return Ok(());
                }
                return self.describe_one(rq, queue, (address, len), fits);
            }
        }
        self.map_iterated(rq, queue)
    }

    /// Describes one long piece, or a user's command, whose length an SGL must bound.
    #[cold]
    fn describe_one(
        &mut self,
        rq: Request,
        queue: &Queue,
        whole: (u64, u32),
        fits: bool,
    ) -> Result<(), Status> {
        let (address, len) = whole;
        if queue.takes_sgls() {
            self.set_sgl(SglDescriptor::data(address, len));
            return Ok(());
        }
        debug_assert!(!fits);
        let mut source = Segments {
            rq,
            device: queue.dma(),
            queue,
            iod: self,
            iter: None,
        };
        let (first, second) = prp::build(&mut source, whole, len.into()).map_err(shape)?;
        self.set_pointers(first, second);
        Ok(())
    }

    fn map_iterated(&mut self, rq: Request, queue: &Queue) -> Result<(), Status> {
        let mut iter = MaybeUninit::<bindings::blk_dma_iter>::zeroed();
        // SAFETY: The request is mapped once; state and iterator are the callee's to fill, and all
        // zeroes is an iterator where it did not.
        let (mapped, iter) = unsafe {
            let mapped = bindings::blk_rq_dma_map_iter_start(
                rq.as_raw(),
                queue.dma().as_raw(),
                &mut self.data.state,
                iter.as_mut_ptr(),
            );
            (mapped, iter.assume_init_mut())
        };
        if !mapped {
            Status::check(iter.status)?;
            return Err(Status::IOERR);
        }
        self.data.begin(rq, iter)?;
        let first = (wide(iter.addr), iter.len);
        self.data.save(queue.dma(), queue, rq, first)?;
        if self.wants_sgl(rq, queue) {
            return self.list_segments(rq, queue, first, iter);
        }
        let total = u64::from(rq.bytes());
        let iter = Some(iter);
        let mut source = Segments {
            rq,
            device: queue.dma(),
            queue,
            iod: self,
            iter,
        };
        let (first, second) = prp::build(&mut source, first, total).map_err(shape)?;
        self.set_pointers(first, second);
        Ok(())
    }

    /// Whether SGLs describe the request: they must where PRPs cannot, and may from the threshold
    /// on.
    fn wants_sgl(&self, rq: Request, queue: &Queue) -> bool {
        if !queue.takes_sgls() {
            return false;
        }
        // SAFETY: The request is valid.
        let gaps = unsafe { bindings::rnvme_page_gaps(rq.as_raw()) };
        if gaps || self.is_user_command() || rq.integrity_segments() > 1 {
            return true;
        }
        let threshold = crate::params::sgl_threshold();
        let segments = if self.data.coalesced {
            1
        } else {
            rq.segments().max(1)
        };
        threshold != 0 && rq.bytes().div_ceil(segments) >= threshold
    }

    /// Describes the request by a list of SGL descriptors.
    fn list_segments(
        &mut self,
        rq: Request,
        queue: &Queue,
        first: (u64, u32),
        iter: &mut bindings::blk_dma_iter,
    ) -> Result<(), Status> {
        let expected = rq.segments() as usize;
        if expected == 1 || self.data.coalesced {
            self.set_sgl(SglDescriptor::data(first.0, first.1));
            return Ok(());
        }
        if expected > MAX_SEGMENTS {
            return Err(Status::IOERR);
        }
        let list = self.begin_list(queue, expected * size_of::<SglDescriptor>())?;
        let device = queue.dma();
        let mut segment = Some(first);
        let mut count = 0;
        while let Some((address, len)) = segment {
            if count == expected {
                return Err(Status::IOERR);
            }
            list.write(count, SglDescriptor::data(address, len));
            count += 1;
            segment = self.data.next(rq, device, queue, iter)?;
        }
        self.set_sgl(SglDescriptor::last_segment(list.address, count));
        Ok(())
    }

    /// Maps the request's metadata and writes the command's metadata pointer.
    #[cold]
    fn map_metadata(&mut self, rq: Request, queue: &Queue) -> Result<(), Status> {
        let by_sgl = self.psdt() == PSDT_SGL
            && queue.ctrl().takes_metadata_sgls()
            && (rq.integrity_segments() > 1 || self.is_user_command());
        if !by_sgl && rq.integrity_segments() > 1 {
            // One pointer cannot name them.
            return Err(Status::IOERR);
        }
        if !by_sgl {
            let mut len = 0;
            // SAFETY: The request has metadata; the device is valid.
            let address = unsafe {
                bindings::rnvme_map_integrity_first(rq.as_raw(), queue.dma().as_raw(), &mut len)
            };
            if address != u64::MAX {
                self.metadata.note_one(queue, address, len);
                self.set_metadata_pointer(address);
                return Ok(());
            }
        }
        self.iterate_metadata(rq, queue, by_sgl)
    }

    #[cfg(not(CONFIG_BLK_DEV_INTEGRITY))]
    fn iterate_metadata(&mut self, _: Request, _: &Queue, _: bool) -> Result<(), Status> {
        Err(Status::IOERR)
    }

    #[cfg(CONFIG_BLK_DEV_INTEGRITY)]
    fn iterate_metadata(&mut self, rq: Request, queue: &Queue, by_sgl: bool) -> Result<(), Status> {
        let mut iter = MaybeUninit::<bindings::blk_dma_iter>::zeroed();
        // SAFETY: The request is mapped once; state and iterator are the callee's to fill, and all
        // zeroes is an iterator where it did not.
        let (mapped, iter) = unsafe {
            let mapped = bindings::rnvme_map_integrity_start(
                rq.as_raw(),
                queue.dma().as_raw(),
                &mut self.metadata.state,
                iter.as_mut_ptr(),
            );
            (mapped, iter.assume_init_mut())
        };
        if !mapped {
            Status::check(iter.status)?;
            return Err(Status::IOERR);
        }
        self.metadata.begin(rq, iter)?;
        // Not the data's length.
        self.metadata.len = iter.len;
        let first = (wide(iter.addr), iter.len);
        self.metadata.save(queue.dma(), queue, rq, first)?;
        if !by_sgl {
            self.metadata.len = first.1;
            self.set_metadata_pointer(first.0);
            return Ok(());
        }
        let list = List::take(queue, SMALL_BYTES).ok_or(Status::RESOURCE)?;
        self.metadata_list = Some(list);
        let mut segment = Some(first);
        let (mut count, mut total) = (0, 0u32);
        while let Some((address, len)) = segment {
            count += 1;
            if count > MAX_INTEGRITY_SEGMENTS as usize {
                return Err(Status::IOERR);
            }
            list.write(count, SglDescriptor::data(address, len));
            total += len;
            // SAFETY: The iterator is that of this request's metadata.
            let more = unsafe {
                bindings::blk_rq_integrity_dma_map_iter_next(
                    rq.as_raw(),
                    queue.dma().as_raw(),
                    iter,
                )
            };
            segment = self.metadata.mapped(queue.dma(), queue, rq, iter, more)?;
        }
        self.metadata.len = total;
        let header = if count == 1 {
            SglDescriptor::data(first.0, first.1)
        } else {
            let behind = list.address + size_of::<SglDescriptor>() as u64;
            SglDescriptor::last_segment(behind, count)
        };
        list.write(0, header);
        self.set_metadata_pointer(list.address);
        self.set_psdt(PSDT_SGL_METADATA);
        Ok(())
    }
}

fn shape(fault: prp::Fault<Status>) -> Status {
    match fault {
        prp::Fault::Source(status) => status,
        prp::Fault::Shape => Status::IOERR,
    }
}

impl Mapping {
    /// Notes what the iterator found; memory of an unknown kind is refused.
    fn begin(&mut self, rq: Request, iter: &bindings::blk_dma_iter) -> Result<(), Status> {
        self.how = Mapped::Iterated;
        self.kind = iter.p2pdma.map;
        // Of a bus address the iterator leaves the state as the request before left it.
        let filled = self.kind != bindings::pci_p2pdma_map_type_PCI_P2PDMA_MAP_BUS_ADDR;
        // SAFETY: The iterator has filled the state.
        self.coalesced = filled && unsafe { bindings::rnvme_coalesced(&raw mut self.state) };
        self.len = rq.bytes();
        match self.kind {
            bindings::pci_p2pdma_map_type_PCI_P2PDMA_MAP_NONE
            | bindings::pci_p2pdma_map_type_PCI_P2PDMA_MAP_BUS_ADDR
            | bindings::pci_p2pdma_map_type_PCI_P2PDMA_MAP_THRU_HOST_BRIDGE => Ok(()),
            _ => Err(Status::RESOURCE),
        }
    }

    /// The next piece of data, mapped and noted.
    #[inline(always)]
    fn next(
        &mut self,
        rq: Request,
        device: DmaDevice,
        queue: &Queue,
        iter: &mut bindings::blk_dma_iter,
    ) -> Result<Option<(u64, u32)>, Status> {
        // SAFETY: The iterator is that of this request's data.
        let more =
            unsafe { bindings::blk_rq_dma_map_iter_next(rq.as_raw(), device.as_raw(), iter) };
        self.mapped(device, queue, rq, iter, more)
    }

    /// Notes what one step of an iterator mapped.
    #[inline(always)]
    fn mapped(
        &mut self,
        device: DmaDevice,
        queue: &Queue,
        rq: Request,
        iter: &bindings::blk_dma_iter,
        more: bool,
    ) -> Result<Option<(u64, u32)>, Status> {
        if !more {
            Status::check(iter.status)?;
            return Ok(None);
        }
        let piece = (wide(iter.addr), iter.len);
        self.save(device, queue, rq, piece)?;
        Ok(Some(piece))
    }

    /// Notes a piece that must be unmapped by itself.
    #[inline(always)]
    fn save(
        &mut self,
        device: DmaDevice,
        queue: &Queue,
        rq: Request,
        piece: (u64, u32),
    ) -> Result<(), Status> {
        if device.needs_unmap() && !self.coalesced {
            return self.save_piece(queue, rq, piece);
        }
        Ok(())
    }

    fn save_piece(&mut self, queue: &Queue, rq: Request, piece: (u64, u32)) -> Result<(), Status> {
        if self.kind == bindings::pci_p2pdma_map_type_PCI_P2PDMA_MAP_BUS_ADDR {
            return Ok(());
        }
        let piece = Piece {
            address: piece.0 as bindings::dma_addr_t,
            len: piece.1,
        };
        if self.pieces.is_none() {
            self.pieces = queue.take_pieces().map(NonNull::cast);
            self.count = 0;
        }
        match self.pieces {
            Some(pieces) if (self.count as usize) < MAX_SEGMENTS => {
                // SAFETY: The array has room for so many.
                unsafe { pieces.add(self.count as usize).write(piece) };
                self.count += 1;
                Ok(())
            }
            _ => {
                self.unmap_piece(queue.dma(), rq, piece);
                Err(Status::RESOURCE)
            }
        }
    }

    fn unmap_piece(&self, device: DmaDevice, rq: Request, piece: Piece) {
        let mmio = self.kind == bindings::pci_p2pdma_map_type_PCI_P2PDMA_MAP_THRU_HOST_BRIDGE;
        let attributes = if mmio {
            bindings::DMA_ATTR_MMIO as c_ulong
        } else {
            0
        };
        // SAFETY: The piece was mapped for this device, in this direction.
        unsafe { device.unmap(piece.address, piece.len, rq.direction(), attributes) }
    }

    /// Notes memory that was mapped as one piece, where the mapping must be undone. That can be
    /// said as soon as it is made (`dma_need_unmap`): a bounce buffer for it would have shown.
    #[inline(always)]
    fn note_one(&mut self, queue: &Queue, address: u64, len: u32) {
        if queue.dma().needs_unmap() {
            self.how = Mapped::One;
            (self.address, self.len) = (address, len);
        }
    }

    fn unmap_one(&mut self, rq: Request) {
        self.how = Mapped::No;
        let address = self.address as bindings::dma_addr_t;
        // SAFETY: Mapped as one piece for this device, in this direction.
        unsafe { rq.queue().dma().unmap(address, self.len, rq.direction(), 0) }
    }

    fn unmap_iterated(&mut self, rq: Request) {
        self.how = Mapped::No;
        let queue = rq.queue();
        let device = queue.dma();
        // SAFETY: Mapped by the iterator with this state.
        let done = unsafe {
            bindings::rnvme_unmap_whole(
                rq.as_raw(),
                device.as_raw(),
                &mut self.state,
                self.len as usize,
                self.kind,
            )
        };
        if let Some(pieces) = self.pieces.take() {
            for index in 0..self.count as usize {
                if !done {
                    // SAFETY: So many were written.
                    self.unmap_piece(device, rq, unsafe { pieces.add(index).read() });
                }
            }
            queue.give_pieces_back(pieces.cast());
        }
        self.count = 0;
    }
}

impl List {
    fn take(queue: &Queue, bytes: usize) -> Option<Self> {
        let bytes = if bytes <= SMALL_BYTES {
            SMALL_BYTES
        } else {
            LARGE_BYTES
        };
        let (memory, address) = Self::pool(queue, bytes).take()?;
        Some(Self {
            memory,
            address,
            bytes,
        })
    }

    fn pool(queue: &Queue, bytes: usize) -> &Pool {
        if bytes == SMALL_BYTES {
            queue.small_pool()
        } else {
            queue.large_pool()
        }
    }

    /// Writes entry `slot`; what lies outside is not written.
    #[inline(always)]
    fn write<T>(&self, slot: usize, entry: T) {
        if slot < self.bytes / size_of::<T>() {
            // SAFETY: Inside the piece, which is aligned to its own size.
            unsafe { self.memory.cast::<T>().add(slot).write(entry) }
        }
    }

    fn free(self, queue: &Queue) {
        // SAFETY: Taken from this pool; the request has ended.
        unsafe { Self::pool(queue, self.bytes).give_back(self.memory, self.address) }
    }
}

/// The slots of a list that are not written yet.
///
/// # Invariants
///
/// From `next` up to `end` is memory of a list that its request has not given back.
struct Slots {
    next: *mut u64,
    end: *mut u64,
}

impl Slots {
    /// All slots of `list`.
    ///
    /// # Safety
    ///
    /// The list outlives the result.
    unsafe fn new(list: List) -> Self {
        let next = list.memory.cast::<u64>().as_ptr();
        // INVARIANT: By the function's contract.
        Self {
            next,
            // SAFETY: The end of the list's memory.
            end: unsafe { next.add(list.bytes / size_of::<u64>()) },
        }
    }

    /// Writes the next slot; what lies behind the last is not written.
    #[inline(always)]
    fn push(&mut self, entry: u64) {
        if self.next != self.end {
            // SAFETY: Inside the list by the invariant, and aligned as the list is.
            unsafe { self.next.write(entry) };
            // INVARIANT: One nearer to the end, which was not reached.
            self.next = self.next.wrapping_add(1);
        }
    }
}

/// A request's segments after the first, and its lists, for [`prp::build`].
struct Segments<'a> {
    rq: Request,
    device: DmaDevice,
    queue: &'a Queue,
    iod: &'a mut Iod,
    /// blk-mq's iterator, where there can be more than one segment.
    iter: Option<&'a mut bindings::blk_dma_iter>,
}

impl prp::Source for Segments<'_> {
    type Error = Status;
    type List = Slots;

    #[inline(always)]
    fn segment(&mut self) -> Result<Option<(u64, u32)>, Status> {
        match &mut self.iter {
            Some(iter) => self.iod.data.next(self.rq, self.device, self.queue, iter),
            None => Ok(None),
        }
    }

    fn begin_list(&mut self, entries: usize) -> Result<(u64, Slots), Status> {
        let list = self
            .iod
            .begin_list(self.queue, entries * size_of::<u64>())?;
        // SAFETY: The list is the request's until it has ended, which it does not while it is
        // mapped.
        Ok((list.address, unsafe { Slots::new(list) }))
    }

    #[inline(always)]
    fn push(&mut self, list: &mut Slots, entry: u64) {
        list.push(entry.to_le());
    }
}

/// A request that is ready for the controller: its command is complete, its memory mapped, its
/// timeout runs.
///
/// # Invariants
///
/// The request is ours alone.
#[must_use = "a mapped request that nobody submits hangs until its timeout"]
pub(crate) struct MappedRequest(Request);

impl MappedRequest {
    /// Prepares a request that blk-mq has handed to us.
    ///
    /// # Errors
    ///
    /// What blk-mq is to be told; the request is then as it was.
    #[inline(always)]
    pub(crate) fn new(rq: Request, queue: &Queue) -> Result<Self, Status> {
        rq.setup_command()?;
        // SAFETY: The request is ours alone from queue_rq on, and the core is done with it.
        let iod = unsafe { &mut *rq.iod() };
        iod.aborted = false;
        let mut mapped = Ok(());
        if rq.segments() != 0 {
            mapped = iod.map_data(rq, queue);
        }
        if mapped.is_ok() && rq.has_integrity() {
            mapped = iod.map_metadata(rq, queue);
        }
        if let Err(status) = mapped {
            // SAFETY: The request is ours alone, the controller has never seen it.
            unsafe { Iod::unmap(rq) };
            rq.cleanup_command();
            return Err(status);
        }
        rq.start();
        // INVARIANT: Just prepared.
        Ok(Self(rq))
    }

    /// The request, to be kept in a list and made mapped again by [`Self::from_request`].
    #[inline(always)]
    pub(crate) fn into_request(self) -> Request {
        self.0
    }

    /// The other way.
    ///
    /// # Safety
    ///
    /// `rq` came from [`Self::into_request`], and only once.
    #[inline(always)]
    pub(crate) unsafe fn from_request(rq: Request) -> Self {
        // INVARIANT: By the function's contract.
        Self(rq)
    }

    /// Puts the request's command into a queue; from then on the request is the controller's.
    ///
    /// The caller holds the queue's submission lock.
    #[inline(always)]
    pub(crate) fn hand_over(self, push: impl FnOnce(&SqEntry)) {
        let iod = self.0.iod();
        // SAFETY: The request is ours alone until its command is in the queue; the controller sees
        // it there when the doorbell rings.
        unsafe {
            push(&(*iod).command);
            Iod::hand_over(iod);
        }
    }
}
