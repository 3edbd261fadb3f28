// SPDX-License-Identifier: MIT
//! The driver's interface, as `include/uapi/linux/android/binder.h` and `binderfs.h` state it; the
//! names are theirs.

/// `_IOC()` of `asm-generic/ioctl.h`.
const fn ioc(direction: u32, kind: u8, number: u32, size: usize) -> u32 {
    (direction << 30) | ((size as u32) << 16) | ((kind as u32) << 8) | number
}
const fn io(kind: u8, number: u32) -> u32 {
    ioc(0, kind, number, 0)
}
const fn iow(kind: u8, number: u32, size: usize) -> u32 {
    ioc(1, kind, number, size)
}
const fn ior(kind: u8, number: u32, size: usize) -> u32 {
    ioc(2, kind, number, size)
}
const fn iowr(kind: u8, number: u32, size: usize) -> u32 {
    ioc(3, kind, number, size)
}

/// `struct binder_write_read`.
#[repr(C)]
#[derive(Default)]
pub struct WriteRead {
    pub write_size: u64,
    pub write_consumed: u64,
    pub write_buffer: u64,
    pub read_size: u64,
    pub read_consumed: u64,
    pub read_buffer: u64,
}

/// `struct binder_node_debug_info`.
#[repr(C)]
#[derive(Default)]
pub struct NodeDebugInfo {
    pub ptr: u64,
    pub cookie: u64,
    pub has_strong_ref: u32,
    pub has_weak_ref: u32,
}

/// `struct binder_node_info_for_ref`.
#[repr(C)]
#[derive(Default)]
pub struct NodeInfoForRef {
    pub handle: u32,
    pub strong_count: u32,
    pub weak_count: u32,
    pub reserved: [u32; 3],
}

/// `struct binder_freeze_info`.
#[repr(C)]
pub struct FreezeInfo {
    pub pid: u32,
    pub enable: u32,
    pub timeout_ms: u32,
}

/// `struct binder_frozen_status_info`.
#[repr(C)]
#[derive(Default)]
pub struct FrozenStatusInfo {
    pub pid: u32,
    pub sync_recv: u32,
    pub async_recv: u32,
}

/// `struct binder_extended_error`.
#[repr(C)]
#[derive(Default)]
pub struct ExtendedError {
    pub id: u32,
    pub command: u32,
    pub param: i32,
}

/// `struct flat_binder_object`, with the binder of its union.
#[repr(C)]
pub struct FlatBinderObject {
    pub kind: u32,
    pub flags: u32,
    pub binder: u64,
    pub cookie: u64,
}

/// `struct binderfs_device`.
#[repr(C)]
pub struct BinderfsDevice {
    pub name: [u8; 256],
    pub major: u32,
    pub minor: u32,
}

pub const BINDER_WRITE_READ: u32 = iowr(b'b', 1, size_of::<WriteRead>());
pub const BINDER_SET_MAX_THREADS: u32 = iow(b'b', 5, 4);
pub const BINDER_SET_CONTEXT_MGR: u32 = iow(b'b', 7, 4);
pub const BINDER_THREAD_EXIT: u32 = iow(b'b', 8, 4);
pub const BINDER_VERSION: u32 = iowr(b'b', 9, 4);
pub const BINDER_GET_NODE_DEBUG_INFO: u32 = iowr(b'b', 11, size_of::<NodeDebugInfo>());
pub const BINDER_GET_NODE_INFO_FOR_REF: u32 = iowr(b'b', 12, size_of::<NodeInfoForRef>());
pub const BINDER_SET_CONTEXT_MGR_EXT: u32 = iow(b'b', 13, size_of::<FlatBinderObject>());
pub const BINDER_FREEZE: u32 = iow(b'b', 14, size_of::<FreezeInfo>());
pub const BINDER_GET_FROZEN_INFO: u32 = iowr(b'b', 15, size_of::<FrozenStatusInfo>());
pub const BINDER_ENABLE_ONEWAY_SPAM_DETECTION: u32 = iow(b'b', 16, 4);
pub const BINDER_GET_EXTENDED_ERROR: u32 = iowr(b'b', 17, size_of::<ExtendedError>());
pub const BINDER_CTL_ADD: u32 = iowr(b'b', 1, size_of::<BinderfsDevice>());

/// Requests of /dev/ashmem, whose descriptors programs send through Binder: a number each, and
/// offset and length for the last three.
pub const ASHMEM_SET_SIZE: u32 = iow(b'w', 3, size_of::<usize>());
pub const ASHMEM_PURGE_ALL_CACHES: u32 = io(b'w', 10);
pub const ASHMEM_PIN: u32 = iow(b'w', 7, 8);
pub const ASHMEM_UNPIN: u32 = iow(b'w', 8, 8);
pub const ASHMEM_GET_PIN_STATUS: u32 = io(b'w', 9);

/// `struct binder_transaction_data`, and with `buffers_size` behind it, in bytes.
pub const TRANSACTION_DATA: usize = 64;
pub const TRANSACTION_DATA_SG: usize = TRANSACTION_DATA + 8;
/// The packed `struct binder_handle_cookie`.
const HANDLE_COOKIE: usize = 12;
const PTR_COOKIE: usize = 16;

pub const BC_TRANSACTION: u32 = iow(b'c', 0, TRANSACTION_DATA);
pub const BC_FREE_BUFFER: u32 = iow(b'c', 3, 8);
pub const BC_INCREFS: u32 = iow(b'c', 4, 4);
pub const BC_ACQUIRE: u32 = iow(b'c', 5, 4);
pub const BC_RELEASE: u32 = iow(b'c', 6, 4);
pub const BC_DECREFS: u32 = iow(b'c', 7, 4);
pub const BC_INCREFS_DONE: u32 = iow(b'c', 8, PTR_COOKIE);
pub const BC_ACQUIRE_DONE: u32 = iow(b'c', 9, PTR_COOKIE);
pub const BC_ATTEMPT_ACQUIRE: u32 = iow(b'c', 10, 8);
pub const BC_REGISTER_LOOPER: u32 = io(b'c', 11);
pub const BC_ENTER_LOOPER: u32 = io(b'c', 12);
pub const BC_REQUEST_DEATH_NOTIFICATION: u32 = iow(b'c', 14, HANDLE_COOKIE);
pub const BC_CLEAR_DEATH_NOTIFICATION: u32 = iow(b'c', 15, HANDLE_COOKIE);
pub const BC_DEAD_BINDER_DONE: u32 = iow(b'c', 16, 8);
pub const BC_TRANSACTION_SG: u32 = iow(b'c', 17, TRANSACTION_DATA_SG);
pub const BC_REPLY_SG: u32 = iow(b'c', 18, TRANSACTION_DATA_SG);
pub const BC_REQUEST_FREEZE_NOTIFICATION: u32 = iow(b'c', 19, HANDLE_COOKIE);
pub const BC_CLEAR_FREEZE_NOTIFICATION: u32 = iow(b'c', 20, HANDLE_COOKIE);
pub const BC_FREEZE_NOTIFICATION_DONE: u32 = iow(b'c', 21, 8);

pub const BR_TRANSACTION: u32 = ior(b'r', 2, TRANSACTION_DATA);
pub const BR_REPLY: u32 = ior(b'r', 3, TRANSACTION_DATA);
pub const BR_DEAD_REPLY: u32 = io(b'r', 5);
pub const BR_TRANSACTION_COMPLETE: u32 = io(b'r', 6);
pub const BR_INCREFS: u32 = ior(b'r', 7, PTR_COOKIE);
pub const BR_ACQUIRE: u32 = ior(b'r', 8, PTR_COOKIE);
pub const BR_RELEASE: u32 = ior(b'r', 9, PTR_COOKIE);
pub const BR_DECREFS: u32 = ior(b'r', 10, PTR_COOKIE);
pub const BR_NOOP: u32 = io(b'r', 12);
pub const BR_SPAWN_LOOPER: u32 = io(b'r', 13);
pub const BR_DEAD_BINDER: u32 = ior(b'r', 15, 8);
pub const BR_CLEAR_DEATH_NOTIFICATION_DONE: u32 = ior(b'r', 16, 8);
pub const BR_FAILED_REPLY: u32 = io(b'r', 17);
pub const BR_FROZEN_REPLY: u32 = io(b'r', 18);
pub const BR_ONEWAY_SPAM_SUSPECT: u32 = io(b'r', 19);
pub const BR_TRANSACTION_PENDING_FROZEN: u32 = io(b'r', 20);
pub const BR_FROZEN_BINDER: u32 = ior(b'r', 21, PTR_COOKIE);
pub const BR_CLEAR_FREEZE_NOTIFICATION_DONE: u32 = ior(b'r', 22, 8);

/// Every return's name.
pub const RETURNS: [(u32, &str); 21] = [
    (ior(b'r', 0, 4), "BR_ERROR"),
    (io(b'r', 1), "BR_OK"),
    (ior(b'r', 2, TRANSACTION_DATA_SG), "BR_TRANSACTION_SEC_CTX"),
    (BR_TRANSACTION, "BR_TRANSACTION"),
    (BR_REPLY, "BR_REPLY"),
    (BR_DEAD_REPLY, "BR_DEAD_REPLY"),
    (BR_TRANSACTION_COMPLETE, "BR_TRANSACTION_COMPLETE"),
    (BR_INCREFS, "BR_INCREFS"),
    (BR_ACQUIRE, "BR_ACQUIRE"),
    (BR_RELEASE, "BR_RELEASE"),
    (BR_DECREFS, "BR_DECREFS"),
    (BR_NOOP, "BR_NOOP"),
    (BR_SPAWN_LOOPER, "BR_SPAWN_LOOPER"),
    (BR_DEAD_BINDER, "BR_DEAD_BINDER"),
    (BR_CLEAR_DEATH_NOTIFICATION_DONE, "BR_CLEAR_DEATH_NOTIFICATION_DONE"),
    (BR_FAILED_REPLY, "BR_FAILED_REPLY"),
    (BR_FROZEN_REPLY, "BR_FROZEN_REPLY"),
    (BR_ONEWAY_SPAM_SUSPECT, "BR_ONEWAY_SPAM_SUSPECT"),
    (BR_TRANSACTION_PENDING_FROZEN, "BR_TRANSACTION_PENDING_FROZEN"),
    (BR_FROZEN_BINDER, "BR_FROZEN_BINDER"),
    (BR_CLEAR_FREEZE_NOTIFICATION_DONE, "BR_CLEAR_FREEZE_NOTIFICATION_DONE"),
];

/// How many bytes follow a command or a return: its number says so.
pub const fn payload(code: u32) -> usize {
    (code as usize >> 16) & 0x3fff
}

/// `B_PACK_CHARS()` with `B_TYPE_LARGE`.
const fn object(name: [u8; 3]) -> u32 {
    u32::from_be_bytes([name[0], name[1], name[2], 0x85])
}

pub const BINDER_TYPE_BINDER: u32 = object(*b"sb*");
pub const BINDER_TYPE_WEAK_BINDER: u32 = object(*b"wb*");
pub const BINDER_TYPE_HANDLE: u32 = object(*b"sh*");
pub const BINDER_TYPE_FD: u32 = object(*b"fd*");
pub const BINDER_TYPE_FDA: u32 = object(*b"fda");
pub const BINDER_TYPE_PTR: u32 = object(*b"pt*");

pub const FLAT_BINDER_FLAG_ACCEPTS_FDS: u32 = 0x100;
pub const BINDER_BUFFER_FLAG_HAS_PARENT: u32 = 1;

pub const TF_ONE_WAY: u32 = 0x01;
pub const TF_ACCEPT_FDS: u32 = 0x10;
pub const TF_CLEAR_BUF: u32 = 0x20;
pub const TF_UPDATE_TXN: u32 = 0x40;

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers that the kernel's header gives on every architecture with 64-bit Binder.
    #[test]
    fn numbers_are_the_headers() {
        assert_eq!(BINDER_WRITE_READ, 0xc030_6201);
        assert_eq!(BINDER_VERSION, 0xc004_6209);
        assert_eq!(BINDER_CTL_ADD, 0xc108_6201);
        assert_eq!(ASHMEM_PIN, 0x4008_7707);
        assert_eq!(BC_TRANSACTION, 0x4040_6300);
        assert_eq!(BC_REQUEST_DEATH_NOTIFICATION, 0x400c_630e);
        assert_eq!(BR_REPLY, 0x8040_7203);
        assert_eq!(BR_DEAD_REPLY, 0x7205);
        assert_eq!(BINDER_TYPE_BINDER, 0x7362_2a85);
        assert_eq!(payload(BR_FROZEN_BINDER), 16);
    }
}
