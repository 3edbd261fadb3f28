// SPDX-License-Identifier: MIT
//! The requests of /dev/ashmem, as programs make them.

use crate::sys::{self, Call};
use libc::c_int;
use std::ffi::CStr;
use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

/// The device.
pub const PATH: &CStr = c"/dev/ashmem";

const LONG: u32 = size_of::<usize>() as u32;

const fn ioc(direction: u32, number: u32, size: u32) -> u32 {
    (direction << 30) | (size << 16) | (0x77 << 8) | number
}

pub const SET_NAME: u32 = ioc(1, 1, 256);
pub const GET_NAME: u32 = ioc(2, 2, 256);
pub const SET_SIZE: u32 = ioc(1, 3, LONG);
pub const GET_SIZE: u32 = ioc(0, 4, 0);
pub const SET_PROT_MASK: u32 = ioc(1, 5, LONG);
pub const GET_PROT_MASK: u32 = ioc(0, 6, 0);
pub const PIN: u32 = ioc(1, 7, 8);
pub const UNPIN: u32 = ioc(1, 8, 8);
pub const GET_PIN_STATUS: u32 = ioc(0, 9, 0);
pub const PURGE_ALL_CACHES: u32 = ioc(0, 10, 0);
pub const GET_FILE_ID: u32 = ioc(2, 11, LONG);

/// Opens a new region for reading and writing.
pub fn open() -> Call<OwnedFd> {
    sys::open_c(PATH, libc::O_RDWR)
}

/// `PIN`, `UNPIN` or `GET_PIN_STATUS`.
pub fn pin(fd: &OwnedFd, request: u32, offset: u32, len: u32) -> Call<c_int> {
    let argument = [offset, len];
    sys::ioctl(fd, request, argument.as_ptr() as usize)
}

/// `SET_SIZE`.
pub fn set_size(fd: &OwnedFd, size: usize) -> Call<c_int> {
    sys::ioctl(fd, SET_SIZE, size)
}

/// A number of the region's lines in /proc/self/fdinfo.
pub fn info(fd: &OwnedFd, key: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_raw_fd())).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(":\t"))?;
    line.parse().ok()
}

/// Where the driver's shrinker is asked to scan; needs CONFIG_SHRINKER_DEBUG and root.
pub fn shrinker() -> Result<PathBuf, String> {
    const SHRINKERS: &str = "/sys/kernel/debug/shrinker";
    let fail = |error| format!("{SHRINKERS}: {error}");
    for entry in fs::read_dir(SHRINKERS).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        if entry.file_name().to_string_lossy().starts_with("ashmem-") {
            return Ok(entry.path().join("scan"));
        }
    }
    Err(format!("{SHRINKERS}: none of ashmem"))
}

/// Has the shrinker scan once for so many pages, as reclaim does.
pub fn shrink(shrinker: &Path, pages: u64) -> Result<(), String> {
    // No cgroup, node 0.
    fs::write(shrinker, format!("0 0 {pages}")).map_err(|error| error.to_string())
}
