# SPDX-License-Identifier: MIT
"""What a trace says: how often each address ran, made into functions of a request."""

import re
from bisect import bisect_right
from collections import Counter

# How many requests are enough.
ENOUGH = 10
# Looks a request by which two traces must differ.
DIFFERENT = 0.5
# How many functions a terminal shows; the file has all.
MOST = 30
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
        """Where a function begins; Rust's symbols end with each name's length and the name."""
        rust = "".join(f"{len(part)}{part}" for part in name.split("::"))
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


def per_function(counts, symbols, entry, whole):
    """Instructions per request of every (function, module)."""
    requests = counts[symbols.address(entry)] if entry else counts.total() / whole
    if requests < ENOUGH:
        raise SystemExit(f"ironroot: error: profile: {requests} requests in the trace")
    functions = Counter()
    for address, count in counts.items():
        functions[symbols.find(address)] += count / requests
    return functions


def turns(counts, symbols, side):
    """How often a request's client looked whether it is done."""
    return counts[symbols.address(side.turn)] / counts[symbols.address(side.entry)]


def with_one_turn(quick, late, few, many):
    """The functions of a request whose first look finds it done.

    Who polls goes round until the answer is there, and how often is the host's affair. Two traces
    of the same requests differ by turns alone: the difference tells what one takes.
    """
    if many - few < DIFFERENT:
        raise SystemExit(
            f"ironroot: error: profile: the late disk had {many:.2f} looks a request, the other "
            f"{few:.2f}: too like each other to tell what one takes"
        )
    more = (few - 1) / (many - few)
    return Counter({one: quick[one] - more * (late[one] - quick[one]) for one in quick | late})


def table(functions, limit=None):
    """What each module takes, and the functions: all, or those that take most."""
    modules = Counter()
    for (_, module), count in functions.items():
        modules[module] += count
    lines = [f"{count:10.1f}  {module}" for module, count in modules.most_common()]
    most = functions.most_common(limit)
    lines += [f"{count:10.1f}  {name} [{module}]" for (name, module), count in most]
    return "\n".join(lines)


def own(functions, side):
    """What a driver's own functions take of a request."""
    return sum(
        count
        for (name, module), count in functions.items()
        if module in side.own or (side.own_names and module == "vmlinux" and side.own_names in name)
    )
