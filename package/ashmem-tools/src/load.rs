// SPDX-License-Identifier: MIT
//! Work for the benchmark: the same on a region and on a memfd, as often as asked.

use crate::ashmem;
use crate::sys::{self, Call, Errno, Mapping};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

const READ_WRITE: i32 = libc::PROT_READ | libc::PROT_WRITE;
/// A small buffer's size, in pages.
const PAGES: usize = 4;

/// Does `count` rounds of that kind.
pub fn run(kind: &str, count: u64) -> Result<(), String> {
    let size = PAGES * sys::page_size();
    match kind {
        // Create, size, map, touch, close.
        "region" => repeat(count, || touch(&region(size)?, size).map(drop)),
        "memfd" => repeat(count, || touch(&memfd(size)?, size).map(drop)),
        // A cache's life: as "region", and unpinned and pinned once while it is mapped.
        "region-pin" => repeat(count, || {
            let fd = region(size)?;
            let _memory = touch(&fd, size)?;
            cycle(&fd)
        }),
        // A memfd has nothing like it: as many of its shortest calls.
        "memfd-seals" => repeat(count, || {
            let fd = memfd(size)?;
            let _memory = touch(&fd, size)?;
            twice_seals(&fd)
        }),
        // The calls of a cache's working cycle on what is there already.
        "pin" => {
            let fd = region(size)?;
            let _memory = Mapping::new(&fd, size, READ_WRITE, libc::MAP_SHARED, 0)?;
            repeat(count, || cycle(&fd))
        }
        // The two shortest calls of a memfd alone.
        "seals" => {
            let fd = memfd(size)?;
            repeat(count, || twice_seals(&fd))
        }
        _ => {
            return Err(format!("{kind}: region, memfd, region-pin, memfd-seals, pin or seals"));
        }
    }?;
    println!("{count} rounds");
    Ok(())
}

fn repeat(count: u64, round: impl Fn() -> Call<()>) -> Call<()> {
    (0..count).try_for_each(|_| round())
}

fn region(size: usize) -> Call<OwnedFd> {
    let fd = ashmem::open()?;
    ashmem::set_size(&fd, size)?;
    Ok(fd)
}

fn memfd(size: usize) -> Call<OwnedFd> {
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    // SAFETY: The name is a C string.
    let fd = unsafe { libc::memfd_create(c"bench".as_ptr(), flags) };
    if fd < 0 {
        return Err(Errno::last());
    }
    // SAFETY: The descriptor is new and ours.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    // SAFETY: Takes numbers only.
    if unsafe { libc::ftruncate(fd.as_raw_fd(), size as _) } < 0 {
        return Err(Errno::last());
    }
    Ok(fd)
}

/// Maps all of it and writes to each page.
fn touch(fd: &OwnedFd, size: usize) -> Call<Mapping> {
    let mut memory = Mapping::new(fd, size, READ_WRITE, libc::MAP_SHARED, 0)?;
    memory.bytes().iter_mut().step_by(sys::page_size()).for_each(|byte| *byte = 1);
    Ok(memory)
}

/// What a cache does between two uses.
fn cycle(fd: &OwnedFd) -> Call<()> {
    ashmem::pin(fd, ashmem::UNPIN, 0, 0)?;
    ashmem::pin(fd, ashmem::PIN, 0, 0).map(drop)
}

fn twice_seals(fd: &OwnedFd) -> Call<()> {
    seals(fd)?;
    seals(fd)
}

fn seals(fd: &OwnedFd) -> Call<()> {
    // SAFETY: Takes numbers only.
    if unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GET_SEALS) } < 0 {
        return Err(Errno::last());
    }
    Ok(())
}
