# SPDX-License-Identifier: MIT
"""A card larger than the image, and what a card lives through: every boot after it is a boot."""

import os
import re
from pathlib import Path

import pytest

MIB = 1 << 20


def larger_card():
    """The MiB of the next larger card: a power of two, because QEMU has no others."""
    image = Path(os.environ.get("IRONROOT_IMAGES", "")) / "sdcard.img"
    # What is not there is said where the board starts.
    return 1 << (image.stat().st_size // MIB).bit_length() if image.is_file() else 512


CARD_MIB = larger_card()
CARD = f"{CARD_MIB}M"
# What root has of it: boot loaders and the boot partition come first, the table's copy and the
# alignment take the last MiB.
ROOT_MIB = CARD_MIB - 8 - 128 - 1


def root(shell):
    """The root partition's name and size in MiB, and what df says is the file system's."""
    device = shell.run_check("grep ' / / ' /proc/self/mountinfo | tail -n 1 | cut -d' ' -f3")[0]
    path = f"/sys/dev/block/{device}"
    name = shell.run_check(f"basename $(readlink {path})")[0]
    sectors = int(shell.run_check(f"cat {path}/size")[0])
    blocks = shell.run_check("df -k / | tail -n 1")[0].split()[-5]
    return name, sectors * 512 // MIB, int(blocks) // 1024


def crash(board):
    """A reset in the middle of whatever goes on; the next boot must have nothing to say of it."""
    board.reset()
    assert board.boot_complaints() == []
    assert not [line for line in board.boot_log if "EXT4-fs error" in line]


@pytest.mark.boots(2)
def test_root_has_the_whole_card(board, shell):
    """Grown while mounted, at the first boot; the second has nothing to do and finds it whole.

    The kernel says at each boot whether the table's copy is at the card's end.
    """
    grew = "Alternate GPT header not at the end of the disk"
    assert any(grew in line for line in board.boot_log)
    grown = root(shell)
    name, partition, file_system = grown
    assert partition == ROOT_MIB
    # Inodes and bitmaps are the file system's own.
    assert ROOT_MIB * 0.9 < file_system <= ROOT_MIB
    board.boot_again()
    assert root(shell) == grown
    assert not any("GPT:" in line for line in board.boot_log)
    assert not any(re.search(rf"\({name}\): resiz", line) for line in board.boot_log)
    assert board.boot_complaints() == []


@pytest.mark.boots(1)
def test_a_plug_pulled_while_writing_loses_nothing_that_was_synced(board, shell):
    shell.run_check("mkdir -p /root/kept && cd /root/kept")
    shell.run_check("dd if=/dev/urandom of=/root/kept/synced bs=64k count=16 conv=fsync")
    before = shell.run_check("sha256sum /root/kept/synced")
    writer = "while :; do dd if=/dev/zero of=/root/kept/$RANDOM bs=64k count=64; done"
    shell.run_check(f"({writer}) >/dev/null 2>&1 & sleep 2; ls -1 /root/kept | wc -l")
    crash(board)
    assert shell.run_check("sha256sum /root/kept/synced") == before
    shell.run_check("rm -r /root/kept && sync")


@pytest.mark.boots(2)
def test_a_full_root_file_system_boots(board, shell):
    # All but the last MiB at once: a card behind SPI would take minutes to write them.
    blocks, size = map(int, shell.run_check("stat -f -c '%f %S' /")[0].split())
    shell.run_check(f"fallocate -l {blocks * size - 8 * MIB} /root/most", timeout=120)
    assert shell.run("dd if=/dev/zero of=/root/full bs=64k", timeout=300)[2] != 0
    shell.run_check("sync", timeout=300)
    crash(board)
    # What ext4 sets aside for itself comes and goes.
    assert int(shell.run_check("df -k / | tail -n 1")[0].split()[-3]) < 1024
    shell.run_check("rm /root/full /root/most && echo more > /root/more && sync")
    crash(board)
    assert shell.run_check("cat /root/more; rm /root/more") == ["more"]
