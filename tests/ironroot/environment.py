# SPDX-License-Identifier: MIT
"""A board's labgrid environment, with the variables that board.yaml takes."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import yaml
from labgrid import Environment
from labgrid.config import Config

CHECKOUT = Path(__file__).parents[2]


def board_yaml(board):
    """The file that describes a board's targets; `board` is its name, or a folder elsewhere."""
    path = CHECKOUT / "board" / board / "board.yaml"
    if not path.is_file():
        raise SystemExit(f"ironroot: error: board {board!r} has no {path}")
    return path


def kernel_command_line(board):
    """What U-Boot hands to the kernel, for a QEMU that starts the kernel itself."""
    text = (CHECKOUT / "board" / board / "extlinux.conf").read_text()
    return re.search(r"^\s*append (.*)$", text, re.M)[1]


def qemu_device_tree(board, images):
    """The device tree that QEMU starts the kernel with, where board.yaml names one.

    It is the image's, with the kernel's command line: not every machine adds that.
    """
    tree = options(board).get("qemu_device_tree")
    if not tree:
        return ""
    made = images / "qemu.dtb"
    # Two runs may make it at the same time.
    part = made.with_suffix(f".{os.getpid()}")
    shutil.copy(images / tree, part)
    bootargs = ["/chosen", "bootargs", kernel_command_line(board)]
    subprocess.run(["fdtput", "-t", "s", part, *bootargs], check=True)
    part.rename(made)
    return made


def environment(board, images, disk, serial="", power=""):
    """Loads board.yaml; `disk` is what the QEMU target boots from.

    `power` is a file with the resources and drivers, as labgrid calls them, of whatever switches
    the power of the board on the serial port.
    """
    path = board_yaml(board)
    # labgrid finds the format out itself, but for the disks of few machines alone.
    form = "qcow2" if str(disk).endswith(".qcow2") else "raw"
    os.environ.update(
        LG_IMAGES=str(images),
        LG_DISK=str(disk),
        LG_DISK_FORMAT=form,
        LG_SERIAL=serial,
        LG_APPEND=kernel_command_line(board),
        LG_DTB=str(qemu_device_tree(board, Path(images))),
    )
    found = Environment(str(path))
    if power:
        switch = Config(str(power)).data
        serial_target = found.config.get_targets()["serial"]
        for kind in ("resources", "drivers"):
            serial_target[kind] += switch.get(kind, [])
    return found


def target(environment, board, kind):
    """One of the board's targets, `qemu` or `serial`; the former with CPUS= processors."""
    found = environment.get_target(kind)
    if not found:
        raise SystemExit(
            f"ironroot: error: QEMU does not model {board}; the board itself, with a serial"
            f" adapter: make test BOARD={board} SERIAL=/dev/ttyUSB0"
        )
    if kind == "qemu" and (cpus := asked_cpus()):
        # QEMU takes the last of several.
        found.get_driver("QEMUDriver", activate=False).extra_args += f" -smp {cpus}"
    return found


def options(board):
    """The board's own facts that labgrid has no place for."""

    class Loader(yaml.SafeLoader):
        """Reads past labgrid's !template."""

    Loader.add_constructor("!template", lambda loader, node: node.value)
    # A SafeLoader's subclass: it makes plain values only.
    return yaml.load(board_yaml(board).read_text(), Loader=Loader)["options"]


def asked_cpus():
    """How many processors the user wants QEMU's machine to have; 0: as many as board.yaml says."""
    return int(os.environ.get("CPUS") or 0)


def qemu_cpus(board):
    """How many processors QEMU's machine has."""
    if cpus := asked_cpus():
        return cpus
    found = re.search(r"^\s*-smp (\d+)", board_yaml(board).read_text(), re.M)
    return int(found[1]) if found else 1


def lacks(board, what):
    """Why the board cannot have something that tests need; nothing where it can."""
    facts = options(board)
    reasons = facts.get("lacks", {})
    if not os.environ.get("IRONROOT_SERIAL"):
        reasons = reasons | facts.get("lacks_in_qemu", {})
    return reasons.get(what)
