# SPDX-License-Identifier: MIT
"""The serial target, proven with QEMU behind a pseudo-terminal."""

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from ironroot.board import MULTIPLIER
from ironroot.environment import lacks

CHECKOUT = Path(__file__).parents[2]
# Gives the QEMU whose monitor is its first argument a command, the second.
TELL = """
import socket
import sys

monitor = socket.socket(socket.AF_UNIX)
monitor.connect(sys.argv[1])
text = b""
for command in (sys.argv[2].encode() + b"\\n", b""):
    while not text.endswith(b"(qemu) "):
        text += monitor.recv(4096)
    monitor.sendall(command)
    text = b""
"""
POWER = """
drivers:
  - ExternalPowerDriver:
      cmd_off: 'true'
      cmd_on: !template "{python} $BASE/tell.py $BASE/monitor system_reset"
"""
# QEMU looks once a second whether a terminal is open.
NOTICED_SECONDS = 2
SUBSET = ["banner", "kernel_is", "binderfs_is_mounted", "minimal"]


def without_control(path, flags):
    """Opens a terminal that is not to become the process's own."""
    return os.open(path, flags | os.O_NOCTTY)


@pytest.fixture
def pseudo_terminal(tmp_path):
    """QEMU with its console on a pseudo-terminal; gives the terminal's name."""
    env = dict(os.environ, BOARD=os.environ["IRONROOT_BOARD"])
    monitor = tmp_path / "monitor"
    tell = tmp_path / "tell.py"
    tell.write_text(TELL)
    with subprocess.Popen(
        [sys.executable, "quick/console.py", "--pty", monitor],
        cwd=CHECKOUT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as qemu:
        watchdog = threading.Timer(30 * MULTIPLIER, qemu.kill)
        watchdog.start()
        said = []
        try:
            for line in qemu.stdout:
                said.append(line)
                if match := re.search(r"char device redirected to (/dev/pts/\d+)", line):
                    break
            else:
                pytest.fail("QEMU named no pseudo-terminal: " + "".join(said))
            # Open before the board writes and as long as it does: the SiFive UART's model may stay
            # full for good where QEMU notices in the middle that somebody listens.
            with open(match[1], "rb", buffering=0, opener=without_control):
                time.sleep(NOTICED_SECONDS)
                subprocess.run([sys.executable, tell, monitor, "cont"], check=True)
                watchdog.cancel()
                yield match[1]
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
    power = tmp_path / "power.yaml"
    power.write_text(POWER.format(python=sys.executable))
    subset = ["every_stage_shows", "u_boot_stops"]
    said = run_tests(subset, pseudo_terminal, tmp_path, IRONROOT_POWER=str(power))
    assert re.search(rf"\b{2 if board.u_boot else 1} passed", said), said
