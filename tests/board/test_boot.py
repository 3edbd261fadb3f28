# SPDX-License-Identifier: MIT
"""From power-on to the login prompt."""

import re

import pytest
from ironroot import kernel
from ironroot.board import MULTIPLIER
from ironroot.environment import lacks

# From the kernel's start of init to the last step of the boot, which takes one to two seconds: what
# this finds is a step that waits for something, on a busy machine too.
USERLAND_SECONDS = 20


@pytest.mark.needs_power("a serial console was opened after the board had booted")
def test_every_stage_shows_on_the_console(board):
    """Firmware, U-Boot, kernel, init, login prompt, in this order."""
    text, at = board.recorder.text(), 0
    for stage in board.stages:
        match = re.compile(stage).search(text, at)
        assert match, f"{stage!r} did not come after the stages before it"
        at = match.end()


def test_banner_says_that_there_is_no_password(shell):
    assert "without a password" in "\n".join(shell.run_check("cat /etc/issue"))


def test_kernel_is_the_one_that_was_built(shell):
    assert shell.run_check("uname -r") == [kernel.text("kernel.release")]


def test_kernel_was_built_with_the_rust_that_the_image_states(shell):
    lines = shell.run_check("zcat /proc/config.gz | grep ^CONFIG_RUSTC_VERSION_TEXT=")
    assert lines == [f'CONFIG_RUSTC_VERSION_TEXT="{kernel.text("rustc.version")}"']


def test_kernel_log_is_clean_after_boot(board):
    assert len(board.boot_log) > 100
    assert board.boot_complaints() == []


def test_root_is_the_images_ext4_partition(shell):
    assert "root=PARTLABEL=root" in shell.run_check("cat /proc/cmdline")[0]
    device, _, kind, options = shell.run_check("grep ' / ' /proc/mounts")[0].split()[:4]
    assert (device, kind) == ("/dev/root", "ext4")
    assert "rw" in options.split(",")


def test_userland_is_up_in_seconds(board, shell):
    """The time from init's start to its last step is short."""
    line = next(line for line in board.boot_log if "Run /sbin/init" in line)
    start = float(re.search(r"\[ *([\d.]+)\]", line)[1])
    up = float(shell.run_check("cat /run/ironroot-up")[0].split()[0])
    assert 0 < up - start < USERLAND_SECONDS * MULTIPLIER


def test_binderfs_is_mounted(shell):
    assert shell.run_check("grep ' /dev/binderfs ' /proc/mounts")[0].startswith("binder ")
    names = set(shell.run_check("ls -1 /dev/binderfs"))
    assert {"binder-control", "binder", "hwbinder", "vndbinder"} <= names


@pytest.mark.qemu_only("the addresses are those of QEMU's user network")
def test_network_comes_up_by_dhcp(board, shell):
    """A lease, a route, and an answer from the other end."""
    if reason := lacks(board.name, "ethernet"):
        pytest.skip(reason)
    wait = "for i in $(seq 60); do ip -4 addr show eth0 | grep -q inet && break; sleep 1; done"
    shell.run_check(f"{wait}; ip -4 addr show eth0 | grep -q 'inet 10.0.2.15/24'", timeout=90)
    assert shell.run_check("ip route | grep ^default")[0].startswith("default via 10.0.2.2 ")
    shell.run_check("ping -c 2 -W 5 10.0.2.2", timeout=40)
