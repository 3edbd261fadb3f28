// SPDX-License-Identifier: MIT
//! Binder's grammar: sessions of one device, which all processes open, in transactions with each
//! other.
//!
//! The numbers are those of `include/uapi/linux/android/binder.h`, taken apart: a command is its
//! number and how many bytes follow it. No call waits: sessions are opened with `O_NONBLOCK`.

use super::{allow, note, Grammar, Outcome, Shared, Source};
use crate::ashmem;
use crate::sys::{self, Errno, Mapping};
use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};

pub const GRAMMAR: Grammar =
    Grammar { corpus: include_str!("binder.corpus"), share: shared, execute };

const BINDERFS: &str = "/dev/binderfs";
/// No program has more of them at a time.
const MOST: usize = 4;

const fn ioc(direction: u32, kind: u8, number: u32, size: u32) -> u32 {
    (direction << 30) | (size << 16) | ((kind as u32) << 8) | number
}

const CTL_ADD: u32 = ioc(3, b'b', 1, 264);
const WRITE_READ: u32 = ioc(3, b'b', 1, 48);
const SET_CONTEXT_MGR: u32 = ioc(1, b'b', 7, 4);
const SET_CONTEXT_MGR_EXT: u32 = ioc(1, b'b', 13, 24);
const FREEZE: u32 = ioc(1, b'b', 14, 12);
const BC_FREE_BUFFER: (u32, usize) = (3, 8);
const TRANSACTION_DATA: usize = 64;

/// Requests whose argument is plain data: direction, number, bytes.
const REQUESTS: &[(u32, u32, u32)] = &[
    (1, 5, 4),   // SET_MAX_THREADS
    (1, 8, 4),   // THREAD_EXIT
    (3, 9, 4),   // VERSION
    (3, 11, 24), // GET_NODE_DEBUG_INFO
    (3, 12, 24), // GET_NODE_INFO_FOR_REF
    (3, 15, 12), // GET_FROZEN_INFO
    (1, 16, 4),  // ENABLE_ONEWAY_SPAM_DETECTION
    (3, 17, 12), // GET_EXTENDED_ERROR
];

/// Commands without a transaction: number, bytes.
const COMMANDS: &[(u32, usize)] = &[
    BC_FREE_BUFFER,
    (4, 4),   // INCREFS
    (5, 4),   // ACQUIRE
    (6, 4),   // RELEASE
    (7, 4),   // DECREFS
    (8, 16),  // INCREFS_DONE
    (9, 16),  // ACQUIRE_DONE
    (10, 8),  // ATTEMPT_ACQUIRE
    (11, 0),  // REGISTER_LOOPER
    (12, 0),  // ENTER_LOOPER
    (13, 0),  // EXIT_LOOPER
    (14, 12), // REQUEST_DEATH_NOTIFICATION
    (15, 12), // CLEAR_DEATH_NOTIFICATION
    (16, 8),  // DEAD_BINDER_DONE
    (19, 12), // REQUEST_FREEZE_NOTIFICATION
    (20, 12), // CLEAR_FREEZE_NOTIFICATION
    (21, 8),  // FREEZE_NOTIFICATION_DONE
];

/// Transactions and replies: number, and whether `buffers_size` follows.
const TRANSACTIONS: &[(u32, bool)] =
    &[(0, false), (17, true), (0, false), (17, true), (1, false), (18, true)];

/// `sb*`, `wb*`, `sh*`, `wh*`, `fd*`, `fda`, `pt*`, and none.
const OBJECTS: &[u32] = &[
    0x7362_2a85,
    0x7762_2a85,
    0x7368_2a85,
    0x7768_2a85,
    0x6664_2a85,
    0x6664_6185,
    0x7074_2a85,
    0x7878_2a85,
];

/// What the driver may answer to a session that does anything.
const ERRORS: &[i32] = &[
    libc::EINVAL,
    libc::EFAULT,
    libc::EAGAIN,
    libc::EBUSY,
    libc::EPERM,
    libc::ENOENT,
    libc::ENOMEM,
    libc::ESRCH,
    libc::EBADF,
    libc::ENOTTY,
    libc::EMFILE,
];

/// A device of its own.
fn shared() -> Result<Shared, String> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("fuzz-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let mut device = [0u8; 264];
    device[..name.len()].copy_from_slice(name.as_bytes());
    let control = sys::open(&format!("{BINDERFS}/binder-control"), libc::O_RDWR)?;
    sys::ioctl(&control, CTL_ADD, device.as_mut_ptr() as usize)?;
    Ok(Shared { device: format!("{BINDERFS}/{name}"), fds: Vec::new(), shrinker: None })
}

/// An open device, its mapping, and the buffers that were delivered to it.
struct Session {
    fd: OwnedFd,
    map: Option<Mapping>,
    buffers: Vec<u64>,
}

fn execute(program: &[u8], shared: &Shared) -> Outcome {
    let mut source = Source(program.iter());
    // The driver puts descriptors into our table; all above these are the program's.
    let first = sys::open("/dev/null", libc::O_RDWR)?.as_raw_fd();
    let mut sessions = Vec::new();
    let result = (|| {
        while !source.is_over() {
            step(&mut source, shared, &mut sessions)?;
        }
        Ok(())
    })();
    drop(sessions);
    sys::close_from(first)?;
    result
}

fn open(shared: &Shared) -> Result<Session, String> {
    let fd = sys::open(&shared.device, libc::O_RDWR | libc::O_NONBLOCK)?;
    Ok(Session { fd, map: None, buffers: Vec::new() })
}

fn step(source: &mut Source<'_>, shared: &Shared, sessions: &mut Vec<Session>) -> Outcome {
    let call = source.below(24);
    if sessions.is_empty() || call == 0 && sessions.len() < MOST {
        let mut session = open(shared)?;
        // What most programs do first.
        if source.below(4) > 0 {
            map(&mut session, 64 << 10, libc::PROT_READ)?;
        }
        sessions.push(session);
        return Ok(());
    }
    let which = source.below(sessions.len());
    let session = &mut sessions[which];
    let mut argument = [0u8; 24];
    match call {
        1 => drop(sessions.swap_remove(which)),
        2 => {
            let (len, prot) = (source.size(), source.prot());
            map(session, len, prot)?;
        }
        3 => {
            argument[0] = [0x85, source.byte() as u8][source.below(2)];
            argument[1..4].copy_from_slice(b"*bs");
            argument[5] = source.below(2) as u8;
            let request = [SET_CONTEXT_MGR, SET_CONTEXT_MGR_EXT][source.below(2)];
            request_of(session, request, &mut argument)?;
        }
        4 => {
            let (direction, number, size) = REQUESTS[source.below(REQUESTS.len())];
            argument.iter_mut().for_each(|byte| *byte = source.byte() as u8 & 3);
            request_of(session, ioc(direction, b'b', number, size), &mut argument)?;
        }
        5 => {
            let pid = if source.below(4) == 0 { source.byte() as u32 } else { std::process::id() };
            let (enable, timeout) = (source.below(3) as u32, source.below(3) as u32);
            for (to, word) in argument.chunks_exact_mut(4).zip([pid, enable, timeout]) {
                to.copy_from_slice(&word.to_ne_bytes());
            }
            request_of(session, FREEZE, &mut argument)?;
        }
        6 => {
            // A number near the known ones, with an argument that may be none.
            let request = ioc(source.byte() as u32 & 3, b'b', source.below(20) as u32, 0)
                | ((source.byte() as u32) << 16);
            let mut large = [0u8; 256];
            let address = [0, large.as_mut_ptr() as usize][source.below(2)];
            // This one would take the bytes for addresses.
            if request != WRITE_READ {
                allow("any", sys::ioctl(&session.fd, request, address), ERRORS)?;
            }
        }
        7 => {
            let mut entry = libc::pollfd { fd: session.fd.as_raw_fd(), events: 0x7f, revents: 0 };
            // SAFETY: One entry, ours.
            unsafe { libc::poll(&mut entry, 1, 0) };
        }
        8 => drop(session.map.take()),
        9 => {
            if let Some(map) = &session.map {
                let page = sys::page_size();
                let offset = source.below(map.len.div_ceil(page)) * page;
                let _ = map.read(offset, &mut [0; 16]);
                let _ = map.write(offset, &[1]);
                let _ = map.protect(offset, page, source.prot());
            }
        }
        10 => {
            let path = format!("/proc/self/fdinfo/{}", session.fd.as_raw_fd());
            fs::read(path).map_err(|error| error.to_string())?;
        }
        11 => {
            let in_child = || i32::from(write_read(session, &[], 256).is_err());
            sys::in_child(in_child)?;
        }
        12..=15 => {
            let commands = simple(source, session);
            write_read(session, &commands, 0)?;
        }
        16..=19 => transact(source, session)?,
        _ => write_read(session, &[], [256, 256, 68, 8][source.below(4)])?,
    }
    Ok(())
}

fn map(session: &mut Session, len: usize, prot: i32) -> Outcome {
    let mapped = Mapping::new(&session.fd, len, prot, libc::MAP_PRIVATE, 0);
    let errors = [ERRORS, &[libc::EOVERFLOW, libc::EACCES]].concat();
    if let Some(mapping) = allow("mmap", mapped, &errors)? {
        session.map = Some(mapping);
    }
    Ok(())
}

fn request_of(session: &Session, request: u32, argument: &mut [u8; 24]) -> Outcome {
    let address = argument.as_mut_ptr() as usize;
    allow("request", sys::ioctl(&session.fd, request, address), ERRORS)?;
    Ok(())
}

/// One to three commands without a transaction.
fn simple(source: &mut Source<'_>, session: &mut Session) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..1 + source.below(3) {
        let (number, size) = COMMANDS[source.below(COMMANDS.len())];
        bytes.extend(ioc(u32::from(size > 0), b'c', number, size as u32).to_ne_bytes());
        let start = bytes.len();
        // Handles, nodes and cookies are small numbers.
        bytes.extend((0..size).map(|at| if at % 4 == 0 { source.below(4) as u8 } else { 0 }));
        if (number, size) == BC_FREE_BUFFER && !session.buffers.is_empty() {
            let buffer = session.buffers.swap_remove(source.below(session.buffers.len()));
            bytes[start..].copy_from_slice(&buffer.to_ne_bytes());
        }
    }
    if source.below(16) == 0 {
        bytes.truncate(source.below(bytes.len()));
    }
    bytes
}

/// A transaction or a reply with objects.
fn transact(source: &mut Source<'_>, session: &mut Session) -> Outcome {
    let region = ashmem::open().or_else(|_| sys::open("/dev/null", libc::O_RDWR))?;
    let extra = [7u8; 64];
    let (mut data, mut offsets) = (vec![1u8; 8 * source.below(5)], Vec::new());
    for _ in 0..source.below(4) {
        let slip = if source.below(16) == 0 { source.below(64) } else { 0 };
        offsets.extend(((data.len() + slip) as u64).to_ne_bytes());
        let kind = source.below(OBJECTS.len());
        let small = |source: &mut Source<'_>| source.below(4) as u64;
        let (first, second) = match kind {
            4 => (region.as_raw_fd() as u64, small(source)),
            6 => (extra.as_ptr() as u64, [8, 16, 64, 1 << 20][source.below(4)]),
            _ => (small(source), small(source)),
        };
        data.extend(OBJECTS[kind].to_ne_bytes());
        data.extend((source.byte() as u32 | 0x100).to_ne_bytes());
        for word in [first, second] {
            data.extend(word.to_ne_bytes());
        }
        // The buffers have a parent, and a place in it.
        if kind >= 5 {
            data.extend((8 * small(source)).to_ne_bytes());
        }
        if kind == 6 {
            data.extend((8 * small(source)).to_ne_bytes());
        }
    }
    let (number, more) = TRANSACTIONS[source.below(TRANSACTIONS.len())];
    let size = TRANSACTION_DATA + 8 * usize::from(more);
    let len = if source.below(16) == 0 { source.size() as u64 } else { data.len() as u64 };
    let mut bytes = ioc(1, b'c', number, size as u32).to_ne_bytes().to_vec();
    // Target, cookie; code and flags; the sender, which the driver fills in.
    let flags = [0, 0x10, 0x11, 0x01, 0x31, 0x51, 0x41, source.byte() as u64][source.below(8)];
    let words = [
        source.below(4) as u64,
        0,
        source.byte() as u64 | (flags << 32),
        0,
        len,
        offsets.len() as u64,
        data.as_ptr() as u64,
        offsets.as_ptr() as u64,
        64 * source.below(4) as u64,
    ];
    bytes.extend(words.iter().flat_map(|word| word.to_ne_bytes()).take(size));
    write_read(session, &bytes, [0, 256][source.below(2)])
}

/// `BINDER_WRITE_READ`; keeps the addresses of what was delivered.
fn write_read(session: &mut Session, commands: &[u8], room: usize) -> Outcome {
    let mut returns = vec![0u8; room];
    let mut argument = [
        commands.len() as u64,
        0,
        commands.as_ptr() as u64,
        room as u64,
        0,
        returns.as_mut_ptr() as u64,
    ];
    let result = sys::ioctl(&session.fd, WRITE_READ, argument.as_mut_ptr() as usize);
    if result == Err(Errno(libc::EFAULT)) && argument[4] > room as u64 {
        return Err("the driver gave more returns than there was room for".into());
    }
    allow("write and read", result, ERRORS)?;
    let mut bytes = &returns[..(argument[4] as usize).min(room)];
    while let Some((code, rest)) = bytes.split_first_chunk::<4>() {
        let code = u32::from_ne_bytes(*code);
        note(format!("return {}", code & 0xff));
        let size = ((code >> 16) & 0x3fff) as usize;
        let Some((body, rest)) = rest.split_at_checked(size) else {
            return Err(format!("return {code:#x} is cut off"));
        };
        if size >= TRANSACTION_DATA {
            // BR_TRANSACTION, BR_REPLY.
            session.buffers.push(u64::from_ne_bytes(body[48..56].try_into().unwrap()));
        }
        bytes = rest;
    }
    Ok(())
}
