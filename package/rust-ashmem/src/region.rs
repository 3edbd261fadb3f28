// SPDX-License-Identifier: GPL-2.0

//! A region: what one opening of the device makes, and what its requests do.
//!
//! No user memory is touched while a region's mutex is held: `mmap_lock` is taken outside it.

use crate::{
    abi, lru, name, prot,
    queue::{Entry, Regions},
    ranges::{Age, Range, Table, MAX_RANGES},
    shmem::Backing,
    span,
};
use kernel::{
    alloc::KVVec,
    fs::File,
    mm::virt::VmaNew,
    new_mutex,
    page::{PAGE_SHIFT, PAGE_SIZE},
    prelude::*,
    seq_file::{seq_print, SeqFile},
    sync::{aref::ARef, lock::mutex::MutexGuard, Arc, ArcBorrow, Mutex},
};

const SHIFT: u32 = PAGE_SHIFT as u32;

/// The first memory that a region's table gets, in ranges.
const FIRST_SLOTS: usize = 16;

/// What was asked of the module when it was loaded.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    /// Whether unpinning works without write access.
    pub(crate) readers_may_unpin: bool,
}

/// A region.
#[pin_data]
pub(crate) struct Region {
    #[pin]
    state: Mutex<State>,
    regions: Arc<Regions>,
    rules: Rules,
}

type Ranges = Table<KVVec<Range>, KVVec<Age>>;

/// What a region's mutex protects.
pub(crate) struct State {
    /// Without its NUL; none is the same as an empty one. Dropping an empty [`KVec`] calls into the
    /// allocator, and most regions come and go without a name and without an unpinned page.
    name: Option<KVec<u8>>,
    /// In bytes; [`span::pages`] accepts it.
    size: usize,
    /// A set of `PROT_` bits.
    mask: usize,
    /// There from the first mapping until the device is closed.
    backing: Option<Backing>,
    /// There from the first unpinning on, which needs a backing file.
    ranges: Option<KBox<Ranges>>,
    /// The time that the region has in the queue, if it is in the queue.
    queued: Option<u64>,
    /// There from the first unpinning on, where the region is not in the queue.
    entry: Option<Entry>,
}

impl Region {
    /// A region without name, size and memory. Sleeps; fails with [`ENOMEM`].
    pub(crate) fn new(regions: Arc<Regions>, rules: Rules) -> Result<Arc<Self>> {
        let region = pin_init!(Self {
            // In place, not made here and copied.
            state <- new_mutex!(
                init!(State {
                    name: None,
                    size: 0,
                    mask: prot::ALL,
                    backing: None,
                    ranges: None,
                    queued: None,
                    entry: None,
                }),
                "ashmem_region"
            ),
            regions,
            rules,
        });
        Arc::pin_init(region, GFP_KERNEL_ACCOUNT)
    }

    /// Waits for the region's mutex.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Takes the region's mutex where nobody has it.
    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, State>> {
        self.state.try_lock()
    }

    /// The device was closed: nothing of the region can be pinned or purged any more.
    ///
    /// Mappings stay, and what is unpinned stays in memory with them.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        self.regions.changed(state.reclaimable_pages(), 0);
        let ranges = state.ranges.take();
        let entry = state
            .queued
            .take()
            .and_then(|stamp| self.regions.remove(self, stamp));
        let backing = state.backing.take();
        drop(state);
        drop((ranges, entry));
        // The file's last reference may be this one, and it has a reference to us.
        if let Some(backing) = backing {
            backing.close();
        }
    }

    /// `ASHMEM_SET_NAME`. `name` has at most 255 bytes and no NUL.
    ///
    /// [`EINVAL`] once the region is mapped, [`ENOMEM`].
    pub(crate) fn set_name(&self, name: &[u8]) -> Result {
        let mut state = self.lock();
        if state.backing.is_some() {
            return Err(EINVAL);
        }
        let mut copy = KVec::with_capacity(name.len(), GFP_KERNEL_ACCOUNT)?;
        copy.extend_from_slice(name, GFP_KERNEL_ACCOUNT)?;
        state.name = Some(copy);
        Ok(())
    }

    /// `ASHMEM_GET_NAME`: writes the name and its NUL; gives how many bytes that are.
    pub(crate) fn get_name(&self, buffer: &mut [u8; abi::NAME_LEN]) -> usize {
        let state = self.lock();
        let name = name::shown(state.name());
        buffer[..name.len()].copy_from_slice(name);
        buffer[name.len()] = 0;
        name.len() + 1
    }

    /// `ASHMEM_SET_SIZE`, in bytes.
    ///
    /// [`EINVAL`] once the region is mapped, and for a size that no file can have.
    pub(crate) fn set_size(&self, size: usize) -> Result {
        span::pages(size, SHIFT).ok_or(EINVAL)?;
        let mut state = self.lock();
        if state.backing.is_some() {
            return Err(EINVAL);
        }
        state.size = size;
        Ok(())
    }

    /// `ASHMEM_GET_SIZE`, in bytes.
    pub(crate) fn size(&self) -> usize {
        self.lock().size
    }

    /// `ASHMEM_SET_PROT_MASK`. [`EINVAL`] for a mask that is no part of the present one.
    pub(crate) fn set_prot_mask(&self, asked: usize, read_implies_exec: bool) -> Result {
        let mut state = self.lock();
        state.mask = prot::shrink(state.mask, asked, read_implies_exec).ok_or(EINVAL)?;
        Ok(())
    }

    /// `ASHMEM_GET_PROT_MASK`.
    pub(crate) fn prot_mask(&self) -> usize {
        self.lock().mask
    }

    /// Whether a mapping may get the access `wanted`, a set of `PROT_` bits.
    pub(crate) fn allows(&self, wanted: usize) -> bool {
        prot::allows(self.lock().mask, wanted)
    }

    /// Maps the region; the first mapping fixes its name and size.
    ///
    /// [`EINVAL`] where the mapping does not lie in the region, [`EPERM`] where the protection mask
    /// forbids it, [`ENOMEM`]. The caller holds `mmap_lock`.
    pub(crate) fn mmap(this: ArcBorrow<'_, Self>, vma: &VmaNew, pgoff: usize) -> Result {
        let mut state = this.lock();
        let pages = span::pages(state.size, SHIFT).ok_or(EINVAL)?;
        if !span::maps(pgoff, (vma.end() - vma.start()) >> PAGE_SHIFT, pages) {
            return Err(EINVAL);
        }
        let mask = state.mask;
        // Each fails where the mapping is to have that access already.
        if !prot::allows(mask, prot::READ) {
            vma.try_clear_mayread().map_err(|_| EPERM)?;
        }
        if !prot::allows(mask, prot::WRITE) {
            vma.try_clear_maywrite().map_err(|_| EPERM)?;
        }
        if !prot::allows(mask, prot::EXEC) {
            vma.try_clear_mayexec().map_err(|_| EPERM)?;
        }
        if state.backing.is_none() {
            let backing = match state.name() {
                [] => Backing::new(name::DEFAULT_PATH, state.size, this.into()),
                name => {
                    let mut buffer = [0; name::PATH_LEN];
                    let path = CStr::from_bytes_with_nul(name::path(name, &mut buffer));
                    Backing::new(path.map_err(|_| EINVAL)?, state.size, this.into())
                }
            };
            state.backing = Some(backing?);
        }
        state.backing.as_ref().ok_or(EINVAL)?.map(vma)
    }

    /// The file to read from: [`None`] for a region without size, which is empty.
    ///
    /// [`EBADF`] for a region that was never mapped.
    pub(crate) fn readable(&self) -> Result<Option<ARef<File>>> {
        let state = self.lock();
        if state.size == 0 {
            return Ok(None);
        }
        Ok(Some(state.backing.as_ref().ok_or(EBADF)?.file()))
    }

    /// `ASHMEM_GET_FILE_ID`: the backing file's inode number. [`EINVAL`] before the first mapping.
    pub(crate) fn file_id(&self) -> Result<u64> {
        Ok(self.lock().backing.as_ref().ok_or(EINVAL)?.inode_number())
    }

    /// `ASHMEM_PIN`: gives whether a page of the range was purged since it was last pinned.
    ///
    /// [`EINVAL`] for a range that is not the region's; [`ENOMEM`] where it cuts a range in two and
    /// there is no room for the pieces. Then nothing has changed. After an unpin that worked, the
    /// next pin does not fail for want of memory.
    pub(crate) fn pin(&self, pin: abi::Pin) -> Result<bool> {
        let mut state = self.lock();
        let span = state.span(pin)?;
        if state.ranges.is_none() {
            // Nothing was ever unpinned.
            return Ok(false);
        }
        let before = state.reclaimable_pages();
        let ranges = state.room(Ranges::PIN_ROOM, |ranges| {
            ranges.pin_room(span.start, span.end)
        })?;
        let was_purged = ranges.pin(span.start, span.end);
        self.regions.changed(before, state.reclaimable_pages());
        Ok(was_purged)
    }

    /// `ASHMEM_UNPIN`: the range may be purged from now on.
    ///
    /// It takes what is in it from whoever reads it, and so needs write access: [`EBADF`] where the
    /// descriptor is not `writable`, [`EPERM`] where the protection mask has no `PROT_WRITE`, unless
    /// the module's rules say otherwise. [`EINVAL`] as for [`Region::pin`]; [`ENOMEM`] where there is
    /// no room for one more range and for what the next pin may need.
    pub(crate) fn unpin(this: ArcBorrow<'_, Self>, pin: abi::Pin, writable: bool) -> Result {
        let strict = !this.rules.readers_may_unpin;
        if strict && !writable {
            return Err(EBADF);
        }
        let mut state = this.lock();
        let span = state.span(pin)?;
        if strict && !prot::allows(state.mask, prot::WRITE) {
            return Err(EPERM);
        }
        if state.queued.is_none() && state.entry.is_none() {
            state.entry = Some(Entry::new(GFP_KERNEL_ACCOUNT)?);
        }
        let before = state.reclaimable_pages();
        let ranges = state.room(Ranges::UNPIN_ROOM, |ranges| {
            ranges.unpin_room(span.start, span.end)
        })?;
        let stamp = this.regions.now();
        ranges.unpin(span.start, span.end, stamp);
        this.regions.changed(before, state.reclaimable_pages());
        if let Some(entry) = state.entry.take() {
            this.regions.insert(this.into(), stamp, entry);
            state.queued = Some(stamp);
        }
        Ok(())
    }

    /// `ASHMEM_GET_PIN_STATUS`: whether all of the range is pinned. [`EINVAL`] as for
    /// [`Region::pin`].
    pub(crate) fn is_pinned(&self, pin: abi::Pin) -> Result<bool> {
        let state = self.lock();
        let span = state.span(pin)?;
        let unpinned = state.ranges.as_ref();
        Ok(unpinned.is_none_or(|ranges| ranges.is_pinned(span.start, span.end)))
    }

    /// `ASHMEM_PURGE_ALL_CACHES`: purges every range of every region that is unpinned when it begins;
    /// gives the pages.
    pub(crate) fn purge_all(&self) -> usize {
        self.regions.purge_all()
    }

    /// Gives the region the place in the queue that its oldest unpinned range asks for.
    pub(crate) fn requeue(self: &Arc<Self>, state: &mut State) {
        let oldest = state.ranges.as_ref().and_then(|ranges| ranges.oldest());
        if state.queued == oldest {
            return;
        }
        if let Some(stamp) = state.queued.take() {
            state.entry = self.regions.remove(self, stamp);
        }
        if let (Some(stamp), Some(entry)) = (oldest, state.entry.take()) {
            self.regions.insert(self.clone(), stamp, entry);
            state.queued = Some(stamp);
        }
    }

    /// The region's lines in `/proc/<pid>/fdinfo/<fd>`.
    pub(crate) fn show(&self, m: &SeqFile) {
        let state = self.lock();
        if let Some(backing) = &state.backing {
            seq_print!(m, "inode:\t{}\n", backing.inode_number());
        }
        let name = state.name();
        if !name.is_empty() {
            let line = name::Line(name);
            seq_print!(m, "name:\t{}\n", core::format_args!("{}", line));
        }
        seq_print!(m, "size:\t{}\n", state.size);
        seq_print!(m, "unpinned:\t{}\n", state.reclaimable_pages());
        seq_print!(m, "purged:\t{}\n", state.purged_pages());
    }
}

impl State {
    fn name(&self) -> &[u8] {
        self.name.as_deref().unwrap_or_default()
    }

    /// How many pages could be purged.
    pub(crate) fn reclaimable_pages(&self) -> usize {
        let ranges = self.ranges.as_ref();
        ranges.map_or(0, |ranges| ranges.reclaimable_pages())
    }

    /// How many pages were purged and not pinned since.
    fn purged_pages(&self) -> usize {
        let ranges = self.ranges.as_ref();
        ranges.map_or(0, |ranges| ranges.purged_pages())
    }

    /// The pages that user space names. [`EINVAL`] where they are not the region's, and before the
    /// first mapping.
    fn span(&self, pin: abi::Pin) -> Result<span::Span> {
        if self.backing.is_none() {
            return Err(EINVAL);
        }
        let pages = span::pages(self.size, SHIFT).ok_or(EINVAL)?;
        span::pin(pin.offset, pin.len, pages, SHIFT).ok_or(EINVAL)
    }

    /// The table, with room for as many more ranges as `exact` says, which are at most `most`: where
    /// there is room for those, nobody needs to look. [`ENOMEM`] where there is no memory or they
    /// would be more than [`MAX_RANGES`].
    fn room(&mut self, most: usize, exact: impl FnOnce(&Ranges) -> usize) -> Result<&mut Ranges> {
        let ranges = match &mut self.ranges {
            Some(ranges) => ranges,
            none => {
                let table = Table::new(KVVec::new(), KVVec::new(), KVVec::new());
                none.insert(KBox::new(table, GFP_KERNEL_ACCOUNT)?)
            }
        };
        if ranges.has_room(most) {
            return Ok(ranges);
        }
        let room = exact(ranges);
        if !ranges.has_room(room) {
            let wanted = ranges.ranges() + room;
            if wanted > MAX_RANGES {
                return Err(ENOMEM);
            }
            let slots = wanted.next_power_of_two().max(FIRST_SLOTS);
            let slot = || KVVec::from_elem(Range::default(), slots, GFP_KERNEL_ACCOUNT);
            let ages = KVVec::from_elem(Age::default(), slots, GFP_KERNEL_ACCOUNT)?;
            ranges.grow(slot()?, ages, slot()?);
        }
        Ok(ranges)
    }
}

impl lru::Region for State {
    fn purge_oldest(&mut self, limit: u64) -> Option<usize> {
        let backing = self.backing.as_ref()?;
        let range = self.ranges.as_mut()?.purge_oldest(limit)?;
        backing.punch(range.start * PAGE_SIZE, range.end * PAGE_SIZE);
        Some(range.pages())
    }
}
