# SPDX-License-Identifier: MIT
"""`PROFILE=1`: where the instructions of a request go, function by function.

QEMU runs one instruction a translation block and logs each block's address for a while; the
addresses are looked up in the kernel's and the modules' symbols. Exact, for what ran meanwhile.
"""

import re
import time
from bisect import bisect_right
from collections import Counter
from pathlib import Path

from bench import guest

METHOD = "every instruction of the modules in a trace of QEMU, by address"
# The log's size: some hundred requests of the cheapest kind, and of each kind enough.
LOG_BYTES = 200 << 20
# What an instruction takes of the log, and how many requests are enough.
LINE_BYTES, ENOUGH = 72, 10
PATIENCE = 300
# How many functions a terminal shows; the file has all.
MOST = 30
TRACE = re.compile(rb"^Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/")
# Functions and data; an absolute symbol is a number, no address. A module has labels inside its
# functions too: .L… and $x.
KALLSYM = re.compile(r"^([0-9a-f]+) [^\WAa] (?!\.L|\$)(\S+)(?:\s+\[(\w+)\])?$")


class Symbols:
    """The functions of a running kernel by address."""

    def __init__(self, system_map, kallsyms):
        symbols, modules = (
            [(int(m[1], 16), m[2], m[3] or "vmlinux") for m in map(KALLSYM.match, lines) if m]
            for lines in (system_map, kallsyms)
        )
        linked = {name: address for address, name, _ in symbols}
        # A kernel that moved itself: the running one's _text tells by how much.
        text = next(address for address, name, _ in modules if name == "_text")
        slide = text - linked["_text"]
        symbols = [(address + slide, name, module) for address, name, module in symbols]
        symbols += [one for one in modules if one[2] != "vmlinux"]
        self._symbols = sorted(symbols)
        self._addresses = [address for address, _, _ in self._symbols]
        self._kernel_space = min(self._addresses[0], text)

    def address(self, name):
        """Where a function begins; Rust's symbols end with the name's length and the name."""
        rust = f"{len(name)}{name}"
        for address, symbol, _ in self._symbols:
            if symbol == name or symbol.endswith(rust):
                return address
        raise SystemExit(f"ironroot: error: profile: no function {name} in this kernel")

    def find(self, address):
        """(function, module) of an address."""
        if address < self._kernel_space:
            return "(user space)", "user"
        _, name, module = self._symbols[bisect_right(self._addresses, address) - 1]
        return name, module


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


def per_function(counts, symbols, entry, whole):
    """Instructions per request of every (function, module), most first."""
    requests = counts[symbols.address(entry)] if entry else counts.total() / whole
    if requests < ENOUGH:
        raise SystemExit(f"ironroot: error: profile: {requests} requests in the trace")
    functions = Counter()
    for address, count in counts.items():
        functions[symbols.find(address)] += count
    return [(name, module, count / requests) for (name, module), count in functions.most_common()]


def profile(board, side, whole, images, scratch):
    """A side's functions; `whole` is what one request takes."""
    shell = board.shell
    with guest.prepared(shell, side):
        shell.run_check(f"({side.command.format(n=1_000_000_000)}) >/dev/null 2>&1 &")
        shell.run_check("sleep 1; cat /proc/loadavg")
        kallsyms = shell.run_check("grep -E ' _text$|\\[' /proc/kallsyms", timeout=guest.PATIENCE)
        size = max(LOG_BYTES, int(1.2 * ENOUGH * whole * LINE_BYTES))
        counts = trace(board, scratch / "trace.log", size)
        program = side.program or side.command.split()[0]
        shell.run_check(f"killall {program}; wait; true", timeout=guest.PATIENCE)
    system_map = (Path(images) / "System.map").read_text().splitlines()
    return per_function(counts, Symbols(system_map, kallsyms), side.entry, whole)


def table(functions, limit=None):
    """What each module takes, and the functions: all, or those that take most."""
    modules = Counter()
    for _, module, count in functions:
        modules[module] += count
    lines = [f"{count:10.1f}  {module}" for module, count in modules.most_common()]
    lines += [f"{count:10.1f}  {name} [{module}]" for name, module, count in functions[:limit]]
    return "\n".join(lines)


def own(functions, side):
    """What a driver's own functions take of a request."""
    return sum(
        count
        for name, module, count in functions
        if module in side.own or (side.own_names and module == "vmlinux" and side.own_names in name)
    )
