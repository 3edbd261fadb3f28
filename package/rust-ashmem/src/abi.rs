// SPDX-License-Identifier: GPL-2.0

//! The numbers of the interface, free of the kernel: `rustc --edition 2021 --test abi.rs && ./abi`.
//!
//! They are those of the C driver's `uapi/ashmem.h`, which was in `drivers/staging/android` until
//! Linux 5.18, and of Android's kernels, which add `ASHMEM_GET_FILE_ID`.

/// The longest name with its NUL, in bytes (`ASHMEM_NAME_LEN`).
pub(crate) const NAME_LEN: usize = 256;

/// `ASHMEM_PIN`: no page of the range was purged.
pub(crate) const NOT_PURGED: isize = 0;
/// `ASHMEM_PIN`: at least one page of the range was purged.
pub(crate) const WAS_PURGED: isize = 1;
/// `ASHMEM_GET_PIN_STATUS`: at least one page of the range is unpinned.
pub(crate) const IS_UNPINNED: isize = 0;
/// `ASHMEM_GET_PIN_STATUS`: every page of the range is pinned.
pub(crate) const IS_PINNED: isize = 1;

/// `struct ashmem_pin`: what `ASHMEM_PIN`, `ASHMEM_UNPIN` and `ASHMEM_GET_PIN_STATUS` point to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pin {
    /// Byte offset into the region, page aligned.
    pub(crate) offset: u32,
    /// Length in bytes, page aligned; 0 means up to the region's end.
    pub(crate) len: u32,
}

impl Pin {
    /// The structure's size in user space.
    pub(crate) const SIZE: usize = 8;

    /// Takes the structure apart as user space wrote it.
    pub(crate) fn from_bytes(bytes: [u8; Self::SIZE]) -> Self {
        let [a, b, c, d, e, f, g, h] = bytes;
        Self {
            offset: u32::from_ne_bytes([a, b, c, d]),
            len: u32::from_ne_bytes([e, f, g, h]),
        }
    }
}

/// What a request number asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// `ASHMEM_SET_NAME`: the argument points to a NUL-terminated string.
    SetName,
    /// `ASHMEM_GET_NAME`: the argument points to [`NAME_LEN`] bytes.
    GetName,
    /// `ASHMEM_SET_SIZE`: the argument is the size in bytes.
    SetSize,
    /// `ASHMEM_GET_SIZE`: the size is the return value.
    GetSize,
    /// `ASHMEM_SET_PROT_MASK`: the argument is a set of `PROT_` bits.
    SetProtMask,
    /// `ASHMEM_GET_PROT_MASK`: the mask is the return value.
    GetProtMask,
    /// `ASHMEM_PIN`: the argument points to a [`Pin`].
    Pin,
    /// `ASHMEM_UNPIN`: the argument points to a [`Pin`].
    Unpin,
    /// `ASHMEM_GET_PIN_STATUS`: the argument points to a [`Pin`].
    GetPinStatus,
    /// `ASHMEM_PURGE_ALL_CACHES`: no argument.
    PurgeAllCaches,
    /// `ASHMEM_GET_FILE_ID`: the argument points to an `unsigned long`.
    GetFileId,
    /// `ASHMEM_GET_FILE_ID` of a 32-bit program on a 64-bit kernel: to 32 bits.
    #[cfg(any(CONFIG_COMPAT, test))]
    GetFileId32,
}

const NONE: u32 = 0;
const WRITE: u32 = 1;
const READ: u32 = 2;

/// `_IOC(dir, 0x77, nr, size)` of `include/uapi/asm-generic/ioctl.h`.
const fn ioc(dir: u32, nr: u32, size: usize) -> u32 {
    // CAST: no structure here is larger than 256 bytes.
    (dir << 30) | ((size as u32) << 16) | (0x77 << 8) | nr
}

/// The size of C's `unsigned long` and `size_t`.
const LONG: usize = size_of::<usize>();

impl Request {
    /// Names the request of a program whose `long` is the kernel's.
    ///
    /// `ASHMEM_GET_PIN_STATUS` has no size in its number although it takes a [`Pin`]: the number's
    /// size says nothing on what to copy.
    pub(crate) fn native(cmd: u32) -> Option<Self> {
        const SET_NAME: u32 = ioc(WRITE, 1, NAME_LEN);
        const GET_NAME: u32 = ioc(READ, 2, NAME_LEN);
        const SET_SIZE: u32 = ioc(WRITE, 3, LONG);
        const GET_SIZE: u32 = ioc(NONE, 4, 0);
        const SET_PROT_MASK: u32 = ioc(WRITE, 5, LONG);
        const GET_PROT_MASK: u32 = ioc(NONE, 6, 0);
        const PIN: u32 = ioc(WRITE, 7, Pin::SIZE);
        const UNPIN: u32 = ioc(WRITE, 8, Pin::SIZE);
        const GET_PIN_STATUS: u32 = ioc(NONE, 9, 0);
        const PURGE_ALL_CACHES: u32 = ioc(NONE, 10, 0);
        const GET_FILE_ID: u32 = ioc(READ, 11, LONG);
        Some(match cmd {
            SET_NAME => Self::SetName,
            GET_NAME => Self::GetName,
            SET_SIZE => Self::SetSize,
            GET_SIZE => Self::GetSize,
            SET_PROT_MASK => Self::SetProtMask,
            GET_PROT_MASK => Self::GetProtMask,
            PIN => Self::Pin,
            UNPIN => Self::Unpin,
            GET_PIN_STATUS => Self::GetPinStatus,
            PURGE_ALL_CACHES => Self::PurgeAllCaches,
            GET_FILE_ID => Self::GetFileId,
            _ => return None,
        })
    }

    /// Names the request of a 32-bit program on a 64-bit kernel.
    ///
    /// The numbers that a `long` is part of are its own; the rest are the native ones.
    #[cfg(any(CONFIG_COMPAT, test))]
    pub(crate) fn compat(cmd: u32) -> Option<Self> {
        const SET_SIZE: u32 = ioc(WRITE, 3, 4);
        const SET_PROT_MASK: u32 = ioc(WRITE, 5, 4);
        const GET_FILE_ID: u32 = ioc(READ, 11, 4);
        Some(match cmd {
            SET_SIZE => Self::SetSize,
            SET_PROT_MASK => Self::SetProtMask,
            GET_FILE_ID => Self::GetFileId32,
            _ => return Self::native(cmd),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn has_the_numbers_that_programs_use() {
        let native = [
            (0x4100_7701, Request::SetName),
            (0x8100_7702, Request::GetName),
            (0x4008_7703, Request::SetSize),
            (0x0000_7704, Request::GetSize),
            (0x4008_7705, Request::SetProtMask),
            (0x0000_7706, Request::GetProtMask),
            (0x4008_7707, Request::Pin),
            (0x4008_7708, Request::Unpin),
            (0x0000_7709, Request::GetPinStatus),
            (0x0000_770a, Request::PurgeAllCaches),
            (0x8008_770b, Request::GetFileId),
        ];
        for (number, request) in native {
            assert_eq!(Request::native(number), Some(request));
            assert_eq!(Request::compat(number), Some(request));
        }
        let compat = [
            (0x4004_7703, Request::SetSize),
            (0x4004_7705, Request::SetProtMask),
            (0x8004_770b, Request::GetFileId32),
        ];
        for (number, request) in compat {
            assert_eq!(Request::compat(number), Some(request));
            assert_eq!(Request::native(number), None);
        }
    }

    #[test]
    fn knows_no_other_number() {
        for number in [0, 0x7700, 0x770c, 0x4008_7709, 0x4008_7807, u32::MAX] {
            assert_eq!(Request::native(number), None);
            assert_eq!(Request::compat(number), None);
        }
    }

    #[test]
    fn takes_a_pin_apart() {
        let mut bytes = [0; Pin::SIZE];
        bytes[..4].copy_from_slice(&0x1234_5678_u32.to_ne_bytes());
        bytes[4..].copy_from_slice(&0x9abc_def0_u32.to_ne_bytes());
        let pin = Pin {
            offset: 0x1234_5678,
            len: 0x9abc_def0,
        };
        assert_eq!(Pin::from_bytes(bytes), pin);
    }

    #[test]
    fn has_the_results_that_programs_use() {
        assert_eq!(
            (NOT_PURGED, WAS_PURGED, IS_UNPINNED, IS_PINNED),
            (0, 1, 0, 1)
        );
    }
}
