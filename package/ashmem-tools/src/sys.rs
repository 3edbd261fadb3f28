// SPDX-License-Identifier: MIT
//! System calls as this probe needs them: each gives its result or the error number.

use libc::c_int;
use std::ffi::{CStr, CString};
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;

/// An error number that prints as its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Errno(pub c_int);

impl Errno {
    /// The one that the last call left.
    pub fn last() -> Self {
        Self(io::Error::last_os_error().raw_os_error().unwrap_or(0))
    }
}

impl std::fmt::Display for Errno {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self.0 {
            libc::EPERM => "EPERM",
            libc::ENOENT => "ENOENT",
            libc::EIO => "EIO",
            libc::ENXIO => "ENXIO",
            libc::EBADF => "EBADF",
            libc::EAGAIN => "EAGAIN",
            libc::ENOMEM => "ENOMEM",
            libc::EACCES => "EACCES",
            libc::EFAULT => "EFAULT",
            libc::EBUSY => "EBUSY",
            libc::ENODEV => "ENODEV",
            libc::EINVAL => "EINVAL",
            libc::ENOTTY => "ENOTTY",
            libc::ETXTBSY => "ETXTBSY",
            libc::ESPIPE => "ESPIPE",
            libc::ENOSPC => "ENOSPC",
            libc::EOVERFLOW => "EOVERFLOW",
            libc::EOPNOTSUPP => "EOPNOTSUPP",
            other => return write!(f, "E{other}"),
        };
        f.write_str(name)
    }
}

impl From<Errno> for String {
    fn from(errno: Errno) -> Self {
        errno.to_string()
    }
}

pub type Call<T> = Result<T, Errno>;

fn check(result: c_int) -> Call<c_int> {
    if result < 0 {
        Err(Errno::last())
    } else {
        Ok(result)
    }
}

/// The size of a page.
pub fn page_size() -> usize {
    // SAFETY: Asks for a number.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) as usize }
}

/// Opens a path.
pub fn open(path: &str, flags: c_int) -> Call<OwnedFd> {
    open_c(&CString::new(path).map_err(|_| Errno(libc::EINVAL))?, flags)
}

/// Opens a path without making a C string of it first.
pub fn open_c(path: &CStr, flags: c_int) -> Call<OwnedFd> {
    // SAFETY: The path is a C string.
    let fd = check(unsafe { libc::open(path.as_ptr(), flags | libc::O_CLOEXEC) })?;
    // SAFETY: The descriptor is new and ours.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// `truncate(2)`.
pub fn truncate(path: &str, len: usize) -> Call<c_int> {
    let path = CString::new(path).map_err(|_| Errno(libc::EINVAL))?;
    // SAFETY: The path is a C string.
    check(unsafe { libc::truncate(path.as_ptr(), len as _) })
}

/// Makes a request with any argument, also one that is no valid pointer: then the kernel says so.
pub fn ioctl(fd: &impl AsRawFd, request: u32, argument: usize) -> Call<c_int> {
    // SAFETY: Every request of ours that writes gets memory that is large enough; a bad address is
    // the kernel's to refuse.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), request as _, argument) })
}

/// Memory that was mapped; unmapped at its end.
#[derive(Debug)]
pub struct Mapping {
    pub address: usize,
    pub len: usize,
}

impl Mapping {
    /// `mmap(2)` of a file.
    pub fn new(
        fd: &impl AsRawFd,
        len: usize,
        prot: c_int,
        flags: c_int,
        offset: i64,
    ) -> Call<Self> {
        // SAFETY: The kernel chooses the place.
        let address =
            unsafe { libc::mmap(ptr::null_mut(), len, prot, flags, fd.as_raw_fd(), offset as _) };
        if address == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        Ok(Self { address: address as usize, len })
    }

    /// Memory of nobody else's, zeroed.
    pub fn anonymous(len: usize) -> Call<Self> {
        Self::without_file(len, libc::MAP_PRIVATE)
    }

    /// Memory without a file, private or shared, zeroed.
    pub fn without_file(len: usize, sharing: c_int) -> Call<Self> {
        struct None;
        impl AsRawFd for None {
            fn as_raw_fd(&self) -> c_int {
                -1
            }
        }
        let flags = sharing | libc::MAP_ANONYMOUS;
        Self::new(&None, len, libc::PROT_READ | libc::PROT_WRITE, flags, 0)
    }

    /// `mprotect(2)` of a part.
    pub fn protect(&self, offset: usize, len: usize, prot: c_int) -> Call<c_int> {
        // SAFETY: The part is of memory that only this probe's calls touch.
        check(unsafe { libc::mprotect((self.address + offset) as *mut _, len, prot) })
    }

    /// `madvise(2)` of a part.
    pub fn advise(&self, offset: usize, len: usize, advice: c_int) -> Call<c_int> {
        // SAFETY: As above.
        check(unsafe { libc::madvise((self.address + offset) as *mut _, len, advice) })
    }

    /// `mremap(2)` to another length, anywhere.
    pub fn remap(&mut self, len: usize) -> Call<()> {
        // SAFETY: As above; nobody keeps the old address.
        let address =
            unsafe { libc::mremap(self.address as *mut _, self.len, len, libc::MREMAP_MAYMOVE) };
        if address == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        (self.address, self.len) = (address as usize, len);
        Ok(())
    }

    /// `remap_file_pages(2)` of the first pages onto themselves.
    pub fn remap_file_pages(&self, len: usize) -> Call<c_int> {
        let number = libc::SYS_remap_file_pages;
        // SAFETY: As above.
        let result = unsafe { libc::syscall(number, self.address, len, 0, 0, 0) };
        check(result as c_int)
    }

    /// Reads memory that may not be readable: the kernel copies it, and says where it cannot.
    pub fn read(&self, offset: usize, buffer: &mut [u8]) -> Call<()> {
        let (output, input) = pipe()?;
        let mut done = 0;
        while done < buffer.len() {
            let address = self.address + offset + done;
            let len = (page_size() - address % page_size()).min(buffer.len() - done);
            // SAFETY: The kernel checks the address that it reads.
            let put = unsafe { libc::write(input.as_raw_fd(), address as *const _, len) };
            if put < 0 {
                return Err(Errno::last());
            }
            let part = &mut buffer[done..done + put as usize];
            // SAFETY: There is room for what was put in.
            let got =
                unsafe { libc::read(output.as_raw_fd(), part.as_mut_ptr().cast(), part.len()) };
            assert_eq!(got, put);
            done += put as usize;
        }
        Ok(())
    }

    /// Writes memory that may not be writable, in the same way.
    pub fn write(&self, offset: usize, data: &[u8]) -> Call<()> {
        let (output, input) = pipe()?;
        let mut done = 0;
        while done < data.len() {
            let address = self.address + offset + done;
            let len = (page_size() - address % page_size()).min(data.len() - done);
            // SAFETY: What is written is ours.
            let put = unsafe { libc::write(input.as_raw_fd(), data[done..].as_ptr().cast(), len) };
            assert_eq!(put, len as isize);
            // SAFETY: The kernel checks the address that it writes.
            let got = unsafe { libc::read(output.as_raw_fd(), address as *mut _, len) };
            if got < 0 {
                return Err(Errno::last());
            }
            done += got as usize;
        }
        Ok(())
    }

    /// Writes a byte through `/proc/PID/mem` of a child that is traced, as a debugger does. A private
    /// mapping's write is the child's alone.
    pub fn write_traced(&self, offset: usize, byte: u8) -> Call<()> {
        let child = start(|| {
            // SAFETY: Takes numbers only. The child stops until its parent ends it.
            unsafe {
                libc::ptrace(libc::PTRACE_TRACEME);
                libc::raise(libc::SIGSTOP)
            }
        })?;
        // Until it has stopped.
        wait(child)?;
        let result = open(&format!("/proc/{child}/mem"), libc::O_RDWR).and_then(|mem| {
            let at = (self.address + offset) as i64;
            // SAFETY: The byte is ours; the kernel checks the address, which is the child's.
            let put = unsafe { libc::pwrite64(mem.as_raw_fd(), (&raw const byte).cast(), 1, at) };
            if put == 1 {
                Ok(())
            } else {
                Err(Errno::last())
            }
        });
        // SAFETY: Takes numbers only.
        check(unsafe { libc::kill(child, libc::SIGKILL) })?;
        wait(child)?;
        result
    }

    /// The memory itself, for a mapping of which all can be read and written.
    pub fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: It is mapped, and of other processes that map it none writes while we look.
        unsafe { std::slice::from_raw_parts_mut(self.address as *mut u8, self.len) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: Nobody keeps the address.
        unsafe { libc::munmap(self.address as *mut _, self.len) };
    }
}

/// Closes every descriptor from `first` on, whoever made it.
pub fn close_from(first: c_int) -> Call<()> {
    // SAFETY: Takes numbers only; nobody uses those descriptors after it.
    check(unsafe { libc::syscall(libc::SYS_close_range, first, c_int::MAX, 0) } as c_int)?;
    Ok(())
}

/// `pipe(2)`: the end to read from, and the end to write to.
pub fn pipe() -> Call<(OwnedFd, OwnedFd)> {
    let mut fds = [0; 2];
    // SAFETY: There is room for two descriptors.
    check(unsafe { libc::pipe(fds.as_mut_ptr()) })?;
    // SAFETY: They are new and ours.
    Ok(unsafe { (OwnedFd::from_raw_fd(fds[0]), OwnedFd::from_raw_fd(fds[1])) })
}

/// A pair of connected Unix sockets.
pub fn socket_pair() -> Call<(OwnedFd, OwnedFd)> {
    let mut fds = [0; 2];
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
    // SAFETY: There is room for two descriptors.
    check(unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, fds.as_mut_ptr()) })?;
    // SAFETY: They are new and ours.
    Ok(unsafe { (OwnedFd::from_raw_fd(fds[0]), OwnedFd::from_raw_fd(fds[1])) })
}

/// The room that one descriptor takes in a message's control part.
#[repr(align(8))]
struct Control([u8; 64]);

/// Sends a descriptor through a Unix socket.
pub fn send_fd(socket: &OwnedFd, fd: &OwnedFd) -> Call<()> {
    let mut byte = 0u8;
    let mut part = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    let mut control = Control([0; 64]);
    // SAFETY: All zeros is a message without anything.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.0.as_mut_ptr().cast();
    // SAFETY: Computes a size.
    message.msg_controllen = unsafe { libc::CMSG_SPACE(4) } as _;
    // SAFETY: The control part is large enough for one header and one descriptor, and aligned.
    unsafe {
        let header = libc::CMSG_FIRSTHDR(&message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(4) as _;
        libc::CMSG_DATA(header).cast::<c_int>().write_unaligned(fd.as_raw_fd());
    }
    // SAFETY: The message's parts are alive.
    check(unsafe { libc::sendmsg(socket.as_raw_fd(), &message, 0) } as c_int)?;
    Ok(())
}

/// Receives a descriptor from a Unix socket.
pub fn receive_fd(socket: &OwnedFd) -> Call<OwnedFd> {
    let mut byte = 0u8;
    let mut part = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    let mut control = Control([0; 64]);
    // SAFETY: All zeros is a message without anything.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.0.as_mut_ptr().cast();
    message.msg_controllen = control.0.len() as _;
    // SAFETY: The message's parts are alive and as large as they say.
    check(
        unsafe { libc::recvmsg(socket.as_raw_fd(), &mut message, libc::MSG_CMSG_CLOEXEC) } as c_int
    )?;
    // SAFETY: The kernel filled the control part in.
    let header = unsafe { libc::CMSG_FIRSTHDR(&message) };
    if header.is_null() {
        return Err(Errno(libc::EBADF));
    }
    // SAFETY: The one thing that is sent here is one descriptor, which is ours now.
    Ok(unsafe { OwnedFd::from_raw_fd(libc::CMSG_DATA(header).cast::<c_int>().read_unaligned()) })
}

/// What a child ended with.
#[derive(PartialEq, Eq, Debug)]
pub enum End {
    Status(c_int),
    Signal(c_int),
}

/// Runs `child` in a new process, which ends with the status that it gives; waits for it.
pub fn in_child(child: impl FnOnce() -> c_int) -> Call<End> {
    let pid = start(child)?;
    wait(pid)
}

/// Starts `child` in a new process; gives its number.
///
/// Where the caller has more threads than one, whatever lock another of them holds stays locked in
/// the child for ever: there `child` must not allocate, print, or do anything but make system calls.
pub fn start(child: impl FnOnce() -> c_int) -> Call<c_int> {
    // SAFETY: The child has a copy of all memory, and of the threads the calling one alone; what that
    // forbids is the caller's to heed, as stated above.
    let pid = check(unsafe { libc::fork() })?;
    if pid == 0 {
        let status = child();
        // SAFETY: Ends this process, without what the parent left to be done at exit.
        unsafe { libc::_exit(status) };
    }
    Ok(pid)
}

/// Waits for a child.
pub fn wait(pid: c_int) -> Call<End> {
    let mut status = 0;
    // SAFETY: There is room for the status.
    check(unsafe { libc::waitpid(pid, &mut status, 0) })?;
    if libc::WIFSIGNALED(status) {
        return Ok(End::Signal(libc::WTERMSIG(status)));
    }
    Ok(End::Status(libc::WEXITSTATUS(status)))
}

/// Has the kernel shrink its caches, without a line in its log for each time.
pub fn drop_caches() -> Result<(), String> {
    for bits in ["4", "2"] {
        fs::write("/proc/sys/vm/drop_caches", bits).map_err(|error| error.to_string())?;
    }
    Ok(())
}
