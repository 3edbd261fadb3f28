# SPDX-License-Identifier: MIT
"""`make run`: the board's QEMU target of board.yaml, on this terminal.

With --pty MONITOR the console is a pseudo-terminal, whose name QEMU prints, QEMU's monitor a socket
of the name MONITOR, and the board waits for the monitor's `cont`.
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


def on_nvme(args):
    """The same command line with the board's disk behind an NVMe controller."""
    interface = "if=virtio,"
    if not any(arg.startswith(interface) for arg in args):
        sys.exit("ironroot: error: ROOT=nvme: QEMU's model of this board takes no NVMe disk")
    args = [arg.replace(interface, "if=none,id=root,") for arg in args]
    return [*args, "-device", "nvme,drive=root,serial=root"]


def main():
    """Becomes QEMU."""
    board, root = os.environ["BOARD"], os.environ.get("ROOT")
    name = "-".join(filter(None, [board, os.environ.get("VARIANT"), root]))
    images = Path(os.environ.get("IRONROOT_IMAGES") or CHECKOUT / "output" / name / "images")
    disk = images / "sdcard.img"
    if not disk.is_file():
        sys.exit(f"ironroot: error: no {disk}; run make image BOARD={board}")
    args = command(board, images, disk)
    if root:
        args = on_nvme(args)
    if sys.argv[1:2] == ["--pty"]:
        monitor = f"unix:{sys.argv[2]},server=on,wait=off"
        args += ["-S", "-snapshot", "-serial", "pty", "-monitor", monitor]
    else:
        print(f"ironroot: {board}: Ctrl-a x leaves", flush=True)
        args += ["-serial", "mon:stdio"]
    os.execvp(args[0], args)


if __name__ == "__main__":
    main()
