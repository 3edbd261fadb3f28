# SPDX-License-Identifier: GPL-2.0
"""A 32-bit program on a 64-bit kernel: the numbers that a `long` is part of, and its arguments."""

import functools

import pytest
from ironroot import upload
from ironroot.environment import lacks
from ironroot.quick import quick

MODULE = "rust_ashmem"
PROGRAM = "/tmp/compat/ashmem-probe"


@pytest.fixture(scope="module")
def program(booted):
    """ashmem-probe for 32-bit ARM, on the board."""
    if booted.shell.run_check("uname -m") != ["aarch64"]:
        pytest.skip("a 32-bit program runs on qemu_aarch64 alone: RISC-V has none in Debian")
    if not booted.is_qemu:
        pytest.skip("the program is too large for a serial line")
    if reason := lacks(booted.name, "ethernet"):
        pytest.skip(reason)
    built = quick("static", "qemu_arm", "ashmem-tools")
    upload.by_network(booted.shell, [f"{built}/ashmem-probe"], "/tmp/compat")
    yield PROGRAM
    booted.shell.run("rm -r /tmp/compat")


@pytest.fixture
def compat(program, ashmem):
    """`ashmem` by the 32-bit program."""
    return functools.partial(ashmem, program=program)


def test_every_request(compat):
    """The program makes each with its own number: three of them have 4 bytes for a `long`."""
    compat("""
        open r -> ok
        getname r -> dev/ashmem
        setname r small -> ok
        getname r -> small
        id r -> EINVAL
        size r 4p -> ok
        getsize r -> 16384
        prot r rw -> ok
        prot r rwx -> EINVAL
        getprot r -> 3
        map m r 4p rw shared -> ok
        size r 1p -> EINVAL
        map x r 1p rx shared -> EPERM
        fill m 0 4p 5 -> ok
        unpin r 1p 2p -> 0
        status r 0 0 -> 0
        status r 3p 1p -> 1
        purge r -> 2
        holds m 0 1p 5 -> yes
        holds m 1p 2p 0 -> yes
        holds m 3p 1p 5 -> yes
        pin r 0 0 -> 1
        status r 0 0 -> 1
        maps m -> rw-s /dev/ashmem/small (deleted)
    """)


def test_the_file_id_is_32_bits(compat):
    """Where memory ends nothing is written behind the 4 bytes, nor the other number's 8."""
    compat("""
        open r -> ok
        size r 1p -> ok
        map m r 1p r shared -> ok
        ioctl r 0x8004770b end-4 -> 0
        ioctl r 0x8004770b end-3 -> EFAULT
        ioctl r 0x8008770b end-8 -> 0
        ioctl r 0x8008770b end-7 -> EFAULT
    """)


def test_sizes_that_get_size_cannot_return(compat):
    """They are refused as a 32-bit kernel refuses them, whichever of the two numbers is used."""
    for number in ("0x40047703", "0x40087703"):
        compat(f"""
            open r -> ok
            size r 4p -> ok
            ioctl r {number} 0xffffffff -> EINVAL
            ioctl r {number} 0xfffff000 -> EINVAL
            ioctl r {number} 0x80000000 -> EINVAL
            ioctl r {number} 0x7fffffff -> EINVAL
            ioctl r {number} 0x7ffff001 -> EINVAL
            getsize r -> 16384
            ioctl r {number} 0x7ffff000 -> 0
            getsize r -> 2147479552
            map m r 1p rw shared -> ok
            poke m 0 1 -> ok
        """)


def test_a_size_that_a_64_bit_program_set(program, ashmem, shell):
    """Both have the region; its size does not fit what ioctl(2) gives a 32-bit program."""
    sizes = [(0x7FFFF000, "2147479552"), (0x80000000, "EOVERFLOW"), (1 << 32, "EOVERFLOW")]
    for size, got in sizes:
        set_it = f"ashmem-probe 'inherit r 3,size r {size:#x}'"
        get_it = f"{program} 'inherit r 3,getsize r,map m r 1p rw shared'"
        said = shell.run_check(f"(exec 3<>/dev/ashmem; {set_it}; {get_it})")
        assert said == ["ok", "ok", "ok", got, "ok"]


def test_numbers_of_either_size(compat):
    """The kernel takes a 64-bit program's numbers too, and nothing in between."""
    compat("""
        open r -> ok
        ioctl r 0x40087703 4096 -> 0
        getsize r -> 4096
        ioctl r 0x40027703 8192 -> ENOTTY
        ioctl r 0x40087705 3 -> 0
        getprot r -> 3
    """)


def test_wild_pointers(compat):
    numbers = ["0x81007702", "0x41007701", "0x40087707", "0x40087708", "0x7709"]
    for number in [*numbers, "0x8004770b", "0x8008770b"]:
        compat(f"""
            open r -> ok
            size r 4p -> ok
            map m r 4p rw shared -> ok
            ioctl r {number} 0 -> EFAULT
            ioctl r {number} 0xffffffff -> EFAULT
            ioctl r {number} end-0 -> EFAULT
            status r 0 0 -> 1
        """)
