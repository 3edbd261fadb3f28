// SPDX-License-Identifier: GPL-2.0

//! The border to `struct miscdevice` and `struct file_operations`: the device `/dev/ashmem`.
//!
//! `kernel::miscdevice` has no `llseek`, so the table is our own.
//!
//! C headers: [`include/linux/miscdevice.h`](srctree/include/linux/miscdevice.h),
//! [`include/linux/fs.h`](srctree/include/linux/fs.h).

use crate::{
    abi::{self, Request},
    queue::Regions,
    region::{Region, Rules},
};
use kernel::{
    bindings,
    error::{from_result, to_result},
    fs::{
        file::{flags, LocalFile},
        File,
    },
    mm::virt::VmaNew,
    module::this_module,
    prelude::*,
    seq_file::SeqFile,
    sync::{Arc, ArcBorrow},
    types::{ForeignOwnable, Opaque},
    uaccess::{UserPtr, UserSlice},
};

/// The registered device.
///
/// # Invariants
///
/// `misc` is registered; it is the first field, so that its address is this structure's.
#[pin_data(PinnedDrop)]
#[repr(C)]
pub(crate) struct Registration {
    #[pin]
    misc: Opaque<bindings::miscdevice>,
    regions: Arc<Regions>,
    rules: Rules,
}

// SAFETY: A device may be deregistered by another thread than the one that registered it.
unsafe impl Send for Registration {}
// SAFETY: `regions` and `rules` are `Sync`, and `misc` is C's.
unsafe impl Sync for Registration {}

impl Registration {
    /// Registers the device. Sleeps; fails with what `misc_register` fails with.
    pub(crate) fn new(regions: Arc<Regions>, rules: Rules) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            regions,
            rules,
            // Last: from here on the device can be opened.
            misc <- Opaque::try_ffi_init(|slot: *mut bindings::miscdevice| {
                let misc = bindings::miscdevice {
                    minor: bindings::MISC_DYNAMIC_MINOR as c_int,
                    name: c"ashmem".as_char_ptr(),
                    fops: &OPERATIONS.0,
                    // Anybody may have shared memory, as with memfd_create(2).
                    mode: 0o666,
                    ..pin_init::zeroed()
                };
                // SAFETY: The slot is valid for writes.
                unsafe { slot.write(misc) };
                // SAFETY: The slot is filled in and pinned until it is dropped.
                to_result(unsafe { bindings::misc_register(slot) })
            }),
        })
    }
}

#[pinned_drop]
impl PinnedDrop for Registration {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type's invariant the device is registered.
        unsafe { bindings::misc_deregister(self.misc.get()) };
    }
}

struct Operations(bindings::file_operations);

// SAFETY: A table of functions and the module's address, which nobody changes.
unsafe impl Sync for Operations {}

static OPERATIONS: Operations = Operations(bindings::file_operations {
    owner: this_module::<crate::LocalModule>().as_ptr(),
    open: Some(open),
    release: Some(release),
    llseek: Some(llseek),
    read_iter: Some(read_iter),
    mmap: Some(mmap),
    unlocked_ioctl: Some(unlocked_ioctl),
    #[cfg(CONFIG_COMPAT)]
    compat_ioctl: Some(compat_ioctl),
    show_fdinfo: Some(show_fdinfo),
    ..pin_init::zeroed()
});

/// # Safety
///
/// `file` must be an open file of the device that lives for `'a`.
unsafe fn region<'a>(file: *mut bindings::file) -> ArcBorrow<'a, Region> {
    // SAFETY: From `open` to `release` the private data is an `Arc<Region>` turned foreign.
    unsafe { Arc::<Region>::borrow((*file).private_data) }
}

/// # Safety
///
/// Called by `misc_open` with a file whose private data is the `struct miscdevice`.
unsafe extern "C" fn open(inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
    // SAFETY: Both are valid and being opened.
    let result = unsafe { bindings::generic_file_open(inode, file) };
    if result != 0 {
        return result;
    }
    // SAFETY: The private data is our `struct miscdevice`, the first field of a `Registration`,
    // which is not deregistered while `misc_open` runs.
    let device = unsafe { &*(*file).private_data.cast::<Registration>() };
    from_result(|| {
        let region = Region::new(device.regions.clone(), device.rules)?;
        // SAFETY: The file is being opened: it is ours.
        unsafe { (*file).private_data = region.into_foreign() };
        Ok(0)
    })
}

/// # Safety
///
/// Called when the last reference to an open file is gone.
unsafe extern "C" fn release(_inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
    // SAFETY: The private data came from `open`, and nobody uses the file any more.
    let region = unsafe { Arc::<Region>::from_foreign((*file).private_data) };
    region.close();
    0
}

/// # Safety
///
/// Called with an open file of the device.
unsafe extern "C" fn llseek(
    file: *mut bindings::file,
    offset: bindings::loff_t,
    whence: c_int,
) -> bindings::loff_t {
    // SAFETY: The file is open.
    let region = unsafe { region(file) };
    let backing = match region.readable() {
        Ok(Some(backing)) => backing,
        Ok(None) => return bindings::loff_t::from(EINVAL.to_errno()),
        Err(error) => return bindings::loff_t::from(error.to_errno()),
    };
    const LAST: bindings::loff_t = bindings::loff_t::MAX;
    // CAST: They are 3 and 4.
    if whence == bindings::SEEK_DATA as c_int || whence == bindings::SEEK_HOLE as c_int {
        // SAFETY: We have a reference to the backing file. Its own position, which this changes, is
        // not used.
        let position = unsafe { bindings::vfs_llseek(backing.as_ptr(), offset, whence) };
        if position < 0 {
            return position;
        }
        // SAFETY: The file is open, and the position is one of the backing file's.
        unsafe { bindings::vfs_setpos(file, position, LAST) }
    } else {
        // CAST: `SET_SIZE` takes no size that is no file's.
        let end = region.size() as bindings::loff_t;
        // SAFETY: The file is open.
        unsafe { bindings::generic_file_llseek_size(file, offset, whence, LAST, end) }
    }
}

/// # Safety
///
/// Called with a request to an open file of the device and where to put the data.
unsafe extern "C" fn read_iter(iocb: *mut bindings::kiocb, iter: *mut bindings::iov_iter) -> isize {
    // SAFETY: The request's file is open.
    match unsafe { region((*iocb).ki_filp) }.readable() {
        Ok(None) => 0,
        // SAFETY: We have a reference to the backing file, no lock is held, and the rest is the
        // caller's, which owns the request's position during the call.
        Ok(Some(backing)) => unsafe {
            bindings::vfs_iter_read(backing.as_ptr(), iter, &raw mut (*iocb).ki_pos, 0)
        },
        // CAST: An error number fits.
        Err(error) => error.to_errno() as isize,
    }
}

/// # Safety
///
/// Called with an open file of the device and a mapping that is being made.
unsafe extern "C" fn mmap(file: *mut bindings::file, vma: *mut bindings::vm_area_struct) -> c_int {
    // SAFETY: The file is open.
    let region = unsafe { region(file) };
    // SAFETY: The mapping is being made.
    let (vma, pgoff) = unsafe { (VmaNew::from_raw(vma), (*vma).vm_pgoff) };
    from_result(|| Region::mmap(region, vma, pgoff).map(|()| 0))
}

/// # Safety
///
/// Called with an open file of the device.
unsafe extern "C" fn show_fdinfo(m: *mut bindings::seq_file, file: *mut bindings::file) {
    // SAFETY: The caller gives a `struct seq_file` that is its own.
    let m = unsafe { SeqFile::from_raw(m) };
    // SAFETY: The file is open.
    unsafe { region(file) }.show(m);
}

/// # Safety
///
/// Called with an open file of the device.
unsafe extern "C" fn unlocked_ioctl(
    file: *mut bindings::file,
    cmd: c_uint,
    arg: c_ulong,
) -> c_long {
    // SAFETY: The file is open.
    unsafe { serve(file, Request::native(cmd), arg) }
}

/// # Safety
///
/// Called with an open file of the device, by a 32-bit program.
#[cfg(CONFIG_COMPAT)]
unsafe extern "C" fn compat_ioctl(file: *mut bindings::file, cmd: c_uint, arg: c_ulong) -> c_long {
    // What `compat_ptr()` does: a 32-bit program's argument has 32 bits.
    let arg = arg & u32::MAX as c_ulong;
    let request = Request::compat(cmd);
    // CAST: A shift is a small number.
    let fits = crate::span::fits_compat(arg, kernel::page::PAGE_SHIFT as u32);
    if request == Some(Request::SetSize) && !fits {
        // CAST: An error number fits.
        return EINVAL.to_errno() as c_long;
    }
    // SAFETY: The file is open.
    let result = unsafe { serve(file, request, arg) };
    // The program sees 32 bits of it. A 64-bit one may have set a size that needs more, or whose sign
    // would make it an error.
    if result > i32::MAX as c_long {
        // CAST: An error number fits.
        return EOVERFLOW.to_errno() as c_long;
    }
    result
}

/// # Safety
///
/// `file` must be an open file of the device.
unsafe fn serve(file: *mut bindings::file, request: Option<Request>, arg: c_ulong) -> c_long {
    // SAFETY: The caller promises that the file is open.
    let region = unsafe { region(file) };
    // SAFETY: The file is open, and an ioctl holds no `fdget_pos`.
    let file: &LocalFile = unsafe { File::from_raw_file(file) };
    match ioctl(region, file, request, arg) {
        // CAST: `c_long` is `isize`.
        Ok(result) => result as c_long,
        // CAST: As above, and an error number fits.
        Err(error) => error.to_errno() as c_long,
    }
}

/// Serves a request; gives what `ioctl(2)` returns.
///
/// [`ENOTTY`] for an unknown request, [`EFAULT`] for a bad pointer, [`EPERM`] for
/// `ASHMEM_PURGE_ALL_CACHES` without `CAP_SYS_ADMIN`; the rest are [`Region`]'s.
fn ioctl(
    region: ArcBorrow<'_, Region>,
    file: &LocalFile,
    request: Option<Request>,
    arg: usize,
) -> Result<isize> {
    let user = |len| UserSlice::new(UserPtr::from_addr(arg), len);
    let pin = || -> Result<abi::Pin> {
        let mut bytes = [0; abi::Pin::SIZE];
        user(abi::Pin::SIZE).reader().read_slice(&mut bytes)?;
        Ok(abi::Pin::from_bytes(bytes))
    };
    match request.ok_or(ENOTTY)? {
        Request::SetName => {
            let mut buffer = [0; abi::NAME_LEN];
            let name = user(abi::NAME_LEN).reader().strcpy_into_buf(&mut buffer)?;
            region.set_name(name.to_bytes())?;
        }
        Request::GetName => {
            let mut buffer = [0; abi::NAME_LEN];
            let len = region.get_name(&mut buffer);
            user(len).writer().write_slice(&buffer[..len])?;
        }
        Request::SetSize => region.set_size(arg)?,
        // CAST: `SET_SIZE` takes no size above `isize::MAX`.
        Request::GetSize => return Ok(region.size() as isize),
        Request::SetProtMask => region.set_prot_mask(arg, read_implies_exec())?,
        // CAST: A mask has three bits.
        Request::GetProtMask => return Ok(region.prot_mask() as isize),
        Request::Pin => {
            return Ok(if region.pin(pin()?)? {
                abi::WAS_PURGED
            } else {
                abi::NOT_PURGED
            });
        }
        Request::Unpin => Region::unpin(region, pin()?, is_writable(file))?,
        Request::GetPinStatus => {
            return Ok(if region.is_pinned(pin()?)? {
                abi::IS_PINNED
            } else {
                abi::IS_UNPINNED
            });
        }
        Request::PurgeAllCaches => {
            if !is_admin() {
                return Err(EPERM);
            }
            return Ok(isize::try_from(region.purge_all())?);
        }
        Request::GetFileId => {
            let id = usize::try_from(region.file_id()?).map_err(|_| EOVERFLOW)?;
            user(size_of::<usize>())
                .writer()
                .write_slice(&id.to_ne_bytes())?;
        }
        #[cfg(CONFIG_COMPAT)]
        Request::GetFileId32 => {
            let id = u32::try_from(region.file_id()?).map_err(|_| EOVERFLOW)?;
            user(size_of::<u32>())
                .writer()
                .write_slice(&id.to_ne_bytes())?;
        }
    }
    Ok(0)
}

fn is_writable(file: &LocalFile) -> bool {
    matches!(
        file.flags() & flags::O_ACCMODE,
        flags::O_WRONLY | flags::O_RDWR
    )
}

fn is_admin() -> bool {
    // SAFETY: Any task may ask for its capabilities.
    unsafe { bindings::capable(bindings::CAP_SYS_ADMIN as c_int) }
}

/// `READ_IMPLIES_EXEC` of `include/uapi/linux/personality.h`, which not every architecture's bindings
/// have.
const READ_IMPLIES_EXEC: c_uint = 0x0040_0000;

/// Whether the calling program has the personality `READ_IMPLIES_EXEC`.
fn read_implies_exec() -> bool {
    // SAFETY: A task changes its personality itself, and the current task is running this.
    let personality = unsafe { (*current!().as_ptr()).personality };
    personality & READ_IMPLIES_EXEC != 0
}
