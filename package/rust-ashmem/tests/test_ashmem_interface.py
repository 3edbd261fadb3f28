# SPDX-License-Identifier: GPL-2.0
"""The interface, row by row of docs/rust-ashmem.md; each test's name is the row's."""

import pytest
from ironroot.binder import Probe

MODULE = "rust_ashmem"


def test_device(module, shell):
    """There while the driver is loaded, for everybody."""
    module.load()
    assert shell.run_check("stat -c %a,%F /dev/ashmem") == ["666,character special file"]
    module.unload()
    shell.run_check("test ! -e /dev/ashmem")


def test_name(ashmem):
    ashmem(r"""
        open r -> ok
        getname r -> dev/ashmem
        setname r a name -> ok
        getname r -> a name
        setname r other -> ok
        getname r -> other
        setname r -> ok                     # the empty name is none
        getname r -> dev/ashmem
        size r 1p -> ok
        setname r kept -> ok
        map m r 1p rw shared -> ok
        setname r late -> EINVAL
        getname r -> kept
    """)


def test_a_long_name_is_cut(ashmem):
    """At 255 bytes and the NUL, as the C driver cuts it."""
    ashmem(f"""
        open r -> ok
        setname r {"n" * 255} -> ok
        getname r -> {"n" * 255}
        setname r {"m" * 300} -> ok
        getname r -> {"m" * 255}
    """)


def test_name_in_maps(ashmem):
    ashmem(r"""
        open r -> ok
        size r 1p -> ok
        map m r 1p rw shared -> ok
        maps m -> rw-s /dev/ashmem (deleted)
        open s -> ok
        setname s of mine -> ok
        size s 1p -> ok
        map n s 1p r private -> ok
        maps n -> r--p /dev/ashmem/of mine (deleted)
    """)


def test_size(ashmem):
    ashmem("""
        open r -> ok
        getsize r -> 0
        size r 1 -> ok
        getsize r -> 1
        size r 3p-1 -> ok
        map m r 3p rw shared -> ok
        getsize r -> 12287
        size r 1p -> EINVAL                 # mapped
        unmap m -> ok
        size r 1p -> EINVAL                 # was mapped
    """)


def test_mmap_is_within_the_region(ashmem):
    sizes = [
        ("1", "1p", "1p+1"),
        ("1p-1", "1p", "2p"),
        ("1p", "1p", "1p+1"),
        ("1p+1", "2p", "2p+1"),
    ]
    for size, fits, does_not in sizes:
        ashmem(f"""
            open r -> ok
            size r {size} -> ok
            map n r {does_not} rw shared -> EINVAL
            map n r 1p rw shared 1000p -> EINVAL
            map m r {fits} rw shared -> ok
            map n r {does_not} rw shared -> EINVAL
            map n r {fits} r shared 1p -> EINVAL
        """)


def test_mmap_without_size(ashmem):
    ashmem("""
        open r -> ok
        map m r 1p rw shared -> EINVAL
        size r 0 -> ok
        map m r 1p rw shared -> EINVAL
    """)


def test_mmap_shared(ashmem):
    """Every mapping of a region shows the same memory, wherever it begins."""
    ashmem("""
        open r -> ok
        size r 2p -> ok
        map m r 2p rw shared -> ok
        holds m 0 2p 0 -> yes
        poke m 1p 42 -> ok
        map n r 1p r shared 1p -> ok
        peek n 0 -> 42
        poke n 0 1 -> EFAULT
    """)


def test_mmap_private(ashmem):
    """A private mapping begins with the region's content, and keeps what is written to itself."""
    ashmem("""
        open r -> ok
        size r 1p -> ok
        map m r 1p rw shared -> ok
        poke m 0 42 -> ok
        map n r 1p rw private -> ok
        peek n 0 -> 42
        poke n 0 7 -> ok
        peek n 0 -> 7
        peek m 0 -> 42
    """)


def test_mmap_read_only_descriptor(ashmem):
    """It maps the region's own content, which in the C driver it did not."""
    ashmem("""
        open r r -> ok
        size r 1p -> ok
        map m r 1p rw shared -> EACCES
        map m r 1p r shared -> ok
        peek m 0 -> 0
        protect m rw -> EACCES
        map n r 1p rw private -> ok
        poke n 0 1 -> ok
        peek m 0 -> 0
    """)


def test_prot_mask(ashmem):
    ashmem("""
        open r -> ok
        getprot r -> 7
        prot r rw -> ok
        getprot r -> 3
        prot r rwx -> EINVAL
        prot r rx -> EINVAL
        getprot r -> 3
        prot r r -> ok
        prot r r -> ok
        prot r w -> EINVAL
        prot r - -> ok
        getprot r -> 0
        prot r r -> EINVAL
    """)


def test_prot_mask_of_read_implies_exec(ashmem):
    """A program with that personality keeps PROT_EXEC with PROT_READ, but never gets it back."""
    ashmem("""
        personality 0x400000 -> ok
        open r -> ok
        prot r r -> ok
        getprot r -> 5
        open s -> ok
        prot s rw -> ok
        getprot s -> 7
        prot s w -> ok
        getprot s -> 2
        prot s r -> EINVAL
    """)


def test_mmap_follows_the_prot_mask(ashmem):
    for sharing in ("shared", "private"):
        ashmem(f"""
            open r -> ok
            size r 1p -> ok
            prot r r -> ok
            map m r 1p rw {sharing} -> EPERM
            map m r 1p w {sharing} -> EPERM
            map m r 1p rx {sharing} -> EPERM
            map m r 1p r {sharing} -> ok
            open s -> ok
            size s 1p -> ok
            prot s - -> ok
            map n s 1p r {sharing} -> EPERM
            map n s 1p - {sharing} -> ok
        """)


def test_read(ashmem):
    ashmem("""
        open r -> ok
        read r 10 -> 0                      # no size
        size r 1p+2 -> ok
        read r 10 -> EBADF                  # never mapped
        map m r 2p rw shared -> ok
        fill m 0 1p 3 -> ok
        fill m 1p 2 4 -> ok
        read r 1p -> 4096 3
        read r 1p -> 2 4                    # to the size, not to the page's end
        read r 1p -> 0
        open w w -> ok
        read w 1 -> EBADF
    """)


def test_write_is_not_there(ashmem):
    ashmem("""
        open r -> ok
        size r 1p -> ok
        map m r 1p rw shared -> ok
        write r 1 -> EINVAL
    """)


def test_lseek(ashmem):
    ashmem("""
        open r -> ok
        seek r set 0 -> EINVAL              # no size
        size r 2p -> ok
        seek r set 0 -> EBADF               # never mapped
        map m r 2p rw shared -> ok
        seek r set 10 -> 10
        seek r cur 5 -> 15
        read r 1 -> 1 0
        seek r cur 0 -> 16                  # one position for read and lseek
        seek r end -1 -> 8191
        seek r end 1 -> 8193
        seek r set -1 -> EINVAL
        seek r cur -1p -> 4097
        dup d r -> ok
        seek d cur 0 -> 4097
    """)


def test_lseek_data_and_hole(ashmem):
    ashmem("""
        open r -> ok
        size r 4p -> ok
        map m r 4p rw shared -> ok
        seek r data 0 -> ENXIO
        seek r hole 0 -> 0
        poke m 2p 1 -> ok
        seek r data 0 -> 8192
        seek r cur 0 -> 8192
        seek r hole 2p -> 12288
        seek r data 3p -> ENXIO
        seek r cur 0 -> 12288
        seek r hole 4p -> ENXIO
        seek r data -1 -> ENXIO
    """)


def test_file_id(ashmem, answers):
    """The backing file's inode number, the same as in fdinfo, another for each region."""
    ashmem("""
        open r -> ok
        id r -> EINVAL
        size r 1p -> ok
        map m r 1p r shared -> ok
    """)
    commands = ["open r", "size r 1p", "map m r 1p r shared", "id r", "info r inode"]
    commands += ["open s", "size s 1p", "map n s 1p r shared", "id s"]
    said = answers(commands)
    assert said[3] == said[4]
    assert int(said[3]) > 0
    assert said[3] != said[8]


def test_fdinfo(ashmem):
    ashmem(r"""
        open r -> ok
        info r name -> none
        info r size -> 0
        info r inode -> none
        setname r a\nsize: 9\x -> ok
        info r name -> a\012size: 9\134x
        size r 4p -> ok
        info r size -> 16384
        map m r 4p rw shared -> ok
        unpin r 1p 2p -> 0
        info r unpinned -> 2
        info r purged -> 0
        purge r -> 2
        info r unpinned -> 0
        info r purged -> 2
    """)


def test_dup_is_the_same_region(ashmem):
    ashmem("""
        open r -> ok
        dup d r -> ok
        size d 1p -> ok
        getsize r -> 4096
        map m d 1p rw shared -> ok
        poke m 0 9 -> ok
        close d -> ok
        map n r 1p r shared -> ok
        peek n 0 -> 9
    """)


def test_fork(ashmem):
    """A child has the region; what either writes, both see, and the prot mask holds for both."""
    ashmem("""
        open r -> ok
        size r 1p -> ok
        map m r 1p rw shared -> ok
        map p r 1p rw private -> ok
        poke p 1 5 -> ok
        fork
        poke m 0 1 -> ok
        poke p 1 6 -> ok
        prot r r -> ok
        end
        peek m 0 -> 1
        peek p 1 -> 5
        getprot r -> 1
        map n r 1p rw shared -> EPERM
    """)


def test_passing_a_descriptor(ashmem):
    """Over a Unix socket to a process that did not open the region."""
    ashmem("""
        socket s -> ok
        open r -> ok
        setname r given -> ok
        size r 1p -> ok
        map m r 1p rw shared -> ok
        poke m 0 3 -> ok
        prot r r -> ok
        send s r -> ok
        close r -> ok
        fork
        receive q s -> ok
        getname q -> given
        getsize q -> 4096
        getprot q -> 1
        map n q 1p rw shared -> EPERM
        map n q 1p r shared -> ok
        peek n 0 -> 3
        end
        poke m 0 4 -> ok
    """)


def test_passing_a_descriptor_over_binder(ashmem, board, shell):
    """To another process: the same memory, and one state of its pages for both."""
    if not board.has_package("binder-tools"):
        pytest.skip("the image does not have package/binder-tools")
    assert Probe(shell)("region") == {
        "service_reads": "1 2 3 4",
        "service_states": "1 0 1 1",  # the client had unpinned page 1
        "purged": "2",  # that one and page 2, which the service unpinned
        "service_pins": "1",
        "call": "BR_REPLY",
        "client_reads": "9 0 0 4",
        "client_states": "1 1 0 1",
        "client_pins": "1",
    }


def test_as_libcutils_does(ashmem):
    """What the tests of Android's client library check, on /dev/ashmem itself.

    A region's content outlives its mappings (BasicTest), and a child's writes (ForkTest, and
    ForkMultiRegionTest of sixteen regions, which the child maps itself).
    """
    regions = range(16)
    made = "".join(
        f"""
        open r{n} -> ok
        size r{n} 1p -> ok
        prot r{n} rw -> ok
        map m r{n} 1p rw shared -> ok
        fill m 0 1p {n + 1} -> ok
        """
        for n in regions
    )
    cleared = "".join(
        f"""
        map m r{n} 1p rw shared -> ok
        holds m 0 1p {n + 1} -> yes
        fill m 0 1p 0 -> ok
        """
        for n in regions
    )
    empty = "".join(
        f"""
        map m r{n} 1p r shared -> ok
        holds m 0 1p 0 -> yes
        """
        for n in regions
    )
    ashmem(f"{made}unmap m -> ok\nfork\n{cleared}end\n{empty}")


def test_as_libcutils_seeks(ashmem):
    """FileOperationsTest: two pages of data between two holes, and the position after each seek."""
    ashmem("""
        open r -> ok
        size r 4p -> ok
        prot r rw -> ok
        map m r 2p rw shared 1p -> ok
        fill m 0 1p 5 -> ok
        fill m 1p 1p 6 -> ok
        seek r set 99 -> 99
        seek r cur 1p -> 4195
        read r 2p-99 -> 8093 5              # to the end of the data
        seek r data 0 -> 4096
        read r 2p -> 8192 5
        seek r hole 1p -> 12288
        seek r end -99 -> 16285
        seek r cur -1p -> 12189
        read r 99 -> 99 6
    """)


def test_as_libcutils_protects(ashmem, shell):
    """ProtTest and ForkProtTest: of PROT_READ and PROT_WRITE each may be the only one left.

    On RISC-V what can be written can be read: with PROT_WRITE alone there is no mapping then, and
    was none with the C driver.
    """
    no_write_alone = shell.run_check("uname -m") == ["riscv64"]
    for left, taken in (("r", "w"), ("w", "r")):
        mapped = "EPERM" if left == "w" and no_write_alone else "ok"
        ashmem(f"""
            open r -> ok
            size r 1p -> ok
            prot r {left} -> ok
            map m r 1p {taken} shared -> EPERM
            getprot r -> {"-rw".index(left)}
            map m r 1p {left} shared -> {mapped}
            open s -> ok
            size s 1p -> ok
            prot s rw -> ok
            fork
            prot s {left} -> ok
            end
            map n s 1p {taken} shared -> EPERM
            prot s rw -> EINVAL
            getprot s -> {"-rw".index(left)}
        """)


def test_a_mapping_outlives_its_descriptor(ashmem):
    ashmem("""
        open r -> ok
        size r 2p -> ok
        map m r 2p rw shared -> ok
        fill m 0 2p 8 -> ok
        unpin r 0 1p -> 0
        close r -> ok
        holds m 0 2p 8 -> yes
        poke m 0 9 -> ok
        protect m r -> ok
        protect m rw -> ok
        drop -> ok
        peek m 0 -> 9                       # closed: nothing of it is purged any more
    """)
