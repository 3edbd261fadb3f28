// SPDX-License-Identifier: MIT
//! The two requests to the kernel: a partition's new size, a mounted file system's new size.

use std::ffi::{c_char, c_int, c_longlong, c_void};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::ptr;

/// `BLKPG` and its operation, `linux/blkpg.h`.
const BLKPG: libc::Ioctl = 0x1269;
const BLKPG_RESIZE_PARTITION: c_int = 3;
/// `_IOW('f', 16, __u64)`, `linux/ext4.h`.
const EXT4_IOC_RESIZE_FS: libc::Ioctl = 0x4008_6610;

/// `struct blkpg_partition`.
#[repr(C)]
struct Partition {
    start: c_longlong,
    length: c_longlong,
    pno: c_int,
    devname: [c_char; 64],
    volname: [c_char; 64],
}

/// `struct blkpg_ioctl_arg`.
#[repr(C)]
struct Argument {
    op: c_int,
    flags: c_int,
    datalen: c_int,
    data: *mut c_void,
}

fn check(result: c_int) -> io::Result<()> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// Tells the kernel the new size of a partition that may be in use; all in bytes.
pub fn resize_partition(disk: &File, number: i32, start: i64, length: i64) -> io::Result<()> {
    let mut partition =
        Partition { start, length, pno: number, devname: [0; 64], volname: [0; 64] };
    let argument = Argument {
        op: BLKPG_RESIZE_PARTITION,
        flags: 0,
        // CAST: 152 bytes.
        datalen: size_of::<Partition>() as c_int,
        data: ptr::from_mut(&mut partition).cast(),
    };
    // SAFETY: The argument and the partition it points to live until the call is over.
    check(unsafe { libc::ioctl(disk.as_raw_fd(), BLKPG, ptr::from_ref(&argument)) })
}

/// Lets the mounted ext4 file system of `root` have so many of its blocks.
pub fn resize_ext4(root: &File, blocks: u64) -> io::Result<()> {
    // SAFETY: The kernel reads one u64, which lives until the call is over.
    check(unsafe { libc::ioctl(root.as_raw_fd(), EXT4_IOC_RESIZE_FS, ptr::from_ref(&blocks)) })
}
