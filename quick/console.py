# SPDX-License-Identifier: MIT
"""`make run`: the board's QEMU target of board.yaml, on this terminal.

With --pty the console is a pseudo-terminal, whose name QEMU prints.
"""

import os
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
sys.path.insert(0, str(CHECKOUT / "tests"))

from ironroot.environment import environment, target  # noqa: E402


def command(board, images, disk):
    """QEMU's command line without what labgrid adds to drive it."""
    found = target(environment(board, images, disk), board, "qemu")
    return found.get_driver("QEMUDriver", activate=False).get_qemu_base_args()


def main():
    """Becomes QEMU."""
    board = os.environ["BOARD"]
    name = "-".join(filter(None, [board, os.environ.get("VARIANT")]))
    images = Path(os.environ.get("IRONROOT_IMAGES") or CHECKOUT / "output" / name / "images")
    disk = images / "sdcard.img"
    if not disk.is_file():
        sys.exit(f"ironroot: error: no {disk}; run make image BOARD={board}")
    args = command(board, images, disk)
    if "--pty" in sys.argv[1:]:
        args += ["-snapshot", "-serial", "pty", "-monitor", "none"]
    else:
        print(f"ironroot: {board}: Ctrl-a x leaves", flush=True)
        args += ["-serial", "mon:stdio"]
    os.execvp(args[0], args)


if __name__ == "__main__":
    main()
