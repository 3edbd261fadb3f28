// SPDX-License-Identifier: MIT
//! userfaultfd(2), as far as asking for a mapping's missing pages: `include/uapi/linux/userfaultfd.h`.

use crate::sys::{self, Call, Errno, Mapping};
use std::os::fd::{FromRawFd, OwnedFd};

/// `UFFD_USER_MODE_ONLY`: what anybody may ask for.
const USER_MODE_ONLY: libc::c_int = 1;
const API: u64 = 0xaa;
/// `_IOWR(0xaa, 0x3f, struct uffdio_api)`: three 64-bit words.
const UFFDIO_API: u32 = (3 << 30) | (24 << 16) | (0xaa << 8) | 0x3f;
/// `_IOWR(0xaa, 0x00, struct uffdio_register)`: four.
const UFFDIO_REGISTER: u32 = (3 << 30) | (32 << 16) | (0xaa << 8);
const MODE_MISSING: u64 = 1;

/// Registers all of a mapping for faults of missing pages, until this function ends.
pub fn register(mapping: &Mapping) -> Call<()> {
    let flags = libc::O_CLOEXEC | USER_MODE_ONLY;
    // SAFETY: Takes numbers only.
    let fd = unsafe { libc::syscall(libc::SYS_userfaultfd, flags) };
    if fd < 0 {
        return Err(Errno::last());
    }
    // SAFETY: The descriptor is new and ours.
    let fd = unsafe { OwnedFd::from_raw_fd(fd as libc::c_int) };
    let mut api = [API, 0, 0];
    sys::ioctl(&fd, UFFDIO_API, api.as_mut_ptr() as usize)?;
    let mut register = [mapping.address as u64, mapping.len as u64, MODE_MISSING, 0];
    sys::ioctl(&fd, UFFDIO_REGISTER, register.as_mut_ptr() as usize)?;
    Ok(())
}
