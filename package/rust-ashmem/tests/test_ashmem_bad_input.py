# SPDX-License-Identifier: GPL-2.0
"""Bad input: the exact error, nothing changed, no line in the kernel's log."""

import pytest

MODULE = "rust_ashmem"

SET_NAME, GET_NAME = 0x41007701, 0x81007702
# `long` is part of three numbers.
LONG = {"32": 4, "64": 8}
PIN, UNPIN, STATUS, PURGE = 0x40087707, 0x40087708, 0x7709, 0x770A

MAPPED = """
    open r -> ok
    size r 4p -> ok
    map m r 4p rw shared -> ok
    fill m 0 4p 7 -> ok
"""
UNHARMED = """
    status r 0 0 -> 1
    info r unpinned -> 0
    info r purged -> 0
    getsize r -> 16384
    getname r -> dev/ashmem
    getprot r -> 7
    holds m 0 4p 7 -> yes
"""


@pytest.fixture
def long(shell):
    """The size of the board's `long`."""
    word = shell.run_check("getconf LONG_BIT 2>/dev/null || uname -m")[0]
    return 8 if "64" in word else 4


@pytest.fixture(autouse=True)
def silence(board):
    """No line of the driver or of its client, at any level; other tests look at warnings only."""
    yield
    pick = "grep ashmem | grep -v 'loading out-of-tree module' || true"
    assert board.new_log(pick) == []


def sized(number, size):
    """A request's number with the size of its argument."""
    return number | size << 16


# In the first page, where memory ends, not canonical, in the kernel, the last byte.
POINTERS = ["0", "1", "8", "end-0", "0x8000000000000000", "0xffffffc000000000", "-1"]


def pointers(long):
    """POINTERS as far as the board's addresses go."""
    top = (1 << (8 * long)) - 1
    return [
        pointer if pointer.startswith("end") else hex(int(pointer, 0) & top) for pointer in POINTERS
    ]


def test_wild_pointers(ashmem, long):
    numbers = [GET_NAME, SET_NAME, PIN, UNPIN, STATUS, sized(0x8000770B, long)]
    calls = "".join(
        f"ioctl r {number:#x} {address} -> EFAULT\n"
        for number in numbers
        for address in pointers(long)
    )
    ashmem(MAPPED + calls + UNHARMED)


def test_arguments_at_the_end_of_memory(ashmem, long):
    """What ends where memory ends is taken; a byte further is not."""
    ashmem(f"""
        open r -> ok
        size r 4p -> ok
        ioctl r {SET_NAME:#x} end-1 -> 0           # an empty name, and nothing behind it
        ioctl r {GET_NAME:#x} end-11 -> 0
        ioctl r {GET_NAME:#x} end-10 -> EFAULT
        map m r 4p rw shared -> ok
        fill m 0 4p 7 -> ok
        ioctl r {STATUS:#x} end-8 -> 1
        ioctl r {STATUS:#x} end-7 -> EFAULT
        ioctl r {PIN:#x} end-8 -> 0
        ioctl r {PIN:#x} end-7 -> EFAULT
        ioctl r {UNPIN:#x} end-7 -> EFAULT
        ioctl r {sized(0x8000770B, long):#x} end-{long} -> 0
        ioctl r {sized(0x8000770B, long):#x} end-{long - 1} -> EFAULT
        {UNHARMED}
    """)


def test_a_name_without_an_end(ashmem):
    """255 bytes are taken of it and no more is read: the byte after the 256th is not there."""
    ashmem(f"""
        open r -> ok
        ioctl r {SET_NAME:#x} text-256 -> 0
        getname r -> {"t" * 255}
        ioctl r {SET_NAME:#x} text-255 -> EFAULT
        getname r -> {"t" * 255}
    """)


def test_unknown_numbers(ashmem):
    numbers = [0x7700, 0x770C, 0x77FF, 0x4008770C, 0x40087709, 0xC0087707, 0, 0xFFFFFFFF]
    calls = "".join(f"ioctl r {number:#x} 0 -> ENOTTY\n" for number in numbers)
    ashmem(MAPPED + calls + UNHARMED)


def test_numbers_with_another_size(ashmem, long):
    """The other `long` is a 32-bit program's on a 64-bit kernel, and nobody's on the rest."""
    other = 12 - long
    ashmem(
        MAPPED
        + f"""
        ioctl r {sized(0x40007703, other):#x} 4096 -> ENOTTY
        ioctl r {sized(0x40007705, other):#x} 1 -> ENOTTY
        ioctl r {sized(0x8000770B, other):#x} 0 -> ENOTTY
        ioctl r {sized(0x40007707, 4):#x} 0 -> ENOTTY
        ioctl r {sized(0x40007701, 255):#x} 0 -> ENOTTY
        {UNHARMED}
    """
    )


def test_sizes_that_no_file_has(ashmem, long):
    """They are refused at once, not at mmap: the size must also be GET_SIZE's return value."""
    number = sized(0x40007703, long)
    top = (1 << (8 * long)) - 1
    half = top >> 1
    refused = "".join(
        f"ioctl r {number:#x} {size:#x} -> EINVAL\n" for size in (top, top - 1, half + 1, half)
    )
    ashmem(f"""
        open r -> ok
        {refused}
        getsize r -> 0
        ioctl r {number:#x} {half - 4095:#x} -> 0
        map m r 1p rw shared -> ok
        poke m 0 1 -> ok
    """)


def test_before_the_region_is_mapped(ashmem):
    """The wrong order: there is nothing to pin, to purge or to name."""
    for prepared in ("", "size r 4p -> ok\n"):
        ashmem(
            "open r -> ok\n"
            + prepared
            + """
            pin r 0 0 -> EINVAL
            unpin r 0 0 -> EINVAL
            status r 0 0 -> EINVAL
            id r -> EINVAL
            purge r -> 0
        """
        )


# Offset and length, in a region of four pages.
NOT_OURS = [
    ("0", "1"),
    ("0", "1p-1"),
    ("0", "1p+1"),
    ("1", "1p"),
    ("1p-1", "0"),
    ("1p+1", "0"),
    ("0", "5p"),
    ("3p", "2p"),
    ("4p", "0"),  # in the C driver: an empty range
    ("4p", "1p"),
    ("5p", "0"),  # in the C driver: the length's underflow
    ("0", "0xfffff000"),
    ("0xfffff000", "0"),
    ("0xfffff000", "1p"),  # the sum is 2 to the 32nd
    ("0xfffff000", "0xfffff000"),
    ("0xffffffff", "0xffffffff"),
    ("1p", "0xfffff000"),  # the sum wraps to 0
]


def test_ranges_that_are_not_the_regions(ashmem):
    calls = "".join(
        f"{name} r {offset} {length} -> EINVAL\n"
        for offset, length in NOT_OURS
        for name in ("pin", "unpin", "status")
    )
    ashmem(MAPPED + calls + UNHARMED)


def test_a_bad_range_keeps_what_was_unpinned(ashmem):
    ashmem("""
        open r -> ok
        size r 4p -> ok
        map m r 4p rw shared -> ok
        unpin r 1p 1p -> 0
        pin r 1p 4p -> EINVAL
        pin r 5p 0 -> EINVAL
        unpin r 0 5p -> EINVAL
        info r unpinned -> 1
        status r 1p 1p -> 0
        status r 0 1p -> 1
    """)


def test_order_of_errors(ashmem, long):
    """What is wrong in two ways gives the error that comes first."""
    file_id = sized(0x8000770B, long)
    ashmem(f"""
        open r r -> ok
        ioctl r {PIN:#x} 0 -> EFAULT        # unmapped, and nothing to read
        ioctl r {STATUS:#x} 0 -> EFAULT
        ioctl r {UNPIN:#x} 0 -> EFAULT      # and read-only
        unpin r 0 0 -> EBADF                # unmapped and read-only
        ioctl r {file_id:#x} 0 -> EINVAL    # unmapped; it reads nothing
        size r 4p -> ok
        map m r 4p r shared -> ok
        map n r 5p rw shared -> EACCES      # read-only and too long
        ioctl r {UNPIN:#x} 0 -> EFAULT
        unpin r 1 1p -> EBADF               # read-only, and not the region's
        unpin r 0 5p -> EBADF
        prot r r -> ok
        unpin r 0 0 -> EBADF                # read-only, and the mask forbids it
        ioctl r {file_id:#x} 0 -> EFAULT
        ioctl r {SET_NAME:#x} 0 -> EFAULT   # mapped, and nothing to read
        open s -> ok
        prot s r -> ok
        map n s 1p rw shared -> EINVAL      # no size, and the mask forbids it
        unpin s 0 0 -> EINVAL               # unmapped, and the mask forbids it
        size s 4p -> ok
        map n s 5p rw shared -> EINVAL      # too long, and the mask forbids it
        map n s 4p rw shared 1p -> EINVAL
        map n s 4p rw shared -> EPERM
        map m s 4p r shared -> ok
        unpin s 1 1p -> EINVAL              # not the region's, and the mask forbids it
        unpin s 0 5p -> EINVAL
        unpin s 0 4p -> EPERM
    """)


def test_masks_with_unknown_bits(ashmem, long):
    number, top = sized(0x40007705, long), (1 << (8 * long)) - 1
    masks = [8, 15, 0x80000000, top, top - 7]
    calls = "".join(f"ioctl r {number:#x} {mask:#x} -> EINVAL\n" for mask in masks)
    ashmem(MAPPED + calls + UNHARMED)


def test_arguments_that_are_not_looked_at(ashmem, long):
    """Three requests take none; what a program leaves there is no pointer."""
    calls = "".join(
        f"ioctl r 0x7704 {argument} -> 16384\nioctl r 0x7706 {argument} -> 7\n"
        f"ioctl r {PURGE:#x} {argument} -> 0\n"
        for argument in pointers(long)
    )
    ashmem(MAPPED + calls + UNHARMED)


def test_ranges_of_sizes_that_are_no_whole_pages(ashmem):
    """The last page counts as a whole; the size's own bytes are no length."""
    for size, pages in (("1", 1), ("1p-1", 1), ("1p+1", 2), ("3p+1", 4), ("4p-1", 4)):
        ashmem(f"""
            open r -> ok
            size r {size} -> ok
            map m r {pages}p rw shared -> ok
            fill m 0 {pages}p 7 -> ok
            unpin r 0 {size} -> EINVAL
            unpin r 0 {pages + 1}p -> EINVAL
            unpin r {pages}p 0 -> EINVAL
            unpin r {pages - 1}p 1p -> 0
            status r 0 0 -> 0
            unpin r 0 {pages}p -> 0
            info r unpinned -> {pages}
            pin r 0 {size} -> EINVAL
            purge r -> {pages}
            holds m 0 {pages}p 0 -> yes
            pin r {pages - 1}p 1p -> 1
            status r {pages - 1}p 1p -> 1
        """)


def test_mappings_whose_end_wraps(ashmem, long):
    """The kernel refuses what ends beyond the last address, the driver what ends before it."""
    top = 1 << (8 * long)
    ashmem(
        MAPPED
        + f"""
        map n r 1p rw shared {top - 4096:#x} -> EOVERFLOW
        map n r 4p rw shared {top - 4 * 4096:#x} -> EOVERFLOW
        map n r 1p rw shared {top - 2 * 4096:#x} -> EINVAL
        map n r 4p rw shared {top - 5 * 4096:#x} -> EINVAL
        map n r 1p rw shared {top >> 1:#x} -> EINVAL
        map n r {top - 4096:#x} rw shared -> ENOMEM
        map n r {top // 4 * 3:#x} rw shared -> ENOMEM
        {UNHARMED}
    """
    )


def test_a_mapping_that_grows_past_the_end(ashmem):
    """mremap(2) asks no driver. There is nothing behind the end, whoever touches it."""
    ashmem(
        MAPPED
        + f"""
        remap m 6p -> ok
        peek m 4p -> EFAULT
        poke m 4p 1 -> EFAULT
        poke m 5p 1 -> EFAULT
        read r 5p -> 16384 7
        pin r 0 5p -> EINVAL
        {UNHARMED}
    """
    )


def test_reading_into_bad_memory(ashmem, long):
    """What fits before it is read; else the position stays."""
    calls = "".join(f"read r 10 {address} -> EFAULT\n" for address in pointers(long))
    ashmem(
        MAPPED
        + calls
        + f"""
        seek r cur 0 -> 0
        read r 10 end-3 -> 3
        seek r cur 0 -> 3
        read r 10 end-10 -> 10
        seek r set 4p -> 16384
        read r 10 0 -> 0                    # nothing is left to be read
        {UNHARMED}
    """
    )


def test_many_ranges(ashmem):
    """A region takes many ranges; the ones that it does not take are refused, and harm nothing."""
    ashmem(
        """
        open r -> ok
        size r 35000p -> ok
        map m r 35000p rw shared -> ok
        every r 35000 2 -> ENOMEM after 16382
        info r unpinned -> 16382
        pin r 0 1p -> 0
        info r unpinned -> 16381
        purge r -> 16381
        info r purged -> 16381
        pin r 0 0 -> 1
        info r purged -> 0
        unpin r 0 0 -> 0
    """,
        timeout=120,
    )


def test_many_ranges_made_by_pinning(ashmem):
    """A region that has all its ranges refuses pins that cut one, and no others."""
    ashmem(
        """
        open r -> ok
        size r 35000p -> ok
        map m r 35000p rw shared -> ok
        unpin r 0 0 -> 0
        everypin r 35000 2 -> ENOMEM after 16384
        info r unpinned -> 18616
        unpin r 0 1p -> ENOMEM
        unpin r 34999p 2p -> EINVAL
        status r 0 1p -> 1
        unpin r 0 0 -> 0                    # one range again
        info r unpinned -> 35000
        everypin r 35000 2 -> ENOMEM after 16384
        pin r 34999p 1p -> 0                # a range's end
        pin r 32768p 1p -> ENOMEM
        status r 32768p 1p -> 0
        pin r 1p 1p -> 0                    # a whole range
        pin r 32768p 1p -> 0
        pin r 32770p 1p -> ENOMEM
        purge r -> 18613
        pin r 32770p 1p -> ENOMEM
        info r purged -> 18613
        pin r 0 0 -> 1
        status r 0 0 -> 1
        unpin r 0 0 -> 0
        pin r 0 0 -> 0
    """,
        timeout=120,
    )


def test_a_large_region(ashmem, long):
    """More than 4 GiB: a length of 0 is to the very end, which a pin's fields cannot say."""
    if long == 4:
        pytest.skip("a 32-bit board has no such region")
    ashmem("""
        open r -> ok
        size r 1310720p -> ok
        map m r 1310720p rw shared -> ok
        poke m 1310719p 7 -> ok
        unpin r 0 0 -> 0
        info r unpinned -> 1310720
        pin r 0 0xfffff000 -> 0
        info r unpinned -> 262145
        pin r 0xfffff000 2p -> 0
        info r unpinned -> 262143
        status r 0xfffff000 0 -> 0
        purge r -> 262143
        peek m 1310719p -> 0
        pin r 0 0 -> 1
    """)
