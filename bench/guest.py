# SPDX-License-Identifier: MIT
"""A board under QEMU's -icount, as the benchmark uses it."""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from ironroot.board import Board

# A disk that answers at once, for the NVMe drivers.
NVME = (
    "-drive driver=null-co,if=none,id=bench,size=1G,read-zeroes=on "
    "-device nvme,serial=bench,drive=bench"
)
# One instruction is one nanosecond of guest time. One CPU: the counter's.
QEMU_ARGS = f"-icount shift=0 -smp 1 {NVME}"
# Seconds for one command; icount is slow, and so may the machine be.
PATIENCE = 600


def say(text):
    """Shows that a long measurement moves."""
    print(f"ironroot: bench: {text}", file=sys.stderr, flush=True)


def build(variant):
    """Makes the board's image with a kernel variant."""
    env = dict(os.environ, VARIANT=variant)
    subprocess.run(["quick/tool", "image", os.environ["BOARD"]], env=env, check=True)


@contextmanager
def booted(variant, qemu_args=QEMU_ARGS):
    """The board's image of a kernel variant, booted."""
    name = "-".join(filter(None, [os.environ["BOARD"], variant]))
    os.environ["IRONROOT_BOARD"] = os.environ["BOARD"]
    os.environ["IRONROOT_IMAGES"] = str(Path.cwd() / "output" / name / "images")
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
    """Instructions of the whole CPU for one run of the client, its start included."""
    lines = shell.run_check(f"icount {side.command.format(n=requests)}", timeout=PATIENCE)
    word, number = lines[-1].split()
    assert word == "instructions", lines
    return int(number)


def per_request(shell, side, requests):
    """Instructions for each request: the slope between N and 2N of them."""
    return (count(shell, side, 2 * requests) - count(shell, side, requests)) / requests
