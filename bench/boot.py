# SPDX-License-Identifier: MIT
"""What Rust costs before any request, in a boot: seconds, and instructions counted by a plugin."""

import time

from ironroot.board import Board

from bench import guest, plugin
from bench.names import matches
from bench.sizes import row

RUNS = 5
# Seconds to the login prompt at most; every instruction is counted.
PATIENCE = 240


def seconds(variant):
    """Wall-clock seconds from power-on to the shell."""
    start = time.monotonic()
    with guest.booted(variant, ""):
        return round(time.monotonic() - start, 2)


def instructions(variant):
    """Instructions from power-on to the login prompt, on one CPU."""
    guest.uses(variant)

    def counting(_base, scratch):
        return f"-icount shift=0 -smp 1 -plugin {plugin.built()},count={scratch / 'count'}"

    board = Board(qemu_args=counting)
    try:
        board.power_on()
        board.expect(board.stages[-1], PATIENCE)
        board.quit()
        return int((board.scratch / "count").read_text())
    finally:
        board.close()


# What is measured, of which row, and how.
MEASURED = (
    (seconds, "boot/seconds", "seconds", "wall clock, QEMU, to the shell"),
    (
        instructions,
        "boot/instructions",
        "instructions",
        "a plugin of QEMU's, -icount shift=0, to the login prompt",
    ),
)


def rows(expression):
    """The rows that the expression selects."""
    for measure, name, unit, method in MEASURED:
        if not matches(name, expression):
            continue
        found = {}
        for variant in ("", "c"):
            guest.build(variant)
            found[variant] = []
            for number in range(RUNS):
                found[variant].append(measure(variant))
                kernel = variant or "release"
                guest.say(f"{name}, {kernel}, {number + 1} of {RUNS}: {found[variant][-1]}")
        yield row(name, unit, method, found[""], found["c"])
