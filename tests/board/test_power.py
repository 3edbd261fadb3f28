# SPDX-License-Identifier: MIT
"""Reboot, shutdown, U-Boot's prompt; each leaves the board logged in for the next test."""

import pytest
from ironroot.board import QemuEnded
from ironroot.environment import lacks


def test_reboot_comes_back(board, shell):
    if reason := lacks(board.name, "reboot"):
        pytest.skip(reason)
    before = shell.run_check("cat /proc/sys/kernel/random/boot_id")
    board.reboot()
    assert shell.run_check("cat /proc/sys/kernel/random/boot_id") != before


@pytest.mark.needs_power("nobody switches the board on again")
def test_shutdown_is_clean(board, shell):
    """The power goes (QEMU ends) by itself, and the next boot finds nothing to recover."""
    if reason := lacks(board.name, "power_off"):
        pytest.skip(reason)
    shell.run_check("echo kept > /var/shutdown-test")
    assert board.power_off() == 0
    board.boot()
    assert shell.run_check("cat /var/shutdown-test") == ["kept"]
    log = "\n".join(shell.run_check("dmesg | grep EXT4-fs"))
    assert "mounted filesystem" in log
    assert "recover" not in log


@pytest.mark.boots(1)
@pytest.mark.needs_power("the board cannot be reset")
def test_u_boot_stops_for_a_key_and_goes_on(board, shell):
    if not board.u_boot:
        pytest.skip("QEMU starts the kernel, not U-Boot")
    before = shell.run_check("cat /proc/sys/kernel/random/boot_id")
    u_boot = board.stop_in_u_boot()
    assert u_boot.run_check("version")[0].startswith("U-Boot 20")
    board.boot_from_u_boot()
    assert shell.run_check("cat /proc/sys/kernel/random/boot_id") != before


@pytest.mark.boots(1)
@pytest.mark.qemu_only("a board cannot crash as a program does")
def test_a_qemu_that_ends_is_named_and_replaced(board, shell):
    board.qemu._child.terminate()
    with pytest.raises(QemuEnded, match="QEMU ended by itself, with status 0"):
        shell.run_check("true")
    with pytest.raises(QemuEnded):
        board.new_complaints()
    board.boot_if_ended()
    assert shell.run_check("echo up") == ["up"]
