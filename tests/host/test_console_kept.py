# SPDX-License-Identifier: MIT
"""What the console showed of a boot that never came to its end is in the report and in the logs."""

import os
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
# A board without a QEMU behind it, which stands still in U-Boot.
TESTS = """
import ironroot.board

pytest_plugins = ["ironroot.fixtures"]

class Recorder:
    data = b"U-Boot 2025.01\\n=> "

    def text(self, start=0):
        return self.data[start:].decode()

class Board:
    recorder = Recorder()

    def __init__(self, *args):
        pass

    def boot(self):
        raise TimeoutError("no login prompt")

    def close(self):
        pass

ironroot.board.Board = Board
"""


def test_a_boot_that_failed(tmp_path):
    (tmp_path / "conftest.py").write_text(TESTS)
    asking = "def test_asks(board): pass\ndef test_again(board): pass\n"
    (tmp_path / "test_it.py").write_text(asking)
    pytest = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", tmp_path]
    # The kernel's fragments say whether a board is slow.
    (tmp_path / "fragments").touch()
    environment = {
        "IRONROOT_BOARD": "qemu_riscv64",
        "IRONROOT_IMAGES": str(tmp_path),
        "IRONROOT_LOGS": str(tmp_path / "logs"),
        "PYTHONPATH": str(CHECKOUT / "tests"),
    }
    command = [*pytest, tmp_path]
    ended = subprocess.run(
        command, env=os.environ | environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert "2 errors" in ended.stdout, ended.stdout + ended.stderr
    # Both tests got the same answer of the one boot; it is shown once.
    assert ended.stdout.count("U-Boot 2025.01") == 1, ended.stdout
    logs = {path.name: path.read_text() for path in (tmp_path / "logs").iterdir()}
    assert logs == {"test_it-test_asks.failed.log": "U-Boot 2025.01\n=> "}
