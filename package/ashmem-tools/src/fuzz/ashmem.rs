// SPDX-License-Identifier: MIT
//! /dev/ashmem's grammar: regions of the program's own, and some that all processes have.
//!
//! Of its own regions the program knows what each request, `mmap(2)`, `mprotect(2)` and `MADV_REMOVE`
//! must answer, and what fdinfo must say: a [`Model`] stands beside each until a call changed it that
//! the model does not follow. Of any mapping it knows that what was never writable cannot be written
//! to, and that remap_file_pages(2) is refused. What `read(2)`, `lseek(2)`, `mremap(2)` and the rest of
//! `madvise(2)` answer, and what memory holds, is not looked at: test_model and the other tests do.

use super::{allow, Grammar, Outcome, Shared, Source};
use crate::ashmem::{self, GET_PIN_STATUS, PIN, UNPIN};
use crate::sys::{self, Call, Errno, Mapping};
use libc::{EACCES, EBADF, EFAULT, EINVAL, ENOMEM, ENOTTY, EOVERFLOW, EPERM, PROT_WRITE};
use std::cell::RefCell;
use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::rc::Rc;

pub const GRAMMAR: Grammar =
    Grammar { corpus: include_str!("ashmem.corpus"), share: shared, execute };

const SHARED: usize = 3;
/// No program has more of them at a time.
const MOST: usize = 8;
/// Errors of `PIN` and its like.
const PINNING: &[i32] = &[EFAULT, EINVAL, ENOMEM, EBADF, EPERM];
const MMAP: &[i32] = &[EINVAL, EPERM, EACCES, ENOMEM, EOVERFLOW];

fn shared() -> Result<Shared, String> {
    let fds = (0..SHARED).map(|_| ashmem::open()).collect::<Result<_, _>>()?;
    // Not every kernel lets us ask it.
    Ok(Shared { fds, device: String::new(), shrinker: ashmem::shrinker().ok() })
}

/// What is known of a region that no other process has.
struct Model {
    /// Without its NUL; the empty one is none.
    name: Vec<u8>,
    size: usize,
    mask: i32,
    mapped: bool,
    /// The pages, without the last, that were unpinned since they were last pinned.
    unpinned: Vec<(usize, usize)>,
    /// A call changed the region in a way that is not followed.
    lost: bool,
}

impl Model {
    fn new() -> Self {
        let (name, unpinned) = (Vec::new(), Vec::new());
        Self { name, size: 0, mask: 7, mapped: false, unpinned, lost: false }
    }

    fn pages(&self) -> usize {
        self.size.div_ceil(sys::page_size())
    }

    /// The pages that `PIN` and its like mean, if they are the region's.
    fn span(&self, offset: u32, len: u32) -> Option<(usize, usize)> {
        let page = sys::page_size();
        let (start, len) = (offset as usize, len as usize);
        if !self.mapped || start % page != 0 || len % page != 0 {
            return None;
        }
        let (start, pages) = (start / page, self.pages());
        let end = if len == 0 { pages } else { start + len / page };
        (start < end && end <= pages).then_some((start, end))
    }

    /// What GET_NAME gives.
    fn shown(&self) -> &[u8] {
        if self.name.is_empty() {
            b"dev/ashmem"
        } else {
            &self.name
        }
    }

    /// The pages of fdinfo: each that was unpinned could be purged, or was purged, or both.
    fn counts(&self, unpinned: usize, purged: usize) -> bool {
        let pages: usize = self.unpinned.iter().map(|range| range.1 - range.0).sum();
        unpinned <= pages && purged <= pages && unpinned + purged >= pages
    }

    fn overlaps(&self, start: usize, end: usize) -> bool {
        self.unpinned.iter().any(|range| range.0 < end && start < range.1)
    }

    fn pin(&mut self, start: usize, end: usize) {
        let pieces =
            |range: &(usize, usize)| [(range.0, range.1.min(start)), (range.0.max(end), range.1)];
        let left: Vec<_> = self.unpinned.iter().flat_map(pieces).collect();
        self.unpinned = left.into_iter().filter(|range| range.0 < range.1).collect();
    }

    /// What `PIN` and its like may give, as a range; and then that is what is the case.
    fn pinning(
        &mut self,
        request: u32,
        writable: bool,
        offset: u32,
        len: u32,
    ) -> Result<(i32, i32), i32> {
        if request == UNPIN && !writable {
            return Err(EBADF);
        }
        let (start, end) = self.span(offset, len).ok_or(EINVAL)?;
        if request == UNPIN && self.mask & PROT_WRITE == 0 {
            return Err(EPERM);
        }
        let unpinned = self.overlaps(start, end);
        Ok(match request {
            UNPIN => {
                self.pin(start, end);
                self.unpinned.push((start, end));
                (0, 0)
            }
            PIN => {
                self.pin(start, end);
                // Whether it was purged meanwhile is up to others.
                (0, i32::from(unpinned))
            }
            _ => (i32::from(!unpinned), i32::from(!unpinned)),
        })
    }
}

/// A descriptor, and what is known of its region.
struct File {
    fd: OwnedFd,
    writable: bool,
    model: Option<Rc<RefCell<Model>>>,
}

impl File {
    /// Has the model look at an answer, where there is a model that still knows.
    fn check(&self, look: impl FnOnce(&mut Model) -> Outcome) -> Outcome {
        match &self.model {
            Some(model) if !model.borrow().lost => look(&mut model.borrow_mut()),
            _ => Ok(()),
        }
    }

    fn lose(&self) {
        if let Some(model) = &self.model {
            model.borrow_mut().lost = true;
        }
    }
}

/// A mapping, and what is known of it.
struct Mapped {
    memory: Mapping,
    model: Option<Rc<RefCell<Model>>>,
    /// The access that any part of it ever had.
    had: i32,
    /// The access that its descriptor and its kind allow.
    may: i32,
}

/// An error that says what was to be.
fn must(what: &str, is: impl std::fmt::Debug, holds: bool) -> Outcome {
    if holds {
        Ok(())
    } else {
        Err(format!("{what} gave {is:?}, which the model does not have"))
    }
}

fn execute(program: &[u8], shared: &Shared) -> Outcome {
    let mut source = Source(program.iter());
    let mut files = Vec::new();
    for fd in &shared.fds {
        let fd = fd.try_clone().map_err(|error| error.to_string())?;
        files.push(File { fd, writable: true, model: None });
    }
    let mut mappings: Vec<Mapped> = Vec::new();
    while !source.is_over() {
        step(&mut source, shared, &mut files, &mut mappings)?;
    }
    Ok(())
}

/// Memory that the kernel may write to: the longest argument.
fn argument(source: &mut Source<'_>, buffer: &mut [u8; 264]) -> usize {
    for byte in buffer.iter_mut().take(16) {
        *byte = source.byte() as u8;
    }
    match source.below(16) {
        0 => 0,
        1 => usize::MAX,
        2 => 1 << (usize::BITS - 1),
        _ => buffer.as_mut_ptr() as usize,
    }
}

/// `PIN` and its like, with an argument that can be read.
fn pinning(file: &File, request: u32, offset: u32, len: u32) -> Outcome {
    let result = ashmem::pin(&file.fd, request, offset, len);
    allow("pinning", result, PINNING)?;
    must("pinning", result, result.is_err() || matches!(result, Ok(0 | 1)))?;
    if result == Err(Errno(ENOMEM)) {
        return Ok(());
    }
    file.check(|model| match model.pinning(request, file.writable, offset, len) {
        Ok((least, most)) => {
            must("pinning", result, result.is_ok_and(|given| (least..=most).contains(&given)))
        }
        Err(errno) => must("pinning", result, result == Err(Errno(errno))),
    })
}

/// The access that a mapping gets: RISC-V has no memory that can be written and not read.
fn access(prot: i32) -> i32 {
    if cfg!(target_arch = "riscv64") && prot & PROT_WRITE != 0 {
        prot | libc::PROT_READ
    } else {
        prot
    }
}

fn map(
    file: &File,
    len: usize,
    prot: i32,
    flags: i32,
    offset: i64,
) -> Result<Option<Mapped>, String> {
    let mapped = Mapping::new(&file.fd, len, prot, flags, offset);
    let errno = mapped.as_ref().err().copied();
    file.check(|model| {
        let page = sys::page_size();
        let start = usize::try_from(offset).ok().filter(|start| start % page == 0);
        let end = start.and_then(|start| (start / page).checked_add(len.div_ceil(page)));
        let lies = len > 0 && end.is_some_and(|end| end <= model.pages());
        let allowed = access(prot) & !model.mask == 0;
        must("mmap", errno, errno.is_some() || lies && allowed)?;
        must("mmap", errno, errno != Some(Errno(EINVAL)) || !lies)?;
        must("mmap", errno, errno != Some(Errno(EPERM)) || !allowed)?;
        model.mapped |= errno.is_none();
        Ok(())
    })?;
    let writable = file.writable || flags & libc::MAP_SHARED == 0;
    let may = if writable { 7 } else { !PROT_WRITE };
    let model = file.model.clone();
    let had = access(prot);
    Ok(allow("mmap", mapped, MMAP)?.map(|memory| Mapped { memory, model, had, may }))
}

/// A call whose one error, `EINVAL`, says that the model's answer is no.
fn yes_or_no(what: &str, result: Call<i32>, yes: bool) -> Outcome {
    must(what, result, if yes { result == Ok(0) } else { result == Err(Errno(EINVAL)) })
}

fn step(
    source: &mut Source<'_>,
    shared: &Shared,
    files: &mut Vec<File>,
    mappings: &mut Vec<Mapped>,
) -> Outcome {
    let call = source.below(27);
    if files.is_empty() || call == 0 && files.len() < MOST {
        let mode = [libc::O_RDWR, libc::O_RDWR, libc::O_RDONLY, libc::O_WRONLY][source.below(4)];
        let fd = sys::open_c(ashmem::PATH, mode)?;
        let model = Some(Rc::new(RefCell::new(Model::new())));
        files.push(File { fd, writable: mode != libc::O_RDONLY, model });
        return Ok(());
    }
    let which = source.below(files.len());
    let file = &files[which];
    let fd = &file.fd;
    let mut buffer = [b'f'; 264];
    match call {
        1 => drop(files.swap_remove(which)),
        2 => {
            let size = source.size();
            let result = ashmem::set_size(fd, size);
            allow("size", result, &[EINVAL])?;
            file.check(|model| {
                let largest = isize::MAX as usize & !(sys::page_size() - 1);
                let yes = !model.mapped && size <= largest;
                yes_or_no("size", result, yes)?;
                model.size = if yes { size } else { model.size };
                Ok(())
            })?;
        }
        3 => {
            let argument = argument(source, &mut buffer);
            let result = sys::ioctl(fd, ashmem::SET_NAME, argument);
            allow("name", result, &[EFAULT, EINVAL, ENOMEM])?;
            file.check(|model| match result {
                Err(Errno(EFAULT | ENOMEM)) => Ok(()),
                _ => {
                    yes_or_no("name", result, !model.mapped)?;
                    if result.is_ok() {
                        let name = buffer[..255].split(|byte| *byte == 0).next();
                        model.name = name.unwrap_or_default().to_vec();
                    }
                    Ok(())
                }
            })?;
        }
        4 => {
            let argument = argument(source, &mut buffer);
            let result = sys::ioctl(fd, ashmem::GET_NAME, argument);
            allow("get name", result, &[EFAULT])?;
            file.check(|model| {
                let name = buffer.split(|byte| *byte == 0).next();
                must("get name", name, result.is_err() || name == Some(model.shown()))
            })?;
        }
        5 => {
            let mask = if source.below(2) == 0 { 7 } else { source.byte() };
            let result = sys::ioctl(fd, ashmem::SET_PROT_MASK, mask);
            allow("mask", result, &[EINVAL])?;
            file.check(|model| {
                let yes = mask as i32 & !model.mask == 0;
                yes_or_no("mask", result, yes)?;
                model.mask = if yes { mask as i32 } else { model.mask };
                Ok(())
            })?;
        }
        6..=8 => {
            let request = [PIN, UNPIN, GET_PIN_STATUS][call - 6];
            let (offset, len) = (source.size() as u32, source.size() as u32);
            pinning(file, request, offset, len)?;
        }
        9 => {
            let argument = argument(source, &mut buffer);
            let request = [PIN, UNPIN, GET_PIN_STATUS][source.below(3)];
            if argument == buffer.as_ptr() as usize {
                let word = |at| u32::from_ne_bytes(buffer[at..at + 4].try_into().unwrap());
                return pinning(file, request, word(0), word(4));
            }
            let result = sys::ioctl(fd, request, argument);
            must("pin at", result, result == Err(Errno(EFAULT)))?;
        }
        10 => {
            allow("purge", sys::ioctl(fd, ashmem::PURGE_ALL_CACHES, 0), &[])?;
        }
        11 => {
            let argument = argument(source, &mut buffer);
            let result = sys::ioctl(fd, ashmem::GET_FILE_ID, argument);
            allow("id", result, &[EFAULT, EINVAL, EOVERFLOW])?;
            file.check(|model| must("id", result, (result == Err(Errno(EINVAL))) != model.mapped))?;
        }
        12 => {
            // A number near the known ones: only those of this type, others are the kernel's.
            let request = ((source.byte() as u32) << 24)
                | ((source.byte() as u32) << 16)
                | 0x7700
                | source.below(16) as u32;
            let argument = argument(source, &mut buffer);
            let errors = [PINNING, &[ENOTTY, EOVERFLOW]].concat();
            let result = sys::ioctl(fd, request, argument);
            allow("any", result, &errors)?;
            // One that is known after all may have done anything.
            if result != Err(Errno(ENOTTY)) {
                file.lose();
            }
        }
        13 | 14 if mappings.len() < MOST => {
            let flags = [libc::MAP_SHARED, libc::MAP_SHARED, libc::MAP_PRIVATE][source.below(3)];
            let (len, prot) = (source.size(), source.prot());
            let offset = if source.below(2) == 0 { 0 } else { source.size() as i64 };
            mappings.extend(map(file, len, prot, flags, offset)?);
        }
        15 => {
            let mut data = [0u8; 64];
            // SAFETY: There is room for so many bytes.
            unsafe { libc::read(fd.as_raw_fd(), data.as_mut_ptr().cast(), data.len()) };
        }
        16 => {
            // SAFETY: Takes numbers only.
            unsafe { libc::lseek64(fd.as_raw_fd(), source.size() as i64, source.below(6) as i32) };
        }
        17 => {
            let number = |key| ashmem::info(fd, key).ok_or("no such line in fdinfo");
            // In this order: what is purged in between counts twice, and is not missed.
            let said = [number("size")?, number("unpinned")?, number("purged")?];
            file.check(|model| {
                let [size, unpinned, purged] = said.map(|number| number as usize);
                must("fdinfo", said, size == model.size && model.counts(unpinned, purged))
            })?;
        }
        18 if files.len() < MOST => {
            let (ours, theirs) = sys::socket_pair()?;
            sys::send_fd(&ours, fd)?;
            let (writable, model) = (file.writable, file.model.clone());
            files.push(File { fd: sys::receive_fd(&theirs)?, writable, model });
        }
        24 => {
            let result = sys::ioctl(fd, ashmem::GET_PROT_MASK, 0);
            file.check(|model| must("get mask", result, result == Ok(model.mask)))?;
        }
        25 => file.check(|model| {
            // ioctl(2) as the C library has it gives 32 bits.
            let small = model.size <= i32::MAX as usize;
            let result = sys::ioctl(fd, ashmem::GET_SIZE, 0);
            must("get size", result, !small || result == Ok(model.size as i32))
        })?,
        26 => {
            if let Some(shrinker) = &shared.shrinker {
                ashmem::shrink(shrinker, source.byte() as u64)?;
            }
        }
        19..=23 if !mappings.is_empty() => {
            let which = source.below(mappings.len());
            touch(source, call, which, mappings)?;
        }
        _ => {}
    }
    Ok(())
}

/// What a program does with a mapping.
fn touch(
    source: &mut Source<'_>,
    call: usize,
    which: usize,
    mappings: &mut Vec<Mapped>,
) -> Outcome {
    let Mapped { memory, model, had, may } = &mut mappings[which];
    // What the mask still allows, where that is known.
    let model = model.as_ref().map(|model| model.borrow()).filter(|model| !model.lost);
    let mask = model.map(|model| model.mask);
    let page = sys::page_size();
    let pages = memory.len.div_ceil(page).min(64);
    let offset = source.below(pages) * page;
    match (call, source.below(4)) {
        (19, _) => drop(mappings.swap_remove(which)),
        (20, 0 | 1) => {
            let result = memory.write(offset, &[1, 2, 3]);
            must("write", result, result.is_err() || *had & PROT_WRITE != 0)?;
        }
        (20, _) => {
            let _ = memory.read(offset, &mut [0; 16]);
        }
        (21, _) => {
            let prot = source.prot();
            let result = memory.protect(offset, page, prot);
            allow("mprotect", result, &[EACCES, ENOMEM])?;
            if let Some(mask) = mask {
                // What a part has it keeps, whatever the mask says: we do not know of each part.
                let forbidden = access(prot) & !*had & !mask != 0;
                must("mprotect", result, !forbidden || result == Err(Errno(EACCES)))?;
                // A device's file system may forbid to run what is on it.
                let allowed = access(prot) & !(mask & *may & !libc::PROT_EXEC) == 0;
                must("mprotect", result, !allowed || result != Err(Errno(EACCES)))?;
            }
            if result.is_ok() {
                *had |= access(prot);
            }
        }
        (22, _) => {
            let advice =
                [libc::MADV_REMOVE, libc::MADV_DONTNEED, libc::MADV_WILLNEED, libc::MADV_DONTFORK]
                    [source.below(4)];
            let result = memory.advise(offset, page, advice);
            let allowed = mask.is_none_or(|mask| mask & PROT_WRITE != 0);
            must("remove", result, allowed || advice != libc::MADV_REMOVE || result.is_err())?;
        }
        (_, 0) => {
            let _ = memory.remap((1 + source.below(16)) * page);
        }
        (_, 1) => {
            sys::in_child(|| i32::from(memory.read(offset, &mut [0; 4]).is_ok()))?;
        }
        (_, 2) => {
            fs::read("/proc/self/smaps").map_err(|error| error.to_string())?;
        }
        _ => {
            let result = memory.remap_file_pages(page);
            must("remap_file_pages", result, result.is_err())?;
        }
    }
    Ok(())
}
