# SPDX-License-Identifier: MIT
"""The serial target, proven with QEMU behind a pseudo-terminal."""

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from ironroot.board import MULTIPLIER
from ironroot.environment import lacks

CHECKOUT = Path(__file__).parents[2]
SUBSET = ["banner", "kernel_is", "binderfs_is_mounted", "minimal"]


@pytest.fixture
def pseudo_terminal():
    """QEMU with its console on a pseudo-terminal; gives the terminal's name."""
    env = dict(os.environ, BOARD=os.environ["IRONROOT_BOARD"])
    command = [sys.executable, "quick/console.py", "--pty"]
    with subprocess.Popen(
        command, cwd=CHECKOUT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as qemu:
        watchdog = threading.Timer(30 * MULTIPLIER, qemu.kill)
        watchdog.start()
        said = []
        try:
            for line in qemu.stdout:
                said.append(line)
                if match := re.search(r"char device redirected to (/dev/pts/\d+)", line):
                    watchdog.cancel()
                    yield match[1]
                    break
            else:
                pytest.fail("QEMU named no pseudo-terminal: " + "".join(said))
        finally:
            watchdog.cancel()
            qemu.kill()


@pytest.mark.qemu_only("this is the serial console itself")
def test_the_suite_runs_over_a_serial_port(board, pseudo_terminal, tmp_path):
    """The same tests, told only the device's path; a reboot among them, where QEMU does that."""
    subset = SUBSET + ([] if lacks(board.name, "reboot") else ["reboot_comes"])
    env = dict(os.environ, IRONROOT_SERIAL=pseudo_terminal, IRONROOT_LOGS=str(tmp_path))
    # The kernel says what it says of QEMU's models.
    env["IRONROOT_SERIAL_IS_QEMU"] = "1"
    command = [sys.executable, "-m", "pytest", "-q", "tests/board", "-k", " or ".join(subset)]
    result = subprocess.run(
        command,
        cwd=CHECKOUT,
        env=env,
        capture_output=True,
        text=True,
        timeout=400 * MULTIPLIER,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    # There are two of the minimal sample.
    assert re.search(rf"\b{len(subset) + 1} passed", result.stdout), result.stdout
    assert "failed" not in result.stdout
