# SPDX-License-Identifier: MIT
"""Reboot and shutdown; both leave the board logged in for the next test."""

import pytest
from ironroot.environment import lacks


def test_reboot_comes_back(board, shell):
    if reason := lacks(board.name, "reboot"):
        pytest.skip(reason)
    before = shell.run_check("cat /proc/sys/kernel/random/boot_id")
    board.reboot()
    assert shell.run_check("cat /proc/sys/kernel/random/boot_id") != before


@pytest.mark.qemu_only("nobody switches the board on again")
def test_shutdown_is_clean(board, shell):
    """QEMU ends by itself, and the next boot finds nothing to recover."""
    if reason := lacks(board.name, "power_off"):
        pytest.skip(reason)
    shell.run_check("echo kept > /var/shutdown-test")
    assert board.power_off() == 0
    board.boot()
    assert shell.run_check("cat /var/shutdown-test") == ["kept"]
    log = "\n".join(shell.run_check("dmesg | grep EXT4-fs"))
    assert "mounted filesystem" in log
    assert "recover" not in log
