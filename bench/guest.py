# SPDX-License-Identifier: MIT
"""A board under QEMU's -icount, as the benchmark uses it."""

import functools
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from ironroot.board import Board

# For the NVMe drivers: a disk that answers at once; one that takes a millisecond of the host's
# time, so that who waits for one request has gone to sleep each time before its answer comes; and
# one that takes ten, so that who polls looks many times more often than at the first's.
DISK = "-drive driver=null-co,if=none,id={},size=1G,read-zeroes=on,latency-ns={}"
DISKS = {"at-once": 0, "late": 1_000_000, "very-late": 10_000_000}
# A controller each: one's disks would share its tags, which costs each request some.
NVME = " ".join(
    f"{DISK.format(name, delay)} -device nvme,serial={name},drive={name}"
    for name, delay in DISKS.items()
)
# Seconds for one command; icount is slow, and so may the machine be.
PATIENCE = 600


def say(text):
    """Shows that a long measurement moves."""
    print(f"ironroot: bench: {text}", file=sys.stderr, flush=True)


@functools.cache
def build(variant):
    """Makes the board's image with a kernel variant, once."""
    env = dict(os.environ, VARIANT=variant)
    subprocess.run(["quick/tool", "image", os.environ["BOARD"]], env=env, check=True)


def kernel(variant):
    """The folder in which a kernel variant was built."""
    command = ["quick/tool", "kernel", os.environ["BOARD"]]
    env = dict(os.environ, VARIANT=variant)
    said = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True).stdout
    # The tool says where the user finds it.
    return Path(said.strip().replace(os.environ["IRONROOT_HOST_CACHE"], "/cache", 1))


def counted(cpus=1):
    """QEMU's arguments: one instruction is one nanosecond of guest time."""
    return f"-icount shift=0 -smp {cpus} {NVME}"


def uses(variant):
    """Has the boards that are made from now on boot the image of a kernel variant."""
    name = "-".join(filter(None, [os.environ["BOARD"], variant]))
    os.environ["IRONROOT_BOARD"] = os.environ["BOARD"]
    os.environ["IRONROOT_IMAGES"] = str(Path.cwd() / "output" / name / "images")


@contextmanager
def booted(variant, qemu_args):
    """The board's image of a kernel variant, booted."""
    uses(variant)
    board = Board(qemu_args=qemu_args)
    try:
        board.boot()
        yield board
    finally:
        board.close()


@contextmanager
def prepared(shell, side):
    """A side's devices, made and unmade."""
    for command in side.setup:
        shell.run_check(command, timeout=PATIENCE)
    try:
        yield
    finally:
        for command in side.teardown:
            shell.run_check(command, timeout=PATIENCE)


def count(shell, side, requests):
    """Instructions of the whole machine for one run of the client, its start included."""
    program = "icount" if side.cpus == 1 else "icount --machine"
    lines = shell.run_check(f"{program} {side.command.format(n=requests)}", timeout=PATIENCE)
    word, number = lines[-1].split()
    assert word == "instructions", lines
    return int(number)


def per_request(shell, side, requests):
    """Instructions for each request: the slope between N and 2N of them."""
    return (count(shell, side, 2 * requests) - count(shell, side, requests)) / requests
