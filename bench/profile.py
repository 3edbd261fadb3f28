# SPDX-License-Identifier: MIT
"""`PROFILE=1`: where the instructions of a request go, function by function.

QEMU runs one instruction a translation block and logs each block's address for a while; the
addresses are looked up in the kernel's and the modules' symbols. Exact, for what ran meanwhile.
"""

import re
import time
from collections import Counter
from pathlib import Path

from bench import guest
from bench.traces import ENOUGH, Symbols, per_function, turns, with_one_turn

METHOD = "every instruction of the modules in a trace of QEMU, by address"
POLLED = "every instruction in two traces of QEMU, less the turns of the loop but one"
# The log's size: some hundred requests of the cheapest kind, and of each kind enough.
LOG_BYTES = 200 << 20
# What an instruction takes of the log.
LINE_BYTES = 72
PATIENCE = 300
TRACE = re.compile(rb"^Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/")


def monitor(board, line):
    """A line for QEMU's human monitor."""
    return board.qemu.monitor_command("human-monitor-command", {"command-line": line})


def trace(board, log, size):
    """Logs instructions until the log has that size; gives how often each address ran."""
    log.unlink(missing_ok=True)
    monitor(board, f"logfile {log}")
    monitor(board, "one-insn-per-tb on")
    monitor(board, "log exec,nochain")
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and (not log.exists() or log.stat().st_size < size):
        time.sleep(0.5)
    monitor(board, "log none")
    monitor(board, "one-insn-per-tb off")
    monitor(board, "logfile /dev/null")
    counts = Counter()
    with log.open("rb") as lines:
        for line in lines:
            if match := TRACE.match(line):
                counts[match[1]] += 1
    log.unlink()
    return Counter({int(address, 16): count for address, count in counts.items()})


def traced(board, side, command, whole, scratch):
    """How often each address ran while the client did."""
    shell = board.shell
    shell.run_check(f"({command.format(n=1_000_000_000)}) >/dev/null 2>&1 &")
    shell.run_check("sleep 1; cat /proc/loadavg")
    size = max(LOG_BYTES, int(1.2 * ENOUGH * whole * LINE_BYTES))
    counts = trace(board, scratch / "trace.log", size)
    program = side.program or side.command.split()[0]
    shell.run_check(f"killall {program}; wait; true", timeout=guest.PATIENCE)
    return counts


def profile(board, side, whole, images, scratch):
    """A side's functions; `whole` is what one request takes, 0 where the trace must tell."""
    with guest.prepared(board.shell, side):
        command = "grep -E ' _text$|\\[' /proc/kallsyms"
        kallsyms = board.shell.run_check(command, timeout=guest.PATIENCE)
        traces = [
            traced(board, side, command, whole, scratch)
            for command in (side.command, side.late_command)
            if command
        ]
    system_map = (Path(images) / "System.map").read_text().splitlines()
    symbols = Symbols(system_map, kallsyms)
    found = [per_function(counts, symbols, side.entry, whole) for counts in traces]
    if not side.turn:
        return found[0]
    return with_one_turn(*found, *(turns(counts, symbols, side) for counts in traces))
