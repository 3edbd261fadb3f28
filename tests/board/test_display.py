# SPDX-License-Identifier: MIT
"""The DRM panic screen: its QR code holds the log of the panic."""

import re
import subprocess
import time

from ironroot.board import MULTIPLIER

QEMU_ARGS = "-device virtio-gpu-pci,xres=1280,yres=1024"
MARK = "ironroot: the last line before the panic"
PANIC = "Kernel panic - not syncing: sysrq triggered crash"


def decoded(picture):
    """The texts of the QR codes in a picture."""
    command = ["ZXingReader", "-format", "QRCode", picture]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return re.findall(r'^Text: +"(.*?)"$', result.stdout, re.MULTILINE | re.DOTALL)


def screenshot(board, path):
    """Has QEMU write what the display shows."""
    board.qemu.monitor_command("screendump", {"filename": str(path), "format": "png"})
    return path


def test_a_panic_shows_its_log_as_a_qr_code(board, shell, tmp_path):
    shell.run_check("test -d /sys/class/drm/card0")
    # The display's first line makes the driver set a mode.
    on = "grep -qs active=1 /sys/kernel/debug/dri/*/state"
    shell.run_check("echo '<5>the display is on' > /dev/kmsg")
    shell.run_check(f"for i in $(seq 100); do {on} && exit; sleep 0.2; done; exit 1", timeout=60)
    assert decoded(screenshot(board, tmp_path / "before.png")) == []
    shell.run_check(f"echo '<5>{MARK}' > /dev/kmsg")
    try:
        board.console.sendline("echo c > /proc/sysrq-trigger")
        board.expect(r"end Kernel panic", 60)
        end = time.monotonic() + 60 * MULTIPLIER
        while not (texts := decoded(screenshot(board, tmp_path / "panic.png"))):
            assert time.monotonic() < end, "no QR code on the screen"
            time.sleep(1)
        console = board.recorder.text()
    finally:
        board.reset()
    assert len(texts) == 1
    assert MARK in texts[0]
    # The line with its time, to the microsecond, is the console's: this panic, not another one.
    line = re.search(rf"\[ *[\d.]+\] {re.escape(PANIC)}", texts[0])
    assert line
    assert line[0] in console
