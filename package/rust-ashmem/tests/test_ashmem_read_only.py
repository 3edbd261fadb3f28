# SPDX-License-Identifier: GPL-2.0
"""A region that was made read-only stays so, whatever route somebody takes."""

import pytest

MODULE = "rust_ashmem"

# A region with content of which only mappings to read are left.
READ_ONLY = """
    open r -> ok
    size r 2p -> ok
    map w r 2p rw shared -> ok
    fill w 0 2p 7 -> ok
    map old r 2p r shared -> ok
    unmap w -> ok
    prot r r -> ok
"""


def test_mprotect_of_a_new_mapping(ashmem):
    ashmem(
        READ_ONLY
        + """
        map m r 2p r shared -> ok
        protect m rw -> EACCES
        protect m rx -> EACCES
        poke m 0 1 -> EFAULT
        peek m 0 -> 7
        protect m - -> ok
        protect m r -> ok
    """
    )


def test_mprotect_of_an_old_mapping(ashmem):
    """One that was mapped to read while writing was allowed."""
    ashmem(
        READ_ONLY
        + """
        protect old rw -> EACCES
        protect old rx -> EACCES
        poke old 0 1 -> EFAULT
        protect old - -> ok
        protect old r -> ok
        peek old 0 -> 7
    """
    )


def test_a_mapping_that_was_writable(ashmem):
    """It stays so, as with both ancestors and sealed memfds, until it gives write access up."""
    ashmem("""
        open r -> ok
        size r 1p -> ok
        map m r 1p rw shared -> ok
        prot r r -> ok
        poke m 0 1 -> ok
        protect m rw -> ok
        protect m r -> ok
        protect m rw -> EACCES
        poke m 0 2 -> EFAULT
        peek m 0 -> 1
    """)


def test_mprotect_after_fork(ashmem):
    ashmem(
        READ_ONLY
        + """
        fork
        protect old rw -> EACCES
        end
    """
    )


def test_mprotect_after_close(ashmem):
    ashmem(
        READ_ONLY
        + """
        close r -> ok
        protect old rw -> EACCES
    """
    )


def test_mprotect_after_mremap(ashmem):
    ashmem(
        READ_ONLY
        + """
        remap old 1p -> ok
        protect old rw -> EACCES
        peek old 0 -> 7
    """
    )


# The kernel says so once a boot, of any program.
@pytest.mark.expects(r"uses deprecated remap_file_pages\(\) syscall")
def test_remap_file_pages(ashmem):
    """The call would map the backing file itself; it is refused, and the mapping stays."""
    ashmem(
        READ_ONLY
        + """
        filepages old 2p -> EPERM
        filepages old 1p -> EPERM
        protect old rw -> EACCES
        peek old 0 -> 7
        map m r 2p r shared -> ok
        filepages m 2p -> EPERM
        filepages m 1p -> EPERM
        protect m rw -> EACCES
        peek m 0 -> 7
    """
    )
    ashmem("""
        open r -> ok
        size r 2p -> ok
        map m r 2p rw shared -> ok
        filepages m 1p -> EPERM
        poke m 0 1 -> ok
        remap m 1p -> ok
        remap m 2p -> ok
        peek m 0 -> 1
    """)


def test_second_descriptor(ashmem):
    """Through /proc/self/fd the device is opened again: that is another region, and empty."""
    ashmem(
        READ_ONLY
        + """
        reopen s r -> ok
        getsize s -> 0
        getprot s -> 7
        map m s 1p rw shared -> EINVAL
        size s 2p -> ok
        map m s 2p rw shared -> ok
        fill m 0 2p 9 -> ok
        holds old 0 2p 7 -> yes
        prot r rw -> EINVAL
    """
    )


def test_the_backing_file(ashmem):
    """Root alone sees it, in /proc/self/map_files, and cannot open it to write."""
    ashmem(
        READ_ONLY
        + """
        mapfile f old rw -> ETXTBSY
        mapfile f old w -> ETXTBSY
    """
    )


def test_the_backing_file_before_it_is_read_only(ashmem):
    """A descriptor for later use is not to be had either."""
    ashmem("""
        open r -> ok
        size r 1p -> ok
        map m r 1p rw shared -> ok
        poke m 0 5 -> ok
        mapfile f m rw -> ETXTBSY
        mapfile f m r -> ok
        read f 1 -> 1 5
        map n f 1p rw shared -> EACCES
        map n f 1p r shared -> ok
        protect n rw -> EACCES
    """)


def test_the_backing_file_cannot_be_cut(ashmem):
    """Neither by name nor by opening it, were it to read."""
    ashmem(
        READ_ONLY
        + """
        truncate old 0 -> ETXTBSY
        truncate old 1p -> ETXTBSY
        truncate old 3p -> ETXTBSY
        mapfile f old r-trunc -> ETXTBSY
        holds old 0 2p 7 -> yes
        mapfile f old r -> ok
        write f 1 -> EBADF
        holds old 0 2p 7 -> yes
    """
    )


def test_a_debugger(ashmem):
    """Through /proc/PID/mem; it may write to a copy even where a private mapping is read-only."""
    ashmem("""
        open r -> ok
        size r 1p -> ok
        map w r 1p rw shared -> ok
        map p r 1p r private -> ok
        trace w 0 1 -> ok
        peek w 0 -> 1
        trace p 0 2 -> ok
        peek w 0 -> 1
    """)
    ashmem(
        READ_ONLY
        + """
        map p r 2p r private -> ok
        trace old 0 1 -> EIO
        trace p 0 1 -> EIO
        holds old 0 2p 7 -> yes
    """
    )


def test_userfaultfd(ashmem):
    """It fills pages that are not there; other shared memory lets it."""
    ashmem("""
        shmem s 2p -> ok
        userfault s -> ok
        open r -> ok
        size r 2p -> ok
        map w r 2p rw shared -> ok
        map p r 2p rw private -> ok
        prot r r -> ok
        map m r 2p r shared -> ok
        userfault w -> EINVAL
        userfault p -> EINVAL
        userfault m -> EINVAL
    """)


def test_mremap_of_a_mapping_that_was_writable(ashmem):
    """It grows with the access that it has; one that has lost it does not get it back."""
    ashmem("""
        open r -> ok
        size r 3p -> ok
        map w r 1p rw shared -> ok
        map m r 1p r shared -> ok
        prot r r -> ok
        remap w 3p -> ok
        poke w 2p 5 -> ok
        protect w r -> ok
        remap w 2p -> ok
        remap w 3p -> ok
        poke w 2p 6 -> EFAULT
        protect w rw -> EACCES
        remap m 3p -> ok
        peek m 2p -> 5
        poke m 2p 6 -> EFAULT
        protect m rw -> EACCES
    """)


def test_madvise_remove(ashmem):
    """It punches holes, which is writing; a mapping that could once write may call it."""
    ashmem(
        READ_ONLY
        + """
        remove old 0 1p -> EPERM
        holds old 0 2p 7 -> yes
    """
    )
    ashmem("""
        open r -> ok
        size r 2p -> ok
        map m r 2p rw shared -> ok
        fill m 0 2p 3 -> ok
        remove m 0 1p -> ok
        holds m 0 1p 0 -> yes
        holds m 1p 1p 3 -> yes
    """)


def test_unpin(ashmem):
    """What can be purged can be changed."""
    ashmem(
        READ_ONLY
        + """
        unpin r 0 0 -> EPERM
        purge r -> 0
        drop -> ok
        holds old 0 2p 7 -> yes
    """
    )
