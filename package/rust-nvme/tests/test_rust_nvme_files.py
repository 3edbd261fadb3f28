# SPDX-License-Identifier: GPL-2.0
"""File systems on rust-nvme: made and, after much use, checked by their own tools on the host."""

import re
import subprocess

import pytest
from nvme_disk import Disk

SIZE = 256 << 20


def QEMU_ARGS(_command, scratch):
    """A disk with a file system."""
    image = scratch / "ext4.img"
    with image.open("wb") as disk:
        disk.truncate(SIZE)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    drive = f"-drive if=none,format=raw,discard=unmap,id=ext4,file={image}"
    return f"{drive} -device nvme,id=nvext4,serial=ext4,drive=ext4"


@pytest.fixture
def point(shell, loaded):
    """Where the file system is mounted; blocks that it frees are discarded."""
    disk = loaded()("ext4")
    shell.run_check(f"mkdir -p /tmp/ext4 && mount -t ext4 -o discard {disk.path} /tmp/ext4")
    yield "/tmp/ext4"
    # Mounted still where the test failed, and then the driver could not go.
    shell.run("umount /tmp/ext4", timeout=120)


def test_ext4(board, shell, point, module):
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
    shell.run_check(f"mount -t ext4 {Disk(shell, 'ext4').path} {point}")
    assert shell.run_check(kept) == before
    shell.run_check(f"umount {point}", timeout=120)
    check = ["e2fsck", "-f", "-n", board.scratch / "ext4.img"]
    checked = subprocess.run(check, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    # It looked at what the board wrote: 200 files are left.
    assert int(re.search(r"(\d+)/\d+ files", checked.stdout)[1]) > 200, checked.stdout
