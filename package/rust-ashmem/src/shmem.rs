// SPDX-License-Identifier: GPL-2.0

//! The border to `mm/shmem.c`: the file that holds a region's memory.
//!
//! Mappings refer to this file and not to the device. It therefore has operations of its own, made
//! of shmem's, which do what the device's would:
//!
//! - they belong to this module, which cannot go while a mapping holds the file;
//! - `get_unmapped_area` and `mmap` refuse `remap_file_pages(2)`, which would go around the
//!   protection mask;
//! - `fallocate`, which `MADV_REMOVE` calls, and `mprotect(2)` follow the protection mask.
//!
//! The file has no name in a file system. Root alone can open it, through `/proc/<pid>/map_files`, and
//! for reading only: its inode cannot be opened for writing (see `shim.c`).
//!
//! C source: [`mm/shmem.c`](srctree/mm/shmem.c).

use crate::{name, prot, region::Region};
use core::ptr::NonNull;
use kernel::{
    bindings,
    error::from_err_ptr,
    fs::File,
    mm::virt::VmaNew,
    module::this_module,
    prelude::*,
    sync::{aref::ARef, Arc, ArcBorrow, SetOnce},
    types::ForeignOwnable,
};

// Without lockdep a `struct lock_class_key`, somewhere in `struct file`, is empty.
#[allow(improper_ctypes)]
extern "C" {
    fn ashmem_file_setup(name: *const c_char, size: bindings::loff_t) -> *mut bindings::file;
    fn ashmem_truncate_range(
        file: *mut bindings::file,
        start: bindings::loff_t,
        end: bindings::loff_t,
    );
}

type Fallocate =
    unsafe extern "C" fn(*mut bindings::file, c_int, bindings::loff_t, bindings::loff_t) -> c_long;

/// Operations made of shmem's.
struct Operations {
    file: bindings::file_operations,
    vm: bindings::vm_operations_struct,
    shmem_fallocate: Option<Fallocate>,
}

// SAFETY: Tables of functions and the module's address, which nobody changes.
unsafe impl Send for Operations {}
// SAFETY: As above.
unsafe impl Sync for Operations {}

static OPERATIONS: SetOnce<Operations> = SetOnce::new();

/// Makes the operations of backing files, once, before there is any. Sleeps.
///
/// shmem's own tables are not exported; a file of its shows them. [`ENOMEM`], and [`ENODEV`] where
/// shmem does not map files the way that this driver knows.
pub(crate) fn init() -> Result {
    let probe = setup(name::DEFAULT_PATH, 0)?;
    // SAFETY: The file is open, so it has operations.
    let shmem = unsafe { &*(*probe.as_ptr()).f_op };
    let mut desc: bindings::vm_area_desc = pin_init::zeroed();
    desc.file = probe.as_ptr();
    let mmap_prepare = shmem.mmap_prepare.ok_or(ENODEV)?;
    // SAFETY: The file is shmem's; of the mapping it is told it only looks at the file, and it only
    // sets the operations.
    kernel::error::to_result(unsafe { mmap_prepare(&mut desc) })?;
    if desc.vm_ops.is_null() {
        return Err(ENODEV);
    }
    // SAFETY: shmem's table is static.
    let vm = unsafe { *desc.vm_ops };
    OPERATIONS.populate(Operations {
        file: bindings::file_operations {
            owner: this_module::<crate::LocalModule>().as_ptr(),
            mmap: Some(refuse_mmap),
            mmap_prepare: None,
            get_unmapped_area: Some(get_unmapped_area),
            fallocate: Some(fallocate),
            release: Some(release),
            ..*shmem
        },
        vm: bindings::vm_operations_struct {
            mprotect: Some(mprotect),
            // It could fill holes behind the protection mask's back.
            #[cfg(CONFIG_USERFAULTFD)]
            uffd_ops: core::ptr::null(),
            ..vm
        },
        shmem_fallocate: shmem.fallocate,
    });
    Ok(())
}

fn setup(name: &CStr, size: usize) -> Result<ARef<File>> {
    let size = bindings::loff_t::try_from(size)?;
    // SAFETY: The name is a C string; it is copied.
    let file = from_err_ptr(unsafe { ashmem_file_setup(name.as_char_ptr(), size) })?;
    let file = NonNull::new(file).ok_or(ENOMEM)?;
    // SAFETY: We got a reference to a file that nobody else has, so that there is no `fdget_pos`.
    Ok(unsafe { ARef::from_raw(file.cast()) })
}

/// A region's backing file.
///
/// # Invariants
///
/// The file is shmem's, with the operations in [`OPERATIONS`], and its private data is an
/// `Arc<Region>` turned foreign.
pub(crate) struct Backing(ARef<File>);

impl Backing {
    /// Makes a file of `size` bytes that holds a reference to its region. Sleeps.
    ///
    /// Pages are charged to the memory cgroup of whoever touches them first. Fails with [`ENOMEM`].
    pub(crate) fn new(name: &CStr, size: usize, region: Arc<Region>) -> Result<Self> {
        let operations = OPERATIONS.as_ref().ok_or(ENODEV)?;
        let file = setup(name, size)?;
        // SAFETY: This module is live: one of its files is open.
        unsafe { bindings::__module_get(operations.file.owner) };
        // SAFETY: Nobody else has the file yet. Its operations were shmem's, which belong to no
        // module, and closing it gives back the reference to this one.
        unsafe {
            (*file.as_ptr()).private_data = region.into_foreign();
            (*file.as_ptr()).f_op = &operations.file;
        }
        // INVARIANT: Made so above.
        Ok(Self(file))
    }

    /// A reference to the file.
    pub(crate) fn file(&self) -> ARef<File> {
        self.0.clone()
    }

    /// Gives back the reference. Sleeps; the caller holds no lock.
    ///
    /// Where it is the last one the file is closed here and now, as `close(2)` does with the file
    /// that it closes: `fput()` would have the task come back for it on its way to user space.
    pub(crate) fn close(self) {
        let file = ARef::into_raw(self.0);
        // SAFETY: The reference was ours. Closing the file frees pages and a reference to a region,
        // and waits for nobody.
        unsafe { bindings::__fput_sync(file.as_ptr().cast()) };
    }

    /// The file's inode number.
    pub(crate) fn inode_number(&self) -> u64 {
        // SAFETY: An open file has an inode, whose number does not change.
        unsafe { (*(*self.0.as_ptr()).f_inode).i_ino }
    }

    /// Makes a new mapping one of this file. [`ENODEV`] where there are no [`OPERATIONS`], without
    /// which there is no file either.
    pub(crate) fn map(&self, vma: &VmaNew) -> Result {
        let operations = OPERATIONS.as_ref().ok_or(ENODEV)?;
        // SAFETY: The mapping is being made and so is ours; it has the device's file.
        unsafe { bindings::vma_set_file(vma.as_ptr(), self.0.as_ptr()) };
        // SAFETY: As above. The operations are those for a mapping of this file.
        unsafe { (*vma.as_ptr()).vm_ops = &operations.vm };
        Ok(())
    }

    /// Gives back the pages from byte `start` to `end`, without `end`: they read as zeros from now
    /// on. Both are page aligned and in the file. Sleeps; may be called by memory reclaim.
    pub(crate) fn punch(&self, start: usize, end: usize) {
        // CAST: A file's offsets fit.
        let (start, end) = (start as bindings::loff_t, end as bindings::loff_t);
        // SAFETY: By the type's invariant the file is shmem's.
        unsafe { ashmem_truncate_range(self.0.as_ptr(), start, end) };
    }
}

/// # Safety
///
/// `file` must be a backing file that lives for `'a`.
unsafe fn region<'a>(file: *mut bindings::file) -> ArcBorrow<'a, Region> {
    // SAFETY: A backing file's private data is an `Arc<Region>` turned foreign until its release.
    unsafe { Arc::<Region>::borrow((*file).private_data) }
}

/// # Safety
///
/// Called when the last reference to a backing file is gone.
unsafe extern "C" fn release(_inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
    // SAFETY: The private data came from `into_foreign`, and nobody uses the file any more. The
    // probe's release is shmem's, so that each file that gets here has its private data.
    drop(unsafe { Arc::<Region>::from_foreign((*file).private_data) });
    0
}

/// `MAP_POPULATE` of `include/uapi/asm-generic/mman-common.h`, which the bindings do not have.
const MAP_POPULATE: c_ulong = 0x8000;

/// Finds a place for a mapping that is moved.
///
/// Two calls place mappings of a backing file: `mremap(2)`, and `remap_file_pages(2)`, which alone
/// always populates. It is refused here, before the old mapping is gone, and because the kernel asks
/// for a new mapping no more where it can join it with one beside it.
///
/// # Safety
///
/// Called with a backing file, under `mmap_lock`.
unsafe extern "C" fn get_unmapped_area(
    file: *mut bindings::file,
    addr: c_ulong,
    len: c_ulong,
    pgoff: c_ulong,
    flags: c_ulong,
) -> c_ulong {
    if flags & MAP_POPULATE != 0 {
        // CAST: An error number as an address, as the caller expects it.
        return EPERM.to_errno() as c_ulong;
    }
    // SAFETY: The arguments are the caller's.
    unsafe { bindings::mm_get_unmapped_area(file, addr, len, pgoff, flags) }
}

extern "C" fn refuse_mmap(
    _file: *mut bindings::file,
    _vma: *mut bindings::vm_area_struct,
) -> c_int {
    EPERM.to_errno()
}

/// # Safety
///
/// Called with a backing file.
unsafe extern "C" fn fallocate(
    file: *mut bindings::file,
    mode: c_int,
    offset: bindings::loff_t,
    len: bindings::loff_t,
) -> c_long {
    // SAFETY: The caller has a reference to the backing file.
    if !unsafe { region(file) }.allows(prot::WRITE) {
        return EPERM.to_errno() as c_long;
    }
    match OPERATIONS
        .as_ref()
        .and_then(|operations| operations.shmem_fallocate)
    {
        // SAFETY: The file is shmem's; the arguments are the caller's.
        Some(shmem_fallocate) => unsafe { shmem_fallocate(file, mode, offset, len) },
        None => EOPNOTSUPP.to_errno() as c_long,
    }
}

/// Refuses access that the mask forbids and the mapping does not have.
///
/// # Safety
///
/// Called with a mapping of a backing file, under `mmap_lock`.
unsafe extern "C" fn mprotect(
    vma: *mut bindings::vm_area_struct,
    _start: c_ulong,
    _end: c_ulong,
    newflags: c_ulong,
) -> c_int {
    // SAFETY: The mapping's file is the backing file, and `mmap_lock` keeps the mapping.
    let (file, flags) = unsafe { ((*vma).vm_file, (*vma).__bindgen_anon_2.vm_flags) };
    // `VM_READ`, `VM_WRITE` and `VM_EXEC` have the values of the `PROT_` bits.
    let wanted = newflags & !(flags as c_ulong) & prot::ALL as c_ulong;
    // SAFETY: The mapping has a reference to the file.
    if unsafe { region(file) }.allows(wanted) {
        0
    } else {
        EACCES.to_errno()
    }
}
