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
# Resets the QEMU whose monitor is its argument.
RESET = """
import socket
import sys

monitor = socket.socket(socket.AF_UNIX)
monitor.connect(sys.argv[1])
text = b""
for command in (b"system_reset\\n", b""):
    while not text.endswith(b"(qemu) "):
        text += monitor.recv(4096)
    monitor.sendall(command)
    text = b""
"""
# Labgrid waits two seconds between off and on. QEMU looks once a second whether the terminal is
# open, and the SiFive UART's model may stay full for good where it finds that while the board
# writes: so not after the reset, which empties it.
POWER = """
drivers:
  - ExternalPowerDriver:
      cmd_off: 'true'
      cmd_on: !template "{python} $BASE/reset.py $BASE/monitor"
"""
SUBSET = ["banner", "kernel_is", "binderfs_is_mounted", "minimal"]


@pytest.fixture
def pseudo_terminal(tmp_path):
    """QEMU with its console on a pseudo-terminal; gives the terminal's name."""
    env = dict(os.environ, BOARD=os.environ["IRONROOT_BOARD"])
    command = [sys.executable, "quick/console.py", "--pty", tmp_path / "monitor"]
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


def run_tests(names, terminal, logs, **env):
    """pytest on the serial target; gives what it printed. There must be no failure."""
    env = dict(os.environ, IRONROOT_SERIAL=terminal, IRONROOT_LOGS=str(logs), **env)
    # The kernel says what it says of QEMU's models.
    env["IRONROOT_SERIAL_IS_QEMU"] = "1"
    command = [sys.executable, "-m", "pytest", "-q", "tests/board", "-k", " or ".join(names)]
    result = subprocess.run(
        command,
        cwd=CHECKOUT,
        env=env,
        capture_output=True,
        text=True,
        timeout=400 * MULTIPLIER,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "failed" not in result.stdout
    return result.stdout


@pytest.mark.qemu_only("this is the serial console itself")
def test_the_suite_runs_over_a_serial_port(board, pseudo_terminal, tmp_path):
    """The same tests, told only the device's path; a reboot among them, where QEMU does that."""
    subset = SUBSET + ([] if lacks(board.name, "reboot") else ["reboot_comes"])
    said = run_tests(subset, pseudo_terminal, tmp_path)
    # There are two of the minimal sample.
    assert re.search(rf"\b{len(subset) + 1} passed", said), said


@pytest.mark.qemu_only("this is the serial console itself")
def test_the_suite_switches_the_power(board, pseudo_terminal, tmp_path):
    """With a power switch the console is seen from the start, and U-Boot can be stopped."""
    (tmp_path / "reset.py").write_text(RESET)
    power = tmp_path / "power.yaml"
    power.write_text(POWER.format(python=sys.executable))
    subset = ["every_stage_shows", "u_boot_stops"]
    said = run_tests(subset, pseudo_terminal, tmp_path, IRONROOT_POWER=str(power))
    assert re.search(rf"\b{2 if board.u_boot else 1} passed", said), said
