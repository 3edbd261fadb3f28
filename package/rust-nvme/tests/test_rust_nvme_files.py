# SPDX-License-Identifier: GPL-2.0
"""File systems on rust-nvme: made and, after much use, checked by their own tools on the host."""

import re
import subprocess

import pytest
from nvme_disk import Disk

# In bytes; mkfs.xfs makes nothing below 300 MB.
SIZE = 320 << 20


def said(*command):
    """What a tool of the host says, which must find nothing wrong."""
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def ext4_files(image):
    """Checks the file system; how many files it has."""
    return int(re.search(r"(\d+)/\d+ files", said("e2fsck", "-f", "-n", image))[1])


def xfs_files(image):
    """The same of XFS, whose check does not say how many: the superblock does."""
    said("xfs_repair", "-f", "-n", image)
    counts = said("xfs_db", "-f", "-r", "-c", "sb 0", "-c", "print icount ifree", image)
    made, free = (int(count) for count in re.findall(r"= (\d+)", counts))
    return made - free


# What makes one, and what checks it and counts its files.
FILE_SYSTEMS = {
    "ext4": (["mkfs.ext4", "-q", "-F"], ext4_files),
    "xfs": (["mkfs.xfs", "-q", "-f"], xfs_files),
}


def QEMU_ARGS(_command, scratch):
    """A disk for each file system."""
    args = []
    for name, (make, _) in FILE_SYSTEMS.items():
        image = scratch / f"{name}.img"
        with image.open("wb") as disk:
            disk.truncate(SIZE)
        subprocess.run([*make, image], check=True)
        args += [
            f"-drive if=none,format=raw,discard=unmap,id={name},file={image}",
            f"-device nvme,id=nv{name},serial={name},drive={name}",
        ]
    return " ".join(args)


@pytest.fixture(params=FILE_SYSTEMS)
def kind(request):
    """A file system's name, which its disk has as serial number."""
    return request.param


@pytest.fixture
def point(shell, loaded, kind):
    """Where the file system is mounted; blocks that it frees are discarded."""
    disk, point = loaded()(kind), f"/tmp/{kind}"
    shell.run_check(f"mkdir -p {point} && mount -t {kind} -o discard {disk.path} {point}")
    yield point
    # Mounted still where the test failed, and then the driver could not go.
    shell.run(f"umount {point}", timeout=120)


def test_file_system_is_whole(board, shell, module, kind, point):
    # Buffered and direct, each verified by fio itself.
    for direct in (0, 1):
        shell.run_check(
            f"fio --name=x --directory={point} --rw=randrw --bsrange=4k-256k --size=16M --numjobs=2"
            f" --direct={direct} --fsync=16 --ioengine=libaio --iodepth=16 --verify=crc32c"
            " --minimal > /tmp/fio",
            timeout=180,
        )
        shell.run_check(f"rm {point}/x.*")
    # Many small files, every second of them gone again.
    shell.run_check(
        f"cd {point} && for i in $(seq 400); do echo $i > f$i; done && sync"
        " && for i in $(seq 1 2 400); do rm f$i; done",
        timeout=120,
    )
    kept = f"cat {point}/f* | md5sum"
    before = shell.run_check(kept)
    shell.run_check(f"umount {point}", timeout=120)
    module.unload()
    module.load()
    shell.run_check(f"mount -t {kind} {Disk(shell, kind).path} {point}")
    assert shell.run_check(kept) == before
    shell.run_check(f"umount {point}", timeout=120)
    # It looked at what the board wrote: 200 files are left.
    _, files = FILE_SYSTEMS[kind]
    assert files(board.scratch / f"{kind}.img") > 200
