# SPDX-License-Identifier: GPL-2.0
"""The board's image on an NVMe disk: U-Boot starts it, rust-nvme has its root file system.

The board has one CPU here, and no other disk that anything could come from.
"""

import random
import re
import subprocess
from pathlib import Path

import pytest
from nvme_disk import DRIVERS, MODULE

BOOT_PARTITION = 8 << 20


def run(*command, **options):
    """Runs a program of the build root; gives its output."""
    return subprocess.run(command, check=True, capture_output=True, **options).stdout


def QEMU_ARGS(command, scratch):
    """The image as ROOT=nvme makes it, on an NVMe disk; the usual disk is empty.

    A qcow2 file, whose tables QEMU keeps in its memory until the guest flushes.
    """
    plain = next(word for word in command if "disk.qcow2" in word)
    usual = re.search(r"file=([^,]*)", plain)[1]
    backing = run("qemu-img", "info", "-f", "qcow2", usual).decode()
    image = Path(re.search(r"^backing file: (\S*)", backing, re.MULTILINE)[1])
    settings = scratch / "extlinux.conf"
    original = (image.parent / "extlinux.conf").read_text()
    settings.write_text(original.replace("\tappend", "\tinitrd /initramfs.gz\n\tappend"))
    disk = scratch / "root.img"
    run("cp", "--sparse=always", image, disk)
    partition = f"{disk}@@{BOOT_PARTITION}"
    run("mcopy", "-i", partition, image.parent / "initramfs.gz", "::initramfs.gz")
    run("mcopy", "-o", "-i", partition, settings, "::extlinux/extlinux.conf")
    run("qemu-img", "create", "-f", "qcow2", "-F", "raw", "-b", disk, scratch / "root.qcow2")
    run("qemu-img", "create", "-f", "qcow2", usual, "1M")
    return (
        f"-smp 1 -drive if=none,id=root,format=qcow2,file={scratch}/root.qcow2 "
        "-device nvme,id=nvroot,serial=root,drive=root"
    )


@pytest.fixture(autouse=True)
def settled():
    """In the other files, waits until nobody holds the driver; the root file system does."""


def root_partition(shell):
    """The root file system's partition, in sysfs."""
    device = shell.run_check("awk '$5 == \"/\" { d = $3 } END { print d }' /proc/self/mountinfo")[0]
    return shell.run_check(f"readlink -f /sys/dev/block/{device}")[0]


def test_root_file_system_is_on_nvme(shell):
    path = root_partition(shell)
    function, controller = re.search(r"/([^/]*)/nvme/(nvme\d+)/", path).groups()
    assert shell.run_check(f"ls {DRIVERS}/{MODULE}/{function}/nvme") == [controller]
    assert shell.run_check("nproc") == ["1"]
    assert shell.run_check(f"cat /sys/class/nvme/{controller}/queue_count") == ["2"]


def test_what_was_acknowledged_survives_a_power_cut(board, rounds):
    """A writer that syncs each record says so on the console, which remembers it for the disk.

    It has the disk flush as well: ext4 ends an fsync with a write that has FUA set and no flush
    after it, and to QEMU's controller that is a write like any other.
    """
    disk = Path(root_partition(board.shell)).parent.name
    sync = "conv=notrunc,fsync 2> /dev/null"
    step = f"dd of=/var/records bs=32 oflag=append {sync} && dd if=/dev/null of=/dev/{disk} {sync}"
    written = 0
    for number in range(rounds(1, 50)):
        start = len(board.recorder.data)
        loop = f"echo record $i | {step} && echo acknowledged $i"
        board.console.sendline(f"i={written}; while :; do i=$((i + 1)); {loop}; done")
        # Somewhere in the middle of the work.
        board.expect(rf"acknowledged {written + random.Random(number).randint(10, 40)}\r", 60)
        board.cut_power()
        said = re.findall(r"^acknowledged (\d+)$", board.recorder.text(start), re.MULTILINE)
        board.boot()
        found = board.shell.run_check("cat /var/records")
        assert found == [f"record {count}" for count in range(1, len(found) + 1)]
        assert len(found) >= int(said[-1])
        written = len(found)
