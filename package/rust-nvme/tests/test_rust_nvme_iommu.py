# SPDX-License-Identifier: GPL-2.0
"""rust-nvme behind an IOMMU: each transfer is mapped, and its mapping undone.

Of the kernel's architectures here arm64 alone lets drivers' DMA through one (CONFIG_IOMMU_DMA).
"""

import os

import pytest

SIZE = 64 << 20
pytestmark = pytest.mark.skipif(
    os.environ.get("IRONROOT_BOARD") != "qemu_aarch64", reason="no IOMMU for drivers' DMA"
)


def QEMU_ARGS(_command, scratch):
    """The machine's IOMMU; a plain disk, and one with metadata."""
    for name in ("plain", "tags"):
        with (scratch / f"{name}.img").open("wb") as disk:
            disk.truncate(SIZE)
    drive = "-drive if=none,format=raw,discard=unmap"
    return " ".join(
        [
            "-machine iommu=smmuv3",
            f"{drive},id=plain,file={scratch}/plain.img",
            "-device nvme,id=nvplain,serial=plain,drive=plain",
            f"{drive},id=tags,file={scratch}/tags.img",
            "-device nvme,id=nvtags,serial=tags",
            "-device nvme-ns,drive=tags,bus=nvtags,nsid=1,ms=8",
        ]
    )


def behind(disk):
    """The disk, whose function's transfers the IOMMU must map."""
    function = f"/sys/bus/pci/devices/{disk.function}"
    kind = disk.shell.run_check(f"cat {function}/iommu_group/type")
    assert kind in (["DMA"], ["DMA-FQ"])
    return disk


@pytest.mark.parametrize("parameters", ["", "sgl_threshold=0", "sgl_threshold=512"])
def test_fio_verifies_behind_an_iommu(loaded, parameters):
    disk = behind(loaded(parameters)("plain"))
    for size in ("bs=4k", "bsrange=512-1M"):
        disk.fio(
            "rw=randwrite", size, "size=8M", "iodepth=32", "ioengine=io_uring", "verify=crc32c"
        )
    disk.fio("rw=randtrimwrite", "bs=64k", "size=16M", "iodepth=8", "ioengine=libaio")


def test_metadata_behind_an_iommu(shell, loaded):
    tags = behind(loaded()("tags"))
    tags.fio(
        "rw=randwrite",
        "bsrange=512-256k",
        "size=4M",
        "iodepth=16",
        "ioengine=io_uring",
        "verify=crc32c",
    )
    shell.run_check("head -c 2048 /dev/urandom > /tmp/out; head -c 32 /dev/urandom > /tmp/tags")
    where = f"{tags.path} --start-block=8 --block-count=3 --data-size=2048 --metadata-size=32"
    shell.run_check(f"nvme write {where} --data=/tmp/out --metadata=/tmp/tags")
    shell.run_check(f"nvme read {where} --data=/tmp/in --metadata=/tmp/read")
    shell.run_check("cmp /tmp/out /tmp/in && cmp /tmp/tags /tmp/read")


def test_metadata_of_merged_requests_behind_an_iommu(shell, loaded):
    """Pieces of 8 bytes, each from another bio: no two of them may share a page of the IOMMU's."""
    tags = behind(loaded()("tags"))
    queue = f"/sys/block/{tags.path.split('/')[-1]}/queue"
    shell.run_check("head -c 1048576 /dev/urandom > /tmp/out")
    merged = f"awk '{{ print $2 + $6 }}' {queue}/../stat"
    before = int(shell.run_check(merged)[0])
    # A scheduler merges; without one, requests go as they come.
    shell.run_check(f"echo mq-deadline > {queue}/scheduler")
    try:
        shell.run_check(f"dd if=/tmp/out of={tags.path} bs=64k conv=fsync")
        shell.run_check("echo 3 > /proc/sys/vm/drop_caches")
        shell.run_check(f"cmp -n 1048576 /tmp/out {tags.path}")
    finally:
        shell.run(f"echo none > {queue}/scheduler")
    assert int(shell.run_check(merged)[0]) > before


@pytest.mark.expects(r"nvme\d+: resetting controller")
def test_resets_and_rebinds_behind_an_iommu(shell, loaded, rounds):
    """Rings go and come, and their mappings with them."""
    disk = behind(loaded()("plain"))
    for _ in range(rounds(2, 100)):
        shell.run_check(f"nvme reset /dev/{disk.name}", timeout=60)
        assert disk.reads()
        disk.unbind()
        disk.bind()
        assert disk.reads()
