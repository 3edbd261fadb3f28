// SPDX-License-Identifier: MIT
//! The border to the C library: every unsafe block of the program stands here.

use crate::uapi;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::path::Path;

/// What may be handed to the driver: any bytes are a value, and the driver knows the size from the
/// ioctl's number.
///
/// # Safety
///
/// The type is `repr(C)`, made of integers, and has no padding that matters.
pub unsafe trait Argument {}

// SAFETY: plain integers, as the kernel's header has them.
unsafe impl Argument for uapi::WriteRead {}
// SAFETY: as above.
unsafe impl Argument for uapi::NodeDebugInfo {}
// SAFETY: as above.
unsafe impl Argument for uapi::NodeInfoForRef {}
// SAFETY: as above.
unsafe impl Argument for uapi::FreezeInfo {}
// SAFETY: as above.
unsafe impl Argument for uapi::FrozenStatusInfo {}
// SAFETY: as above.
unsafe impl Argument for uapi::ExtendedError {}
// SAFETY: as above.
unsafe impl Argument for uapi::FlatBinderObject {}
// SAFETY: as above.
unsafe impl Argument for uapi::BinderfsDevice {}
// SAFETY: a plain integer.
unsafe impl Argument for u32 {}

/// An error number of the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Errno(pub i32);

impl Errno {
    fn last() -> Self {
        Self(io::Error::last_os_error().raw_os_error().unwrap_or(0))
    }
}

impl From<Errno> for io::Error {
    fn from(errno: Errno) -> Self {
        Self::from_raw_os_error(errno.0)
    }
}

/// An ioctl with its argument. The argument's size is checked against the request's number.
///
/// # Errors
///
/// The driver's.
pub fn ioctl<T: Argument>(file: &File, request: u32, argument: &mut T) -> Result<(), Errno> {
    assert_eq!(uapi::payload(request), size_of::<T>(), "ioctl {request:#x}");
    // SAFETY: the driver reads and writes at most the number of bytes in the request, which is T's
    // size, and T is plain. What a `WriteRead` points to is checked by the driver, which copies.
    let result = unsafe { libc::ioctl(file.as_raw_fd(), request as _, argument as *mut T) };
    if result < 0 {
        Err(Errno::last())
    } else {
        Ok(())
    }
}

/// An ioctl whose argument is address 0, where nothing is mapped.
///
/// # Errors
///
/// The driver's.
pub fn ioctl_null(file: &File, request: u32) -> Result<(), Errno> {
    // SAFETY: nothing is mapped at 0, so nothing of ours can be read or written.
    let result = unsafe { libc::ioctl(file.as_raw_fd(), request as _, 0usize) };
    if result < 0 {
        Err(Errno::last())
    } else {
        Ok(())
    }
}

/// An ioctl that takes a number and gives one, and reads and writes no memory.
///
/// # Errors
///
/// The driver's.
pub fn ioctl_number(file: &File, request: u32, number: usize) -> Result<i32, Errno> {
    // SAFETY: no memory is involved.
    number_or_error(unsafe { libc::ioctl(file.as_raw_fd(), request as _, number) })
}

/// An ioctl that reads two words and gives a number.
///
/// # Errors
///
/// The driver's.
pub fn ioctl_words(file: &File, request: u32, words: [u32; 2]) -> Result<i32, Errno> {
    // SAFETY: the driver reads the two words and writes nothing.
    number_or_error(unsafe { libc::ioctl(file.as_raw_fd(), request as _, words.as_ptr()) })
}

fn number_or_error(result: i32) -> Result<i32, Errno> {
    if result < 0 {
        Err(Errno::last())
    } else {
        Ok(result)
    }
}

/// Opens a device for reading and writing.
///
/// # Errors
///
/// The kernel's.
pub fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

/// Memory that this process mapped.
pub struct Mapping {
    pub address: usize,
    pub size: usize,
}

// SAFETY: the mapping belongs to no thread, and only whole copies of it are taken.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps a file from its start, at a place of the kernel's choice.
    ///
    /// # Errors
    ///
    /// The file's driver's.
    pub fn of_file(file: &File, size: usize, protection: i32) -> Result<Self, Errno> {
        Self::new(file, size, protection, libc::MAP_PRIVATE)
    }

    /// Maps a file's own memory from its start, to read and to write.
    ///
    /// # Errors
    ///
    /// The file's driver's.
    pub fn shared(file: &File, size: usize) -> Result<Self, Errno> {
        Self::new(file, size, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED)
    }

    fn new(file: &File, size: usize, protection: i32, flags: i32) -> Result<Self, Errno> {
        let fd = file.as_raw_fd();
        // SAFETY: a new mapping at a free place.
        let address = unsafe { libc::mmap(std::ptr::null_mut(), size, protection, flags, fd, 0) };
        if address == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        Ok(Self { address: address as usize, size })
    }

    /// Puts writable anonymous memory in this mapping's place, each byte `fill`.
    ///
    /// # Errors
    ///
    /// The kernel's.
    pub fn replace_by_memory(&self, fill: u8) -> Result<(), Errno> {
        // SAFETY: the range is our own mapping, of which no reference exists: only copies are made.
        let address = unsafe {
            libc::mmap(
                self.address as *mut libc::c_void,
                self.size,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED,
                -1,
                0,
            )
        };
        if address == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        // SAFETY: the memory was mapped writable just now.
        unsafe { std::ptr::write_bytes(address.cast::<u8>(), fill, self.size) };
        Ok(())
    }

    /// Puts a file in this mapping's place.
    ///
    /// # Errors
    ///
    /// The file's driver's.
    pub fn replace_by_file(&self, file: &File) -> Result<(), Errno> {
        // SAFETY: as above.
        let address = unsafe {
            libc::mmap(
                self.address as *mut libc::c_void,
                self.size,
                libc::PROT_READ,
                libc::MAP_PRIVATE | libc::MAP_FIXED,
                file.as_raw_fd(),
                0,
            )
        };
        if address == libc::MAP_FAILED {
            Err(Errno::last())
        } else {
            Ok(())
        }
    }

    /// Writes one byte of a shared mapping.
    pub fn put(&self, offset: usize, byte: u8) {
        assert!(offset < self.size);
        // SAFETY: the byte is inside the mapping, which its maker asked to be writable; nobody has a
        // reference to it.
        unsafe { ((self.address + offset) as *mut u8).write_volatile(byte) };
    }

    /// A copy of `size` bytes at `address`; `None` where they are not all in the mapping.
    pub fn copy(&self, address: u64, size: usize) -> Option<Vec<u8>> {
        let start = usize::try_from(address).ok()?.checked_sub(self.address)?;
        if start.checked_add(size)? > self.size {
            return None;
        }
        // SAFETY: the range is inside the mapping, which is readable for the program's life; the
        // driver may write to it at any time, so it is copied and never borrowed.
        Some(
            (0..size)
                .map(|i| unsafe { ((self.address + start + i) as *const u8).read_volatile() })
                .collect(),
        )
    }
}

/// The size of a page.
pub fn page_size() -> usize {
    // SAFETY: asks for a number.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) as usize }
}

/// Lets the process end, with SIGALRM, when a wait lasts too long.
pub fn watchdog(seconds: u32) {
    // SAFETY: no memory is involved.
    unsafe { libc::alarm(seconds) };
}

/// Makes another process, which runs `work` and ends; it dies with us.
///
/// # Errors
///
/// The kernel's.
pub fn fork(work: impl FnOnce() -> i32) -> Result<i32, Errno> {
    // SAFETY: the program has no other thread when it forks, so the child may use all of Rust.
    match unsafe { libc::fork() } {
        -1 => Err(Errno::last()),
        0 => {
            // SAFETY: no memory is involved.
            unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
            std::process::exit(work())
        }
        pid => Ok(pid),
    }
}

/// Sends SIGKILL.
pub fn kill(pid: i32) {
    // SAFETY: no memory is involved.
    unsafe { libc::kill(pid, libc::SIGKILL) };
}

/// Stops a process of ours, as Android's freezer does before it freezes its Binder; gives back
/// when it stands.
pub fn stop(pid: i32) {
    let mut status = 0;
    // SAFETY: `status` is ours.
    unsafe {
        libc::kill(pid, libc::SIGSTOP);
        libc::waitpid(pid, &mut status, libc::WUNTRACED);
    }
}

/// Lets a stopped process go on.
pub fn resume(pid: i32) {
    // SAFETY: no memory is involved.
    unsafe { libc::kill(pid, libc::SIGCONT) };
}

/// Waits for a process's end; gives wait(2)'s status.
pub fn wait(pid: i32) -> i32 {
    let mut status = 0;
    // SAFETY: `status` is ours.
    unsafe { libc::waitpid(pid, &mut status, 0) };
    status
}

/// A pipe: its reading and its writing end.
///
/// # Errors
///
/// The kernel's.
pub fn pipe() -> Result<(File, File), Errno> {
    let mut ends = [0; 2];
    // SAFETY: room for the two descriptors.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } < 0 {
        return Err(Errno::last());
    }
    Ok((owned(ends[0]), owned(ends[1])))
}

/// A file of a descriptor that the driver put into our table for us, and nobody else knows.
pub fn owned(fd: RawFd) -> File {
    // SAFETY: the kernel made it for us just now; whoever calls has it from there.
    File::from(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Whether a descriptor is open in this process.
pub fn is_open(fd: RawFd) -> bool {
    // SAFETY: no memory is involved.
    unsafe { libc::fcntl(fd, libc::F_GETFD) >= 0 }
}

/// Waits until a file can be read; gives poll(2)'s events, 0 when `milliseconds` have passed.
pub fn poll(file: &File, milliseconds: i32) -> i16 {
    let mut entry = libc::pollfd { fd: file.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one entry, ours.
    unsafe { libc::poll(&mut entry, 1, milliseconds) };
    entry.revents
}

/// Becomes another user, for good.
///
/// # Errors
///
/// The kernel's.
pub fn become_user(uid: u32) -> Result<(), Errno> {
    // SAFETY: no memory is involved.
    if unsafe { libc::setuid(uid) } < 0 {
        Err(Errno::last())
    } else {
        Ok(())
    }
}
